// What is kept of loads that ended early: its bytes, what is lost and when, and going on with it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/format_file.h"
#include "store/generation_writer.h"
#include "store/kept_load.h"
#include "store/row.h"
#include "store_fixture.h"
#include "support/seed.h"

namespace freshet::store {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kKeptView = 5;
constexpr size_t kLoadMemory = limits::kLoadMemoryBytesMin;
const std::vector<std::string> kColumns = {"number", "text"};
const std::vector<Type> kColumnTypes = {Type::kInt64, Type::kString};

std::string NumberedRow(int64_t event_time_ms, int64_t number) {
  static const RowLayout layout(kColumnTypes);
  std::string row;
  const std::string text(200, static_cast<char>('a' + number % 26));
  const Datum values[] = {Datum::Int(number), Datum::String(text)};
  layout.Encode(event_time_ms, values, row);
  return row;
}

LoadRecord SampleRecord() {
  LoadRecord record{.view_id = 5,
                    .kind = LoadKind::kReplace,
                    .began_at_ms = 258,
                    .kept_at_ms = 259,
                    .column_names = {"n"},
                    .column_types = {Type::kInt64},
                    .parts = {.in_order = true, .rows_added = 9, .rows_written = 7, .next_file = 2},
                    .state = "state"};
  record.parts.files = {{"a.sst", 10}, {"b.sst", 11}};
  record.parts.held_key = "k";
  const Datum value = Datum::Int(1);
  RowLayout({Type::kInt64}).Encode(3, std::span(&value, 1), record.parts.held_row);
  return record;
}

TEST(KeptLoadRecords, HaveTheirGoldenBytes) {
  const LoadRecord record = SampleRecord();
  const std::string golden =
      "\x01\x05\x00\x00\x00\x00"s + "\x02\x01\x00\x00\x00\x00\x00\x00"s +
      "\x03\x01\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00\x03\x01\x00\x00\x00n"s + "\x01"s +
      "\x09\x00\x00\x00\x00\x00\x00\x00"s + "\x07\x00\x00\x00\x00\x00\x00\x00"s +
      "\x02\x00\x00\x00\x00\x00\x00\x00"s + "\x02\x00\x00\x00"s + "\x05\x00\x00\x00"s + "a.sst" +
      "\x0a\x00\x00\x00\x00\x00\x00\x00"s + "\x05\x00\x00\x00"s + "b.sst" +
      "\x0b\x00\x00\x00\x00\x00\x00\x00"s + "\x01\x00\x00\x00k"s + "\x12\x00\x00\x00"s +
      "\x01\x03\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"s +
      "\x05\x00\x00\x00state"s;
  EXPECT_EQ(EncodeLoadRecord(record), golden);
  const Result<LoadRecord> decoded = DecodeLoadRecord(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, record);
}

TEST(KeptLoadRecords, AreRefusedWhenTheyCannotBeTrue) {
  const std::string bytes = EncodeLoadRecord(SampleRecord());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeLoadRecord(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeLoadRecord(bytes + "x").ok());
  EXPECT_FALSE(DecodeLoadRecord("\x02"s + bytes.substr(1)).ok());
  const auto is_refused = [](auto change) {
    LoadRecord record = SampleRecord();
    change(record);
    return !DecodeLoadRecord(EncodeLoadRecord(record)).ok();
  };
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.files.clear(); }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.files[0].name = "../other"; }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.files[0].name = ".."; }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.next_file = 1; }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.rows_added = 7; }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.held_row.pop_back(); }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.held_key.clear(); }));
  EXPECT_TRUE(is_refused([](LoadRecord& record) { record.parts.in_order = false; }));
}

class KeptLoadsTest : public StoreTest {
 protected:
  void SetUp() override {
    options_.clock = &clock_;
    Open();
  }

  // Rows in the order in which they are added; how many were is the caller's state.
  struct Input {
    std::vector<std::pair<std::string, std::string>> rows;
    size_t next = 0;
  };

  std::unique_ptr<GenerationWriter> Begin(Input& input, uint32_t view = kKeptView) {
    auto writer = store_->NewGeneration(view, kColumns, kColumnTypes, kLoadMemory);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    (*writer)->KeepParts([&input] { return std::to_string(input.next); });
    return std::move(*writer);
  }
  std::unique_ptr<GenerationWriter> Resume(Input& input, TableId load) {
    const auto kept = store_->FindKeptLoad(load);
    EXPECT_TRUE(kept.ok()) << kept.status().ToString();
    auto writer = store_->ResumeLoad(load, kColumns, kColumnTypes, kLoadMemory);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    input.next = std::stoull(kept->state);
    (*writer)->KeepParts([&input] { return std::to_string(input.next); });
    return std::move(*writer);
  }
  static void Add(GenerationWriter& writer, Input& input, size_t end) {
    for (; input.next < std::min(end, input.rows.size()); ++input.next) {
      const auto& [key, row] = input.rows[input.next];
      ASSERT_TRUE(writer.Add(key, row).ok());
    }
  }
  static void Publish(GenerationWriter& writer, Input& input) {
    Add(writer, input, input.rows.size());
    ASSERT_TRUE(writer.Finish([](uint64_t) {}).ok());
    ASSERT_TRUE(writer.Publish().ok());
  }
  // A load that breaks off after `end` rows; its number.
  TableId BreakOff(Input& input, size_t end, uint32_t view = kKeptView) {
    auto writer = Begin(input, view);
    Add(*writer, input, end);
    return writer->id();
  }
  // As a process finds the folder that comes after one that ends now.
  void OpenAfterACrash(std::unique_ptr<GenerationWriter> writer) {
    const std::string data = options_.path, crashed = folder_.path() + "/crashed";
    std::filesystem::copy(data, crashed, std::filesystem::copy_options::recursive);
    writer.reset();
    store_.reset();
    std::filesystem::remove_all(data);
    std::filesystem::rename(crashed, data);
    Open();
  }
  // In the order of their keys, some of which stand twice, or in any order.
  Input InputOf(size_t count, bool in_order) {
    Input input;
    for (size_t i = 0; i < count; ++i) {
      const size_t key = in_order ? i - i % 10 / 9 : random_() % count;
      input.rows.emplace_back(
          fmt::format("key{:08}", key),
          NumberedRow(static_cast<int64_t>(random_() % 5), static_cast<int64_t>(i)));
    }
    return input;
  }
  std::map<std::string, std::string> Served(const Input& input) {
    std::map<std::string, std::string> rows;
    const auto generation = store_->FindGeneration(kKeptView);
    if (generation == nullptr) return rows;
    for (const auto& [key, row] : input.rows)
      rows[key] = Read(generation->table, key, TableKind::kRows);
    EXPECT_EQ(generation->row_count, rows.size());
    return rows;
  }
  static std::map<std::string, std::string> Expected(const Input& input) {
    std::map<std::string, std::string> rows;
    for (const auto& [key, row] : input.rows) {
      std::string& kept = rows[key];
      if (kept.empty() || RowLayout::EventTimeMs(kept) <= RowLayout::EventTimeMs(row)) kept = row;
    }
    return rows;
  }
  size_t LoadFiles() {
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(LoadsFolder(options_.path)))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  std::string FolderOf(TableId load) {
    return fmt::format("{}/{}", LoadsFolder(options_.path), load);
  }
  std::vector<TableId> KeptIds() {
    std::vector<TableId> ids;
    for (const KeptLoad& kept : store_->KeptLoads()) ids.push_back(kept.id);
    return ids;
  }

  FakeClock clock_{1'000};
  std::mt19937_64 random_{TestSeed()};
};

TEST_F(KeptLoadsTest, GoOnUntilTheyAreServed) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  for (const bool in_order : {true, false}) {
    for (const bool is_mixed : {false, true}) {
      Input input = InputOf(20'000, in_order);
      // What came in order goes on in any order.
      if (is_mixed) std::shuffle(input.rows.begin() + 12'000, input.rows.end(), random_);
      const TableId load = BreakOff(input, 6'000 + random_() % 3'000);
      ASSERT_THAT(KeptIds(), ElementsAre(load));
      std::unique_ptr<GenerationWriter> writer;
      while (true) {
        if (random_() % 2 == 0) Open();
        writer = Resume(input, load);
        EXPECT_GT(input.next, 1'000u);
        if (random_() % 3 == 0) break;
        Add(*writer, input, input.next + random_() % 8'000);
        if (input.next == input.rows.size()) {
          ASSERT_TRUE(writer->Finish([](uint64_t) {}).ok());
        }
        writer.reset();
      }
      Publish(*writer, input);
      const auto expected = Expected(input);
      EXPECT_EQ(writer->counts().duplicates, input.rows.size() - expected.size());
      EXPECT_EQ(Served(input), expected);
      writer.reset();
      EXPECT_THAT(KeptIds(), IsEmpty());
      EXPECT_EQ(LoadFiles(), 0u);
      Open();
      EXPECT_EQ(Served(input), expected);
    }
  }
}

TEST_F(KeptLoadsTest, AreGoneOnceDiscarded) {
  Input input = InputOf(10'000, true);
  const TableId load = BreakOff(input, 10'000);
  EXPECT_GT(LoadFiles(), 0u);
  ASSERT_TRUE(store_->DiscardLoad(load).ok());
  EXPECT_EQ(LoadFiles(), 0u);
  EXPECT_EQ(store_->DiscardLoad(load).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->DiscardLoad((uint64_t{1} << 32) + load).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->ResumeLoad(load, kColumns, kColumnTypes, kLoadMemory).status().code(),
            StatusCode::kNotFound);
  Open();
  EXPECT_THAT(KeptIds(), IsEmpty());
}

TEST_F(KeptLoadsTest, AreNotTouchedWhileTheyAreUnderWay) {
  Input input = InputOf(10'000, true);
  auto writer = Begin(input);
  Add(*writer, input, 10'000);
  const TableId load = writer->id();
  while (store_->KeptLoads().empty()) std::this_thread::yield();
  EXPECT_TRUE(store_->KeptLoads()[0].is_under_way);
  clock_.Set(1'000'000'000'000);
  store_->DiscardExpiredLoads();
  EXPECT_EQ(store_->DiscardLoad(load).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->ResumeLoad(load, kColumns, kColumnTypes, kLoadMemory).status().code(),
            StatusCode::kResourceExhausted);
  Publish(*writer, input);
  EXPECT_EQ(Served(input), Expected(input));
}

TEST_F(KeptLoadsTest, GoWhenTheirTimeIsOver) {
  options_.keep_unfinished_ms = 86'400'000;
  Open();
  Input input = InputOf(10'000, true);
  const TableId load = BreakOff(input, 10'000);
  EXPECT_EQ(store_->KeptLoads()[0].expires_at_ms, 1'000 + 86'400'000);
  clock_.Set(999 + 86'400'000);
  store_->DiscardExpiredLoads();
  EXPECT_THAT(KeptIds(), ElementsAre(load));
  clock_.Set(1'000 + 86'400'000);
  store_->DiscardExpiredLoads();
  EXPECT_THAT(KeptIds(), IsEmpty());
  EXPECT_EQ(LoadFiles(), 0u);

  input.next = 0;
  BreakOff(input, 10'000);
  EXPECT_THAT(KeptIds(), SizeIs(1));
  clock_.Set(3 * 86'400'000LL);
  Open();
  EXPECT_THAT(KeptIds(), IsEmpty());
  EXPECT_EQ(LoadFiles(), 0u);
}

TEST_F(KeptLoadsTest, AreNoMoreThanTheLimit) {
  std::vector<TableId> loads;
  for (uint32_t view = 1; view <= limits::kUnfinishedLoadsMax + 2; ++view) {
    Input input = InputOf(6'000, true);
    loads.push_back(BreakOff(input, 6'000, view));
  }
  EXPECT_EQ(KeptIds(), std::vector<TableId>(loads.begin() + 2, loads.end()));
}

TEST_F(KeptLoadsTest, GoWhenALaterLoadOfTheViewIsServedOrTheViewIsDropped) {
  Input first = InputOf(6'000, true);
  Input later = InputOf(6'000, true);
  Input other = InputOf(6'000, true);
  BreakOff(first, 6'000);
  const TableId load_of_other = BreakOff(other, 6'000, kKeptView + 1);
  auto writer = Begin(later);
  Publish(*writer, later);
  EXPECT_THAT(KeptIds(), ElementsAre(load_of_other));
  const uint32_t dropped = kKeptView + 1;
  ASSERT_TRUE(store_->DropGenerations({&dropped, 1}).ok());
  EXPECT_THAT(KeptIds(), IsEmpty());
  writer.reset();
  EXPECT_EQ(LoadFiles(), 0u);
}

TEST_F(KeptLoadsTest, GoWhenTheirFilesAreNotWhatTheyWere) {
  for (const bool is_missing : {true, false}) {
    Input input = InputOf(6'000, true);
    const TableId load = BreakOff(input, 6'000);
    store_.reset();
    const auto file = std::filesystem::directory_iterator(FolderOf(load))->path();
    if (is_missing)
      std::filesystem::remove(file);
    else
      std::filesystem::resize_file(file, 100);
    Open();
    EXPECT_THAT(KeptIds(), IsEmpty());
    EXPECT_EQ(LoadFiles(), 0u);
  }
}

TEST_F(KeptLoadsTest, AreErrorsWhenTheirBytesAreDamaged) {
  // Runs, which are read when the load goes on.
  Input input = InputOf(10'000, false);
  const TableId load = BreakOff(input, 10'000);
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(FolderOf(load))) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1'000);
    file << "damaged";
  }
  Open();
  auto writer = Resume(input, load);
  Add(*writer, input, input.rows.size());
  EXPECT_EQ(writer->Finish([](uint64_t) {}).code(), StatusCode::kCorruption);
  EXPECT_EQ(store_->FindGeneration(kKeptView), nullptr);
}

TEST_F(KeptLoadsTest, AreServedWholeAfterACrashBetweenIngestionAndTheFlip) {
  for (const bool in_order : {true, false}) {
    Input input = InputOf(12'000, in_order);
    const TableId load = BreakOff(input, 9'000);
    auto writer = Resume(input, load);
    Add(*writer, input, input.rows.size());
    ASSERT_TRUE(writer->Finish([](uint64_t) {}).ok());
    ASSERT_TRUE(static_cast<SortingGenerationWriter&>(*writer).Ingest().ok());
    OpenAfterACrash(std::move(writer));
    writer = Resume(input, load);
    Publish(*writer, input);
    writer.reset();
    EXPECT_EQ(Served(input), Expected(input));
    EXPECT_EQ(LoadFiles(), 0u);
  }
}

// What the upsert outdid would take its rows away again.
TEST_F(KeptLoadsTest, AreOutdoneByAnUpsertThatACrashEnds) {
  Input served = InputOf(6'000, true);
  auto first = Begin(served);
  Publish(*first, served);
  first.reset();
  Input outdone = InputOf(6'000, true);
  const TableId whole = BreakOff(outdone, 6'000);
  Input other = InputOf(6'000, true);
  const TableId load_of_other = BreakOff(other, 6'000, kKeptView + 1);

  Input rows = InputOf(12'000, true);
  auto upsert = store_->NewUpsert(kKeptView, kColumns, kColumnTypes, kLoadMemory);
  ASSERT_TRUE(upsert.ok()) << upsert.status().ToString();
  (*upsert)->KeepParts([] { return "state"; });
  Add(**upsert, rows, rows.rows.size());
  ASSERT_TRUE((*upsert)->Finish([](uint64_t) {}).ok());
  EXPECT_THAT(KeptIds(), ElementsAre(whole, load_of_other, (*upsert)->id()));
  ASSERT_TRUE(static_cast<SortingGenerationWriter&>(**upsert).Ingest().ok());
  OpenAfterACrash(std::move(*upsert));
  EXPECT_THAT(KeptIds(), ElementsAre(load_of_other));
  Input all = served;
  all.rows.insert(all.rows.end(), rows.rows.begin(), rows.rows.end());
  EXPECT_EQ(Served(all), Expected(all));

  // Only what began before it.
  Input later = InputOf(6'000, true);
  const TableId load = BreakOff(later, 6'000);
  Open();
  EXPECT_THAT(KeptIds(), ElementsAre(load_of_other, load));
}

TEST_F(KeptLoadsTest, KeepAnEntityFromBeingForgotten) {
  Input input = InputOf(6'000, true);
  const TableId load = BreakOff(input, 6'000);
  EXPECT_EQ(store_->EraseRows(kKeptView, "key00000000").status().code(),
            StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store_->DiscardLoad(load).ok());
  EXPECT_TRUE(store_->EraseRows(kKeptView, "key00000000").ok());
}

}  // namespace
}  // namespace freshet::store
