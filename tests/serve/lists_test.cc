#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ListsTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources: [{name: clicks, push: {}, timestamp: at, fields: {user_id: int64, item: string, price: double, kind: int32}}]
feature_views:
  - name: shopping
    entity: user
    source: clicks
    aggregations:
      - {name: items, function: last_k, k: 2, of: item}
      - {name: prices, function: top_k, k: 2, of: price, windows: [1h]}
      - {name: kinds, function: most_frequent_k, k: 2, of: kind}
      - {name: times, function: first_k_times, k: 2, of: item}
)");
  }

  void Buy(int64_t user_id, int64_t age_ms, std::string_view item, double price, int64_t kind) {
    const Datum text = Datum::String(item);
    AddEvent("shopping", user_id, kNowMs - age_ms,
             {text, Datum::Double(price), Datum::Int(kind), text});
  }

  static FeatureRequest Request(std::vector<int64_t> user_ids) {
    return UserRequest({"shopping.items", "shopping.prices_1h", "shopping.kinds", "shopping.times"},
                       std::move(user_ids));
  }
};

TEST_F(ListsTest, EachRowHasItsOwnNumberOfElements) {
  Buy(1, 3 * kMinuteMs, "cup", 2.5, 7);
  Buy(1, 2 * kMinuteMs, "", 9.5, 7);
  Buy(1, kMinuteMs, "pot", 4.5, 6);
  Buy(2, 2 * kHourMs, "lid", 1.5, 6);
  const FeatureResponse response = Get(Request({2, 9, 1, 1}));
  for (const FeatureColumn& column : response.features) {
    EXPECT_TRUE(column.values.is_list);
    EXPECT_EQ(column.values.size(), 4u);
  }
  const Column& items = response.features[0].values;
  EXPECT_THAT(items.lengths, ElementsAre(1, 0, 2, 2));
  EXPECT_THAT(items.texts, ElementsAre("lid", "pot", "", "pot", ""));
  const Column& prices = response.features[1].values;
  EXPECT_THAT(prices.lengths, ElementsAre(0, 0, 2, 2));
  EXPECT_THAT(prices.numbers, ElementsAre(9.5, 4.5, 9.5, 4.5));
  EXPECT_THAT(prices.texts, IsEmpty());
  const Column& kinds = response.features[2].values;
  EXPECT_EQ(kinds.type, Type::kInt32);
  EXPECT_THAT(kinds.integers, ElementsAre(6, 7, 6, 7, 6));
  const Column& times = response.features[3].values;
  EXPECT_EQ(times.type, Type::kTimestamp);
  EXPECT_THAT(times.list_at(2).integers,
              ElementsAre(kNowMs - 3 * kMinuteMs, kNowMs - 2 * kMinuteMs));
  EXPECT_THAT(response.features[0].statuses, ElementsAre(kPresent, kNotFound, kPresent, kPresent));
}

// What an earlier answer left in the buffers must not show.
TEST_F(ListsTest, OneAnswerAfterAnotherIntoTheSameBuffers) {
  Buy(1, kMinuteMs, "pot", 4.5, 6);
  FeatureResponse response;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(server_->GetFeatures(Request({1, 3}), &response).ok());
    EXPECT_THAT(response.features[0].values.lengths, ElementsAre(1, 0));
    EXPECT_THAT(response.features[0].values.texts, ElementsAre("pot"));
    EXPECT_THAT(response.features[2].values.integers, ElementsAre(6));
  }
}

TEST_F(ListsTest, AreDescribedAsLists) {
  const auto columns = server_->DescribeService("", std::vector<std::string>{"shopping.kinds"});
  ASSERT_TRUE(columns.ok());
  EXPECT_TRUE(columns->features[0].is_list);
  EXPECT_EQ(columns->features[0].type, Type::kInt32);
}

}  // namespace
}  // namespace freshet::serve
