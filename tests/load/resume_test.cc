// Loads that break off at any place and go on: what is served and counted at the end is what a load
// that was never interrupted serves and counts, and what was kept is not read again.
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "load/file_list.h"
#include "load/kept_load.h"
#include "load/load_state.h"
#include "load/loader.h"
#include "load/row_encoder.h"
#include "load/written_files.h"
#include "registry/file_format.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "support/seed.h"
#include "support/temp_folder.h"

namespace freshet::load {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kManyRows = 24'000;

// `expect` stands for what is said of age.
std::shared_ptr<const registry::Registry> RegistryWith(const std::string& expect = "") {
  const std::string text = fmt::format(R"(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: users
    file: {{path: users.csv}}
    timestamp: {{field: updated_at, unit: ms}}
    fields: {{user_id: int64, age: int32, country: string}}
feature_views:
  - {{name: profile, entity: user, source: users, features: [{{name: age{}}}, country]}}
)",
                                       expect);
  const std::vector<registry::DefinitionFile> files = {{"test.yaml", text}};
  yaml::Diagnostics diagnostics;
  auto registry = registry::Registry::Build(files, registry::Catalog(), &diagnostics);
  EXPECT_NE(registry, nullptr) << diagnostics.ToString();
  return registry;
}

// A file that breaks off once so many bytes were read.
class BreakingFile final : public LoadFile {
 public:
  BreakingFile(LoadFile& file, uint64_t& bytes_left, uint64_t& bytes_read)
      : LoadFile(file.name(), file.size(), file.path_values(), file.modified_at_ns()),
        file_(file),
        bytes_left_(bytes_left),
        bytes_read_(bytes_read) {}

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    if (count > bytes_left_) return Status::Cancelled("broken off");
    bytes_left_ -= count;
    bytes_read_ += count;
    return file_.ReadAt(offset, count, bytes);
  }

 private:
  LoadFile& file_;
  uint64_t& bytes_left_;
  uint64_t& bytes_read_;
};

struct Outcome {
  Status status;
  LoadReport report;
  uint64_t id = 0;
  uint64_t bytes_read = 0;
};

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() { Open(); }

  void Open() {
    store_.reset();
    auto opened = store::Store::Open({.path = folder_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }

  static LoadOptions OptionsOf(const FileList& list) {
    LoadOptions options{.format = *registry::FileFormatOfName(list.format),
                        .bad_rows_share_max = 0.1,
                        .memory_bytes = limits::kLoadMemoryBytesMin};
    for (const auto& file : list.files) options.files.push_back(IdentityOf(*file));
    options.origin.path = "where it is";
    return options;
  }

  // Loads, or goes on with `id`, until so many bytes are read.
  Outcome Run(const FileList& list, const LoadOptions& options, uint64_t id = 0,
              uint64_t bytes_left = UINT64_MAX, bool breaks_in_finish = false) {
    Outcome outcome;
    auto started = id == 0 ? Load::Start(registry_, "profile", options, *store_)
                           : Load::Resume(registry_, id, options, *store_);
    outcome.status = started.status();
    if (!started.ok()) return outcome;
    Load& load = **started;
    outcome.id = load.id();
    for (const auto& file : list.files) {
      BreakingFile breaking(*file, bytes_left, outcome.bytes_read);
      if (outcome.status.ok()) outcome.status = load.ReadFile(breaking, [] {});
    }
    if (outcome.status.ok()) {
      outcome.status = load.Finish([&](LoadPhase, uint64_t) {
        if (breaks_in_finish) load.Cancel();
      });
    }
    outcome.report = load.report();
    return outcome;
  }

  // The row of every key.
  std::map<int64_t, std::string> Served() {
    std::map<int64_t, std::string> rows;
    const auto generation = store_->FindGeneration(registry_->FindFeatureView("profile")->id);
    if (generation == nullptr) return rows;
    for (int64_t key = 0; key < kManyRows; ++key) {
      std::string encoded;
      EXPECT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(key), encoded).ok());
      const store::StateKey state_key{store::TableKind::kRows, generation->table, encoded};
      EXPECT_TRUE(store_
                      ->Lookup({&state_key, 1},
                               [&](size_t, std::string_view bytes) {
                                 if (!bytes.empty()) rows[key] = std::string(bytes);
                               })
                      .ok());
    }
    EXPECT_EQ(rows.size(), generation->row_count);
    return rows;
  }

  static void ExpectSame(const LoadReport& report, const LoadReport& whole) {
    EXPECT_EQ(report.rows_read, whole.rows_read);
    EXPECT_EQ(report.rows_bad, whole.rows_bad);
    EXPECT_EQ(report.rows_kept, whole.rows_kept);
    EXPECT_EQ(report.rows_duplicate, whole.rows_duplicate);
    EXPECT_EQ(report.bytes_read, whole.bytes_read);
    EXPECT_EQ(report.bad_rows_by_cause, whole.bad_rows_by_cause);
    EXPECT_EQ(report.broken_expectations, whole.broken_expectations);
    ASSERT_EQ(report.bad_rows.size(), whole.bad_rows.size());
    for (size_t i = 0; i < whole.bad_rows.size(); ++i) {
      EXPECT_EQ(report.bad_rows[i].line, whole.bad_rows[i].line);
      EXPECT_EQ(report.bad_rows[i].reason, whole.bad_rows[i].reason);
      EXPECT_EQ(report.bad_rows[i].file, whole.bad_rows[i].file);
    }
  }

  // Breaks the load off again and again, until it is done.
  void BreakOffAndGoOn(const FileList& list) {
    const LoadOptions options = OptionsOf(list);
    const Outcome whole = Run(list, options);
    ASSERT_TRUE(whole.status.ok()) << whole.status.ToString();
    const std::map<int64_t, std::string> served = Served();

    Outcome last = Run(list, options, 0, whole.bytes_read * 3 / 4);
    const uint64_t id = last.id;
    ASSERT_EQ(last.status.code(), StatusCode::kCancelled) << last.status.ToString();
    uint64_t rows_resumed = 0;
    for (int turn = 0; !last.status.ok(); ++turn) {
      ASSERT_THAT(ListUnfinished(*registry_, *store_), SizeIs(1));
      if (random_() % 2 == 0) Open();
      const bool is_last = turn == 4;
      last = Run(list, options, id,
                 is_last ? UINT64_MAX : whole.bytes_read / 2 + random_() % whole.bytes_read,
                 !is_last && random_() % 2 == 0);
      EXPECT_GE(last.report.rows_resumed, rows_resumed);
      rows_resumed = last.report.rows_resumed;
    }
    EXPECT_GT(rows_resumed, static_cast<uint64_t>(kManyRows) / 10);
    ExpectSame(last.report, whole.report);
    EXPECT_EQ(Served(), served);
    EXPECT_THAT(ListUnfinished(*registry_, *store_), IsEmpty());
  }

  // Of the only load that is kept.
  void ExpectObstacle(uint64_t id, const std::string& obstacle) {
    const std::vector<UnfinishedLoad> loads = ListUnfinished(*registry_, *store_);
    ASSERT_THAT(loads, SizeIs(1));
    EXPECT_EQ(loads[0].id, id);
    EXPECT_EQ(loads[0].view, "profile");
    EXPECT_THAT(loads[0].obstacle, HasSubstr(obstacle));
    const auto found = FindKept(*registry_, id, *store_);
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.status().message(), loads[0].obstacle);
  }

  testing::TempFolder folder_;
  std::shared_ptr<const registry::Registry> registry_ = RegistryWith();
  std::unique_ptr<store::Store> store_;
  std::mt19937_64 random_{TestSeed()};
};

Result<FileList> ListWritten(const std::string& name) {
  return ListFiles(WrittenFile(name));
}

class ResumeFormatTest : public ResumeTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ResumeFormatTest, GoesOnToWhatALoadInOneGoServes) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  const auto list = ListWritten(GetParam());
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  BreakOffAndGoOn(*list);
}

INSTANTIATE_TEST_SUITE_P(Formats, ResumeFormatTest,
                         ::testing::Values("many-sorted.csv", "many-mixed.csv",
                                           "many-sorted.csv.gz", "many-mixed.jsonl",
                                           "many-sorted.jsonl", "many-mixed.jsonl.gz",
                                           "many-sorted.parquet", "many-mixed.parquet",
                                           "many-mixed.arrow", "many-sorted.arrows"));

// Files of which some are wholly in what was kept.
TEST_F(ResumeTest, GoesOnInTheFileThatWasUnderWay) {
  const std::string text = WrittenBytes("many-mixed.csv");
  const std::string folder = folder_.File("users");
  const size_t head_bytes = text.find('\n') + 1;
  size_t begin = head_bytes;
  for (int part = 0; part < 4; ++part) {
    size_t end = part == 3 ? text.size() : head_bytes + (text.size() - head_bytes) * (part + 1) / 4;
    // Rows end with the only carriage returns there are.
    end = text.rfind("\r\n", end - 1) + 2;
    const auto path = std::filesystem::path(folder) / fmt::format("part-{}.csv", part);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary)
        << text.substr(0, head_bytes) << text.substr(begin, end - begin);
    begin = end;
  }
  const auto list = ListFiles(folder);
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->files.size(), 4u);
  BreakOffAndGoOn(*list);
}

TEST_F(ResumeTest, ReadsWhatIsKeptNotAgain) {
  for (const char* name : {"many-sorted.csv", "many-mixed.parquet"}) {
    const auto list = ListWritten(name);
    ASSERT_TRUE(list.ok());
    const LoadOptions options = OptionsOf(*list);
    const Outcome broken = Run(*list, options, 0, UINT64_MAX, true);
    ASSERT_EQ(broken.status.code(), StatusCode::kCancelled);
    const Outcome resumed = Run(*list, options, broken.id);
    ASSERT_TRUE(resumed.status.ok()) << resumed.status.ToString();
    // All rows were read and kept.
    EXPECT_EQ(resumed.report.rows_resumed, static_cast<uint64_t>(kManyRows));
    EXPECT_EQ(resumed.bytes_read, 0u);
  }
  const auto list = ListWritten("many-sorted.parquet");
  ASSERT_TRUE(list.ok());
  const LoadOptions options = OptionsOf(*list);
  const uint64_t whole_bytes = Run(*list, options).bytes_read;
  const Outcome broken = Run(*list, options, 0, whole_bytes * 9 / 10);
  const Outcome resumed = Run(*list, options, broken.id);
  ASSERT_TRUE(resumed.status.ok()) << resumed.status.ToString();
  EXPECT_LT(resumed.bytes_read, whole_bytes / 2);
}

TEST_F(ResumeTest, TellsBrokenExpectationsOfAllRows) {
  registry_ = RegistryWith(", expect: {between: [0, 97], not_null: true}");
  const auto list = ListWritten("many-mixed.csv");
  ASSERT_TRUE(list.ok());
  const LoadOptions options = OptionsOf(*list);
  const Outcome whole = Run(*list, options);
  EXPECT_EQ(whole.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(whole.report.broken_expectations, SizeIs(2));
  // It would fail again.
  EXPECT_THAT(ListUnfinished(*registry_, *store_), IsEmpty());
  const Outcome broken = Run(*list, options, 0, whole.bytes_read * 3 / 4);
  const Outcome resumed = Run(*list, options, broken.id);
  EXPECT_GT(resumed.report.rows_resumed, 0u);
  EXPECT_EQ(resumed.report.broken_expectations, whole.report.broken_expectations);
  EXPECT_THAT(ListUnfinished(*registry_, *store_), IsEmpty());
}

TEST_F(ResumeTest, RefusesOtherFiles) {
  const auto list = ListWritten("many-mixed.csv");
  ASSERT_TRUE(list.ok());
  const LoadOptions options = OptionsOf(*list);
  const Outcome broken = Run(*list, options, 0, list->bytes * 3 / 4);
  const auto refusal = [&](auto change) {
    LoadOptions changed = options;
    change(changed.files);
    const Outcome outcome = Run(*list, changed, broken.id);
    EXPECT_EQ(outcome.status.code(), StatusCode::kFailedPrecondition);
    return std::string(outcome.status.message());
  };
  using Files = std::vector<LoadFileIdentity>;
  EXPECT_THAT(refusal([](Files& files) { ++files[0].modified_at_ns; }),
              HasSubstr("was changed since the load began"));
  EXPECT_THAT(refusal([](Files& files) { ++files[0].bytes; }),
              HasSubstr("was changed since the load began"));
  EXPECT_THAT(refusal([](Files& files) { files[0].name = "other.csv"; }),
              HasSubstr("other.csv stands there"));
  EXPECT_THAT(refusal([](Files& files) { files.push_back(files[0]); }), HasSubstr("with 1 files"));
  EXPECT_THAT(refusal([](Files& files) { files.clear(); }), HasSubstr("now there are 0"));
  // Its folder may be another one.
  LoadOptions moved = options;
  moved.files[0].name = "elsewhere/many-mixed.csv";
  EXPECT_TRUE(Run(*list, moved, broken.id).status.ok());
}

TEST_F(ResumeTest, GoesOnOnlyIntoTheViewAsItWas) {
  const auto list = ListWritten("many-mixed.csv");
  ASSERT_TRUE(list.ok());
  const LoadOptions options = OptionsOf(*list);
  const Outcome broken = Run(*list, options, 0, list->bytes * 3 / 4);
  ASSERT_THAT(ListUnfinished(*registry_, *store_), SizeIs(1));
  EXPECT_EQ(ListUnfinished(*registry_, *store_)[0].obstacle, "");

  registry_ = RegistryWith(", expect: {not_null: true}");
  ExpectObstacle(broken.id, "the definition of the view 'profile' was changed since load");
  EXPECT_EQ(Run(*list, options, broken.id).status.code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(DiscardUnfit(*registry_, *store_).ok());
  EXPECT_EQ(Run(*list, options, broken.id).status.code(), StatusCode::kNotFound);
  EXPECT_THAT(store_->KeptLoads(), IsEmpty());
}

TEST_F(ResumeTest, TellsThatTheViewIsGone) {
  const auto list = ListWritten("many-mixed.csv");
  ASSERT_TRUE(list.ok());
  const Outcome broken = Run(*list, OptionsOf(*list), 0, list->bytes * 3 / 4);
  yaml::Diagnostics diagnostics;
  registry_ = registry::Registry::Build({}, registry::Catalog(), &diagnostics);
  ExpectObstacle(broken.id, "the view 'profile' was removed");
  EXPECT_TRUE(store_->DiscardLoad(broken.id).ok());
  EXPECT_THAT(ListUnfinished(*registry_, *store_), IsEmpty());
}

// The rows of a view that is defined, and bytes that are no state.
TEST_F(ResumeTest, TellsThatAStateCannotBeRead) {
  const registry::FeatureView& view = *registry_->FindFeatureView("profile");
  auto writer = store_->NewGeneration(view.id, ColumnNames(view), ColumnTypes(view),
                                      limits::kLoadMemoryBytesMin);
  ASSERT_TRUE(writer.ok()) << writer.status().ToString();
  (*writer)->KeepParts([] { return std::string("no state"); });
  const Datum values[] = {Datum::Int(30), Datum::String("Finland")};
  std::string row;
  store::RowLayout(ColumnTypes(view)).Encode(0, values, row);
  for (int64_t key = 0; store_->KeptLoads().empty(); ++key) {
    std::string encoded;
    ASSERT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(key), encoded).ok());
    ASSERT_TRUE((*writer)->Add(encoded, row).ok());
  }
  const uint64_t id = (*writer)->id();
  writer->reset();
  ExpectObstacle(id, "the state of an unfinished load cannot be read; discard it");
  EXPECT_GT(ListUnfinished(*registry_, *store_)[0].bytes, 0u);
}

TEST_F(ResumeTest, UpsertsGoOnToo) {
  const auto list = ListWritten("many-mixed.csv");
  ASSERT_TRUE(list.ok());
  LoadOptions options = OptionsOf(*list);
  options.kind = store::LoadKind::kUpsert;
  const Outcome broken = Run(*list, options, 0, list->bytes * 3 / 4);
  Open();
  const Outcome resumed = Run(*list, options, broken.id);
  ASSERT_TRUE(resumed.status.ok()) << resumed.status.ToString();
  EXPECT_GT(resumed.report.rows_resumed, 0u);
  EXPECT_THAT(store_->KeptLoads(), IsEmpty());
  const auto upserted = Served();
  options.kind = store::LoadKind::kReplace;
  ASSERT_TRUE(Run(*list, options).status.ok());
  EXPECT_EQ(upserted, Served());
}

LoadState SampleState() {
  LoadState state;
  state.view_text = "v";
  state.format = registry::FileFormat::kJsonl;
  state.bad_rows_share_max = 0.5;
  state.bad_rows_max = 3;
  state.delete_column = "d";
  state.origin = {"p", "e"};
  state.files = {{"f", 10, 11}};
  state.place = {.head_bytes = 4, .offset = 5, .line = 6};
  state.rows_read = 7;
  state.bad_rows = {{2, "r", "f"}};
  state.bad_rows_by_cause = {{"c", 1}};
  state.lacking = {{8}};
  state.expectations = {
      {.rows = 9, .nulls = 1, .first_null = "n", .outside = {2, "o"}, .unknown = {3, "u"}}};
  return state;
}

TEST(LoadStates, HaveTheirGoldenBytes) {
  const std::string golden =
      "\x01"s + "\x01\x00\x00\x00v"s + "\x01"s + "\x00\x00\x00\x00\x00\x00\xe0\x3f"s +
      "\x03\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00"s + "d" + "\x01\x00\x00\x00p"s +
      "\x01\x00\x00\x00"s + "e" + "\x01\x00\x00\x00"s + "\x01\x00\x00\x00"s + "f" +
      "\x0a\x00\x00\x00\x00\x00\x00\x00"s + "\x0b\x00\x00\x00\x00\x00\x00\x00"s +
      "\x00\x00\x00\x00"s + "\x06\x00\x00\x00\x00\x00\x00\x00"s +
      "\x05\x00\x00\x00\x00\x00\x00\x00"s + "\x04\x00\x00\x00\x00\x00\x00\x00"s +
      "\x07\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00"s +
      "\x02\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00r"s + "\x01\x00\x00\x00"s + "f" +
      "\x01\x00\x00\x00"s + "\x01\x00\x00\x00"s + "c" + "\x01\x00\x00\x00\x00\x00\x00\x00"s +
      "\x01\x01\x00\x00\x00\x08\x00\x00\x00"s + "\x01\x00\x00\x00"s +
      "\x09\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00\x00\x00\x00\x00"s +
      "\x01\x00\x00\x00n"s + "\x02\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00o"s +
      "\x03\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00u"s;
  EXPECT_EQ(EncodeLoadState(SampleState()), golden);
  const auto decoded = DecodeLoadState(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(EncodeLoadState(*decoded), golden);
}

TEST(LoadStates, AreRefusedWhenTheyCannotBeTrue) {
  const std::string bytes = EncodeLoadState(SampleState());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeLoadState(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeLoadState(bytes + "x").ok());
  EXPECT_FALSE(DecodeLoadState("\x02"s + bytes.substr(1)).ok());
  const auto is_refused = [](auto change) {
    LoadState state = SampleState();
    change(state);
    return !DecodeLoadState(EncodeLoadState(state)).ok();
  };
  EXPECT_TRUE(is_refused([](LoadState& state) { state.file = 2; }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.place.line = 0; }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.place.head_bytes = 6; }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.files.clear(); }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.bad_rows_share_max = 1.5; }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.bad_rows_by_cause["c"] = 8; }));
  EXPECT_TRUE(is_refused([](LoadState& state) { state.bad_rows_by_cause.clear(); }));
}

}  // namespace
}  // namespace freshet::load
