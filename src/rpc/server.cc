#include "rpc/server.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "base/limits.h"
#include "base/log.h"
#include "rpc/admin_service.h"
#include "rpc/feature_store_service.h"
#include "rpc/workers.h"

namespace freshet::rpc {
namespace {

constexpr auto kHealthInterval = std::chrono::milliseconds(50);
constexpr int kKeepaliveMs = 30'000;
constexpr const char* kServiceNames[] = {"", "freshet.v1.FeatureStore"};

void LogGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR)
    LogWarning("grpc: {}", args->message);
  else
    LogDebug("grpc: {}", args->message);
}

// Both are of the process, not of one server.
void PrepareLibraries() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Held for good: the library's own shutdown, when the last server and channel are gone, may wait
    // ten seconds for one of its pollers.
    grpc_init();
    gpr_set_log_function(LogGrpc);
    // It would write a line for every request that does not parse, at the pace of the caller.
    google::protobuf::SetLogHandler(nullptr);
    // Where the library is built with its assertions, it looks for cycles at each of gRPC's locks: a
    // few percent of a call.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

class RpcServerImpl final : public RpcServer {
 public:
  explicit RpcServerImpl(Engine& engine)
      : engine_(engine),
        short_calls_(limits::kPushWorkers, limits::kPushWaitingBytesMax),
        plans_(1, limits::kPlanWaitingBytesMax),
        loads_(limits::kLoadsMax, limits::kLoadsMax, Workers::Urgency::kBackground),
        reads_(std::max(1u, std::thread::hardware_concurrency()), engine.gate().in_flight_max()),
        waiting_reads_(limits::kWaitingReads, limits::kWaitingReadsBytesMax),
        feature_store_(engine, {short_calls_, reads_, waiting_reads_}),
        admin_(engine, {plans_, loads_, short_calls_}) {}
  ~RpcServerImpl() override { Shutdown(0); }

  Status Listen(const std::string& address);
  uint16_t port() const override { return static_cast<uint16_t>(port_); }
  void Shutdown(int64_t drain_ms) override;

 private:
  void WatchReadiness();
  void SetHealth(bool serving);

  Engine& engine_;
  Workers short_calls_;
  Workers plans_;
  Workers loads_;
  Workers reads_;  // each counts as one byte: the gate bounds how many there are
  Workers waiting_reads_;
  FeatureStoreService feature_store_;
  AdminService admin_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread readiness_;
};

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(limits::kMessageBytesMax);
  builder.SetMaxSendMessageSize(limits::kMessageBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits::kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kConcurrentStreamsMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  // Otherwise a second server on the same port would take a share of the first one's callers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("freshet");
  quota.Resize(limits::kRpcMemoryBytesMax);
  builder.SetResourceQuota(quota);
}

Status RpcServerImpl::Listen(const std::string& address) {
  PrepareLibraries();
  grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&feature_store_);
  builder.RegisterService(&admin_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    server_.reset();
    return Status::Unavailable(
        fmt::format("cannot listen on {}: is that an address of this machine, and the port free? "
                    "Another freshet may be serving there",
                    address));
  }
  SetHealth(false);
  readiness_ = std::thread([this] { WatchReadiness(); });
  return {};
}

void RpcServerImpl::SetHealth(bool serving) {
  for (const char* name : kServiceNames)
    server_->GetHealthCheckService()->SetServingStatus(name, serving);
}

void RpcServerImpl::WatchReadiness() {
  bool serving = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool ready = engine_.Ready();
    if (ready != serving) SetHealth(ready);
    serving = ready;
    lock.lock();
    changed_.wait_for(lock, kHealthInterval, [this] { return stopping_; });
  }
}

void RpcServerImpl::Shutdown(int64_t drain_ms) {
  if (server_ == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  readiness_.join();
  SetHealth(false);
  feature_store_.StopWaiting();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(drain_ms));
  server_->Wait();
  loads_.Stop();
  plans_.Stop();
  short_calls_.Stop();
  reads_.Stop();
  waiting_reads_.Stop();
  server_.reset();
}

}  // namespace

Result<std::unique_ptr<RpcServer>> RpcServer::Start(Engine& engine, const RpcOptions& options) {
  if (options.address.find(':') == std::string::npos)
    return Status::InvalidArgument(
        fmt::format("'{}' is no address to listen on: write host:port, such as 127.0.0.1:7070",
                    options.address));
  auto server = std::make_unique<RpcServerImpl>(engine);
  FRESHET_RETURN_IF_ERROR(server->Listen(options.address));
  return std::unique_ptr<RpcServer>(std::move(server));
}

}  // namespace freshet::rpc
