#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DeriveTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kShopDefinitions);
  }
  void Spend(int64_t user_id, int64_t time_ms, double amount, int64_t points = 0) {
    AddEvent("activity", user_id, time_ms,
             {Datum::Null(), Datum::Double(amount), Datum::Null(), Datum::Int(points),
              Datum::Double(amount)});
  }
};

TEST_F(DeriveTest, AnExpressionSeesTheRequestAndFeaturesThatNobodyAskedFor) {
  Spend(1, kNowMs - kSecondMs, 4.0);
  FeatureRequest request = UserRequest({"signals.ratio"}, {1});
  request.inputs.push_back(Numbers("basket", {10.0}));
  request.include_event_times = true;
  const FeatureResponse response = Get(request);
  ASSERT_EQ(response.features.size(), 1u);
  EXPECT_THAT(response.features[0].values.numbers, ElementsAre(2.5));
  EXPECT_THAT(response.features[0].statuses, IsEmpty());
  EXPECT_THAT(response.features[0].event_times_ms, ElementsAre(kNowMs - kSecondMs));
}

TEST_F(DeriveTest, ADependencyMayBeAnOutputInAnyPlace) {
  Spend(1, kNowMs - kSecondMs, 4.0);
  const FeatureResponse response =
      Get(UserRequest({"signals.double_clicks", "activity.clicks_1h", "signals.points_left"}, {1}));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(2));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(1));
  EXPECT_THAT(response.features[2].values.integers, ElementsAre(1));
}

TEST_F(DeriveTest, OnDemandFeaturesReadThoseBeforeThem) {
  std::string definitions = kShopDefinitions;
  definitions.insert(definitions.find("feature_services:"), R"(
  - name: chain
    features:
      - {name: a, type: int64, expr: "activity.clicks_1h + 1"}
      - {name: b, type: int64, expr: "chain.a * 10"}
  - name: tail
    request: {x: int64}
    features:
      - {name: c, type: int64, expr: "chain.b + chain.a + request.x"}
      - {name: d, type: int64, expr: "tail.c / request.x"}
  - name: ages
    request: {seen_at: timestamp}
    features:
      - {name: seconds, type: int64, expr: "(now - request.seen_at) / 1000"}
      - {name: at, type: timestamp, expr: "now"}
)");
  Define(definitions);
  Spend(1, kNowMs - kSecondMs, 4.0);
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{"tail.d", "tail.c", "chain.b"}, {"chain.b", "tail.c", "tail.d"}}) {
    FeatureRequest request = UserRequest(order, {1, 2});
    request.inputs.push_back(Integers("x", {3, 0}));
    request.include_as_of = true;
    request.include_event_times = true;
    const FeatureResponse response = Get(request);
    for (const FeatureColumn& column : response.features) {
      const int64_t expected = column.name == "tail.d" ? 8 : column.name == "tail.c" ? 25 : 20;
      EXPECT_EQ(column.values.integers[0], expected) << column.name;
      EXPECT_EQ(column.event_times_ms[0], kNowMs - kSecondMs) << column.name;
      EXPECT_EQ(column.statuses[1], kFailed) << column.name;
    }
    ASSERT_EQ(response.as_of.size(), 1u);
    EXPECT_EQ(response.as_of[0].source, "clicks");
  }
  FeatureRequest ages = UserRequest({"ages.seconds", "ages.at"}, {});
  ages.entities.clear();
  ages.inputs.push_back(Integers("seen_at", {kNowMs - 5'000}, Type::kTimestamp));
  ages.read_time_ms = kNowMs + 1'000;
  EXPECT_THAT(Get(ages).features[0].values.integers, ElementsAre(6));
  EXPECT_THAT(Get(ages).features[1].values.integers, ElementsAre(kNowMs + 1'000));
  EXPECT_THAT(Get([] {
                FeatureRequest request = UserRequest({"tail.d"}, {2});
                request.inputs.push_back(Integers("x", {1}));
                return request;
              }())
                  .features[0]
                  .failures[0]
                  .reason,
              HasSubstr("tail.c is FAILED"));
}

TEST_F(DeriveTest, InputsOfNearTypesAreTaken) {
  Spend(1, kNowMs - kSecondMs, 4.0);
  FeatureRequest request = UserRequest({"signals.ratio"}, {1});
  request.inputs.push_back(Integers("basket", {8}, Type::kInt32));
  EXPECT_THAT(Get(request).features[0].values.numbers, ElementsAre(2.0));
}

TEST_F(DeriveTest, AMissingDependencyIsNullAndTheReasonNamesIt) {
  FeatureRequest request = UserRequest({"signals.ratio", "signals.grown_up"}, {7});
  request.inputs.push_back(Numbers("basket", {10.0}));
  const FeatureResponse response = Get(request);
  EXPECT_THAT(response.features[0].statuses, ElementsAre(FeatureStatus::kFailed));
  ASSERT_EQ(response.features[0].failures.size(), 1u);
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("activity.spend_1h is NOT_FOUND"));
  EXPECT_THAT(response.features[0].values.numbers, ElementsAre(0.0));
  // has() is how an expression says what then.
  EXPECT_THAT(response.features[1].statuses, IsEmpty());
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(0));
}

TEST_F(DeriveTest, AResultThatDoesNotFitItsTypeFails) {
  Spend(1, kNowMs - kSecondMs, 4.0, INT32_MAX);
  Spend(2, kNowMs - kSecondMs, 4.0, INT32_MAX - 1);
  const FeatureResponse response = Get(UserRequest({"signals.points_left"}, {1, 2}));
  EXPECT_THAT(response.features[0].statuses,
              ElementsAre(FeatureStatus::kFailed, FeatureStatus::kPresent));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(0, INT32_MAX));
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("does not fit int32"));
}

TEST_F(DeriveTest, ANumberThatIsNoneIsNull) {
  Spend(1, kNowMs - kSecondMs, 0.0);
  FeatureRequest request = UserRequest({"signals.ratio"}, {1});
  request.inputs.push_back(Numbers("basket", {0.0}));
  const FeatureResponse response = Get(request);
  // CEL lets doubles divide by zero: 0.0 / 0.0 is NaN.
  EXPECT_THAT(response.features[0].statuses, ElementsAre(FeatureStatus::kNullValue));
}

TEST_F(DeriveTest, FeaturesThatNeedNothingOfTheCallerAreOneRow) {
  Define(R"(
feature_views:
  - name: constants
    request: {}
    features:
      - {name: answer, type: int64, expr: "6 * 7"}
)");
  FeatureRequest request;
  request.features = {"constants.answer"};
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(42));
}

}  // namespace
}  // namespace freshet::serve
