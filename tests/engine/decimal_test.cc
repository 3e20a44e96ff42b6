// Money from the text of events and files to answers, and through a restart.
#include <gmock/gmock.h>

#include "engine/fixture.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kAtMs = 1'770'000'000'000;

const char* const kMoney = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - name: sales
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, price: decimal(2), quantity: int64, kind: string}
  - {name: accounts, file: {path: accounts.csv}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, balance: decimal(2)}}
feature_views:
  - name: sales
    entity: user
    source: sales
    aggregations:
      - {name: spent, function: sum, of: price, where: price >= 0.10}
      - {name: total, function: sum, of: price * quantity}
      - {name: mean, function: mean, of: price}
      - {name: median, function: median, of: price}
      - {name: spread, function: stddev_pop, of: price}
      - {name: bins, function: histogram, of: price, edges: [0.1, 1]}
      - {name: faded, function: decayed_sum, of: price, half_life: 1h}
      - {name: dearest, function: top_k, k: 2, of: price}
      - {name: by_price, function: top_k_by, k: 1, of: kind, by: price}
      - {name: by_kind, function: category_sums, of: price, by: kind}
      - {name: distinct, function: distinct_count, of: price}
  - name: account
    entity: user
    source: accounts
    features: [{name: balance, default: -0.01}]
  - name: checkout
    request: {basket: decimal(2)}
    features:
      - {name: left, type: decimal(3), expr: "account.balance - request.basket * 1.5"}
)";

std::string Sale(const std::string& price, int64_t quantity, const std::string& kind) {
  return R"({"user_id": 1, "at": )" + std::to_string(kAtMs) + R"(, "price": )" + price +
         R"(, "quantity": )" + std::to_string(quantity) + R"(, "kind": ")" + kind + "\"}";
}

class EngineDecimalTest : public EngineTest {
 protected:
  void SetUp() override {
    Reopen();
    Apply(kMoney);
  }

  // Of user 1, in a message's words.
  std::string Ask(const std::string& feature) {
    FeatureRequest request = UserRequest({feature}, {1});
    request.read_time_ms = kAtMs;
    return Table(request).at(0).at(0);
  }
  Column AskList(const std::string& feature) {
    FeatureRequest request = UserRequest({feature}, {1});
    request.read_time_ms = kAtMs;
    return Get(request).features.at(0).values.list_at(0);
  }
};

TEST_F(EngineDecimalTest, EventsAreAggregatedByTheirUnitsOrAsTheNearestDoubles) {
  Push("sales", {Sale("0.10", 1, "tea"), Sale("\"0.20\"", 3, "tea"), Sale("19.99", 1, "pot"),
                 Sale("0.05", 100, "tea"), Sale("null", 1, "tea"), Sale("1.234", 1, "tea")});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Ask("sales.spent"), "PRESENT 2029");
    EXPECT_EQ(Ask("sales.total"), "PRESENT 2569");
    EXPECT_EQ(Ask("sales.mean"), "PRESENT 5.085");
    EXPECT_EQ(Ask("sales.median"), "PRESENT 0.1");
    EXPECT_THAT(Ask("sales.spread"), HasSubstr("PRESENT 8.60"));
    EXPECT_THAT(Ask("sales.faded"), HasSubstr("PRESENT 20.3"));
    EXPECT_THAT(AskList("sales.bins").integers, ElementsAre(1, 2, 1));
    EXPECT_THAT(AskList("sales.dearest").integers, ElementsAre(1999, 20));
    EXPECT_THAT(AskList("sales.by_price").texts, ElementsAre("pot"));
    EXPECT_THAT(AskList("sales.by_kind").integers, ElementsAre(1999, 35));
    EXPECT_EQ(Ask("sales.distinct"), "PRESENT 4");
    Reopen();
    Await([&] { return engine_->Ready(); }, "caught up after a restart");
  }
}

// As a null of another type: what is counted are the condition and the product that have no answer.
TEST_F(EngineDecimalTest, ANullIsNoFailureOfWhatTakesItAsADouble) {
  Push("sales", {Sale("null", 1, "tea"), Sale("0.20", 3, "tea")});
  EXPECT_EQ(Ask("sales.median"), "PRESENT 0.2");
  for (const auto& source : engine_->GetStatus().sources) {
    if (source.name == "sales") {
      EXPECT_EQ(source.filter_failures, 2u);
    }
  }
}

TEST_F(EngineDecimalTest, ASumBeyondItsRangeFails) {
  Push("sales", {Sale("92233720368547758.07", 1, "a"), Sale("0.01", 1, "b")});
  EXPECT_THAT(Ask("sales.total"), HasSubstr("FAILED"));
  EXPECT_EQ(Ask("sales.mean"), "PRESENT 4.611686018427388e+16");
  FeatureRequest request = UserRequest({"sales.total"}, {1});
  request.read_time_ms = kAtMs;
  EXPECT_THAT(Get(request).features.at(0).failures.at(0).reason,
              HasSubstr("the decimal(2) sum overflows"));
}

TEST_F(EngineDecimalTest, RowsAreLoadedAndComputedWith) {
  Load("account", "user_id,at,balance\n1,1770000000000,90071992547409.93\n2,1770000000000,\n");
  FeatureRequest request = UserRequest({"account.balance", "checkout.left"}, {1, 2});
  request.inputs = {{"basket", {.type = Type::Decimal(2), .integers = {199}}}};
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Table(request).at(0),
                ElementsAre("PRESENT 9007199254740993", "PRESENT 90071992547406945"));
    EXPECT_EQ(Table(request).at(1).at(0), "NULL_VALUE -1");
    Reopen();
  }
  LoadProgress progress;
  EXPECT_FALSE(TryLoad("account", "user_id,at,balance\n1,1770000000000,1.234\n", &progress).ok());
  ASSERT_EQ(progress.bad_rows.size(), 1u);
  EXPECT_EQ(progress.bad_rows[0].reason, "balance: '1.234' has more than 2 digits after the point");
}

// What is stored has the old scale.
TEST_F(EngineDecimalTest, AnotherScaleIsRefused) {
  std::string other = kMoney;
  other.replace(other.find("balance: decimal(2)"), 19, "balance: decimal(3)");
  const PlanOutcome outcome = Refused(other);
  std::string all;
  for (const DefinitionChange& change : outcome.changes) all += change.detail + "\n";
  EXPECT_THAT(all, HasSubstr("type of field balance: decimal(2) -> decimal(3)"));
}

}  // namespace
}  // namespace freshet
