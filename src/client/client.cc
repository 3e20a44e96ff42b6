#include "freshet/client.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include "freshet/v1/admin.grpc.pb.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "base/limits.h"
#include "client/convert.h"
#include "client/explain_wire.h"
#include "client/load_stream.h"

namespace freshet {
namespace {

using client::FromGrpc;
using client::FromWire;

// Held for good: the library's own shutdown, when the last channel is gone, may wait ten seconds for
// one of its pollers.
void KeepLibrary() {
  static std::once_flag once;
  std::call_once(once, grpc_init);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  KeepLibrary();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(limits::kMessageBytesMax);
  arguments.SetMaxSendMessageSize(limits::kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, limits::kMetadataBytesMax);
  // Otherwise all clients of a process that have the same address share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

v1::PlanRequest ToWire(const std::vector<DefinitionText>& files) {
  v1::PlanRequest wire;
  for (const DefinitionText& file : files) {
    auto* out = wire.add_files();
    out->set_name(file.name);
    out->set_text(file.text);
  }
  return wire;
}

// Calls of which gRPC's thread still holds something. The last hold on a channel must not be let go by
// that thread: gRPC 1.51 would have it wait for its own end, and free what it stands on.
class CallsUnderWay {
 public:
  class Hold {
   public:
    explicit Hold(CallsUnderWay& calls) : calls_(calls) {
      std::lock_guard lock(calls_.mutex_);
      ++calls_.count_;
    }
    ~Hold() {
      // Under the lock: who waits may then be gone.
      std::lock_guard lock(calls_.mutex_);
      if (--calls_.count_ == 0) calls_.none_left_.notify_all();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    CallsUnderWay& calls_;
  };

  void AwaitNone() {
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_left_;
  size_t count_ = 0;
};

class ClientImpl final : public Client {
 public:
  explicit ClientImpl(const Options& options)
      : options_(options),
        channel_(Connect(options.address)),
        feature_store_(v1::FeatureStore::NewStub(channel_)),
        admin_(v1::Admin::NewStub(channel_)) {}
  ~ClientImpl() override { calls_.AwaitNone(); }

  Status GetFeatures(const FeatureRequest& request, FeatureResponse* response) override;
  Result<Explanation> Explain(const FeatureRequest& request) override;
  void StartGetFeatures(const FeatureRequest& request,
                        std::function<void(const Status&, const FeatureResponse&)> done) override;
  Result<int64_t> Push(std::string_view source,
                       const std::vector<std::string_view>& records) override;
  Result<PlanOutcome> Plan(const std::vector<DefinitionText>& files) override;
  Result<PlanOutcome> Apply(const std::vector<DefinitionText>& files) override;
  Status LoadFiles(const LoadRequest& request, const std::vector<LoadFile*>& files,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome) override;
  Status Load(const LoadRequest& request, const std::function<Result<std::string>()>& next_chunk,
              const std::function<void(const LoadProgress&)>& progress,
              const std::function<bool()>& cancelled, LoadProgress* outcome) override;
  Result<RollbackOutcome> Rollback(std::string_view view) override;
  Status DiscardLoad(uint64_t id) override;
  Result<ForgetReceipt> Forget(const std::map<std::string, std::string>& join_keys) override;
  Result<ServiceDescription> DescribeService(std::string_view service,
                                             const std::vector<std::string>& features) override;
  Result<ServerStatus> GetStatus() override;

 private:
  void SetDeadline(grpc::ClientContext* context) const {
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::milliseconds(options_.timeout_ms));
  }

  void SetDeadline(const FeatureRequest& request, grpc::ClientContext* context) const {
    context->set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::microseconds(std::min(request.timeout_us.value_or(options_.timeout_ms * 1'000),
                                           limits::kTimeoutMsMax * 1'000)));
  }

  const Options options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::FeatureStore::Stub> feature_store_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  CallsUnderWay calls_;
};

Status ClientImpl::GetFeatures(const FeatureRequest& request, FeatureResponse* response) {
  grpc::ClientContext context;
  SetDeadline(request, &context);
  v1::GetFeaturesRequest wire;
  client::ToWire(request, &wire);
  v1::GetFeaturesResponse answer;
  const grpc::Status status = feature_store_->GetFeatures(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(&answer, response);
}

Result<Explanation> ClientImpl::Explain(const FeatureRequest& request) {
  grpc::ClientContext context;
  SetDeadline(request, &context);
  v1::ExplainRequest wire;
  client::ToWire(request, wire.mutable_request());
  v1::ExplainResponse answer;
  const grpc::Status status = feature_store_->Explain(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(answer);
}

void ClientImpl::StartGetFeatures(const FeatureRequest& request,
                                  std::function<void(const Status&, const FeatureResponse&)> done) {
  struct Call {
    explicit Call(CallsUnderWay& calls) : hold(calls) {}
    CallsUnderWay::Hold hold;  // first, so that it goes last
    grpc::ClientContext context;
    v1::GetFeaturesRequest wire;
    v1::GetFeaturesResponse answer;
  };
  const auto call = std::make_shared<Call>(calls_);
  SetDeadline(request, &call->context);
  client::ToWire(request, &call->wire);
  feature_store_->async()->GetFeatures(
      &call->context, &call->wire, &call->answer,
      [this, call, done = std::move(done)](const grpc::Status& answered) {
        FeatureResponse response;
        Status status = FromGrpc(answered, call->context, options_.address);
        if (status.ok()) status = FromWire(&call->answer, &response);
        done(status, response);
      });
}

Result<int64_t> ClientImpl::Push(std::string_view source,
                                 const std::vector<std::string_view>& records) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::PushRequest wire;
  wire.set_source(source.data(), source.size());
  for (std::string_view record : records) wire.add_records(record.data(), record.size());
  v1::PushResponse answer;
  const grpc::Status status = feature_store_->Push(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return answer.last_offset();
}

Result<PlanOutcome> ClientImpl::Plan(const std::vector<DefinitionText>& files) {
  grpc::ClientContext context;
  v1::PlanResponse answer;
  const grpc::Status status = admin_->Plan(&context, ToWire(files), &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(answer);
}

Result<PlanOutcome> ClientImpl::Apply(const std::vector<DefinitionText>& files) {
  grpc::ClientContext context;
  v1::PlanResponse answer;
  const grpc::Status status = admin_->Apply(&context, ToWire(files), &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(answer);
}

Status ClientImpl::LoadFiles(const LoadRequest& request, const std::vector<LoadFile*>& files,
                             const std::function<void(const LoadProgress&)>& progress,
                             const std::function<bool()>& cancelled, LoadProgress* outcome) {
  return client::StreamFiles(*admin_, options_.address, request, files, progress, cancelled,
                             outcome);
}

Status ClientImpl::Load(const LoadRequest& request,
                        const std::function<Result<std::string>()>& next_chunk,
                        const std::function<void(const LoadProgress&)>& progress,
                        const std::function<bool()>& cancelled, LoadProgress* outcome) {
  return client::StreamLoad(*admin_, options_.address, request, next_chunk, progress, cancelled,
                            outcome);
}

Result<RollbackOutcome> ClientImpl::Rollback(std::string_view view) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::RollbackRequest wire;
  wire.set_view(view.data(), view.size());
  v1::RollbackResponse answer;
  const grpc::Status status = admin_->Rollback(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return RollbackOutcome{answer.loaded_at_ms(), answer.rows()};
}

Status ClientImpl::DiscardLoad(uint64_t id) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::DiscardLoadRequest wire;
  wire.set_load_id(id);
  v1::DiscardLoadResponse answer;
  return FromGrpc(admin_->DiscardLoad(&context, wire, &answer), context, options_.address);
}

Result<ForgetReceipt> ClientImpl::Forget(const std::map<std::string, std::string>& join_keys) {
  grpc::ClientContext context;
  v1::ForgetRequest wire;
  wire.mutable_join_keys()->insert(join_keys.begin(), join_keys.end());
  v1::ForgetResponse answer;
  const grpc::Status status = admin_->Forget(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(answer);
}

Result<ServiceDescription> ClientImpl::DescribeService(std::string_view service,
                                                       const std::vector<std::string>& features) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::DescribeServiceRequest wire;
  wire.set_feature_service(service.data(), service.size());
  for (const std::string& feature : features) wire.add_features(feature);
  v1::DescribeServiceResponse answer;
  const grpc::Status status = feature_store_->DescribeService(&context, wire, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  ServiceDescription description = FromWire(answer);
  description.name = service;
  return description;
}

Result<ServerStatus> ClientImpl::GetStatus() {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::GetStatusResponse answer;
  const grpc::Status status = admin_->GetStatus(&context, {}, &answer);
  FRESHET_RETURN_IF_ERROR(FromGrpc(status, context, options_.address));
  return FromWire(answer);
}

}  // namespace

std::unique_ptr<Client> Client::New(const Options& options) {
  return std::make_unique<ClientImpl>(options);
}

}  // namespace freshet
