#include "rpc/feature_store_service.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <grpc/slice.h>

#include "base/limits.h"
#include "rpc/convert.h"
#include "rpc/request_wire.h"
#include "rpc/response_wire.h"

namespace freshet::rpc {
namespace {

// What one thread needs to answer a request, kept for its next one.
struct Scratch {
  FeatureRequest request;
  FeatureResponse response;
  ResponseEncoder encoder;
};

Scratch& ThreadScratch(bool renew) {
  thread_local auto scratch = std::make_unique<Scratch>();
  if (renew) scratch = std::make_unique<Scratch>();
  return *scratch;
}

// Most requests are small enough for their message to need no memory but this.
constexpr size_t kArenaBlockBytes = 4'096;

Status Decode(const grpc::ByteBuffer& bytes, FeatureRequest* request) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok())
    return Status::Internal("the request's bytes could not be read");
  char block[kArenaBlockBytes];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof(block);
  google::protobuf::Arena arena(options);
  auto* message = google::protobuf::Arena::CreateMessage<v1::GetFeaturesRequest>(&arena);
  if (!message->ParseFromArray(slice.begin(), static_cast<int>(slice.size())))
    return Status::InvalidArgument(
        "the request's bytes are not a freshet.v1.GetFeaturesRequest with UTF-8 strings");
  return FromWire(*message, request);
}

// Answers with the bytes of the encoded response; 0 when there is none.
Status Encode(const FeatureResponse& response, ResponseEncoder* encoder, grpc::ByteBuffer* bytes,
              size_t* encoded_bytes) {
  const size_t size = encoder->Measure(response);
  if (size > limits::kMessageBytesMax)
    return Status::ResourceExhausted(
        fmt::format("the answer would be {} bytes, more than the {} that a message may have: ask "
                    "for fewer entities or features",
                    size, limits::kMessageBytesMax));
  grpc_slice slice = grpc_slice_malloc(size);
  encoder->Write(response, GRPC_SLICE_START_PTR(slice));
  const grpc::Slice owner(slice, grpc::Slice::STEAL_REF);
  *bytes = grpc::ByteBuffer(&owner, 1);
  *encoded_bytes = size;
  return {};
}

// What is left of the caller's deadline; nothing when there is none.
std::optional<int64_t> TimeoutUs(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(deadline -
                                                               std::chrono::system_clock::now())
      .count();
}

// Answers what stands in the scratch.
Status Answer(Engine& engine, const grpc::CallbackServerContext& context, size_t request_bytes,
              Scratch& scratch, grpc::ByteBuffer* response) {
  size_t encoded_bytes = 0;
  scratch.request.timeout_us = TimeoutUs(context);
  Status status = engine.GetFeatures(scratch.request, &scratch.response);
  if (status.ok()) status = Encode(scratch.response, &scratch.encoder, response, &encoded_bytes);
  const bool grew = request_bytes > limits::kRequestScratchBytesMax ||
                    encoded_bytes > limits::kRequestScratchBytesMax ||
                    status.code() == StatusCode::kResourceExhausted;
  if (grew) ThreadScratch(true);
  return status;
}

}  // namespace

grpc::ServerUnaryReactor* FeatureStoreService::GetFeatures(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  auto* reactor = context->DefaultReactor();
  // Under load the caller may have given up while the call waited: answering it would only delay
  // those who have not.
  if (context->IsCancelled()) {
    reactor->Finish(grpc::Status::CANCELLED);
    return reactor;
  }
  Scratch& scratch = ThreadScratch(false);
  const Status decoded = Decode(*request, &scratch.request);
  if (!decoded.ok()) {
    reactor->Finish(ToGrpc(decoded, context));
  } else if (scratch.request.read_after.empty()) {
    reactor->Finish(
        ToGrpc(Answer(engine_, *context, request->Length(), scratch, response), context));
  } else {
    AnswerLater(context, request->Length(), std::move(scratch.request), response);
  }
  return reactor;
}

void FeatureStoreService::AnswerLater(grpc::CallbackServerContext* context, size_t request_bytes,
                                      FeatureRequest request, grpc::ByteBuffer* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, context, request_bytes, request = std::move(request), response,
                    reactor]() mutable {
    Scratch& scratch = ThreadScratch(false);
    scratch.request = std::move(request);
    scratch.request.is_cancelled = [this, context] { return !waits_ || context->IsCancelled(); };
    if (scratch.request.is_cancelled()) {
      reactor->Finish(grpc::Status::CANCELLED);
      return;
    }
    reactor->Finish(ToGrpc(Answer(engine_, *context, request_bytes, scratch, response), context));
  };
  if (!waiting_reads_.Submit(request_bytes, run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted("too many reads wait for their events; ask again a little later"),
        context));
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
  if (!pushes_.Submit(request->ByteSizeLong(), run))
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
