// Views whose rows come from a stream: every status, how fresh they are, and where they come from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fixture.h"
#include "store/entity_key.h"
#include "store/stream_row.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kRowDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: changes
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, home: string}
feature_views:
  - name: profile
    entity: user
    source: changes
    max_age: 1d
    features: [age, {name: home, default: nowhere, max_staleness: 1s}]
  - name: activity
    entity: user
    source: changes
    aggregations: [{name: changes, function: count}]
  - name: derived
    request: {}
    features: [{name: next, type: int64, expr: "has(profile.age) ? profile.age + 1 : -1"}]
feature_services:
  - {name: all, features: [profile.age, activity.changes, profile.home]}
  - {name: pairs, features: [{feature: profile.*, as: buyer}, {feature: profile.*, as: seller, keys: {user_id: seller_id}}]}
)yaml";

class StreamRowsTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kRowDefinitions);
    SetAsOf(kNowMs - 10);
  }
  registry::TableId table() const {
    return registry_->FindFeatureView("profile")->fed_tables().at(0);
  }
  void SetAsOf(int64_t as_of_ms) { as_of_ms_[table()] = as_of_ms; }

  void Put(int64_t user_id, int64_t time_ms, Datum age, Datum home) {
    Write(user_id, [&](std::string& bytes) {
      store::RowLayout({Type::kInt32, Type::kString})
          .Encode(time_ms, std::vector<Datum>{age, home}, bytes);
    });
  }
  void Delete(int64_t user_id, int64_t time_ms) {
    Write(user_id, [&](std::string& bytes) { store::RowLayout::EncodeTombstone(time_ms, bytes); });
  }
  template <typename Append>
  void Write(int64_t user_id, Append append) {
    std::string key;
    ASSERT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(user_id), key).ok());
    std::string row;
    store::StreamRow::AppendHeader(0, next_offset_++, row);
    append(row);
    const Status written = writer_->Update(table(), key, [&](std::string& bytes) { bytes = row; });
    ASSERT_TRUE(written.ok()) << written.ToString();
  }
  Explanation Explain(const FeatureRequest& request) {
    Result<Explanation> explanation = server_->Explain(request);
    EXPECT_TRUE(explanation.ok()) << explanation.status().ToString();
    return explanation.ok() ? *std::move(explanation) : Explanation{};
  }
};

TEST_F(StreamRowsTest, HaveEveryStatus) {
  Put(1, kNowMs - kHourMs, Datum::Int(30), Datum::String("here"));
  Put(2, kNowMs - kHourMs, Datum::Int(31), Datum::Null());
  Put(3, kNowMs - kDayMs - 1, Datum::Int(32), Datum::String("there"));
  Delete(4, kNowMs - kHourMs);
  FeatureRequest request =
      UserRequest({"profile.age", "profile.home", "derived.next"}, {1, 2, 3, 4, 5});
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses,
              ElementsAre(kPresent, kPresent, kOutsideMaxAge, kNotFound, kNotFound));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(30, 31, 0, 0, 0));
  EXPECT_THAT(response.features[1].statuses,
              ElementsAre(kPresent, kNullValue, kOutsideMaxAge, kNotFound, kNotFound));
  EXPECT_THAT(response.features[1].values.texts,
              ElementsAre("here", "nowhere", "nowhere", "nowhere", "nowhere"));
  EXPECT_THAT(response.features[1].event_times_ms,
              ElementsAre(kNowMs - kHourMs, kNowMs - kHourMs, kNowMs - kDayMs - 1, kNoEventTimeMs,
                          kNoEventTimeMs));
  EXPECT_THAT(response.features[2].values.integers, ElementsAre(31, 32, -1, -1, -1));
}

TEST_F(StreamRowsTest, AreStaleWithTheirStream) {
  Put(1, kNowMs, Datum::Int(30), Datum::String("here"));
  SetAsOf(kNowMs - 1'001);
  FeatureResponse response = Get(UserRequest({"profile.age", "profile.home"}, {1, 2}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kPresent, kNotFound));
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kSourceStale, kSourceStale));
  EXPECT_THAT(response.features[1].values.texts, ElementsAre("nowhere", "nowhere"));

  FeatureRequest request = UserRequest({"profile.age", "derived.next"}, {1});
  request.max_staleness_ms = 1'000;
  request.include_as_of = true;
  response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kSourceStale));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(0));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(-1));
  ASSERT_THAT(response.as_of, SizeIs(1));
  EXPECT_EQ(response.as_of[0].source, "changes");
  EXPECT_EQ(response.as_of[0].as_of_ms, kNowMs - 1'001);

  request.stale_action = StaleAction::kServe;
  response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kSourceStale));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(30));
  EXPECT_THAT(response.features[1].statuses, ElementsAre(kSourceStale));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(31));

  request.stale_action = StaleAction::kFail;
  const Status failed = server_->GetFeatures(request, &response);
  EXPECT_EQ(failed.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("source 'changes'"));

  request.max_staleness_ms = 1'001;
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());
}

TEST_F(StreamRowsTest, WaitForTheCallersOwnEvents) {
  Put(1, kNowMs, Datum::Int(30), Datum::String("here"));
  next_offset_in_ = 8;
  FeatureRequest request = UserRequest({"profile.age"}, {1});
  request.timeout_us = 30'000;
  request.read_after = {{"changes", 0, 7}};
  EXPECT_THAT(Get(request).features[0].statuses, IsEmpty());
  request.read_after = {{"changes", 0, 8}};
  EXPECT_THAT(Get(request).features[0].statuses, ElementsAre(kTimedOut));
}

TEST_F(StreamRowsTest, StandUnderAliasesAndBesideAggregations) {
  Put(1, kNowMs, Datum::Int(30), Datum::String("here"));
  Put(2, kNowMs, Datum::Int(40), Datum::String("there"));
  AddEvent("activity", 1, kNowMs, {Datum::Null()});
  FeatureRequest request = UserRequest({}, {1});
  request.feature_service = "all";
  FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(30));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(1));
  EXPECT_THAT(response.features[2].values.texts, ElementsAre("here"));

  request.feature_service = "pairs";
  request.entities.push_back(Integers("seller_id", {2}));
  response = Get(request);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(30));
  EXPECT_THAT(response.features[2].values.integers, ElementsAre(40));
}

TEST_F(StreamRowsTest, AFeatureThatIsAddedStandsInARowOfItsOwn) {
  Put(1, kNowMs, Datum::Int(30), Datum::String("here"));
  std::string more = kRowDefinitions;
  const std::string before = "features: [age, ";
  more.replace(more.find(before), before.size(), "features: [{name: years, field: age}, age, ");
  Define(more);
  ASSERT_THAT(registry_->FindFeatureView("profile")->fed_tables(), SizeIs(2));
  const FeatureResponse response =
      Get(UserRequest({"profile.years", "profile.age", "profile.home"}, {1}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kNotFound));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(30));
  EXPECT_THAT(response.features[2].values.texts, ElementsAre("here"));
}

TEST_F(StreamRowsTest, AreExplained) {
  Put(1, kNowMs - kHourMs, Datum::Int(30), Datum::String("here"));
  Delete(2, kNowMs - kMinuteMs);
  Explanation explanation = Explain(UserRequest({"activity.changes", "profile.home"}, {1}));
  ASSERT_THAT(explanation.rows, SizeIs(1));
  ASSERT_THAT(explanation.timelines, SizeIs(1));
  const ExplainedRow row = explanation.rows[0];
  EXPECT_EQ(row.view, "profile");
  EXPECT_EQ(row.source, "changes");
  EXPECT_EQ(row.key, "user_id=1");
  EXPECT_EQ(row.table, table());
  EXPECT_EQ(row.generation, 0u);
  EXPECT_TRUE(row.is_found);
  EXPECT_FALSE(row.is_deleted);
  EXPECT_EQ(row.event_time_ms, kNowMs - kHourMs);
  EXPECT_EQ(row.max_age_ms, kDayMs);
  EXPECT_EQ(row.as_of_ms, kNowMs - 10);
  ASSERT_THAT(row.positions, SizeIs(1));
  EXPECT_EQ(row.positions[0].source, "changes");
  EXPECT_EQ(row.positions[0].offset, next_offset_);
  EXPECT_EQ(explanation.features[0].timeline, 0u);
  EXPECT_EQ(explanation.features[1].row, 0u);
  EXPECT_EQ(explanation.features[1].column, "home");
  EXPECT_EQ(explanation.features[1].value, Value(std::string("here")));

  explanation = Explain(UserRequest({"profile.home"}, {2}));
  EXPECT_FALSE(explanation.rows.at(0).is_found);
  EXPECT_TRUE(explanation.rows[0].is_deleted);
  EXPECT_EQ(explanation.rows[0].event_time_ms, kNowMs - kMinuteMs);
  explanation = Explain(UserRequest({"profile.home"}, {3}));
  EXPECT_FALSE(explanation.rows.at(0).is_deleted);
  EXPECT_EQ(explanation.rows[0].event_time_ms, kNoEventTimeMs);
}

}  // namespace
}  // namespace freshet::serve
