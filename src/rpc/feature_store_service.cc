#include "rpc/feature_store_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpc/slice.h>

#include "base/limits.h"
#include "rpc/convert.h"
#include "rpc/explain_wire.h"
#include "rpc/request_wire.h"
#include "rpc/response_wire.h"

namespace freshet::rpc {
namespace {

// What one thread needs to answer a request, kept for its next one.
struct Scratch {
  v1::GetFeaturesRequest message;
  FeatureRequest request;
  FeatureBlock answer;
  ResponseEncoder encoder;
};

Scratch& ThreadScratch(bool renew) {
  thread_local auto scratch = std::make_unique<Scratch>();
  if (renew) scratch = std::make_unique<Scratch>();
  return *scratch;
}

Status Decode(const grpc::ByteBuffer& bytes, Scratch* scratch) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok())
    return Status::Internal("the request's bytes could not be read");
  if (!scratch->message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())))
    return Status::InvalidArgument(
        "the request's bytes are not a freshet.v1.GetFeaturesRequest with UTF-8 strings");
  return FromWire(scratch->message, &scratch->request);
}

// Answers with the bytes of the encoded response; 0 when there is none.
Status Encode(const FeatureBlock& answer, ResponseEncoder* encoder, grpc::ByteBuffer* bytes,
              size_t* encoded_bytes) {
  const size_t size = encoder->Measure(answer);
  if (size > limits::kMessageBytesMax)
    return Status::ResourceExhausted(
        fmt::format("the answer would be {} bytes, more than the {} that a message may have: ask "
                    "for fewer entities or features",
                    size, limits::kMessageBytesMax));
  grpc_slice slice = grpc_slice_malloc(size);
  encoder->Write(answer, GRPC_SLICE_START_PTR(slice));
  const grpc::Slice owner(slice, grpc::Slice::STEAL_REF);
  *bytes = grpc::ByteBuffer(&owner, 1);
  *encoded_bytes = size;
  return {};
}

// gRPC calls from half as many threads as there are processors, but from two at least. One is kept
// from answering: it goes on reading, so that what is too much is seen, and refused, at once.
size_t AnsweringHereMax() {
  constexpr size_t kGrpcThreadsMin = 2;
  constexpr size_t kGrpcThreadsMax = 16;
  const size_t processors = std::thread::hardware_concurrency();
  return std::clamp(processors / 2, kGrpcThreadsMin, kGrpcThreadsMax) - 1;
}

// What is left of the caller's deadline; nothing when there is none.
std::optional<int64_t> TimeoutUs(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(deadline -
                                                               std::chrono::system_clock::now())
      .count();
}

// OK while somebody waits for the answer. Under load a caller may have given up before its turn:
// answering it would only delay those who have not.
Status CheckStillWanted(const grpc::CallbackServerContext& context) {
  if (context.IsCancelled())
    return Status::Cancelled("the caller gave up before the request was looked at");
  if (TimeoutUs(context).value_or(1) <= 0)
    return Status::DeadlineExceeded("the deadline had come before the request was looked at");
  return {};
}

// Answers what stands in the scratch.
Status AnswerScratch(Engine& engine, const grpc::CallbackServerContext& context, Scratch& scratch,
                     grpc::ByteBuffer* response) {
  size_t encoded_bytes = 0;
  scratch.request.timeout_us = TimeoutUs(context);
  Status status = engine.GetFeatures(scratch.request, &scratch.answer);
  if (status.ok()) status = Encode(scratch.answer, &scratch.encoder, response, &encoded_bytes);
  // The answer's memory is told apart: features that only others hang on are not in its bytes.
  const bool grew = encoded_bytes > limits::kRequestScratchBytesMax ||
                    scratch.answer.held_bytes() > limits::kAnswerScratchBytesMax ||
                    status.code() == StatusCode::kResourceExhausted;
  if (grew) ThreadScratch(true);
  return status;
}

// What a large request leaves in the scratch is not kept, whether or not it was answered.
void LetGoOfRequest(size_t request_bytes) {
  if (request_bytes > limits::kRequestScratchBytesMax) ThreadScratch(true);
}

Status ExplainInto(Engine& engine, const v1::ExplainRequest& wire, v1::ExplainResponse* response) {
  FeatureRequest request;
  FRESHET_RETURN_IF_ERROR(FromWire(wire.request(), &request));
  FRESHET_ASSIGN_OR_RETURN(const Explanation explanation, engine.Explain(request));
  ToWire(explanation, response);
  if (response->ByteSizeLong() <= limits::kMessageBytesMax) return {};
  response->Clear();
  return Status::ResourceExhausted(fmt::format(
      "the explanation would be more than the {} bytes that a message may have: ask for "
      "fewer features",
      limits::kMessageBytesMax));
}

}  // namespace

FeatureStoreService::FeatureStoreService(Engine& engine, const Threads& threads)
    : engine_(engine),
      gate_(engine.gate()),
      threads_(threads),
      answering_here_max_(AnsweringHereMax()) {}

bool FeatureStoreService::TakeTurn() {
  // What came first goes first.
  if (threads_.reads.HasWaiting()) return false;
  if (answering_here_.fetch_add(1, std::memory_order_relaxed) < answering_here_max_) return true;
  EndTurn();
  return false;
}

grpc::ServerUnaryReactor* FeatureStoreService::GetFeatures(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  auto* reactor = context->DefaultReactor();
  if (!gate_.Enter()) {
    reactor->Finish(ToGrpc(Status::ResourceExhausted(fmt::format(
                               "{} requests are in flight, as many as serving.requests_in_flight "
                               "and the time that they take allow: ask again a little later",
                               gate_.in_flight())),
                           context));
  } else if (TakeTurn()) {
    Answer({context, reactor, request, response});
    EndTurn();
  } else if (!threads_.reads.Submit(1, [=, this] {
               Answer({context, reactor, request, response});
             })) {
    gate_.Leave();
    reactor->Finish(ToGrpc(Status::Unavailable("the server is stopping"), context));
  }
  return reactor;
}

void FeatureStoreService::Answer(const Call& call) {
  Scratch& scratch = ThreadScratch(false);
  Status status = CheckStillWanted(*call.context);
  if (!status.ok()) gate_.CountExpired();
  if (status.ok()) status = Decode(*call.request, &scratch);
  std::optional<FeatureRequest> waiting;
  if (status.ok() && !scratch.request.read_after.empty()) {
    waiting = std::move(scratch.request);
  } else if (status.ok()) {
    const auto started_at = RequestGate::Clock::now();
    status = AnswerScratch(engine_, *call.context, scratch, call.response);
    gate_.CountAnswered(RequestGate::Clock::now() - started_at);
  }
  LetGoOfRequest(call.request->Length());
  // Before the caller hears of it and may ask again.
  gate_.Leave();
  if (waiting.has_value()) {
    AnswerLater(call, *std::move(waiting));
  } else {
    call.reactor->Finish(ToGrpc(status, call.context));
  }
}

void FeatureStoreService::AnswerLater(const Call& call, FeatureRequest request) {
  const size_t request_bytes = call.request->Length();
  const auto run = [this, call, request_bytes, request = std::move(request)]() mutable {
    Scratch& scratch = ThreadScratch(false);
    scratch.request = std::move(request);
    scratch.request.is_cancelled = [this, context = call.context] {
      return !waits_ || context->IsCancelled();
    };
    if (scratch.request.is_cancelled()) {
      call.reactor->Finish(grpc::Status::CANCELLED);
      return;
    }
    const Status status = AnswerScratch(engine_, *call.context, scratch, call.response);
    LetGoOfRequest(request_bytes);
    call.reactor->Finish(ToGrpc(status, call.context));
  };
  if (!threads_.waiting_reads.Submit(request_bytes, run))
    call.reactor->Finish(ToGrpc(
        Status::ResourceExhausted("too many reads wait for their events; ask again a little later"),
        call.context));
}

grpc::ServerUnaryReactor* FeatureStoreService::Explain(grpc::CallbackServerContext* context,
                                                       const v1::ExplainRequest* request,
                                                       v1::ExplainResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, context, request, response, reactor] {
    reactor->Finish(ToGrpc(ExplainInto(engine_, *request, response), context));
  };
  if (!threads_.pushes.Submit(request->ByteSizeLong(), run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted("the server is busy with pushes: ask again a little later"),
        context));
  return reactor;
}

grpc::ServerUnaryReactor* FeatureStoreService::Push(grpc::CallbackServerContext* context,
                                                    const v1::PushRequest* request,
                                                    v1::PushResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, context, request, response, reactor] {
    if (context->IsCancelled()) {
      reactor->Finish(grpc::Status::CANCELLED);
      return;
    }
    const std::vector<std::string_view> records(request->records().begin(),
                                                request->records().end());
    auto last_offset = engine_.Push(request->source(), records);
    if (last_offset.ok()) response->set_last_offset(*last_offset);
    reactor->Finish(ToGrpc(last_offset.status(), context));
  };
  if (!threads_.pushes.Submit(request->ByteSizeLong(), run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted(fmt::format(
            "pushes are arriving faster than they can be made durable, and more than {} bytes "
            "wait: nothing was appended, push again a little later",
            limits::kPushWaitingBytesMax)),
        context));
  return reactor;
}

grpc::ServerUnaryReactor* FeatureStoreService::DescribeService(
    grpc::CallbackServerContext* context, const v1::DescribeServiceRequest* request,
    v1::DescribeServiceResponse* response) {
  auto* reactor = context->DefaultReactor();
  auto description = engine_.DescribeService(
      request->feature_service(), {request->features().begin(), request->features().end()});
  if (description.ok()) ToWire(*description, response);
  reactor->Finish(ToGrpc(description.status(), context));
  return reactor;
}

}  // namespace freshet::rpc
