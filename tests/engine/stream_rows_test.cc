// The life of a view whose rows come from a stream: filled, changed, forgotten, removed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "engine/fixture.h"
#include "store/store.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Rows = std::vector<std::vector<std::string>>;

constexpr int64_t kThenMs = 1'780'000'000'000;  // long past

std::string DefinitionsWith(const std::string& views) {
  return R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: changes
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, home: string, op: string}
feature_views:
)" + views;
}

const std::string kProfile =
    "  - {name: profile, entity: user, source: changes, delete_when: \"op == 'd'\", "
    "features: [age]}\n";
const std::string kActivity =
    "  - {name: activity, entity: user, source: changes, aggregations: [{name: n, function: "
    "count}]}\n";

std::string Change(int64_t user_id, int64_t at_ms, int64_t age, const std::string& op = "u") {
  return "{\"user_id\": " + std::to_string(user_id) + ", \"at\": " + std::to_string(at_ms) +
         ", \"age\": " + std::to_string(age) + ", \"home\": \"h" + std::to_string(age) +
         "\", \"op\": \"" + op + "\"}";
}

class StreamRowsTest : public EngineTest {
 protected:
  void SetUp() override {
    Reopen();
    Apply(DefinitionsWith(kProfile + kActivity));
  }
  Rows Ages(std::vector<int64_t> user_ids) {
    return Table(UserRequest({"profile.age"}, std::move(user_ids)));
  }
};

TEST_F(StreamRowsTest, TheNewestEventIsServedAtOnceAndAfterARestart) {
  Push("changes", {Change(1, kThenMs, 30), Change(2, kThenMs, 40), Change(1, kThenMs - 5, 29)});
  EXPECT_EQ(Ages({1, 2, 3}), (Rows{{"PRESENT 30"}, {"PRESENT 40"}, {"NOT_FOUND 0"}}));
  Push("changes", {Change(2, kThenMs + 1, 0, "d")});
  EXPECT_EQ(Ages({2}), (Rows{{"NOT_FOUND 0"}}));
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  EXPECT_EQ(Ages({1, 2, 3}), (Rows{{"PRESENT 30"}, {"NOT_FOUND 0"}, {"NOT_FOUND 0"}}));
  Push("changes", {Change(2, kThenMs, 41)});
  EXPECT_EQ(Ages({2}), (Rows{{"NOT_FOUND 0"}})) << "an older row does not undo the deletion";
  Push("changes", {Change(2, kThenMs + 2, 42)});
  EXPECT_EQ(Ages({2}), (Rows{{"PRESENT 42"}}));
}

TEST_F(StreamRowsTest, AViewThatIsAddedLaterIsFilledFromTheBeginning) {
  Apply(DefinitionsWith(kActivity));
  Push("changes", {Change(1, kThenMs, 30), Change(2, kThenMs, 40), Change(2, kThenMs + 1, 0, "d")});
  Apply(DefinitionsWith(kProfile + kActivity));
  Await([&] { return HasRead("changes", 2); }, "the new view has read everything");
  EXPECT_EQ(Ages({1, 2}), (Rows{{"PRESENT 30"}, {"NOT_FOUND 0"}}));
}

TEST_F(StreamRowsTest, AFeatureThatIsAddedIsFilledFromTheBeginning) {
  Push("changes", {Change(1, kThenMs, 30), Change(2, kThenMs, 40)});
  std::string more = kProfile;
  more.replace(more.find("[age]"), 5, "[home, age]");
  Apply(DefinitionsWith(more));
  Await([&] { return HasRead("changes", 1); }, "the new feature has read everything");
  Push("changes", {Change(2, kThenMs + 1, 41)});
  EXPECT_EQ(Table(UserRequest({"profile.age", "profile.home"}, {1, 2})),
            (Rows{{"PRESENT 30", "PRESENT h30"}, {"PRESENT 41", "PRESENT h41"}}));
  const PlanOutcome refused = Refused(DefinitionsWith(
      "  - {name: profile, entity: user, source: changes, features: [home, age]}\n"));
  ASSERT_THAT(refused.changes, SizeIs(1));
  EXPECT_THAT(refused.changes[0].detail, HasSubstr("delete_when: op == 'd' -> none"));
}

TEST_F(StreamRowsTest, AViewThatIsRemovedLeavesNothing) {
  Push("changes", {Change(1, kThenMs, 30)});
  Apply(DefinitionsWith(kActivity));
  ASSERT_TRUE(engine_->Stop().ok());
  engine_.reset();
  store::StoreOptions options;
  options.path = options_.data_folder;
  {
    const auto store = store::Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (store::TableId table = 1; table < 10; ++table) {
      // The int64 1, as entity keys have it.
      const std::string_view key("\x80\0\0\0\0\0\0\1", 8);
      const store::StateKey state_key{store::TableKind::kTimelines, table, key};
      const Status looked = (*store)->Lookup({&state_key, 1}, [&](size_t, std::string_view bytes) {
        EXPECT_TRUE(bytes.empty() || bytes[0] == 'T') << "table " << table;
      });
      ASSERT_TRUE(looked.ok()) << looked.ToString();
    }
  }
  Reopen();
  Apply(DefinitionsWith(kProfile + kActivity));
  Await([&] { return HasRead("changes", 0); }, "the view has read everything again");
  EXPECT_EQ(Ages({1}), (Rows{{"PRESENT 30"}}));
}

TEST_F(StreamRowsTest, AnEntityIsForgotten) {
  Push("changes", {Change(1, kThenMs, 30), Change(2, kThenMs, 40)});
  const auto receipt = engine_->Forget({{"user_id", "1"}});
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  std::map<std::string, uint64_t> erased;
  for (const ForgetReceipt::Part& part : receipt->parts)
    erased[part.name + ": " + part.what] += part.count;
  EXPECT_EQ(erased,
            (std::map<std::string, uint64_t>{
                {"changes: pushed events", 1}, {"profile: row", 1}, {"activity: timeline", 1}}));
  EXPECT_TRUE(receipt->remaining.empty());
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(Ages({1, 2}), (Rows{{"NOT_FOUND 0"}, {"PRESENT 40"}}));
    Reopen();
    Await([&] { return engine_->Ready(); }, "caught up");
  }
  Push("changes", {Change(1, kThenMs - 1, 29)});
  EXPECT_EQ(Ages({1}), (Rows{{"PRESENT 29"}})) << "also what deleted it is forgotten";
}

// Rows go when RocksDB compacts their files: large new ones make it do so.
TEST_F(StreamRowsTest, RowsPastTheRetentionGoOnceItIsAppliedAndAlsoAfterARestart) {
  options_.write_buffer_bytes = 1u << 20;
  Reopen();
  const auto expired = [&] { return engine_->GetStatus().counters.at("store_rows_expired"); };
  int64_t user_id = 100;
  const auto push_large_rows = [&] {
    const std::string home(60'000, 'h');
    std::vector<std::string> records;
    // Also of a key before all others, so that no file is left aside.
    for (int i = 0; i < 20; ++i)
      records.push_back(fmt::format(R"({{"user_id": {}, "at": {}, "age": 1, "home": "{}"}})",
                                    i == 0 ? 0 : user_id++, kThenMs, home));
    Push("changes", records);
  };
  const auto definitions = [](const std::string& keys) {
    return DefinitionsWith(
        "  - {name: homes, entity: user, source: changes, features: [age, home]" + keys + "}\n");
  };
  const FeatureRequest request = UserRequest({"homes.age"}, {1, 2});

  Apply(definitions(""));
  Push("changes", {Change(1, kThenMs - 2 * kHourMs, 30)});
  for (int i = 0; i < 12; ++i) push_large_rows();
  EXPECT_EQ(Table(request), (Rows{{"PRESENT 30"}, {"NOT_FOUND 0"}}));
  EXPECT_EQ(expired(), 0u);

  // By the clock of this machine, which is past the times of all events, all but the first are younger.
  const int64_t age_ms = Clock::System().NowMs() - kThenMs;
  Apply(definitions(fmt::format(", max_age: {0}ms, retention: {0}ms", age_ms + kHourMs)));
  EXPECT_EQ(Table(request), (Rows{{"OUTSIDE_MAX_AGE 0"}, {"NOT_FOUND 0"}}));
  for (int i = 0; i < 200 && expired() == 0; ++i) push_large_rows();
  EXPECT_EQ(expired(), 1u);
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  EXPECT_EQ(Table(request), (Rows{{"NOT_FOUND 0"}, {"NOT_FOUND 0"}}));

  Push("changes", {Change(2, kThenMs - 2 * kHourMs, 31)});
  EXPECT_EQ(Table(request), (Rows{{"NOT_FOUND 0"}, {"OUTSIDE_MAX_AGE 0"}}));
  for (int i = 0; i < 200 && expired() == 0; ++i) push_large_rows();
  EXPECT_EQ(expired(), 1u);
}

TEST_F(StreamRowsTest, LoadsAreRefusedWithTheWayOut) {
  for (const bool upsert : {false, true}) {
    LoadRequest request{"profile", "csv", 0.0};
    request.upsert = upsert;
    const Status refused = engine_->Load(request).status();
    EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.message()),
                HasSubstr("come from the stream 'changes' and not from loads; push rows there"));
  }
  EXPECT_EQ(engine_->Rollback("profile").status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(StreamRowsTest, StatusAndWaitsAndAsOfAreThoseOfItsStream) {
  Push("changes", {Change(1, kThenMs, 30), Change(1, kThenMs - 1, 29)});
  const ServerStatus status = engine_->GetStatus();
  EXPECT_EQ(status.views.at(0).kind, "row");
  EXPECT_EQ(status.views[0].source, "changes");
  EXPECT_THAT(status.streams.at(0).views, ElementsAre("activity", "profile"));
  EXPECT_EQ(status.sources.at(0).too_old, 1u);

  const std::string change = Change(1, kThenMs + 1, 31);
  const Result<int64_t> offset = engine_->Push("changes", {change});
  ASSERT_TRUE(offset.ok());
  FeatureRequest request = UserRequest({"profile.age"}, {1});
  request.read_after = {{"changes", 0, *offset}};
  request.include_as_of = true;
  EXPECT_EQ(Table(request), (Rows{{"PRESENT 31"}}));
  Await([&] { return Get(request).as_of.at(0).as_of_ms > kThenMs; }, "the as-of is known");

  request.read_after.clear();
  request.max_staleness_ms = 600'000;
  EXPECT_EQ(Table(request), (Rows{{"PRESENT 31"}}));
  ASSERT_TRUE(engine_->Stop().ok());
  request.max_staleness_ms = 0;
  Await([&] { return Table(request) == Rows{{"SOURCE_STALE 0"}}; }, "the stream is behind");
}

}  // namespace
}  // namespace freshet
