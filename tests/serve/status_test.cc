#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StatusTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kShopDefinitions);
  }

  void Click(int64_t user_id, int64_t time_ms, std::string_view item = "cup", double amount = 2.5,
             int64_t points = 1) {
    AddEvent("activity", user_id, time_ms,
             {Datum::Null(), Datum::Double(amount), Datum::String(item), Datum::Int(points),
              Datum::Double(amount)});
  }
  registry::TableId ActivityTable() const {
    return registry_->FindFeatureView("activity")->stream()->tables[0].id;
  }
};

TEST_F(StatusTest, AValuePerWindowAndNothingElseWhenAllIsPresent) {
  Click(1, kNowMs - 10 * kSecondMs, "cup", 2.0);
  Click(1, kNowMs - 10 * kMinuteMs, "pot", 3.0);
  const FeatureResponse response = Get(UserRequest(
      {"activity.clicks_1m", "activity.clicks_1h", "activity.spend_1h", "activity.last_item"},
      {1}));

  EXPECT_EQ(response.read_time_ms, kNowMs);
  EXPECT_EQ(response.row_count, 1u);
  ASSERT_EQ(response.features.size(), 4u);
  EXPECT_EQ(response.features[0].name, "activity.clicks_1m");
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(1));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(2));
  EXPECT_THAT(response.features[2].values.numbers, ElementsAre(5.0));
  EXPECT_THAT(response.features[3].values.texts, ElementsAre("cup"));
  for (const FeatureColumn& column : response.features) {
    EXPECT_THAT(column.statuses, IsEmpty());
    EXPECT_THAT(column.event_times_ms, IsEmpty());
    EXPECT_THAT(column.failures, IsEmpty());
  }
  EXPECT_THAT(response.as_of, IsEmpty());
}

TEST_F(StatusTest, AnEntityThatWasNeverSeenIsNotFoundAndHasDefaults) {
  Click(1, kNowMs - kSecondMs);
  const FeatureResponse response =
      Get(UserRequest({"activity.clicks_1m", "activity.dearest_1m", "activity.last_item"}, {2, 1}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kNotFound, kPresent));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(0, 1));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(-1.5, 2.5));
  EXPECT_THAT(response.features[2].values.texts, ElementsAre("", "cup"));
}

TEST_F(StatusTest, AnEmptyWindowCountsZeroAndHasNoMaximum) {
  Click(1, kNowMs - 5 * kMinuteMs);
  FeatureRequest request =
      UserRequest({"activity.clicks_1m", "activity.dearest_1m", "activity.clicks_1h"}, {1});
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, IsEmpty());
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(0));
  EXPECT_THAT(response.features[0].event_times_ms, ElementsAre(kNoEventTimeMs));
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kNullValue));
  EXPECT_THAT(response.features[1].values.numbers, ElementsAre(-1.5));
  EXPECT_THAT(response.features[2].event_times_ms, ElementsAre(kNowMs - 5 * kMinuteMs));
}

TEST_F(StatusTest, WindowsSlideWithTheClock) {
  Click(1, kNowMs);
  const FeatureRequest request = UserRequest({"activity.clicks_1m"}, {1});
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(1));
  clock_.Advance(kMinuteMs);
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(1));
  clock_.Advance(kSecondMs);
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(0));
}

TEST_F(StatusTest, ASumThatOverflowsFailsAlone) {
  Click(1, kNowMs - kSecondMs, "cup", 1.0, INT64_MAX);
  Click(1, kNowMs - kSecondMs, "cup", 1.0, 1);
  Click(2, kNowMs - kSecondMs, "cup", 1.0, 7);
  const FeatureResponse response =
      Get(UserRequest({"activity.points_1h", "activity.clicks_1m"}, {2, 1}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kPresent, kFailed));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(7, 0));
  ASSERT_EQ(response.features[0].failures.size(), 1u);
  EXPECT_EQ(response.features[0].failures[0].row, 1u);
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("int64 sum overflows"));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(1, 2));
  EXPECT_EQ(server_->Stats().values_failed, 1u);
}

TEST_F(StatusTest, AReadBeforeWhatWasMergedSaysSo) {
  Click(1, kNowMs);
  FeatureRequest request = UserRequest({"activity.clicks_1m"}, {1});
  request.read_time_ms = kNowMs - limits::kClockSkewMsDefault - kHourMs;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kFailed));
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("earlier than the newest event"));
}

// Each look at it is a second later than the one before.
class SteppingClock : public Clock {
 public:
  int64_t NowMs() const override { return now_ms_.fetch_add(kSecondMs); }

 private:
  mutable std::atomic<int64_t> now_ms_{kNowMs};
};

TEST_F(StatusTest, AnEventThatComesBetweenTheClockAndTheReadIsAnsweredAsOfNow) {
  Click(1, kNowMs + limits::kClockSkewMsDefault + 500);
  const SteppingClock clock;
  server_ = FeatureServer::New({}, *store_, clock, Streams());
  ASSERT_TRUE(server_->Apply(registry_).ok());
  const FeatureResponse response = Get(UserRequest({"activity.clicks_1h"}, {1}));
  EXPECT_EQ(response.read_time_ms, kNowMs + kSecondMs);
  EXPECT_THAT(response.features[0].statuses, IsEmpty());
  EXPECT_THAT(response.features[0].failures, IsEmpty());
}

TEST_F(StatusTest, AWindowThatNoTimelineHoldsFailsUntilItHasSlidPast) {
  Define(R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - {name: clicks, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64}}
feature_views:
  - name: busy
    entity: user
    source: clicks
    exact: true
    aggregations:
      - {name: clicks, function: count, windows: [1s, 1h]}
)");
  const auto events = static_cast<int64_t>(2 * limits::kRecentEventsMax);
  for (int64_t i = 0; i <= events; ++i) AddEvent("busy", 1, kNowMs - events + i, {Datum::Null()});
  const FeatureRequest request = UserRequest({"busy.clicks_1s", "busy.clicks_1h"}, {1});
  FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(1'001));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(events + 1));
  // Its end comes to events that are not kept one by one.
  clock_.Advance(kHourMs - events + 1);
  response = Get(request);
  EXPECT_THAT(response.features[0].statuses, IsEmpty());
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kFailed));
  EXPECT_THAT(response.features[1].failures[0].reason, HasSubstr("20000 single events"));
  clock_.Advance(events - 1'000);
  response = Get(request);
  EXPECT_THAT(response.features[1].statuses, IsEmpty());
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(1'000));
}

TEST_F(StatusTest, RowsOfOneEntityAreReadOnceAndAllAnswered) {
  Click(1, kNowMs - kSecondMs, "cup", 1.0, INT64_MAX);
  Click(1, kNowMs - kSecondMs, "cup", 1.0, 1);
  Click(2, kNowMs - kSecondMs, "pot");
  FeatureRequest request = UserRequest(
      {"activity.clicks_1m", "activity.points_1h", "activity.last_item"}, {1, 1, 1, 3, 3, 2, 1});
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(2, 2, 2, 0, 0, 1, 2));
  EXPECT_THAT(response.features[0].statuses,
              ElementsAre(kPresent, kPresent, kPresent, kNotFound, kNotFound, kPresent, kPresent));
  EXPECT_THAT(response.features[1].statuses,
              ElementsAre(kFailed, kFailed, kFailed, kNotFound, kNotFound, kPresent, kFailed));
  std::vector<uint32_t> failed;
  for (const FeatureFailure& failure : response.features[1].failures) failed.push_back(failure.row);
  EXPECT_THAT(failed, ElementsAre(0, 1, 2, 6));
  EXPECT_THAT(response.features[2].values.texts,
              ElementsAre("cup", "cup", "cup", "", "", "pot", "cup"));
  const int64_t seen = kNowMs - kSecondMs;
  EXPECT_THAT(response.features[2].event_times_ms,
              ElementsAre(seen, seen, seen, kNoEventTimeMs, kNoEventTimeMs, seen, seen));
}

TEST_F(StatusTest, BatchRowsHaveEveryStatus) {
  const std::vector<std::string> features = {"profile.age", "profile.country"};
  EXPECT_THAT(Get(UserRequest(features, {1, 2})).features[0].statuses,
              ElementsAre(kNotFound, kNotFound));

  LoadRows("profile", {"age", "country"}, {Type::kInt32, Type::kString},
           {{1, kNowMs - kDayMs, {Datum::Int(34), Datum::Null()}},
            {2, kNowMs - 30 * kDayMs, {Datum::Int(51), Datum::String("NL")}},
            {3, kNowMs - 30 * kDayMs - 1, {Datum::Int(17), Datum::String("FR")}}});
  FeatureRequest request = UserRequest(features, {1, 2, 3, 4, 4});
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses,
              ElementsAre(kPresent, kPresent, kOutsideMaxAge, kNotFound, kNotFound));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(34, 51, 0, 0, 0));
  EXPECT_THAT(response.features[1].statuses,
              ElementsAre(kNullValue, kPresent, kOutsideMaxAge, kNotFound, kNotFound));
  EXPECT_THAT(response.features[1].values.texts,
              ElementsAre("unknown", "NL", "unknown", "unknown", "unknown"));
  EXPECT_THAT(response.features[1].event_times_ms,
              ElementsAre(kNowMs - kDayMs, kNowMs - 30 * kDayMs, kNowMs - 30 * kDayMs - 1,
                          kNoEventTimeMs, kNoEventTimeMs));
}

TEST_F(StatusTest, ANewGenerationIsServedAtOnceWhateverItsColumns) {
  const FeatureRequest request = UserRequest({"profile.age", "profile.country"}, {1});
  LoadRows("profile", {"age", "country"}, {Type::kInt32, Type::kString},
           {{1, kNowMs, {Datum::Int(34), Datum::String("NL")}}});
  EXPECT_THAT(Get(request).features[1].values.texts, ElementsAre("NL"));
  // Loaded before `country` was defined, and with a column that is not asked for first.
  LoadRows("profile", {"height", "age"}, {Type::kDouble, Type::kInt32},
           {{1, kNowMs, {Datum::Double(1.8), Datum::Int(35)}}});
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(35));
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kNullValue));
  EXPECT_THAT(response.features[1].values.texts, ElementsAre("unknown"));
}

TEST_F(StatusTest, AStreamThatIsBehindIsStaleOnlyToThoseWhoCare) {
  Click(1, kNowMs - kSecondMs);
  FeatureRequest request = UserRequest({"activity.clicks_1m", "profile.age"}, {1, 1});
  request.max_staleness_ms = 5'000;
  EXPECT_THAT(Get(request).features[0].statuses,
              ElementsAre(kSourceStale, kSourceStale));  // unknown

  as_of_ms_[ActivityTable()] = kNowMs - 5'001;
  const FeatureResponse stale = Get(request);
  EXPECT_THAT(stale.features[0].statuses, ElementsAre(kSourceStale, kSourceStale));
  EXPECT_THAT(stale.features[0].values.integers, ElementsAre(0, 0));
  EXPECT_THAT(stale.features[1].statuses, ElementsAre(kNotFound, kNotFound));

  as_of_ms_[ActivityTable()] = kNowMs - 5'000;
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(1, 1));

  as_of_ms_.clear();
  request.max_staleness_ms.reset();
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());
}

TEST_F(StatusTest, AsOfIsOfTheStreamsBehindTheFeatures) {
  FeatureRequest request = UserRequest({"profile.age"}, {1});
  request.include_as_of = true;
  EXPECT_THAT(Get(request).as_of, IsEmpty());

  request = UserRequest({"signals.double_clicks"}, {1});
  request.include_as_of = true;
  ASSERT_EQ(Get(request).as_of.size(), 1u);
  EXPECT_EQ(Get(request).as_of[0].source, "clicks");
  EXPECT_EQ(Get(request).as_of[0].as_of_ms, kNoEventTimeMs);
  as_of_ms_[ActivityTable()] = kNowMs - 20;
  EXPECT_EQ(Get(request).as_of[0].as_of_ms, kNowMs - 20);
}

TEST_F(StatusTest, AResponseMayBeReusedForAnything) {
  Click(1, kNowMs - kSecondMs, "cup", 1.0, INT64_MAX);
  Click(1, kNowMs - kSecondMs, "cup", 1.0, 1);
  FeatureResponse response;
  FeatureRequest request =
      UserRequest({"activity.points_1h", "activity.last_item", "activity.spend_1h"}, {1, 2, 3});
  request.include_event_times = true;
  request.include_as_of = true;
  ASSERT_TRUE(server_->GetFeatures(request, &response).ok());
  request = UserRequest({"activity.last_item", "activity.clicks_1m"}, {1});
  ASSERT_TRUE(server_->GetFeatures(request, &response).ok());
  const FeatureResponse fresh = Get(request);
  ASSERT_EQ(response.features.size(), fresh.features.size());
  EXPECT_EQ(response.row_count, 1u);
  EXPECT_THAT(response.as_of, IsEmpty());
  for (size_t i = 0; i < fresh.features.size(); ++i) {
    EXPECT_EQ(response.features[i].name, fresh.features[i].name);
    EXPECT_EQ(response.features[i].values.type, fresh.features[i].values.type);
    EXPECT_EQ(response.features[i].values.integers, fresh.features[i].values.integers);
    EXPECT_EQ(response.features[i].values.numbers, fresh.features[i].values.numbers);
    EXPECT_EQ(response.features[i].values.texts, fresh.features[i].values.texts);
    EXPECT_THAT(response.features[i].statuses, IsEmpty());
    EXPECT_THAT(response.features[i].event_times_ms, IsEmpty());
    EXPECT_THAT(response.features[i].failures, IsEmpty());
  }
}

}  // namespace
}  // namespace freshet::serve
