// Random change events, deletions, restarts, evictions and added features against a model that keeps every event: a row is what
// the newest event of the entity says.
#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/fixture.h"
#include "support/seed.h"

namespace freshet {
namespace {

constexpr int64_t kBaseMs =
    1'770'000'000'000;  // long past, so that no event is ahead of its record
constexpr int64_t kMaxAgeMs = 3'600'000;
constexpr int64_t kUsers = 900;

struct Change {
  int64_t at_ms = 0;
  int64_t offset = 0;
  std::string op;
  std::optional<int64_t> age;
  std::optional<std::string> home;

  std::string Json(int64_t user_id) const {
    std::string json = fmt::format(R"({{"user_id": {}, "at": {}, "op": "{}")", user_id, at_ms, op);
    if (age) json += fmt::format(R"(, "age": {})", *age);
    if (home) json += fmt::format(R"(, "home": "{}")", *home);
    return json + "}";
  }
};

class RowsOracleTest : public EngineTest, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    seed_ = TestSeed() + static_cast<uint64_t>(GetParam());
    random_.seed(seed_);
    // A few dozen rows fit.
    options_.cache_bytes = 32u << 10;
    options_.block_cache_bytes = 256u << 10;
    options_.checkpoint_dirty_bytes = 32u << 10;
  }
  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  void Define() {
    Apply(fmt::format(R"(
entities: [{{name: user, join_keys: {{user_id: int64}}}}]
sources:
  - name: changes
    push: {{}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, op: string, age: int64, home: string}}
feature_views:
  - name: profile
    entity: user
    source: changes
    delete_when: op == 'd'
    features: [age, {{name: home, default: nowhere}}{}]
  - name: recent
    entity: user
    source: changes
    max_age: {}ms
    features: [age]
  - name: activity
    entity: user
    source: changes
    aggregations: [{{name: changes, function: count}}]
)",
                      added_, kMaxAgeMs));
  }

  void PushSome() {
    clock_ms_ += Pick(0, 2) * 1'000'000;
    std::vector<std::string> records;
    for (int64_t i = Pick(1, 300); i > 0; --i) {
      const int64_t user_id = Pick(0, 3) == 0 ? Pick(0, 19) : Pick(0, kUsers - 1);
      Change change;
      // Coarse times tie.
      change.at_ms = kBaseMs + clock_ms_ - Pick(0, 20) * (Pick(0, 1) == 0 ? 1 : 100'000);
      change.offset = next_offset_++;
      change.op = Pick(0, 3) == 0 ? "d" : "u";
      if (Pick(0, 4) != 0) change.age = Pick(-5, 120);
      if (Pick(0, 4) != 0)
        change.home =
            std::string(static_cast<size_t>(Pick(0, 60)), static_cast<char>(Pick('a', 'z')));
      records.push_back(change.Json(user_id));
      changes_[user_id].push_back(change);
    }
    ASSERT_EQ(Push("changes", records), next_offset_ - 1);
  }

  // What the model says of a user: profile.age, profile.home, recent.age, activity.changes.
  std::vector<std::string> Expected(int64_t user_id, int64_t now_ms) const {
    const auto known = changes_.find(user_id);
    if (known == changes_.end())
      return {"NOT_FOUND 0", "NOT_FOUND nowhere", "NOT_FOUND 0", "NOT_FOUND 0"};
    const Change& newest = *std::max_element(
        known->second.begin(), known->second.end(), [](const Change& a, const Change& b) {
          return std::pair(a.at_ms, a.offset) < std::pair(b.at_ms, b.offset);
        });
    const std::string age =
        newest.age ? fmt::format("PRESENT {}", *newest.age) : std::string("NULL_VALUE 0");
    const std::string home = newest.home ? "PRESENT " + *newest.home : "NULL_VALUE nowhere";
    const bool is_deleted = newest.op == "d";
    return {is_deleted ? "NOT_FOUND 0" : age, is_deleted ? "NOT_FOUND nowhere" : home,
            newest.at_ms < now_ms - kMaxAgeMs ? "OUTSIDE_MAX_AGE 0" : age,
            fmt::format("PRESENT {}", known->second.size())};
  }

  void Compare() {
    std::vector<int64_t> users;
    for (int64_t user_id = 0; user_id <= kUsers; ++user_id) users.push_back(user_id);
    std::shuffle(users.begin(), users.end(), random_);
    std::vector<std::string> features = {"profile.age", "profile.home", "recent.age",
                                         "activity.changes"};
    if (!added_.empty()) features.emplace_back("profile.years");
    FeatureRequest request = UserRequest(features, users);
    request.read_time_ms = kBaseMs + clock_ms_;
    const auto rows = Table(request);
    ASSERT_EQ(rows.size(), users.size());
    for (size_t i = 0; i < users.size(); ++i) {
      std::vector<std::string> expected = Expected(users[i], *request.read_time_ms);
      if (!added_.empty()) expected.push_back(expected[0]);
      ASSERT_EQ(rows[i], expected) << "user " << users[i] << ", seed " << seed_;
    }
  }

  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::string added_;
  int64_t clock_ms_ = 0;
  int64_t next_offset_ = 0;
  std::map<int64_t, std::vector<Change>> changes_;
};

TEST_P(RowsOracleTest, ARowIsWhatTheNewestEventSays) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Reopen();
  Define();
  for (int round = 0; round < 14 && !HasFailure(); ++round) {
    PushSome();
    if (round == 7) {
      added_ = ", {name: years, field: age}";
      Define();
    }
    if (Pick(0, 2) == 0) Reopen();
    Await([&] { return engine_->Ready() && HasRead("changes", next_offset_ - 1); }, "all is read");
    Compare();
  }
  EXPECT_GT(engine_->GetStatus().counters.at("store_cache_misses"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Runs, RowsOracleTest, ::testing::Range(0, static_cast<int>(TestCases(4))));

}  // namespace
}  // namespace freshet
