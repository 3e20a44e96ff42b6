// Rows that a stream feeds, through the applier into a real store.
#include <map>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "harness.h"
#include "ingest/applier.h"
#include "ingest/row_tables.h"
#include "store/entity_key.h"
#include "store/stream_row.h"

namespace freshet::ingest {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kT0 = 1'700'000'000'000;

const char* const kDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: changes
    kafka: {topic: changes}
    timestamp: {field: at, unit: ms}
    clock_skew: 10s
    fields: {user_id: int64, age: int64, op: string}
feature_views:
  - name: profile
    entity: user
    source: changes
    features: [age]
    delete_when: op == 'd'
  - name: activity
    entity: user
    source: changes
    aggregations: [{name: changes, function: count}]
)yaml";

class RowsTest : public ::testing::Test {
 protected:
  RowsTest() { NewApplier({}); }

  void NewApplier(const Offsets& start) {
    std::vector<TableTarget> targets;
    const registry::FeatureView& activity = *registry_->FindFeatureView("activity");
    targets.push_back({&activity, &activity.stream()->tables[0], start});
    targets.push_back({&profile(), nullptr, start, &profile().batch()->tables[0]});
    applier_ = std::make_unique<Applier>(*registry_->FindSource("changes"), targets, *writer_);
  }
  const registry::FeatureView& profile() const { return *registry_->FindFeatureView("profile"); }

  Refusal Put(int64_t user_id, int64_t time_ms, Datum age, int32_t partition, int64_t offset,
              const char* op = "u") {
    DecodedEvent event;
    event.time_ms = time_ms;
    event.values = {Datum::Int(user_id), age, Datum::String(op)};
    Record record;
    record.partition = partition;
    record.offset = offset;
    record.timestamp_ms = kT0;
    Refusal refusal = Refusal::kNone;
    Applier::Foresight foresight;
    applier_->Foresee(event, &foresight);
    const Status applied = applier_->Apply(record, event, foresight, kNoRetry, &refusal, &detail_);
    EXPECT_TRUE(applied.ok()) << applied.ToString();
    return refusal;
  }
  Refusal Delete(std::optional<std::string_view> key, int64_t time_ms, int32_t partition,
                 int64_t offset) {
    Record record;
    record.partition = partition;
    record.offset = offset;
    record.timestamp_ms = time_ms;
    record.is_tombstone = true;
    record.key = key;
    Refusal refusal = Refusal::kNone;
    const Status applied = applier_->Delete(record, kNoRetry, &refusal, &detail_);
    EXPECT_TRUE(applied.ok()) << applied.ToString();
    return refusal;
  }

  // "absent", "deleted at T", "null at T" or "AGE at T", T from kT0 on.
  std::string Row(int64_t user_id) {
    std::string key;
    EXPECT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(user_id), key).ok());
    const store::StateKey state_key{store::TableKind::kTimelines, profile().fed_tables()[0], key};
    std::string text;
    const Status looked = harness_.store().Lookup(
        {&state_key, 1},
        [&](size_t, std::string_view bytes) { text = bytes.empty() ? "absent" : Shown(bytes); });
    EXPECT_TRUE(looked.ok()) << looked.ToString();
    return text;
  }
  static std::string Shown(std::string_view bytes) {
    const store::RowLayout layout({Type::kInt64});
    EXPECT_TRUE(store::StreamRow::Validate(layout, bytes).ok());
    const std::string_view row = store::StreamRow::Row(bytes);
    const int64_t time_ms = store::RowLayout::EventTimeMs(row) - kT0;
    if (store::RowLayout::IsTombstone(row)) return fmt::format("deleted at {}", time_ms);
    return fmt::format("{} at {}", ToString(layout.Read(row, 0)), time_ms);
  }
  void Restart() {
    ASSERT_TRUE(writer_->Freeze({}).ok());
    ASSERT_TRUE(writer_->Write().ok());
    applier_.reset();
    writer_.reset();
    harness_.Open();
    writer_ = harness_.store().NewTimelineWriter();
    NewApplier({});
  }

  static bool NoRetry(const Status&) { return false; }
  static constexpr auto kNoRetry = NoRetry;

  StoreHarness harness_;
  std::shared_ptr<const registry::Registry> registry_ = BuildRegistry(kDefinitions);
  std::unique_ptr<store::TimelineWriter> writer_ = harness_.store().NewTimelineWriter();
  std::unique_ptr<Applier> applier_;
  std::string detail_;
};

TEST_F(RowsTest, TheNewestEventIsTheRow) {
  EXPECT_EQ(Row(1), "absent");
  EXPECT_EQ(Put(1, kT0, Datum::Int(30), 0, 0), Refusal::kNone);
  EXPECT_EQ(Row(1), "30 at 0");
  Put(1, kT0 + 5, Datum::Int(31), 1, 0);
  EXPECT_EQ(Row(1), "31 at 5");
  Put(1, kT0 + 4, Datum::Int(32), 0, 1);
  EXPECT_EQ(Row(1), "31 at 5") << "an older one changes nothing";
  Put(1, kT0 + 5, Datum::Int(33), 0, 2);
  EXPECT_EQ(Row(1), "31 at 5") << "of equal times the later place stays";
  Put(1, kT0 + 5, Datum::Null(), 1, 1);
  EXPECT_EQ(Row(1), "null at 5");
  EXPECT_EQ(Row(2), "absent");
  EXPECT_EQ(applier_->counts().applied, 5u) << "activity takes all of them";
  EXPECT_EQ(applier_->counts().too_old, 2u);
}

TEST_F(RowsTest, ATombstoneDeletesAndIsNotUndoneByAnOlderRow) {
  Put(1, kT0, Datum::Int(30), 0, 0);
  EXPECT_EQ(Delete("1", kT0 + 10, 0, 1), Refusal::kNone);
  EXPECT_EQ(Row(1), "deleted at 10");
  Put(1, kT0 + 9, Datum::Int(31), 0, 2);
  EXPECT_EQ(Row(1), "deleted at 10");
  Restart();
  Put(1, kT0 + 9, Datum::Int(31), 0, 3);
  EXPECT_EQ(Row(1), "deleted at 10");
  Put(1, kT0 + 10, Datum::Int(32), 0, 4);
  EXPECT_EQ(Row(1), "32 at 10");
  EXPECT_EQ(Delete(R"({"user_id": 1})", kT0 + 9, 0, 5), Refusal::kNone);
  EXPECT_EQ(Row(1), "32 at 10") << "an older tombstone deletes nothing";
}

TEST_F(RowsTest, ATombstoneMayComeBeforeItsRow) {
  Delete("2", kT0, 0, 0);
  EXPECT_EQ(Row(2), "deleted at 0");
  Put(2, kT0 - 1, Datum::Int(1), 0, 1);
  EXPECT_EQ(Row(2), "deleted at 0");
}

TEST_F(RowsTest, AnEventDeletesWhereItsConditionHolds) {
  Put(1, kT0, Datum::Int(30), 0, 0);
  Put(1, kT0 + 1, Datum::Int(31), 0, 1, "d");
  EXPECT_EQ(Row(1), "deleted at 1");
  Put(1, kT0 + 2, Datum::Int(32), 0, 2, "u");
  EXPECT_EQ(Row(1), "32 at 2");
}

TEST_F(RowsTest, ATombstoneThatDoesNotSayWhoseItIsIsRefused) {
  Put(1, kT0, Datum::Int(30), 0, 0);
  EXPECT_EQ(Delete(std::nullopt, kT0 + 1, 0, 1), Refusal::kMissingField);
  EXPECT_THAT(detail_, HasSubstr("without a key"));
  EXPECT_EQ(Delete("one", kT0 + 1, 0, 2), Refusal::kNotJson);
  EXPECT_EQ(Delete(R"({"id": 1})", kT0 + 1, 0, 3), Refusal::kNotJson);
  EXPECT_EQ(Delete("1", -1, 0, 4), Refusal::kTimeOutOfRange);
  EXPECT_EQ(Row(1), "30 at 0");
}

TEST_F(RowsTest, RowsTooFarInTheFutureAreRefused) {
  EXPECT_EQ(Put(1, kT0 + 10'001, Datum::Int(1), 0, 0), Refusal::kTooFarInFuture);
  EXPECT_EQ(Row(1), "absent");
  EXPECT_EQ(Put(1, kT0 + 10'000, Datum::Int(1), 0, 1), Refusal::kNone);
  EXPECT_EQ(Row(1), "1 at 10000");
}

TEST_F(RowsTest, AnEventThatWouldBeTooLargeARowIsRefusedForTheViewAlone) {
  const size_t features = limits::kStoredRowBytesMax / limits::kStringValueBytesMax + 1;
  std::string wide = kDefinitions;
  wide +=
      "  - name: wide\n    entity: user\n    source: changes\n    delete_when: age == 0\n    "
      "features:\n";
  for (size_t i = 0; i < features; ++i)
    wide += fmt::format("      - {{name: f{}, field: op}}\n", i);
  const auto registry = BuildRegistry(wide);
  const registry::FeatureView& view = *registry->FindFeatureView("wide");
  RowTables rows(view);
  rows.Add(view.batch()->tables[0], {});
  DecodedEvent event;
  std::string op(limits::kStoredRowBytesMax / features, 'x');
  event.values = {Datum::Int(1), Datum::Int(1), Datum::String(op)};
  EXPECT_EQ(rows.CheckRow(event, &detail_), Refusal::kNone);
  op.resize(op.size() + 1);
  event.values[2] = Datum::String(op);
  EXPECT_EQ(rows.CheckRow(event, &detail_), Refusal::kTooLarge);
  EXPECT_THAT(detail_, HasSubstr("the features of wide have"));

  const registry::FeatureView& narrow = *registry->FindFeatureView("profile");
  std::vector<TableTarget> targets = {{&view, nullptr, {}, &view.batch()->tables[0]},
                                      {&narrow, nullptr, {}, &narrow.batch()->tables[0]}};
  Applier applier(*registry->FindSource("changes"), targets, *writer_);
  event.time_ms = kT0;
  Record record;
  record.timestamp_ms = kT0;
  Refusal refusal = Refusal::kNone;
  Applier::Foresight foresight;
  applier.Foresee(event, &foresight);
  ASSERT_TRUE(applier.Apply(record, event, foresight, kNoRetry, &refusal, &detail_).ok());
  EXPECT_EQ(refusal, Refusal::kTooLarge);
  EXPECT_EQ(applier.counts().applied, 1u);
  // A deletion has no features.
  event.values[1] = Datum::Int(0);
  record.offset = 1;
  ASSERT_TRUE(applier.Apply(record, event, foresight, kNoRetry, &refusal, &detail_).ok());
  EXPECT_EQ(refusal, Refusal::kNone);
}

TEST_F(RowsTest, TablesSkipWhatTheyHave) {
  NewApplier({{0, 10}});
  Put(1, kT0, Datum::Int(1), 0, 9);
  Delete("1", kT0, 0, 9);
  EXPECT_EQ(Row(1), "absent");
  Put(1, kT0, Datum::Int(1), 0, 10);
  EXPECT_EQ(Row(1), "1 at 0");
}

// Every record is kept, and the newest of a user is looked for.
TEST_F(RowsTest, AgreeWithANaiveModelWhateverTheOrder) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  struct Seen {
    int64_t time_ms;
    int32_t partition;
    int64_t offset;
    std::string shown;
  };
  std::map<int64_t, std::vector<Seen>> seen;
  for (int64_t offset = 0; offset < 4'000; ++offset) {
    const auto user_id = static_cast<int64_t>(random() % 40);
    const auto time_ms = static_cast<int64_t>(random() % 60);
    const auto partition = static_cast<int32_t>(random() % 3);
    const auto age = static_cast<int64_t>(random() % 100);
    std::string shown = fmt::format("{} at {}", age, time_ms);
    switch (random() % 4) {
      case 0:
        Delete(fmt::format("{}", user_id), kT0 + time_ms, partition, offset);
        shown = fmt::format("deleted at {}", time_ms);
        break;
      case 1:
        Put(user_id, kT0 + time_ms, Datum::Null(), partition, offset, "d");
        shown = fmt::format("deleted at {}", time_ms);
        break;
      default:
        Put(user_id, kT0 + time_ms, Datum::Int(age), partition, offset);
    }
    seen[user_id].push_back({time_ms, partition, offset, shown});
    if (random() % 500 == 0) Restart();
  }
  for (const auto& [user_id, records] : seen) {
    const Seen* newest = &records[0];
    for (const Seen& each : records) {
      const bool is_newer =
          each.time_ms > newest->time_ms ||
          (each.time_ms == newest->time_ms &&
           (each.partition > newest->partition ||
            (each.partition == newest->partition && each.offset > newest->offset)));
      if (is_newer) newest = &each;
    }
    EXPECT_EQ(Row(user_id), newest->shown) << "user " << user_id;
  }
}

}  // namespace
}  // namespace freshet::ingest
