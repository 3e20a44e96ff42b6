// Answers that may come from what earlier answers left, against those that cannot: event times are not kept, so that a request for
// them reads the timeline.
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "serve/fixture.h"
#include "support/seed.h"

namespace freshet::serve {
namespace {

constexpr char kSteadyDefinitions[] = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, item: string, amount: double, points: int64}
feature_views:
  - name: steady
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 1h, {window: 1h, offset: 1h}, {tumbling: 1h}]}
      - {name: spend, function: mean, of: amount, windows: [1m, 10m], default: -1.0}
      - {name: item, function: last, of: item, windows: [10m], default: nothing}
      - {name: items, function: last_k, of: item, k: 3, windows: [1h]}
      - {name: points, function: sum, of: points, windows: [1h]}
      - {name: total, function: sum, of: amount}
  - name: ageing
    entity: user
    source: clicks
    aggregations:
      - {name: since, function: time_since_last, windows: [1h]}
      - {name: visit, function: count, windows: [{session: 1m}]}
  - name: precise
    entity: user
    source: clicks
    exact: true
    aggregations:
      - {name: clicks, function: count, windows: [1m]}
feature_services:
  - {name: all, features: ["steady.*", "ageing.*", "precise.*"]}
  - {name: some, features: [steady.clicks_1m, steady.item_10m]}
)";

class KeptValuesTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kSteadyDefinitions);
  }

  void Click(int64_t user_id, int64_t time_ms, int64_t points = 1) {
    const Datum item = Datum::String(points % 2 == 0 ? "cup" : "a pot of tea, and a large one");
    AddEvent("steady", user_id, time_ms,
             {Datum::Null(), points % 5 == 0 ? Datum::Null() : Datum::Double(0.1 * points), item,
              item, Datum::Int(points), Datum::Double(0.3 * points)});
    AddEvent("ageing", user_id, time_ms, {Datum::Null(), Datum::Null()});
    AddEvent("precise", user_id, time_ms, {Datum::Null()});
  }

  FeatureRequest RequestFor(const std::string& service, std::vector<int64_t> user_ids) {
    FeatureRequest request;
    request.feature_service = service;
    request.entities.push_back(Integers("user_id", std::move(user_ids)));
    return request;
  }

  static std::string Text(const FeatureResponse& response) {
    std::string text;
    for (const FeatureColumn& column : response.features) {
      for (size_t row = 0; row < response.row_count; ++row) {
        const FeatureStatus status = column.statuses.empty() ? kPresent : column.statuses[row];
        text += column.name + " " + std::string(FeatureStatusName(status));
        if (column.values.is_list) {
          const Column list = column.values.list_at(row);
          for (size_t i = 0; i < list.size(); ++i) text += " " + ToString(ToDatum(list.at(i)));
        } else {
          text += " " + ToString(ToDatum(column.values.at(row)));
        }
        text += "\n";
      }
    }
    return text;
  }

  void Compare(FeatureRequest request) {
    const std::string text = Text(Get(request));
    request.include_event_times = true;
    ASSERT_EQ(text, Text(Get(request)));
  }
};

TEST_F(KeptValuesTest, AnAnswerIsKeptOnceAnEntityIsAskedForAgain) {
  for (int64_t i = 0; i < 100; ++i) Click(1, kNowMs - i * kMinuteMs / 2, i);
  const size_t bytes_before = store_->Stats().cache_bytes;
  const std::string first = Text(Get(RequestFor("all", {1})));
  const size_t bytes_kept = store_->Stats().cache_bytes;
  EXPECT_GT(bytes_kept, bytes_before);
  EXPECT_EQ(Text(Get(RequestFor("all", {1}))), first);
  EXPECT_EQ(store_->Stats().cache_bytes, bytes_kept);
}

TEST_F(KeptValuesTest, NothingIsKeptPastAnEventOrAWindowsHop) {
  Click(1, kNowMs - kMinuteMs, 3);
  const FeatureRequest request = UserRequest({"steady.clicks_1m", "steady.item_10m"}, {1});
  const auto clicks = [&] { return Get(request).features[0].values.integers[0]; };
  EXPECT_EQ(clicks(), 1);
  EXPECT_EQ(clicks(), 1);
  Click(1, kNowMs, 4);
  EXPECT_EQ(clicks(), 2);
  EXPECT_EQ(Get(request).features[1].values.texts[0], "cup");
  clock_.Advance(kSecondMs);
  EXPECT_EQ(clicks(), 1);
  clock_.Advance(kMinuteMs);
  EXPECT_EQ(clicks(), 0);
}

TEST_F(KeptValuesTest, AnswersAreThoseOfTheTimelineAtAnyTime) {
  const uint64_t seed = TestSeed();
  std::cout << "FRESHET_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  constexpr int64_t kStepsMs[] = {0, 1, 7, 500, 1'000, 3'000, 61'000, 3'600'000};
  for (int round = 0; round < 2'000; ++round) {
    if (below(3) == 0) Click(below(4), clock_.NowMs() - below(4) * below(kHourMs), below(100));
    if (below(3) == 0) clock_.Advance(kStepsMs[below(std::size(kStepsMs))]);
    Compare(RequestFor(below(4) == 0 ? "some" : "all", {below(5), below(5), below(5)}));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace freshet::serve
