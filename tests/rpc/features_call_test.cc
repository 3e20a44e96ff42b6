#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using FeaturesCall = testing::RpcTest;

v1::GetFeaturesRequest RequestFor(int64_t user_id) {
  v1::GetFeaturesRequest request;
  request.set_feature_service("ranking");
  auto* column = request.add_entities();
  column->set_name("user_id");
  column->mutable_int64s()->add_values(user_id);
  return request;
}

// Answers each user id with itself.
Status Echo(const FeatureRequest& request, FeatureResponse* response) {
  response->read_time_ms = 1'000;
  response->row_count = 1;
  response->features.resize(1);
  response->features[0].name = "activity.clicks";
  response->features[0].values.type = Type::kInt64;
  response->features[0].values.integers = request.entities.at(0).values.integers;
  return {};
}

TEST_F(FeaturesCall, CarriesTheRequestInAndTheAnswerOut) {
  engine_.get_features = Echo;
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  const grpc::Status status = features_->GetFeatures(&context, RequestFor(42), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.row_count(), 1u);
  EXPECT_EQ(response.read_time_ms(), 1'000);
  ASSERT_EQ(response.features_size(), 1);
  EXPECT_EQ(response.features(0).type(), v1::INT64);
  EXPECT_THAT(response.features(0).int64s().values(), ElementsAre(42));
}

TEST_F(FeaturesCall, EveryFeatureStatusPassesTheWire) {
  const std::vector<FeatureStatus> all = {
      FeatureStatus::kPresent,       FeatureStatus::kNullValue,   FeatureStatus::kNotFound,
      FeatureStatus::kOutsideMaxAge, FeatureStatus::kSourceStale, FeatureStatus::kTimedOut,
      FeatureStatus::kFailed};
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse* response) {
    response->row_count = static_cast<uint32_t>(all.size());
    FeatureColumn column{.name = "a.b", .values = {.type = Type::kDouble}, .statuses = all};
    column.values.numbers.resize(all.size(), 1.5);
    column.failures.push_back({6, "division by zero"});
    response->features = {std::move(column)};
    return Status::Ok();
  };
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  ASSERT_TRUE(features_->GetFeatures(&context, RequestFor(1), &response).ok());
  const std::string& statuses = response.features(0).statuses();
  EXPECT_THAT(std::vector<int>(statuses.begin(), statuses.end()),
              ElementsAre(v1::PRESENT, v1::NULL_VALUE, v1::NOT_FOUND, v1::OUTSIDE_MAX_AGE,
                          v1::SOURCE_STALE, v1::TIMED_OUT, v1::FAILED));
  EXPECT_EQ(response.features(0).failures(0).reason(), "division by zero");
}

TEST_F(FeaturesCall, EveryStatusCodePassesTheWireWithItsMessage) {
  const std::vector<std::pair<StatusCode, grpc::StatusCode>> codes = {
      {StatusCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
      {StatusCode::kNotFound, grpc::StatusCode::NOT_FOUND},
      {StatusCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
      {StatusCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
      {StatusCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {StatusCode::kCorruption, grpc::StatusCode::DATA_LOSS},
      {StatusCode::kIoError, grpc::StatusCode::INTERNAL},
      {StatusCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
      {StatusCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
      {StatusCode::kCancelled, grpc::StatusCode::CANCELLED},
      {StatusCode::kInternal, grpc::StatusCode::INTERNAL}};
  for (const auto& [code, expected] : codes) {
    engine_.get_features = [code = code](const FeatureRequest&, FeatureResponse*) {
      return Status(code, "entities: the column 'usr_id' is unknown; did you mean 'user_id'?");
    };
    grpc::ClientContext context;
    v1::GetFeaturesResponse response;
    const grpc::Status status = features_->GetFeatures(&context, RequestFor(1), &response);
    EXPECT_EQ(status.error_code(), expected);
    EXPECT_EQ(status.error_message(),
              "entities: the column 'usr_id' is unknown; did you mean 'user_id'?");
  }
}

TEST_F(FeaturesCall, ALongMessageIsCutBetweenCharacters) {
  engine_.get_features = [](const FeatureRequest&, FeatureResponse*) {
    std::string message = "x";
    for (size_t i = 0; i < limits::kErrorBytesMax; ++i) message += "\u00e9";
    return Status::InvalidArgument(message);
  };
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  const std::string message =
      features_->GetFeatures(&context, RequestFor(1), &response).error_message();
  EXPECT_LE(message.size(), limits::kErrorBytesMax);
  EXPECT_THAT(message, ::testing::EndsWith("\u00e9..."));
}

TEST_F(FeaturesCall, AColumnWithoutValuesIsRefused) {
  v1::GetFeaturesRequest request;
  request.add_entities()->set_name("user_id");
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  const grpc::Status status = features_->GetFeatures(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("entities[0]: the column 'user_id' has no values"));
}

grpc::Status CallWithBytes(const std::shared_ptr<grpc::Channel>& channel,
                           const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  auto call =
      stub.PrepareUnaryCall(&context, "/freshet.v1.FeatureStore/GetFeatures", request, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

TEST_F(FeaturesCall, BytesThatAreNoRequestAreRefused) {
  for (const std::string& bytes : {std::string("\xff\xff\xff"), std::string("\x0a\x02\xc3\x28")}) {
    const grpc::Status status = CallWithBytes(channel_, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("freshet.v1.GetFeaturesRequest"));
  }
}

TEST_F(FeaturesCall, AMessageThatIsTooLargeIsRefused) {
  v1::GetFeaturesRequest request;
  request.set_feature_service(std::string(limits::kMessageBytesMax + 1, 'x'));
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  EXPECT_EQ(features_->GetFeatures(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(FeaturesCall, AnAnswerThatIsTooLargeIsRefusedWithTheWayOut) {
  engine_.get_features = [](const FeatureRequest&, FeatureResponse* response) {
    response->features.resize(1);
    response->features[0].values.type = Type::kDouble;
    response->row_count = limits::kMessageBytesMax / sizeof(double);
    response->features[0].values.numbers.resize(response->row_count, 1.0);
    return Status::Ok();
  };
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  const grpc::Status status = features_->GetFeatures(&context, RequestFor(1), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("ask for fewer entities or features"));
}

TEST_F(FeaturesCall, ManyCallersEachGetTheirOwnAnswer) {
  engine_.get_features = Echo;
  std::atomic<int> wrong = 0;
  const auto call_often = [&](int64_t first) {
    for (int64_t user_id = first; user_id < first + 200; ++user_id) {
      grpc::ClientContext context;
      v1::GetFeaturesResponse response;
      const auto request = RequestFor(user_id);
      if (!features_->GetFeatures(&context, request, &response).ok() ||
          response.features(0).int64s().values(0) != user_id)
        ++wrong;
    }
  };
  std::vector<std::thread> callers;
  for (int64_t i = 0; i < 4; ++i) callers.emplace_back(call_often, i * 1'000);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

// Calls that the engine keeps until it is let go.
class Overload : public testing::RpcTest {
 protected:
  struct Call {
    grpc::ClientContext context;
    v1::GetFeaturesRequest request = RequestFor(1);
    v1::GetFeaturesResponse response;
    std::promise<grpc::Status> done;
  };

  void SetUp() override {
    RpcTest::SetUp();
    engine_.get_features = [this](const FeatureRequest& request, FeatureResponse* response) {
      ++begun_;
      gone_on_.wait();
      return Echo(request, response);
    };
  }
  void TearDown() override {
    LetGo();
    for (const auto& call : calls_) call->done.get_future().wait();
  }

  Call& Start(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    if (timeout) call.context.set_deadline(std::chrono::system_clock::now() + *timeout);
    features_->async()->GetFeatures(&call.context, &call.request, &call.response,
                                    [&call](grpc::Status status) { call.done.set_value(status); });
    return call;
  }
  void WaitUntilInFlight(size_t count) {
    while (engine_.request_gate.in_flight() < count)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void LetGo() {
    if (!std::exchange(was_let_go_, true)) go_on_.set_value();
  }

  std::promise<void> go_on_;
  std::shared_future<void> gone_on_ = go_on_.get_future().share();
  bool was_let_go_ = false;
  std::atomic<size_t> begun_ = 0;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(Overload, WhatIsBeyondTheLimitIsRefusedAtOnce) {
  for (size_t i = 0; i < testing::ScriptedEngine::kInFlightMax; ++i) Start();
  WaitUntilInFlight(testing::ScriptedEngine::kInFlightMax);
  for (int i = 0; i < 3; ++i) {
    // Nothing has been answered yet, so that one that had to wait would wait for ever.
    grpc::ClientContext context;
    v1::GetFeaturesResponse response;
    const grpc::Status status = features_->GetFeatures(&context, RequestFor(2), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("128 requests are in flight"));
    EXPECT_THAT(status.error_message(), HasSubstr("serving.requests_in_flight"));
  }
  EXPECT_EQ(engine_.request_gate.refused(), 3u);
  LetGo();
  for (const auto& call : calls_) {
    std::future<grpc::Status> done = call->done.get_future();
    EXPECT_TRUE(done.get().ok());
    EXPECT_THAT(call->response.features(0).int64s().values(), ElementsAre(1));
  }
  calls_.clear();
  EXPECT_EQ(begun_, testing::ScriptedEngine::kInFlightMax);
  EXPECT_EQ(engine_.request_gate.in_flight(), 0u);
  grpc::ClientContext context;
  v1::GetFeaturesResponse response;
  EXPECT_TRUE(features_->GetFeatures(&context, RequestFor(2), &response).ok());
}

TEST_F(Overload, WhatNobodyWaitsForIsDroppedBeforeAnyWork) {
  // More than there are threads to answer, so that some wait for their turn.
  constexpr size_t kHeld = testing::ScriptedEngine::kInFlightMax - 2;
  for (size_t i = 0; i < kHeld; ++i) Start();
  WaitUntilInFlight(kHeld);
  // Long enough to arrive on a busy machine: only what has arrived can be dropped.
  Call& late = Start(std::chrono::seconds(3));
  Call& cancelled = Start();
  WaitUntilInFlight(kHeld + 2);
  cancelled.context.TryCancel();
  std::future<grpc::Status> late_done = late.done.get_future();
  std::future<grpc::Status> cancelled_done = cancelled.done.get_future();
  EXPECT_EQ(late_done.get().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(cancelled_done.get().error_code(), grpc::StatusCode::CANCELLED);
  calls_.resize(kHeld);
  // Until the server has heard of it too.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  LetGo();
  while (engine_.request_gate.in_flight() > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(begun_, kHeld);
  EXPECT_EQ(engine_.request_gate.expired(), 2u);
}

TEST_F(Overload, AReadThatWaitsForItsEventsIsNotInFlight) {
  Call& waiting = Start();
  WaitUntilInFlight(1);
  LetGo();
  std::future<grpc::Status> done = waiting.done.get_future();
  EXPECT_TRUE(done.get().ok());
  calls_.clear();
  constexpr size_t kWaiting = 10;
  std::atomic<size_t> waiting_count = 0;
  std::promise<void> come;
  engine_.get_features = [&waiting_count, come = come.get_future().share()](
                             const FeatureRequest& request, FeatureResponse* response) {
    if (!request.read_after.empty()) {
      ++waiting_count;
      come.wait();
    }
    return Echo(request, response);
  };
  for (size_t i = 0; i < kWaiting; ++i) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    call.request.add_read_after()->set_source("clicks");
    features_->async()->GetFeatures(&call.context, &call.request, &call.response,
                                    [&call](grpc::Status status) { call.done.set_value(status); });
  }
  while (waiting_count < kWaiting || engine_.request_gate.in_flight() > 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  come.set_value();
  for (const auto& call : calls_) EXPECT_TRUE(call->done.get_future().get().ok());
  calls_.clear();
}

}  // namespace
}  // namespace freshet::rpc
