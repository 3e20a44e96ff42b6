#include "serve_bench_client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "base/limits.h"

namespace freshet::serve_bench {
namespace {

constexpr char kMethod[] = "/freshet.v1.FeatureStore/GetFeatures";
constexpr size_t kConnections = 2;
// Past this many unanswered calls the open loop waits; the wait counts as latency.
constexpr size_t kUnderWayMax = 4'096;
constexpr uint64_t kGapSeed = 42;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Status Failure(const grpc::Status& status) {
  return Status::Unavailable(fmt::format("a call failed with code {}: {}",
                                         static_cast<int>(status.error_code()),
                                         status.error_message()));
}

}  // namespace

struct Caller::Call {
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  size_t request = 0;
  int64_t intended_ns = 0;
};

Caller::Caller(uint16_t port, std::vector<grpc::ByteBuffer> requests)
    : requests_(std::move(requests)) {
  for (size_t i = 0; i < kConnections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(limits::kMessageBytesMax);
    stubs_.push_back(std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        fmt::format("127.0.0.1:{}", port), grpc::InsecureChannelCredentials(), arguments)));
  }
}

Caller::~Caller() {
  while (under_way_ > 0) Release(Take(true));
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Caller::Send(int64_t intended_ns) {
  if (free_.empty()) {
    calls_.push_back(std::make_unique<Call>());
    free_.push_back(calls_.back().get());
  }
  Call* call = free_.back();
  free_.pop_back();
  ++under_way_;
  call->request = sent_ % requests_.size();
  call->intended_ns = intended_ns;
  call->context.emplace();
  grpc::GenericStub& stub = *stubs_[sent_ % stubs_.size()];
  ++sent_;
  call->reader = stub.PrepareUnaryCall(&*call->context, kMethod, requests_[call->request], &queue_);
  call->reader->StartCall();
  call->reader->Finish(&call->response, &call->status, call);
}

Caller::Call* Caller::Take(bool wait) {
  void* tag = nullptr;
  bool ok = false;
  const gpr_timespec deadline =
      wait ? gpr_inf_future(GPR_CLOCK_REALTIME) : gpr_inf_past(GPR_CLOCK_REALTIME);
  if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return nullptr;
  return static_cast<Call*>(tag);
}

void Caller::Release(Call* call) {
  call->reader.reset();
  call->context.reset();
  call->response.Clear();
  --under_way_;
  free_.push_back(call);
}

Result<std::vector<grpc::ByteBuffer>> Caller::AnswerEach() {
  std::vector<grpc::ByteBuffer> answers;
  sent_ = 0;
  for (size_t i = 0; i < requests_.size(); ++i) {
    Send(0);
    Call* call = Take(true);
    const grpc::Status status = call->status;
    if (status.ok()) answers.push_back(call->response);
    Release(call);
    if (!status.ok()) return Failure(status);
  }
  return answers;
}

Result<ClosedRun> Caller::RunClosed(size_t concurrency, int64_t duration_ns) {
  const int64_t start_ns = NowNs();
  const int64_t end_ns = start_ns + duration_ns;
  for (size_t i = 0; i < concurrency; ++i) Send(start_ns);
  ClosedRun run;
  int64_t now_ns = start_ns;
  while (under_way_ > 0) {
    Call* call = Take(true);
    const grpc::Status status = call->status;
    Release(call);
    if (!status.ok()) return Failure(status);
    ++run.requests;
    now_ns = NowNs();
    if (now_ns < end_ns) Send(now_ns);
  }
  run.requests_per_s =
      static_cast<double>(run.requests) * 1e9 / static_cast<double>(now_ns - start_ns);
  return run;
}

Result<OpenRun> Caller::RunOpen(double requests_per_s, int64_t duration_ns) {
  std::mt19937_64 random(kGapSeed);
  std::exponential_distribution<double> gap_s(requests_per_s);
  const int64_t start_ns = NowNs();
  double next_ns = 0;
  OpenRun run;
  // Polls without a pause: a sleeping caller would add its own wake-up to each latency.
  while (next_ns < static_cast<double>(duration_ns) || under_way_ > 0) {
    const auto intended_ns = start_ns + static_cast<int64_t>(next_ns);
    if (next_ns < static_cast<double>(duration_ns) && under_way_ < kUnderWayMax &&
        NowNs() >= intended_ns) {
      Send(intended_ns);
      next_ns += gap_s(random) * 1e9;
    }
    Call* call = Take(false);
    if (call == nullptr) continue;
    const grpc::Status status = call->status;
    const bool is_refused = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    (is_refused ? run.refused_ns : run.answered_ns).push_back(NowNs() - call->intended_ns);
    Release(call);
    if (!status.ok() && !is_refused) return Failure(status);
  }
  run.duration_ns = NowNs() - start_ns;
  std::sort(run.answered_ns.begin(), run.answered_ns.end());
  std::sort(run.refused_ns.begin(), run.refused_ns.end());
  return run;
}

}  // namespace freshet::serve_bench
