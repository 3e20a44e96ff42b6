// Decimals on their way out: units inside, a scale on the column.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DecimalsTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - {name: sales, push: {}, timestamp: at, fields: {user_id: int64, price: decimal(2), kind: string}}
  - {name: accounts, file: {path: accounts.csv}, timestamp: at, fields: {user_id: int64, balance: decimal(3)}}
feature_views:
  - name: sales
    entity: user
    source: sales
    aggregations:
      - {name: spend, function: sum, of: price, windows: [1h], default: 0.5}
      - {name: mean, function: mean, of: price}
      - {name: dearest, function: top_k, k: 2, of: price}
  - name: accounts
    entity: user
    source: accounts
    features: [{name: balance, default: -1}]
  - name: signals
    request: {discount: decimal(2), factor: int64}
    features:
      - {name: due, type: decimal(3), expr: "sales.spend_1h - request.discount"}
      - {name: scaled, type: decimal(2), expr: "sales.spend_1h * request.factor"}
      - {name: rich, type: bool, expr: "accounts.balance > sales.spend_1h"}
)");
  }

  void Buy(int64_t user_id, int64_t units) {
    AddEvent("sales", user_id, kNowMs - kMinuteMs,
             {Datum::Int(units), Datum::Int(units), Datum::Int(units)});
  }
  static FeatureRequest Discounted(NamedColumn discount) {
    FeatureRequest request = UserRequest({"signals.due"}, {1});
    request.inputs.push_back(std::move(discount));
    return request;
  }
  static FeatureRequest Scaled(NamedColumn factor) {
    FeatureRequest request = UserRequest({"signals.scaled"}, {1});
    request.inputs.push_back(std::move(factor));
    return request;
  }
};

TEST_F(DecimalsTest, SumsAreExactAndMeansAreOfTheExactSum) {
  for (int i = 0; i < 3; ++i) Buy(1, 10);
  Buy(1, -30);
  Buy(1, 9'007'199'254'740'993);
  const FeatureResponse response = Get(
      UserRequest({"sales.spend_1h", "sales.mean", "sales.dearest", "accounts.balance"}, {1, 2}));
  EXPECT_EQ(response.features[0].values.type, Type::Decimal(2));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(9'007'199'254'740'993, 50));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kPresent, kNotFound));
  EXPECT_EQ(response.features[1].values.type, Type::kDouble);
  EXPECT_DOUBLE_EQ(response.features[1].values.numbers[0], 90071992547409.93 / 5);
  EXPECT_EQ(response.features[2].values.type, Type::Decimal(2));
  EXPECT_THAT(response.features[2].values.integers, ElementsAre(9'007'199'254'740'993, 10));
  EXPECT_THAT(response.features[3].values.integers, ElementsAre(-1000, -1000));
}

TEST_F(DecimalsTest, ASumThatDoesNotFitFailsAndNamesTheType) {
  Buy(1, INT64_MAX);
  Buy(1, 1);
  const FeatureResponse response = Get(UserRequest({"sales.spend_1h"}, {1}));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kFailed));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(50));
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("the decimal(2) sum overflows"));
}

TEST_F(DecimalsTest, RowsHoldThemToTheirEdges) {
  LoadRows("accounts", {"balance"}, {Type::Decimal(3)},
           {{1, kNowMs, {Datum::Int(INT64_MIN)}}, {2, kNowMs, {Datum::Int(1500)}}});
  const FeatureResponse response = Get(UserRequest({"accounts.balance"}, {1, 2}));
  EXPECT_EQ(response.features[0].values.type, Type::Decimal(3));
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(INT64_MIN, 1500));
  Buy(2, 149);
  FeatureRequest request = UserRequest({"signals.rich"}, {2});
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(1));
  Buy(2, 1);
  EXPECT_THAT(Get(request).features[0].values.integers, ElementsAre(0));
}

// A generation that was loaded when the scale was another must not be read as if it had this one.
TEST_F(DecimalsTest, RowsOfAnotherScaleAreNotServed) {
  LoadRows("accounts", {"balance"}, {Type::Decimal(2)}, {{1, kNowMs, {Datum::Int(1500)}}});
  FeatureResponse response;
  const Status status = server_->GetFeatures(UserRequest({"accounts.balance"}, {1}), &response);
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("is decimal(3), but its stored rows have decimal(2)"));
}

TEST_F(DecimalsTest, DerivedFeaturesHaveTheDeclaredScale) {
  Buy(1, 250);
  const FeatureResponse due = Get(Discounted(Integers("discount", {50}, Type::Decimal(2))));
  EXPECT_EQ(due.features[0].values.type, Type::Decimal(3));
  EXPECT_THAT(due.features[0].values.integers, ElementsAre(2000));
  EXPECT_THAT(Get(Scaled(Integers("factor", {3}))).features[0].values.integers, ElementsAre(750));
}

TEST_F(DecimalsTest, AResultThatDoesNotFitItsScaleFails) {
  Buy(1, INT64_MAX / 5);
  const FeatureResponse due = Get(Discounted(Integers("discount", {0}, Type::Decimal(2))));
  EXPECT_THAT(due.features[0].statuses, ElementsAre(kFailed));
  EXPECT_THAT(due.features[0].failures[0].reason, HasSubstr("does not fit the decimal"));
  EXPECT_THAT(Get(Scaled(Integers("factor", {5}))).features[0].statuses, IsEmpty());
  const FeatureResponse scaled = Get(Scaled(Integers("factor", {6})));
  EXPECT_THAT(scaled.features[0].failures[0].reason, HasSubstr("integer overflow"));
}

TEST_F(DecimalsTest, InputsAreTakenExactlyOrNotAtAll) {
  Buy(1, 250);
  const auto due = [&](NamedColumn discount) {
    return Get(Discounted(std::move(discount))).features[0].values.integers[0];
  };
  EXPECT_EQ(due(Integers("discount", {5}, Type::Decimal(1))), 2000);
  EXPECT_EQ(due(Integers("discount", {5000}, Type::Decimal(4))), 2000);
  EXPECT_EQ(due(Integers("discount", {2})), 500);
  EXPECT_EQ(due(Texts("discount", {"0.5"})), 2000);

  const auto refusal = [&](NamedColumn discount) {
    return std::string(Refusal(Discounted(std::move(discount))).message());
  };
  EXPECT_THAT(
      refusal(Integers("discount", {5001}, Type::Decimal(4))),
      HasSubstr("inputs: 'discount' row 0 is 0.5001, which cannot stand exactly in decimal(2)"));
  EXPECT_THAT(refusal(Integers("discount", {INT64_MAX})),
              HasSubstr("which cannot stand exactly in decimal(2)"));
  EXPECT_THAT(refusal(Texts("discount", {"0.501"})),
              HasSubstr("is \"0.501\", which cannot stand exactly in decimal(2)"));
  EXPECT_THAT(refusal(Numbers("discount", {0.5})), HasSubstr("'discount' is double, but"));
  EXPECT_THAT(refusal(Integers("discount", {5}, Type::Decimal(200))),
              HasSubstr("needs decimal(2)"));
  EXPECT_THAT(std::string(Refusal(Scaled(Integers("factor", {300}, Type::Decimal(2)))).message()),
              HasSubstr("'factor' is decimal(2), but"));
}

TEST_F(DecimalsTest, AreExplainedAsPeopleWriteThem) {
  Buy(1, 250);
  FeatureRequest request = Discounted(Integers("discount", {50}, Type::Decimal(2)));
  request.features.insert(request.features.end(), {"sales.dearest", "sales.mean"});
  const Result<Explanation> explanation = server_->Explain(request);
  ASSERT_TRUE(explanation.ok()) << explanation.status().ToString();
  EXPECT_EQ(explanation->features[0].value, Value(std::string("2.000")));
  EXPECT_EQ(explanation->features[1].value, Value(std::string("[2.50]")));
  EXPECT_EQ(explanation->features[2].value, Value(2.5));
  std::vector<Value> steps;
  for (const ExplainedStep& step : explanation->features[0].steps) steps.push_back(step.value);
  EXPECT_THAT(steps, ElementsAre(Value(std::string("2.00")), Value(std::string("2.50")),
                                 Value(std::string("0.50"))));
  ASSERT_EQ(explanation->timelines.size(), 1u);
  ASSERT_EQ(explanation->timelines[0].cells.size(), 1u);
  EXPECT_THAT(explanation->timelines[0].cells[0].slots,
              ElementsAre(Value(std::string("2.50")), Value(2.5), Value(std::string("[2.50]"))));
}

}  // namespace
}  // namespace freshet::serve
