#include "load/loader.h"

#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/time.h"
#include "load/file_list.h"
#include "load/read_rows.h"
#include "load/written_files.h"
#include "registry/file_format.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "support/temp_folder.h"

namespace freshet::load {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDefinitions[] = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
  - {name: listing, join_keys: {shop: string, rank: int32, live: bool}}
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: updated_at, unit: ms}
    fields: {user_id: int64, age: int32, country: string}
  - name: listings
    file: {path: listings.jsonl}
    timestamp: seen
    fields: {flag: bool, rank: int32, big: int64, single: float, twice: double, shop: string, moment: timestamp, live: bool}
  - name: clicks
    push:
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64}
feature_views:
  - {name: profile, entity: user, source: users, features: [country, age]}
  - name: checked
    entity: user
    source: users
    min_rows: 2
    features:
      - {name: age, expect: {not_null: true, between: [0, 150]}}
      - {name: country, expect: {in: [FI, SE, NO], max_null_share: 0.25}}
  - {name: listing, entity: listing, source: listings, features: [moment, twice, single, big, rank, flag, shop]}
  - {name: activity, entity: user, source: clicks, aggregations: [{name: clicks, function: count, windows: [1m]}]}
)";

std::shared_ptr<const registry::Registry> BuildRegistry() {
  const std::vector<registry::DefinitionFile> files = {{"test.yaml", kDefinitions}};
  yaml::Diagnostics diagnostics;
  auto registry = registry::Registry::Build(files, registry::Catalog(), &diagnostics);
  EXPECT_NE(registry, nullptr);
  return registry;
}

// A stored row as the test compares it; nothing when the entity has none.
struct StoredRow {
  int64_t time_ms = 0;
  std::vector<Value> values;

  friend bool operator==(const StoredRow&, const StoredRow&) = default;
};

class LoaderTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    store_.reset();
    auto opened = store::Store::Open({.path = folder_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }

  std::unique_ptr<Load> Start(std::string_view view, const LoadOptions& options = {}) {
    auto load = Load::Start(registry_, view, options, *store_);
    EXPECT_TRUE(load.ok()) << load.status().ToString();
    return load.ok() ? std::move(load).value() : nullptr;
  }

  // Loads `text` in one go; the report is kept.
  Status LoadText(std::string_view view, std::string_view text, const LoadOptions& options = {},
                  size_t chunk_bytes = limits::kLoadChunkBytesMax) {
    const std::unique_ptr<Load> load = Start(view, options);
    Status status;
    for (size_t at = 0; at < text.size() && status.ok(); at += chunk_bytes) {
      status = load->Feed(text.substr(at, chunk_bytes));
    }
    if (status.ok()) status = load->Finish([](LoadPhase, uint64_t) {});
    report_ = load->report();
    return status;
  }

  Status LoadUsers(std::string_view rows, const LoadOptions& options = {}) {
    return LoadText("profile", "user_id,age,country,updated_at\n" + std::string(rows), options);
  }

  std::optional<StoredRow> Find(std::string_view view_name, const std::vector<Value>& join_keys) {
    const registry::FeatureView& view = *registry_->FindFeatureView(view_name);
    const auto generation = store_->FindGeneration(view.id);
    if (generation == nullptr) return std::nullopt;
    std::string key;
    for (size_t i = 0; i < join_keys.size(); ++i) {
      EXPECT_TRUE(
          store::AppendEntityKey(view.entity->join_keys[i].type, ToDatum(join_keys[i]), key).ok());
    }
    const store::StateKey state_key{store::TableKind::kRows, generation->table, key};
    std::optional<StoredRow> found;
    const store::RowLayout layout(generation->column_types);
    const Status status = store_->Lookup({&state_key, 1}, [&](size_t, std::string_view bytes) {
      if (bytes.empty()) return;
      EXPECT_TRUE(layout.Validate(bytes).ok());
      found.emplace().time_ms = store::RowLayout::EventTimeMs(bytes);
      for (size_t i = 0; i < layout.columns().size(); ++i)
        found->values.push_back(ToValue(layout.Read(bytes, i)));
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return found;
  }

  std::optional<StoredRow> FindUser(int64_t user_id) { return Find("profile", {Value(user_id)}); }

  testing::TempFolder folder_;
  std::shared_ptr<const registry::Registry> registry_ = BuildRegistry();
  std::unique_ptr<store::Store> store_;
  LoadReport report_;
};

StoredRow StoredUser(int64_t time_ms, Value country, Value age) {
  return {time_ms, {std::move(country), std::move(age)}};
}

TEST_F(LoaderTest, RowsAreServedInTheOrderOfTheFeatures) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n2,,\"\",6\n").ok());
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  EXPECT_EQ(FindUser(2), StoredUser(6, Text(""), kNull));
  EXPECT_EQ(FindUser(3), std::nullopt);
  const auto generation = store_->FindGeneration(registry_->FindFeatureView("profile")->id);
  EXPECT_THAT(generation->column_names, ElementsAre("country", "age"));
  EXPECT_THAT(generation->column_types, ElementsAre(Type::kString, Type::kInt32));
  EXPECT_EQ(generation->row_count, 2u);
}

TEST_F(LoaderTest, EveryTypeComesBack) {
  const LoadOptions options{.format = registry::FileFormat::kJsonl};
  const Status status = LoadText(
      "listing",
      R"({"shop":"a","rank":-2147483648,"live":true,"flag":false,"big":-9223372036854775808,"single":0.1,"twice":1e300,"moment":"1969-12-31T23:59:59.999Z","seen":"2026-11-24T10:00:00Z"})"
      "\n"
      R"({"shop":"","rank":2147483647,"live":false,"seen":"0001-01-01T00:00:00Z"})"
      "\n",
      options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Find("listing", {Text("a"), Int(INT32_MIN), Value(true)}),
            (StoredRow{1'795'514'400'000,
                       {Int(-1), Value(1e300), Value(static_cast<double>(0.1f)), Int(INT64_MIN),
                        Int(INT32_MIN), Value(false), Text("a")}}));
  EXPECT_EQ(Find("listing", {Text(""), Int(INT32_MAX), Value(false)}),
            (StoredRow{limits::kEventTimeMsMin,
                       {kNull, kNull, kNull, kNull, Int(INT32_MAX), kNull, Text("")}}));
  EXPECT_EQ(Find("listing", {Text("a"), Int(INT32_MIN), Value(false)}), std::nullopt);
}

TEST_F(LoaderTest, ReportsCounts) {
  ASSERT_TRUE(LoadUsers("1,30,FI,5\n2,31,FI,5\n1,32,SE,6\n2,33,SE,4\n3,x,FI,5\n2,34,NO,5\n",
                        {.bad_rows_share_max = 0.5})
                  .ok());
  EXPECT_EQ(report_.rows_read, 6u);
  EXPECT_EQ(report_.rows_bad, 1u);
  EXPECT_EQ(report_.rows_kept, 2u);
  EXPECT_EQ(report_.rows_duplicate, 3u);
  EXPECT_EQ(report_.bytes_read,
            std::string("user_id,age,country,updated_at\n1,30,FI,5\n").size() + 4 * 10 + 9);
  EXPECT_EQ(FindUser(1), StoredUser(6, Text("SE"), Int(32)));
  EXPECT_EQ(FindUser(2), StoredUser(5, Text("NO"), Int(34)));
}

TEST_F(LoaderTest, ReportsEveryBadRowWithItsLine) {
  const Status status = LoadUsers("1,33,FI,5\n2,abc,FI,5\n,33,FI,5\n4,33,FI,\n5,33\n");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("4 of 5 rows are bad, at most 0 are allowed; nothing"));
  EXPECT_THAT(status.message(), HasSubstr("line 3: age: 'abc' is not an int32"));
  ASSERT_THAT(report_.bad_rows, SizeIs(4));
  EXPECT_EQ(report_.bad_rows[1].line, 4u);
  EXPECT_EQ(report_.bad_rows[1].reason, "user_id: the join key is missing");
  EXPECT_EQ(report_.bad_rows[2].reason, "updated_at: the event time is missing");
  EXPECT_EQ(report_.bad_rows[3].line, 6u);
  EXPECT_EQ(report_.rows_kept, 0u);
}

TEST_F(LoaderTest, BoundsTheReportsAndCountsTheRest) {
  std::string rows;
  for (size_t i = 0; i < limits::kBadRowReportsMax + 50; ++i) rows += "1,x,FI,5\n";
  EXPECT_FALSE(LoadUsers(rows).ok());
  EXPECT_EQ(report_.rows_bad, limits::kBadRowReportsMax + 50);
  EXPECT_THAT(report_.bad_rows, SizeIs(limits::kBadRowReportsMax));
}

TEST_F(LoaderTest, AllowsAShareOfBadRows) {
  std::string rows;
  for (int i = 0; i < 71; ++i) rows += fmt::format("{},33,FI,5\n", i);
  for (int i = 0; i < 29; ++i) rows += "x,33,FI,5\n";
  EXPECT_TRUE(LoadUsers(rows, {.bad_rows_share_max = 0.29}).ok());
  EXPECT_FALSE(LoadUsers(rows, {.bad_rows_share_max = 0.2899}).ok());
  EXPECT_FALSE(LoadUsers("x,33,FI,5\n", {.bad_rows_share_max = 1}).ok());
}

TEST_F(LoaderTest, TellsHowManyBadRowsTheShareAllows) {
  std::string rows;
  for (int i = 0; i < 899; ++i) rows += fmt::format("{},33,FI,5\n", i);
  for (int i = 0; i < 101; ++i) rows += "x,33,FI,5\n";
  EXPECT_THAT(LoadUsers(rows, {.bad_rows_share_max = 0.1}).message(),
              HasSubstr("101 of 1000 rows are bad, at most 100 are allowed; nothing was changed"));
  EXPECT_THAT(LoadUsers(rows, {.bad_rows_share_max = 0.1, .bad_rows_max = 99}).message(),
              HasSubstr("at most 100 are allowed"));
  EXPECT_THAT(LoadUsers(rows, {.bad_rows_share_max = 0.0001}).message(),
              HasSubstr("at most 0 are allowed"));
  EXPECT_TRUE(LoadUsers(rows, {.bad_rows_share_max = 0.101}).ok());
}

TEST_F(LoaderTest, AllowsANumberOfBadRowsWhateverTheirShare) {
  const std::string rows = "1,33,FI,5\n2,x,FI,5\n3,y,FI,5\n";
  EXPECT_TRUE(LoadUsers(rows, {.bad_rows_max = 2}).ok());
  const Status status = LoadUsers(rows, {.bad_rows_max = 1});
  EXPECT_THAT(status.message(), HasSubstr("2 of 3 rows are bad, at most 1 are allowed; nothing"));
  EXPECT_TRUE(LoadUsers(rows, {.bad_rows_share_max = 0.7, .bad_rows_max = 1}).ok());
}

TEST_F(LoaderTest, TellsEveryBadRowAndCountsThemByTheirCause) {
  std::string rows;
  for (size_t i = 0; i < limits::kBadRowReportsMax + 50; ++i) rows += "1,x,FI,5\n";
  rows += "2,99999999999,FI,5\n,33,FI,5\n4,33,FI,\n5,33\n6,33,FI,soon\n7,33,FI,5\n";
  std::vector<uint64_t> lines;
  const LoadOptions options = {.bad_rows_share_max = 1,
                               .on_bad_row = [&](const BadRow& row) { lines.push_back(row.line); }};
  ASSERT_TRUE(LoadUsers(rows, options).ok());
  EXPECT_THAT(lines, SizeIs(limits::kBadRowReportsMax + 55));
  EXPECT_EQ(lines.front(), 2u);
  EXPECT_EQ(lines.back(), limits::kBadRowReportsMax + 56);
  EXPECT_EQ(
      report_.bad_rows_by_cause,
      (std::map<std::string, uint64_t>{{"age: not an int32", limits::kBadRowReportsMax + 50},
                                       {"age: beyond the range of an int32", 1},
                                       {"user_id: the join key is missing", 1},
                                       {"updated_at: the event time is missing", 1},
                                       {"updated_at: not a timestamp (milliseconds since 1970)", 1},
                                       {"another number of columns than the header's", 1}}));
}

TEST_F(LoaderTest, ReportsWhatItWroteAndHowLongThePhasesTook) {
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += fmt::format("{},33,FI,5\n", i * 7'919 % 20'011);
  ASSERT_TRUE(LoadUsers(rows, {.memory_bytes = limits::kLoadMemoryBytesMin}).ok());
  EXPECT_GT(report_.bytes_written, 20'000u);
  EXPECT_GT(report_.read_ms + report_.sort_ms, 0);
  EXPECT_GE(report_.publish_ms, 0);
}

TEST_F(LoaderTest, RowsThatAreNotAsExpectedAreNotServed) {
  const std::string header = "user_id,age,country,updated_at\n";
  const auto load = [&](const std::string& rows) { return LoadText("checked", header + rows); };
  ASSERT_TRUE(load("1,0,FI,5\n2,150,SE,5\n3,7,NO,5\n4,7,,5\n").ok());
  EXPECT_THAT(report_.broken_expectations, IsEmpty());
  const Status status = load("1,151,FI,6\n2,-1,DK,6\n3,,,6\n3,7,,6\n");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(),
              HasSubstr("the rows break 4 of the view's expectations; nothing was changed. The "
                        "first: age: 1 of 4 rows are null, the first: line 4"));
  EXPECT_THAT(
      report_.broken_expectations,
      ElementsAre(
          "age: 1 of 4 rows are null, the first: line 4",
          "age: 2 of 4 rows are not between 0 and 150, the first: line 2: 151",
          "country: 2 of 4 rows are null, 50% where 25% are allowed",
          R"(country: 1 of 4 rows are not one of "FI", "NO", "SE", the first: line 3: "DK")"));
  EXPECT_FALSE(load("1,7,FI,6\n1,8,FI,7\n").ok());
  EXPECT_THAT(report_.broken_expectations,
              ElementsAre("1 rows would be served where at least 2 are expected"));
  EXPECT_EQ(Find("checked", {Int(2)}), (StoredRow{5, {Int(150), Text("SE")}}));
}

TEST_F(LoaderTest, AnUpsertIsExpectedToHaveWhatItsColumnsHave) {
  ASSERT_TRUE(LoadText("checked", "user_id,age,country,updated_at\n1,7,FI,5\n2,8,SE,5\n").ok());
  const LoadOptions upsert = {.kind = store::LoadKind::kUpsert, .delete_column = "gone"};
  EXPECT_FALSE(LoadText("checked", "user_id,age,updated_at,gone\n1,-7,6,0\n", upsert).ok());
  EXPECT_TRUE(LoadText("checked", "user_id,country,updated_at,gone\n1,NO,6,0\n", upsert).ok());
  EXPECT_FALSE(LoadText("checked", "user_id,country,updated_at,gone\n1,NO,7,1\n", upsert).ok());
  EXPECT_EQ(Find("checked", {Int(1)}), (StoredRow{6, {Int(7), Text("NO")}}));
}

TEST_F(LoaderTest, ADryRunTellsWhatTheRowsAreLikeAndChangesNothing) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n2,34,SE,5\n9,35,SE,5\n").ok());
  ASSERT_TRUE(LoadUsers("1,7,FI,6\n2,,SE,6\n2,,NO,7\n3,90,\"\",6\nx,8,FI,6\n4,-5,,6\n",
                        {.bad_rows_max = 1, .is_dry_run = true})
                  .ok());
  ASSERT_TRUE(report_.profile.has_value());
  const LoadProfile& profile = *report_.profile;
  EXPECT_EQ(report_.rows_read, 6u);
  EXPECT_EQ(report_.rows_kept, 0u);
  EXPECT_EQ(report_.rows_duplicate, 1u);
  EXPECT_EQ(profile.keys_distinct, 4u);
  EXPECT_EQ(profile.keys_served, 3u);
  EXPECT_EQ(profile.keys_new, 2u);
  EXPECT_EQ(profile.keys_gone, 1u);
  ASSERT_THAT(profile.columns, SizeIs(2));
  EXPECT_EQ(profile.columns[0].name, "country");
  EXPECT_EQ(profile.columns[0].nulls, 1u);
  EXPECT_EQ(profile.columns[0].least, "");
  EXPECT_EQ(profile.columns[0].greatest, "SE");
  EXPECT_EQ(profile.columns[1].type, Type::kInt32);
  EXPECT_EQ(profile.columns[1].rows, 5u);
  EXPECT_EQ(profile.columns[1].nulls, 2u);
  EXPECT_EQ(profile.columns[1].least, "-5");
  EXPECT_EQ(profile.columns[1].greatest, "90");
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  EXPECT_EQ(FindUser(3), std::nullopt);
  EXPECT_TRUE(LoadUsers("1,7,FI,6\n").ok());
}

TEST_F(LoaderTest, AFailedLoadLeavesTheOldRows) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n").ok());
  EXPECT_FALSE(LoadUsers("1,34,FI,6\n2,x,FI,6\n").ok());
  EXPECT_FALSE(LoadText("profile", "user_id,country,updated_at\n1,FI,6\n").ok());
  EXPECT_FALSE(LoadText("profile", "").ok());
  { EXPECT_TRUE(Start("profile")->Feed("user_id,age,country,updated_at\n1,35,FI,7\n").ok()); }
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  Open();
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  ASSERT_TRUE(LoadUsers("2,36,FI,8\n").ok());
  EXPECT_EQ(FindUser(1), std::nullopt);
  EXPECT_EQ(FindUser(2), StoredUser(8, Text("FI"), Int(36)));
}

TEST_F(LoaderTest, NothingIsServedBeforeTheEnd) {
  const auto load = Start("profile");
  ASSERT_TRUE(load->Feed("user_id,age,country,updated_at\n1,33,FI,5\n").ok());
  EXPECT_EQ(FindUser(1), std::nullopt);
  std::vector<LoadPhase> phases;
  ASSERT_TRUE(load->Finish([&](LoadPhase phase, uint64_t) {
                    EXPECT_EQ(FindUser(1), std::nullopt);
                    if (phases.empty() || phases.back() != phase) phases.push_back(phase);
                  })
                  .ok());
  EXPECT_THAT(phases, ElementsAre(LoadPhase::kSort, LoadPhase::kPublish));
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
}

TEST_F(LoaderTest, AFinishedLoadTakesNoMore) {
  const auto load = Start("profile");
  ASSERT_TRUE(load->Feed("user_id,age,country,updated_at\n1,33,FI,5\n").ok());
  ASSERT_TRUE(load->Finish([](LoadPhase, uint64_t) {}).ok());
  EXPECT_EQ(load->Feed("2,33,FI,5\n").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(load->Finish([](LoadPhase, uint64_t) {}).code(), StatusCode::kFailedPrecondition);
}

TEST_F(LoaderTest, AFailedLoadStaysFailedAndMakesRoom) {
  const auto load = Start("profile");
  EXPECT_EQ(load->Feed("nothing\n").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(load->Feed("more\n").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(load->Finish([](LoadPhase, uint64_t) {}).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(LoadUsers("1,33,FI,5\n").ok());
}

TEST_F(LoaderTest, AHeaderAloneEmptiesTheViewButAnEmptyFileDoesNot) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n").ok());
  EXPECT_EQ(LoadText("profile", "").code(), StatusCode::kInvalidArgument);
  for (const char* text : {"", "\n \n"}) {
    const Status status = LoadText("profile", text, {.format = registry::FileFormat::kJsonl});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("has no rows"));
  }
  EXPECT_NE(FindUser(1), std::nullopt);
  ASSERT_TRUE(LoadUsers("").ok());
  EXPECT_EQ(report_.rows_kept, 0u);
  EXPECT_EQ(FindUser(1), std::nullopt);
}

TEST_F(LoaderTest, RefusesWhatCannotBeLoaded) {
  const auto status_of = [&](std::string_view view, const LoadOptions& options) {
    return Load::Start(registry_, view, options, *store_).status();
  };
  EXPECT_EQ(status_of("profil", {}).code(), StatusCode::kNotFound);
  EXPECT_THAT(status_of("profil", {}).message(), HasSubstr("'profile'"));
  EXPECT_EQ(status_of("activity", {}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status_of("profile", {.bad_rows_share_max = 1.5}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status_of("profile", {.bad_rows_share_max = std::nan("")}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(status_of("profile", {.memory_bytes = 1}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Start("profile")->Feed(std::string(limits::kLoadChunkBytesMax + 1, 'x')).code(),
            StatusCode::kInvalidArgument);
  const auto running = Start("profile");
  EXPECT_EQ(status_of("profile", {}).code(), StatusCode::kResourceExhausted);
}

// Random files with repeated keys, bad rows and ties, against a map; little memory, so that sorting goes through files.
TEST_F(LoaderTest, MatchesANaiveModel) {
  const uint64_t first_seed = std::random_device()();
  for (uint64_t seed = first_seed; seed < first_seed + 5; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    const bool csv = random() % 2 == 0;
    std::string text = csv ? "country,user_id,updated_at,age\n" : "";
    std::map<int64_t, StoredRow> model;
    uint64_t rows_bad = 0;
    for (int row = 0; row < 20'000; ++row) {
      const int64_t id = static_cast<int64_t>(random() % 4'000) - 2'000;
      const int64_t time_ms = static_cast<int64_t>(random() % 20);
      const int64_t age = static_cast<int64_t>(random() % 100);
      const std::string country(random() % 200, static_cast<char>('a' + random() % 26));
      const bool bad = random() % 50 == 0;
      const std::string age_text = bad ? "true" : std::to_string(age);
      text +=
          csv ? fmt::format("\"{}\",{},{},{}\n", country, id, time_ms, age_text)
              : fmt::format("{{\"country\":\"{}\",\"user_id\":{},\"updated_at\":{},\"age\":{}}}\n",
                            country, id, time_ms, age_text);
      rows_bad += bad ? 1 : 0;
      if (bad) continue;
      const auto found = model.find(id);
      if (found == model.end() || time_ms >= found->second.time_ms)
        model[id] = StoredUser(time_ms, Text(country), Int(age));
    }
    const LoadOptions options{
        .format = csv ? registry::FileFormat::kCsv : registry::FileFormat::kJsonl,
        .bad_rows_share_max = 0.1,
        .memory_bytes = limits::kLoadMemoryBytesMin};
    const Status status = LoadText("profile", text, options, 1 + random() % 100'000);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(report_.rows_bad, rows_bad);
    EXPECT_EQ(report_.rows_kept, model.size());
    EXPECT_EQ(report_.rows_duplicate, 20'000 - rows_bad - model.size());
    for (int64_t id = -2'001; id <= 2'000; ++id) {
      const auto found = model.find(id);
      ASSERT_EQ(FindUser(id), found == model.end() ? std::nullopt : std::optional(found->second))
          << id;
    }
  }
}

// A file in memory.
class TextLoadFile final : public LoadFile {
 public:
  TextLoadFile(const std::string& name, std::string text)
      : LoadFile(name, text.size()), text_(std::move(text)) {}
  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    text_.copy(bytes, count, offset);
    return Status::Ok();
  }

 private:
  const std::string text_;
};

const LoadOptions kUpsert{.kind = store::LoadKind::kUpsert};

TEST_F(LoaderTest, AnUpsertTakesNewerRowsAndKeepsWhatTheFileLacks) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n2,20,SE,5\n").ok());
  const Status status =
      LoadText("profile", "updated_at,country,user_id\n6,NO,1\n4,NO,2\n7,,3\n", kUpsert);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(FindUser(1), StoredUser(6, Text("NO"), Int(33)));
  EXPECT_EQ(FindUser(2), StoredUser(5, Text("SE"), Int(20)));
  EXPECT_EQ(FindUser(3), StoredUser(7, kNull, kNull));
  EXPECT_EQ(report_.rows_kept, 3u);
  EXPECT_EQ(report_.rows_older, 1u);
  // A null of a column that is there overwrites.
  ASSERT_TRUE(LoadText("profile", "updated_at,country,user_id\n8,,1\n", kUpsert).ok());
  EXPECT_EQ(FindUser(1), StoredUser(8, kNull, Int(33)));
  ASSERT_TRUE(LoadText("profile", "updated_at,country,user_id\n8,,1\n", kUpsert).ok());
  EXPECT_EQ(report_.rows_unchanged, 1u);
}

TEST_F(LoaderTest, AnUpsertNeedsKeysAndTimes) {
  EXPECT_THAT(std::string(LoadText("profile", "age,country\n", kUpsert).message()),
              AllOf(HasSubstr("it lacks 'user_id'"), HasSubstr("it lacks 'updated_at'")));
  EXPECT_THAT(std::string(LoadText("profile", "user_id,updated_at,country\n").message()),
              HasSubstr("it lacks 'age'"));
}

TEST_F(LoaderTest, AColumnTellsWhatIsDeleted) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n2,20,SE,5\n").ok());
  LoadOptions options = kUpsert;
  options.delete_column = "gone";
  const Status status = LoadText(
      "profile", "user_id,updated_at,gone\n1,6,true\n2,4,true\n3,6,false\n4,6,\n", options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(FindUser(1), std::nullopt);
  EXPECT_EQ(FindUser(2), StoredUser(5, Text("SE"), Int(20)));
  EXPECT_EQ(FindUser(3), StoredUser(6, kNull, kNull));
  EXPECT_EQ(report_.rows_deleted, 1u);
  EXPECT_EQ(report_.rows_kept, 3u);
  ASSERT_TRUE(LoadText("profile", "user_id,updated_at,age,gone\n1,5,3,false\n", options).ok());
  EXPECT_EQ(FindUser(1), std::nullopt);
  EXPECT_THAT(std::string(LoadText("profile", "user_id,updated_at\n", options).message()),
              HasSubstr("it lacks 'gone'"));
  options.delete_column = "age";
  EXPECT_THAT(std::string(LoadText("profile", "user_id,updated_at,age\n", options).message()),
              HasSubstr("the column 'age' cannot tell what is deleted"));
}

// Rows that delete, and rows that do not, with an age and a country that cannot be read; the last
// two delete, but lack the key and the time.
constexpr char kDeletionsCsv[] =
    "user_id,age,country,updated_at,gone\n1,old,FI,6,true\n2,old,FI,6,false\n"
    "3,50,\xFF,6,true\n4,50,\xFF,6,\n,old,FI,6,true\n6,old,FI,,true\n";
constexpr char kDeletionsJsonl[] =
    R"({"user_id":1,"age":"old","country":"FI","updated_at":6,"gone":true})"
    "\n"
    R"({"gone":false,"age":"old","country":"FI","updated_at":6,"user_id":2})"
    "\n"
    R"({"gone":true,"age":50,"country":{"a":[1]},"updated_at":6,"user_id":3})"
    "\n"
    R"({"user_id":4,"age":50,"country":{"a":[1]},"updated_at":6,"gone":null})"
    "\n"
    R"({"user_id":null,"age":[],"country":"FI","updated_at":6,"gone":true})"
    "\n"
    R"({"user_id":6,"age":[],"country":"FI","gone":true})";

TEST_F(LoaderTest, OtherColumnsOfARowThatDeletesDoNotCount) {
  std::vector<std::unique_ptr<LoadFile>> files;
  files.push_back(std::make_unique<TextLoadFile>("deletions.csv", kDeletionsCsv));
  files.push_back(std::make_unique<TextLoadFile>("deletions.jsonl", kDeletionsJsonl));
  for (const std::string name : {"deletions.parquet", "deletions.arrow"}) {
    auto list = ListFiles(WrittenFile(name));
    ASSERT_TRUE(list.ok()) << list.status().ToString();
    files.push_back(std::move(list->files.front()));
  }
  LoadOptions options = kUpsert;
  options.delete_column = "gone";
  options.bad_rows_max = 4;
  for (const auto& file : files) {
    SCOPED_TRACE(file->name());
    ASSERT_TRUE(LoadUsers("1,33,FI,5\n2,34,FI,5\n3,35,FI,5\n4,36,FI,5\n6,37,FI,5\n").ok());
    options.format = *registry::FileFormatOfPath(file->name());
    const auto load = Start("profile", options);
    ASSERT_TRUE(load->ReadFile(*file, [] {}).ok());
    ASSERT_TRUE(load->Finish([](LoadPhase, uint64_t) {}).ok());
    EXPECT_EQ(FindUser(1), std::nullopt);
    EXPECT_EQ(FindUser(2), StoredUser(5, Text("FI"), Int(34)));
    EXPECT_EQ(FindUser(3), std::nullopt);
    EXPECT_EQ(FindUser(4), StoredUser(5, Text("FI"), Int(36)));
    EXPECT_EQ(FindUser(6), StoredUser(5, Text("FI"), Int(37)));
    EXPECT_EQ(load->report().rows_deleted, 2u);
    EXPECT_THAT(load->report().bad_rows,
                ElementsAre(Field(&BadRow::reason, HasSubstr("age: ")),
                            Field(&BadRow::reason, HasSubstr("country: ")),
                            Field(&BadRow::reason, "user_id: the join key is missing"),
                            Field(&BadRow::reason, "updated_at: the event time is missing")));
  }
}

TEST_F(LoaderTest, TheDeleteColumnOfAnyRowCounts) {
  LoadOptions options = kUpsert;
  options.delete_column = "gone";
  options.bad_rows_max = 1;
  const Status status =
      LoadText("profile", "user_id,age,updated_at,gone\n1,old,6,maybe\n2,7,6,0\n", options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(report_.bad_rows.at(0).reason, "gone: 'maybe' is not a bool (true or false)");
}

TEST_F(LoaderTest, AnUpsertOfJsonNeverTakesAnAbsentMemberForNull) {
  LoadOptions options = kUpsert;
  options.format = registry::FileFormat::kJsonl;
  options.delete_column = "gone";
  options.bad_rows_share_max = 0.5;
  const Status status = LoadText("profile",
                                 R"({"user_id":1,"age":null,"country":"FI","updated_at":5})"
                                 "\n"
                                 R"({"user_id":2,"country":"FI","updated_at":5})"
                                 "\n"
                                 R"({"user_id":3,"updated_at":5,"gone":true})"
                                 "\n",
                                 options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_THAT(report_.bad_rows, SizeIs(1));
  EXPECT_EQ(report_.bad_rows[0].line, 2u);
  EXPECT_EQ(report_.bad_rows[0].reason, "age: the object lacks it; null would clear it");
  EXPECT_EQ(report_.rows_deleted, 1u);
}

TEST_F(LoaderTest, FilesAreLoadedTogether) {
  TextLoadFile one("one.csv", "user_id,age,country,updated_at\n1,33,FI,5\n2,20,SE,5\n");
  TextLoadFile two("two.csv", "updated_at,age,country,user_id\n6,x,SE,2\n7,50,NO,2\n");
  auto load = Start("profile", {.bad_rows_share_max = 0.5});
  int reports = 0;
  ASSERT_TRUE(load->ReadFile(one, [&] { ++reports; }).ok());
  ASSERT_TRUE(load->ReadFile(two, [&] { ++reports; }).ok());
  EXPECT_EQ(load->report().bytes_read, one.size() + two.size());
  EXPECT_EQ(reports, 2);
  ASSERT_TRUE(load->Finish([](LoadPhase, uint64_t) {}).ok());
  EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  EXPECT_EQ(FindUser(2), StoredUser(7, Text("NO"), Int(50)));
  ASSERT_THAT(load->report().bad_rows, SizeIs(1));
  EXPECT_EQ(load->report().bad_rows[0].file, "two.csv");
  EXPECT_EQ(load->report().bad_rows[0].line, 2u);
}

TEST_F(LoaderTest, FilesOfOneUpsertHaveTheSameColumns) {
  TextLoadFile one("one.csv", "user_id,age,updated_at\n1,33,5\n");
  TextLoadFile two("two.csv", "user_id,country,updated_at\n1,FI,5\n");
  auto load = Start("profile", kUpsert);
  ASSERT_TRUE(load->ReadFile(one, [] {}).ok());
  const Status status = load->ReadFile(two, [] {});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("two.csv: it has not the same columns as the files before it"));
}

TEST_F(LoaderTest, CanBeCancelledUntilItIsPublished) {
  ASSERT_TRUE(LoadUsers("1,33,FI,5\n").ok());
  for (const LoadPhase when : {LoadPhase::kSort, LoadPhase::kPublish}) {
    auto load = Start("profile");
    ASSERT_TRUE(load->Feed("user_id,age,country,updated_at\n1,34,FI,6\n").ok());
    const Status status = load->Finish([&](LoadPhase phase, uint64_t) {
      if (phase == when) load->Cancel();
    });
    EXPECT_EQ(status.code(), StatusCode::kCancelled);
    EXPECT_EQ(FindUser(1), StoredUser(5, Text("FI"), Int(33)));
  }
  ASSERT_TRUE(LoadUsers("1,34,FI,6\n").ok());
}

TEST_F(LoaderTest, IsFedOrGivenFiles) {
  TextLoadFile file("one.csv", "user_id,age,country,updated_at\n");
  auto load = Start("profile");
  ASSERT_TRUE(load->ReadFile(file, [] {}).ok());
  EXPECT_EQ(load->Feed("x").code(), StatusCode::kFailedPrecondition);
  load.reset();
  load = Start("profile");
  ASSERT_TRUE(load->Feed("user_id").ok());
  EXPECT_EQ(load->ReadFile(file, [] {}).code(), StatusCode::kFailedPrecondition);
  load.reset();
  load = Start("profile", {.format = registry::FileFormat::kParquet});
  EXPECT_THAT(std::string(load->Feed("PAR1").message()),
              HasSubstr("parquet cannot be read from a stream of bytes"));
}

}  // namespace
}  // namespace freshet::load
