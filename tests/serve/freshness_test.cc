// How fresh an answer is: staleness and what is done about it, reading one's own events, deadlines.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kFreshnessDefinitions = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - {name: clicks, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, amount: double}}
  - {name: views, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64}}
  - {name: users, file: {path: users.csv}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, age: int32}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m]}
      - {name: spend, function: sum, of: amount, windows: [1m], max_staleness: 1s, default: -1}
  - name: seen
    entity: user
    source: views
    aggregations:
      - {name: views, function: count, windows: [1m]}
  - name: profile
    entity: user
    source: users
    features: [age]
  - name: signals
    request: {extra: double}
    features:
      - {name: total, type: double, expr: "activity.spend_1m + request.extra"}
      - {name: safe, type: double, expr: "has(activity.spend_1m) ? activity.spend_1m : 100.0"}
feature_services:
  - {name: plain, features: [activity.clicks_1m, activity.spend_1m, seen.views_1m, profile.age]}
  - {name: strict, features: [activity.clicks_1m], max_staleness: 2s, stale_action: fail}
  - {name: hasty, features: [seen.views_1m], timeout: 20ms}
)";

class FreshnessTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kFreshnessDefinitions);
    AddEvent("activity", 1, kNowMs - kSecondMs, {Datum::Null(), Datum::Double(2.5)});
    AddEvent("seen", 1, kNowMs - kSecondMs, {Datum::Null()});
    SetAsOf("activity", kNowMs - 10);
    SetAsOf("seen", kNowMs - 10);
  }
  void SetAsOf(std::string_view view, int64_t as_of_ms) {
    as_of_ms_[registry_->FindFeatureView(view)->stream()->tables[0].id] = as_of_ms;
  }
  static FeatureRequest Service(std::string name, std::vector<int64_t> user_ids) {
    FeatureRequest request = UserRequest({}, std::move(user_ids));
    request.feature_service = std::move(name);
    return request;
  }
  Status Try(const FeatureRequest& request) {
    FeatureResponse response;
    return server_->GetFeatures(request, &response);
  }
};

TEST_F(FreshnessTest, AFeatureMayHaveABoundOfItsOwn) {
  SetAsOf("activity", kNowMs - 1'001);
  const FeatureResponse response = Get(Service("plain", {1, 2}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kPresent, kNotFound));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(1, 0));
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kSourceStale, kSourceStale));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(-1, -1));
  EXPECT_THAT(response.features[2].statuses, ElementsAre(kPresent, kNotFound));

  SetAsOf("activity", kNowMs - 1'000);
  EXPECT_THAT(Get(Service("plain", {1})).features[1].statuses, IsEmpty());
}

TEST_F(FreshnessTest, StaleValuesMayBeServedFlagged) {
  SetAsOf("activity", kNowMs - 60'000);
  FeatureRequest request = Service("plain", {1, 2});
  request.max_staleness_ms = 500;
  request.stale_action = StaleAction::kServe;
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kSourceStale, kSourceStale));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(1, 0));
  EXPECT_THAT(response.features[0].event_times_ms, ElementsAre(kNowMs - kSecondMs, kNoEventTimeMs));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(2.5, -1));
  EXPECT_THAT(response.features[2].statuses, ElementsAre(kPresent, kNotFound));
}

TEST_F(FreshnessTest, StaleValuesMayBeNull) {
  SetAsOf("activity", kNowMs - 60'000);
  FeatureRequest request = Service("plain", {1});
  request.stale_action = StaleAction::kNull;
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, IsEmpty());
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kNullValue));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(0));
  EXPECT_THAT(response.features[1].event_times_ms, ElementsAre(kNoEventTimeMs));
}

TEST_F(FreshnessTest, StaleValuesMayFailTheRequest) {
  SetAsOf("activity", kNowMs - 2'001);
  const Status status = Try(Service("strict", {1}));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("source 'clicks'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("2001 ms before the read"));
  SetAsOf("activity", kNoEventTimeMs);
  EXPECT_THAT(std::string(Try(Service("strict", {1})).message()), HasSubstr("not yet known"));
}

TEST_F(FreshnessTest, WhatTheRequestSaysStandsBeforeTheService) {
  SetAsOf("activity", kNowMs - 5'000);
  FeatureRequest request = Service("strict", {1});
  request.max_staleness_ms = 5'000;
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());
  request.max_staleness_ms.reset();
  request.stale_action = StaleAction::kServe;
  EXPECT_THAT(Get(request).features[0].statuses, ElementsAre(kSourceStale));
}

TEST_F(FreshnessTest, OnDemandFeaturesSeeWhatIsServed) {
  SetAsOf("activity", kNowMs - 60'000);
  FeatureRequest request = UserRequest({"signals.total", "signals.safe"}, {1});
  request.inputs = {Numbers("extra", {1})};
  FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kFailed));
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("SOURCE_STALE"));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(100));

  request.stale_action = StaleAction::kServe;
  response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kSourceStale));
  EXPECT_THAT(response.features[0].values.numbers, ElementsAre(3.5));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(2.5));
}

TEST_F(FreshnessTest, WaitsForTheCallersOwnEventsAndServesTheRestWithoutThem) {
  next_offset_in_ = 8;
  FeatureRequest request = Service("plain", {1});
  request.timeout_us = 30'000;
  request.read_after = {{"clicks", 0, 7}};
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());

  request.read_after = {{"clicks", 0, 8}};
  request.include_phases = true;
  const auto began = std::chrono::steady_clock::now();
  const FeatureResponse response = Get(request);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(20));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kTimedOut));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(-1));
  EXPECT_THAT(response.features[2].statuses, IsEmpty());
  EXPECT_THAT(response.features[2].values.integers, ElementsAre(1));
  ASSERT_TRUE(response.phases.has_value());
  EXPECT_GE(response.phases->wait_ns, 20'000'000);

  // What the plan does not read is not waited for.
  FeatureRequest others = Service("hasty", {1});
  others.read_after = {{"clicks", 0, 1'000}};
  EXPECT_THAT(Get(others).features[0].statuses, IsEmpty());
}

TEST_F(FreshnessTest, AWaitHoldsNoDefinitionsAndEndsWithItsCaller) {
  FeatureRequest request = Service("plain", {1});
  request.read_after = {{"clicks", 0, 1'000}};
  std::atomic<bool> is_cancelled{false};
  std::atomic<bool> has_begun{false};
  request.is_cancelled = [&] {
    has_begun = true;
    return is_cancelled.load();
  };
  Status status;
  std::thread reader([&] { status = Try(request); });
  while (!has_begun) std::this_thread::yield();
  // Would wait for those who hold the plans.
  EXPECT_TRUE(server_->Apply(registry_).ok());
  is_cancelled = true;
  reader.join();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.ToString();
}

TEST_F(FreshnessTest, LateValuesAreTimedOutWhateverBecomesOfStaleOnes) {
  SetAsOf("activity", kNowMs - 60'000);
  FeatureRequest request = Service("plain", {1});
  request.read_after = {{"clicks", 0, 1'000}};
  request.timeout_us = 5'000;
  for (const StaleAction action :
       {StaleAction::kUseDefault, StaleAction::kServe, StaleAction::kNull, StaleAction::kFail}) {
    request.stale_action = action;
    EXPECT_THAT(Get(request).features[1].statuses, ElementsAre(kTimedOut));
  }
}

TEST_F(FreshnessTest, TheServicesTimeoutCountsWhenItIsShorter) {
  FeatureRequest request = Service("hasty", {1});
  request.read_after = {{"views", 0, 1'000}};
  request.timeout_us = 60'000'000;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(Get(request).features[0].statuses, ElementsAre(kTimedOut));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST_F(FreshnessTest, OnDemandFeaturesHangOnWhatTheyRead) {
  FeatureRequest request = UserRequest({"signals.safe"}, {1});
  request.read_after = {{"clicks", 0, 5}};
  request.timeout_us = 5'000;
  EXPECT_THAT(Get(request).features[0].statuses, ElementsAre(kTimedOut));
}

TEST_F(FreshnessTest, AnExpiredRequestIsDroppedBeforeWork) {
  FeatureRequest request = Service("plain", {1});
  request.timeout_us = 0;
  EXPECT_EQ(Try(request).code(), StatusCode::kDeadlineExceeded);
}

TEST_F(FreshnessTest, WhatIsNotReadyByTheDeadlineIsTimedOutAndTheRestServed) {
  std::vector<int64_t> user_ids(limits::kEntitiesPerRequestMax);
  for (size_t i = 0; i < user_ids.size(); ++i) user_ids[i] = static_cast<int64_t>(i + 1);
  FeatureRequest request = UserRequest({"activity.clicks_1m", "signals.safe"}, user_ids);
  request.timeout_us = 1;
  const FeatureResponse response = Get(request);
  const std::vector<FeatureStatus>& statuses = response.features[0].statuses;
  ASSERT_EQ(statuses.size(), user_ids.size());
  EXPECT_EQ(statuses[0], kPresent);
  EXPECT_EQ(response.features[0].values.integers[0], 1);
  const std::vector<FeatureStatus> late(statuses.begin() + limits::kLookupKeysMax, statuses.end());
  EXPECT_THAT(late, Each(kTimedOut));
  EXPECT_EQ(response.features[1].values.numbers[0], 2.5);
  EXPECT_EQ(response.features[1].statuses.back(), kTimedOut);
}

TEST_F(FreshnessTest, WrongPlacesInStreamsAreNamed) {
  FeatureRequest request = Service("plain", {1});
  request.read_after = {{"clicks", 0, 0}, {"click", 0, 0}};
  EXPECT_THAT(
      std::string(Refusal(request).message()),
      HasSubstr("read_after[1].source: there is no source 'click'; did you mean 'clicks'?"));
  request.read_after = {{"users", 0, 0}};
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("is a file"));
  request.read_after = {{"clicks", 1, 0}};
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("has partition 0 alone, not 1"));
  request.read_after = {{"clicks", 0, -1}};
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("must not be negative"));
  request.read_after.assign(limits::kReadAfterMax + 1, {"clicks", 0, 0});
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("65 events are more than the 64"));
}

}  // namespace
}  // namespace freshet::serve
