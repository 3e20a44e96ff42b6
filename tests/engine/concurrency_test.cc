// Everything at once: definitions change, files load, events come in and features are read.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/fixture.h"
#include "support/seed.h"

namespace freshet {
namespace {

constexpr int64_t kThenMs = 1'780'000'000'000;
constexpr int64_t kUsers = 50;

enum class More { kNone, kThere, kServed };

std::string DefinitionsWith(More more) {
  std::string yaml = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - {name: clicks, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, amount: double}}
  - {name: users, file: {path: users.csv}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, a: int64, b: int64}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count}
      - {name: spend, function: sum, of: amount}
  - {name: profile, entity: user, source: users, features: [a, b]}
)";
  if (more != More::kNone) {
    yaml += R"(
  - name: more
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1h]}
)";
  }
  if (more == More::kServed) {
    yaml += R"(
feature_services:
  - {name: more, features: [more.clicks_1h, activity.clicks]}
)";
  }
  return yaml;
}

class ConcurrencyTest : public EngineTest {
 protected:
  void SetUp() override {
    options_.cache_bytes = 256u << 10;
    Reopen();
    Apply(DefinitionsWith(More::kNone));
  }

  void PushEvents() {
    for (int64_t i = 0; !done_; ++i) {
      std::vector<std::string> records;
      for (int64_t user = 0; user < kUsers; ++user) {
        records.push_back(fmt::format(R"({{"user_id": {}, "at": {}, "amount": 2.5}})", user,
                                      kThenMs + i % 1'000));
      }
      const std::vector<std::string_view> views(records.begin(), records.end());
      ASSERT_TRUE(engine_->Push("clicks", views).ok());
      ++pushes_;
    }
  }

  // Count and sum of one timeline are of the same events, and never fall.
  void ReadFeatures() {
    std::vector<int64_t> seen(kUsers, 0);
    std::vector<int64_t> users;
    for (int64_t user = 0; user < kUsers; ++user) users.push_back(user);
    FeatureRequest request =
        UserRequest({"activity.clicks", "activity.spend", "profile.a", "profile.b"}, users);
    FeatureResponse response;
    while (!done_) {
      const Status status = engine_->GetFeatures(request, &response);
      ASSERT_TRUE(status.ok()) << status.ToString();
      for (size_t row = 0; row < users.size(); ++row) {
        const int64_t clicks = response.features[0].values.integers[row];
        ASSERT_EQ(response.features[1].values.numbers[row], 2.5 * static_cast<double>(clicks));
        ASSERT_GE(clicks, seen[row]);
        seen[row] = clicks;
        ASSERT_EQ(response.features[2].values.integers[row],
                  -response.features[3].values.integers[row]);
      }
      ++reads_;
    }
  }

  void ReadService() {
    FeatureRequest request = UserRequest({}, {1, 2, 3});
    request.feature_service = "more";
    request.include_as_of = true;
    FeatureResponse response;
    while (!done_) {
      const Status status = engine_->GetFeatures(request, &response);
      ASSERT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument)
          << status.ToString();
      (void)engine_->GetStatus();
      (void)engine_->DescribeService("more", {});
    }
  }

  void LoadFiles() {
    for (int64_t i = 1; !done_; ++i) {
      std::string csv = "user_id,at,a,b\n";
      for (int64_t user = 0; user < kUsers; ++user)
        csv += fmt::format("{},1770000000000,{},{}\n", user, i, -i);
      const Status status = TryLoad("profile", csv);
      ASSERT_TRUE(status.ok()) << status.ToString();
      ++loads_;
    }
  }

  void ChangeDefinitions() {
    // What is served goes in two steps.
    constexpr More kSteps[] = {More::kServed, More::kThere, More::kNone};
    for (int i = 0; !done_; ++i) {
      const Result<PlanOutcome> outcome =
          engine_->Apply(Definitions(DefinitionsWith(kSteps[i % 3])));
      ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
      ASSERT_TRUE(outcome->applicable());
      ++changes_;
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<int64_t> pushes_{0};
  std::atomic<int64_t> reads_{0};
  std::atomic<int64_t> loads_{0};
  std::atomic<int64_t> changes_{0};
};

TEST_F(ConcurrencyTest, NothingIsTornAndNothingIsLost) {
  std::vector<std::thread> threads;
  threads.emplace_back([this] { PushEvents(); });
  threads.emplace_back([this] { ReadFeatures(); });
  threads.emplace_back([this] { ReadService(); });
  threads.emplace_back([this] { LoadFiles(); });
  threads.emplace_back([this] { ChangeDefinitions(); });
  const auto enough = static_cast<int64_t>(TestCases(80));
  while (!HasFailure() &&
         (pushes_ < enough || reads_ < 10 * enough || loads_ < enough / 2 || changes_ < enough))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  done_ = true;
  for (std::thread& thread : threads) thread.join();

  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  const FeatureResponse response = Get(UserRequest({"activity.clicks"}, {0, kUsers - 1}));
  EXPECT_EQ(response.features[0].values.integers[0], pushes_.load());
  EXPECT_EQ(response.features[0].values.integers[1], pushes_.load());
}

}  // namespace
}  // namespace freshet
