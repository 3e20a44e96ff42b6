#include "freshet/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, amount: double, item: string}
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 1h]}
      - {name: spend, function: sum, of: amount, windows: [1h]}
      - {name: items, function: last_k, of: item, k: 3, windows: [1h]}
      - {name: total, function: count}
  - {name: profile, entity: user, source: users, features: [age], max_age: 1d}
  - name: signals
    request: {basket: double}
    features:
      - {name: ratio, type: double, expr: "activity.spend_1h > 0.0 ? request.basket / activity.spend_1h : 0.0"}
      - {name: hour, type: int64, expr: "now.getHours('Europe/Berlin')"}
)yaml";

class ExplainTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kDefinitions);
  }
  void Click(int64_t time_ms, double amount, std::string_view item) {
    AddEvent("activity", 1, time_ms,
             {Datum::Null(), Datum::Double(amount), Datum::String(item), Datum::Null()});
  }
  Explanation Explain(const FeatureRequest& request) {
    Result<Explanation> explanation = server_->Explain(request);
    EXPECT_TRUE(explanation.ok()) << explanation.status().ToString();
    return explanation.ok() ? *std::move(explanation) : Explanation{};
  }
};

TEST_F(ExplainTest, OfAStreamViewItShowsTheCellsThatAWindowHolds) {
  Click(kNowMs - 30 * kSecondMs, 2.5, "a");
  Click(kNowMs - 30 * kMinuteMs, 4.0, "b");
  Click(kNowMs - 3 * kHourMs, 1.0, "c");
  Click(kNowMs - 2 * kDayMs, 1.0, "d");
  const Explanation explanation = Explain(UserRequest(
      {"activity.clicks_1m", "activity.spend_1h", "activity.items_1h", "activity.total"}, {1}));
  EXPECT_EQ(explanation.read_time_ms, kNowMs);
  ASSERT_THAT(explanation.features, SizeIs(4));
  ASSERT_THAT(explanation.timelines, SizeIs(1));
  EXPECT_THAT(explanation.rows, IsEmpty());

  const ExplainedTimeline& timeline = explanation.timelines[0];
  EXPECT_EQ(timeline.view, "activity");
  EXPECT_EQ(timeline.source, "clicks");
  EXPECT_EQ(timeline.key, "user_id=1");
  EXPECT_TRUE(timeline.is_found);
  EXPECT_EQ(timeline.newest_event_ms, kNowMs - 30 * kSecondMs);
  ASSERT_THAT(timeline.positions, SizeIs(1));
  EXPECT_EQ(timeline.positions[0].source, "clicks");
  EXPECT_EQ(timeline.positions[0].offset, 4);
  EXPECT_THAT(timeline.aggregations, ElementsAre("clicks", "spend", "items", "total"));
  EXPECT_EQ(timeline.cell_count, timeline.cells.size());

  // What a window holds is what its cells add up to.
  for (const ExplainedFeature& feature : explanation.features) {
    EXPECT_EQ(feature.timeline, 0u);
    EXPECT_EQ(feature.status, kPresent);
    EXPECT_TRUE(feature.is_asked);
    EXPECT_EQ(feature.event_time_ms, kNowMs - 30 * kSecondMs);
  }
  const auto cells_of = [&](size_t index) {
    const ExplainedFeature& feature = explanation.features[index];
    return std::vector<ExplainedCell>(timeline.cells.begin() + feature.cell_begin,
                                      timeline.cells.begin() + feature.cell_end);
  };
  EXPECT_EQ(explanation.features[0].value, Value(int64_t{1}));
  EXPECT_EQ(explanation.features[0].window, "1m");
  EXPECT_EQ(explanation.features[0].aggregation, "clicks");
  ASSERT_THAT(cells_of(0), SizeIs(1));
  EXPECT_THAT(cells_of(0)[0].slots, ElementsAre(Value(int64_t{1}), Value(2.5),
                                                Value(std::string("[\"a\"]")), Value(int64_t{1})));
  EXPECT_LE(cells_of(0)[0].begin_ms, kNowMs - 30 * kSecondMs);
  EXPECT_GT(cells_of(0)[0].end_ms, kNowMs - 30 * kSecondMs);
  EXPECT_EQ(explanation.features[1].value, Value(6.5));
  double spend = 0;
  for (const ExplainedCell& cell : cells_of(1)) spend += std::get<double>(cell.slots[1]);
  EXPECT_EQ(spend, 6.5);
  EXPECT_LE(explanation.features[1].window_begin_ms, kNowMs - kHourMs);
  EXPECT_GT(explanation.features[1].window_end_ms, kNowMs);
  EXPECT_EQ(explanation.features[2].value, Value(std::string("[\"a\", \"b\"]")));
  EXPECT_EQ(explanation.features[3].value, Value(int64_t{4}));
  EXPECT_EQ(explanation.features[3].window, "");
  EXPECT_THAT(cells_of(3), SizeIs(timeline.cells.size()));
  EXPECT_EQ(cells_of(3)[0].begin_ms, kNoEventTimeMs) << "what is older than every window";
}

TEST_F(ExplainTest, OfABatchViewItShowsTheRowAndItsLoad) {
  Explanation explanation = Explain(UserRequest({"profile.age"}, {1}));
  ASSERT_THAT(explanation.rows, SizeIs(1));
  EXPECT_EQ(explanation.rows[0].generation, 0u);
  EXPECT_FALSE(explanation.rows[0].is_found);
  LoadRows("profile", {"age"}, {Type::kInt32}, {{1, kNowMs - kHourMs, {Datum::Int(30)}}});
  explanation = Explain(UserRequest({"profile.age"}, {1}));
  const ExplainedRow row = explanation.rows.at(0);
  EXPECT_EQ(row.view, "profile");
  EXPECT_EQ(row.source, "users");
  EXPECT_EQ(row.key, "user_id=1");
  EXPECT_NE(row.generation, 0u);
  EXPECT_EQ(row.row_count, 1u);
  EXPECT_TRUE(row.is_found);
  EXPECT_EQ(row.event_time_ms, kNowMs - kHourMs);
  EXPECT_EQ(row.max_age_ms, kDayMs);
  EXPECT_EQ(explanation.features.at(0).column, "age");
  EXPECT_EQ(explanation.features[0].row, 0u);
  EXPECT_EQ(explanation.features[0].value, Value(int64_t{30}));
  explanation = Explain(UserRequest({"profile.age"}, {2}));
  EXPECT_FALSE(explanation.rows.at(0).is_found);
  EXPECT_EQ(explanation.rows[0].row_count, 1u);
  EXPECT_EQ(explanation.features.at(0).status, kNotFound);
}

TEST_F(ExplainTest, OfAnOnDemandFeatureItShowsEveryPartOfTheExpression) {
  Click(kNowMs - kSecondMs, 4.0, "a");
  FeatureRequest request = UserRequest({"signals.ratio"}, {1});
  request.inputs.push_back(Numbers("basket", {10.0}));
  const Explanation explanation = Explain(request);
  ASSERT_THAT(explanation.features, SizeIs(2));
  const ExplainedFeature& ratio = explanation.features[0];
  EXPECT_EQ(ratio.value, Value(2.5));
  EXPECT_THAT(ratio.expression, HasSubstr("? request.basket / activity.spend_1h : 0.0"));
  std::vector<std::string> seen;
  for (const ExplainedStep& step : ratio.steps) {
    const std::string outcome =
        step.is_evaluated ? ToString(ToDatum(step.value)) + step.error : "not evaluated";
    seen.push_back(std::string(step.depth, '.') + step.text + " => " + outcome);
  }
  EXPECT_THAT(seen,
              ElementsAre(ratio.expression + " => 2.5", ".activity.spend_1h > 0.0 => true",
                          "..activity.spend_1h => 4", ".request.basket / activity.spend_1h => 2.5",
                          "..request.basket => 10", "..activity.spend_1h => 4"));
  EXPECT_FALSE(explanation.features[1].is_asked);
  EXPECT_EQ(explanation.features[1].name, "activity.spend_1h");
  EXPECT_EQ(explanation.features[1].value, Value(4.0));
}

TEST_F(ExplainTest, TheReasonOfAFailureIsWhereItHappened) {
  FeatureRequest request = UserRequest({"signals.ratio"}, {1});
  request.inputs.push_back(Numbers("basket", {10.0}));
  const Explanation explanation = Explain(request);
  const ExplainedFeature& ratio = explanation.features.at(0);
  EXPECT_EQ(ratio.status, kFailed);
  EXPECT_THAT(ratio.reason, HasSubstr("activity.spend_1h is NOT_FOUND"));
  ASSERT_THAT(ratio.steps, SizeIs(6));
  EXPECT_EQ(ratio.steps[1].error, "null value");
  EXPECT_EQ(ratio.steps[2].value, Value());
  EXPECT_FALSE(ratio.steps[3].is_evaluated);
  EXPECT_FALSE(explanation.timelines.at(0).is_found);
}

TEST_F(ExplainTest, StaleValuesAreExplainedFromWhatIsIn) {
  Click(kNowMs - kSecondMs, 4.0, "a");
  FeatureRequest request = UserRequest({"activity.spend_1h"}, {1});
  request.max_staleness_ms = 1'000;
  const Explanation explanation = Explain(request);
  EXPECT_EQ(explanation.features.at(0).status, kSourceStale);
  EXPECT_EQ(explanation.features[0].value, Value(0.0));
  EXPECT_TRUE(explanation.timelines.at(0).is_found);
  EXPECT_THAT(explanation.timelines[0].cells, SizeIs(1));
}

TEST_F(ExplainTest, WhatIsNotOfOneRowOrWouldWaitIsRefused) {
  FeatureRequest request = UserRequest({"activity.spend_1h"}, {1, 2});
  Status status = server_->Explain(request).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("entities: an explanation is of one row"));
  request = UserRequest({"activity.spend_1h"}, {1});
  request.read_after.push_back({"clicks", 0, 1});
  status = server_->Explain(request).status();
  EXPECT_THAT(status.message(), HasSubstr("read_after: an explanation is of what is in now"));
  status = server_->Explain(UserRequest({"activity.spent_1h"}, {1})).status();
  EXPECT_THAT(status.message(), HasSubstr("did you mean"));
}

TEST_F(ExplainTest, TimeFunctionsReadTheMomentOfTheRead) {
  clock_.Set(1'709'210'096'789);
  FeatureRequest request;
  request.features = {"signals.hour"};
  const Explanation explanation = Explain(request);
  EXPECT_EQ(explanation.features.at(0).value, Value(int64_t{13}));
  EXPECT_EQ(explanation.features[0].steps.at(0).value, Value(int64_t{13}));
}

}  // namespace
}  // namespace freshet::serve
