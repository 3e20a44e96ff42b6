#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include <rocksdb/db.h>

#include "store/format_file.h"
#include "store/generation_writer.h"
#include "store/row.h"
#include "store/store.h"
#include "store_fixture.h"

namespace freshet::store {
namespace {

constexpr uint32_t kView = 5;
constexpr size_t kMemory = 64u << 20;
const std::vector<Type> kTypes = {Type::kInt64, Type::kString};
const RowLayout kLayout(kTypes);

std::string RowOf(int64_t event_time_ms, int64_t number, std::string_view text = "text") {
  std::string row;
  const Datum values[] = {Datum::Int(number), Datum::String(text)};
  kLayout.Encode(event_time_ms, values, row);
  return row;
}

int64_t NumberOf(std::string_view row) {
  return kLayout.Read(row, 0).as_int();
}

std::string KeyOf(int i) {
  return "key" + std::to_string(i);
}

constexpr auto kNoProgress = [](uint64_t) {};

class GenerationsTest : public StoreTest {
 protected:
  void SetUp() override { Open(); }

  std::unique_ptr<GenerationWriter> Begin(size_t memory_bytes = kMemory) {
    auto writer = store_->NewGeneration(kView, {"number", "text"}, kTypes, memory_bytes);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    return writer.ok() ? std::move(*writer) : nullptr;
  }
  // A generation in which every one of `keys` entities has the row `number`.
  void Load(int64_t number, int keys) {
    auto writer = Begin();
    for (int i = 0; i < keys; ++i) ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(1, number)).ok());
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    ASSERT_TRUE(writer->Publish().ok());
  }
  std::string ReadRow(TableId table, int key) { return Read(table, KeyOf(key), TableKind::kRows); }
  // What the stopped store's database has under `rows`, by table.
  std::map<TableId, int> StoredRows();
  size_t LoadFiles() {
    size_t count = 0;
    for (const auto& unused :
         std::filesystem::recursive_directory_iterator(LoadsFolder(options_.path)))
      count += unused.is_regular_file() ? 1 : 0;
    return count;
  }
};

std::map<TableId, int> GenerationsTest::StoredRows() {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : {"default", "timelines", "rows", "meta", "log"})
    families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(
      rocksdb::DBOptions(), DatabaseFolder(options_.path), families, &handles, &raw);
  EXPECT_TRUE(opened.ok()) << opened.ToString();
  std::unique_ptr<rocksdb::DB> db(raw);
  std::map<TableId, int> rows;
  std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions(), handles[2]));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    TableId table = 0;
    for (int i = 0; i < 4; ++i) table = table << 8 | static_cast<unsigned char>(it->key()[i]);
    ++rows[table];
  }
  it.reset();
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  return rows;
}

TEST_F(GenerationsTest, AreServedOncePublishedAndAfterARestart) {
  FakeClock clock(1'234);
  options_.clock = &clock;
  Open();
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
  auto writer = Begin();
  ASSERT_TRUE(writer->Add("b", RowOf(10, 2)).ok());
  ASSERT_TRUE(writer->Add("a", RowOf(10, 1)).ok());
  uint64_t progress = 0;
  ASSERT_TRUE(writer->Finish([&](uint64_t rows) { progress = rows; }).ok());
  EXPECT_EQ(progress, 2u);
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
  ASSERT_TRUE(writer->Publish().ok());
  writer.reset();
  EXPECT_EQ(LoadFiles(), 0u);
  for (int opened = 0; opened < 2; ++opened) {
    auto generation = store_->FindGeneration(kView);
    ASSERT_NE(generation, nullptr);
    EXPECT_EQ(generation->row_count, 2u);
    EXPECT_EQ(generation->loaded_at_ms, 1'234);
    EXPECT_EQ(generation->column_names, (std::vector<std::string>{"number", "text"}));
    EXPECT_EQ(generation->column_types, kTypes);
    EXPECT_EQ(Read(generation->table, "a", TableKind::kRows), RowOf(10, 1));
    EXPECT_EQ(Read(generation->table, "b", TableKind::kRows), RowOf(10, 2));
    EXPECT_EQ(Read(generation->table, "c", TableKind::kRows), "");
    Open();
  }
}

TEST_F(GenerationsTest, MayBeEmpty) {
  auto writer = Begin();
  ASSERT_TRUE(writer->Finish(kNoProgress).ok());
  ASSERT_TRUE(writer->Publish().ok());
  ASSERT_NE(store_->FindGeneration(kView), nullptr);
  EXPECT_EQ(store_->FindGeneration(kView)->row_count, 0u);
}

TEST_F(GenerationsTest, KeepTheNewestRowOfAKeyThenTheLastAdded) {
  for (size_t memory_bytes : {kMemory, size_t{1}}) {  // in memory, and a run for each row
    auto writer = Begin(memory_bytes);
    ASSERT_TRUE(writer->Add("k", RowOf(10, 1)).ok());
    ASSERT_TRUE(writer->Add("k", RowOf(20, 2)).ok());
    ASSERT_TRUE(writer->Add("k", RowOf(20, 3)).ok());
    ASSERT_TRUE(writer->Add("k", RowOf(-5, 4)).ok());
    ASSERT_TRUE(writer->Add("other", RowOf(1, 5)).ok());
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    EXPECT_EQ(writer->row_count(), 2u);
    EXPECT_EQ(writer->duplicate_count(), 3u);
    ASSERT_TRUE(writer->Publish().ok());
    TableId table = store_->FindGeneration(kView)->table;
    EXPECT_EQ(NumberOf(Read(table, "k", TableKind::kRows)), 3);
  }
}

TEST_F(GenerationsTest, AgreeWithAModelWhenRowsSpill) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  // Many more runs than one merge takes, few, and none.
  for (size_t memory_bytes : {size_t{4'000}, size_t{200'000}, kMemory}) {
    struct Best {
      int64_t time_ms = INT64_MIN;
      std::string row;
    };
    std::map<std::string, Best> model;
    auto writer = Begin(memory_bytes);
    for (int i = 0; i < 8'000; ++i) {
      std::string key(1 + random() % 12, 'k');
      key += std::to_string(random() % 500);
      auto time_ms = static_cast<int64_t>(random() % 20) - 10;
      std::string row = RowOf(time_ms, i, std::string(random() % 50, 'x'));
      ASSERT_TRUE(writer->Add(key, row).ok());
      Best& best = model[key];
      if (time_ms >= best.time_ms) best = {time_ms, row};
    }
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    EXPECT_EQ(writer->row_count(), model.size());
    EXPECT_EQ(writer->duplicate_count(), 8'000 - model.size());
    ASSERT_TRUE(writer->Publish().ok());
    writer.reset();
    TableId table = store_->FindGeneration(kView)->table;
    for (const auto& [key, best] : model) ASSERT_EQ(Read(table, key, TableKind::kRows), best.row);
    EXPECT_EQ(LoadFiles(), 0u);
  }
}

TEST_F(GenerationsTest, RefuseWhatIsNoRow) {
  auto writer = Begin();
  EXPECT_EQ(writer->Add("k", "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->Add("k", RowOf(1, 1) + "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->Add(std::string(100'000, 'k'), RowOf(1, 1)).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->Publish().code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(writer->Add("k", RowOf(1, 1)).ok());
  ASSERT_TRUE(writer->Finish(kNoProgress).ok());
  EXPECT_EQ(writer->Add("k", RowOf(1, 1)).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(writer->Publish().ok());
  EXPECT_EQ(writer->Publish().code(), StatusCode::kFailedPrecondition);
}

TEST_F(GenerationsTest, AreLoadedOneAtATime) {
  auto writer = Begin();
  auto second = store_->NewGeneration(kView, {"number", "text"}, kTypes, kMemory);
  EXPECT_EQ(second.status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(store_->NewGeneration(kView + 1, {"number", "text"}, kTypes, kMemory).ok());
  const uint32_t views[] = {kView};
  EXPECT_EQ(store_->DropGenerations(views).code(), StatusCode::kFailedPrecondition);
  writer.reset();
  EXPECT_TRUE(store_->NewGeneration(kView, {"number", "text"}, kTypes, kMemory).ok());
}

TEST_F(GenerationsTest, LeaveNothingBehindWhenTheyAreGivenUp) {
  Load(1, 10);
  TableId served = store_->FindGeneration(kView)->table;
  auto writer = Begin(1'000);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(1, 2)).ok());
  EXPECT_GT(LoadFiles(), 0u);
  writer.reset();
  EXPECT_EQ(LoadFiles(), 0u);
  writer = Begin();
  ASSERT_TRUE(writer->Add(KeyOf(1), RowOf(1, 2)).ok());
  ASSERT_TRUE(writer->Finish(kNoProgress).ok());
  ASSERT_TRUE(static_cast<SortingGenerationWriter&>(*writer).Ingest().ok());
  writer.reset();
  EXPECT_EQ(store_->FindGeneration(kView)->table, served);
  EXPECT_EQ(NumberOf(ReadRow(served, 1)), 1);
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{served, 10}}));
}

TEST_F(GenerationsTest, StayReadableWhileTheyAreHeldAndUntilTheSecondPublicationAfterThem) {
  Load(1, 10);
  auto held = store_->FindGeneration(kView);
  const TableId first = held->table;
  Load(2, 10);
  const TableId second = store_->FindGeneration(kView)->table;
  Load(3, 10);
  const TableId third = store_->FindGeneration(kView)->table;
  EXPECT_EQ(NumberOf(ReadRow(first, 3)), 1);
  EXPECT_EQ(NumberOf(ReadRow(second, 3)), 2);
  held = nullptr;
  Load(4, 10);
  const TableId fourth = store_->FindGeneration(kView)->table;
  EXPECT_EQ(ReadRow(first, 3), "");
  EXPECT_EQ(ReadRow(second, 3), "");
  EXPECT_EQ(NumberOf(ReadRow(third, 3)), 3);
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{third, 10}, {fourth, 10}}));
  Open();
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{fourth, 10}}));
}

TEST_F(GenerationsTest, OfDroppedViewsAreGone) {
  Load(1, 10);
  Load(2, 10);
  const uint32_t views[] = {kView, kView + 100};
  ASSERT_TRUE(store_->DropGenerations(views).ok());
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
  store_.reset();
  EXPECT_TRUE(StoredRows().empty());
  Open();
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
}

// A file of the database with another table's bytes in it would be caught by RocksDB's checksums;
// this is about rows of another layout.
TEST_F(GenerationsTest, RowsAreNeverReadWithAnotherLayout) {
  Load(1, 1);
  auto writer = store_->NewGeneration(kView, {"flag"}, {Type::kBool}, kMemory);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ((*writer)->Add("k", RowOf(1, 1)).code(), StatusCode::kInvalidArgument);
}

TEST_F(GenerationsTest, FlipAtOnceForConcurrentReaders) {
  constexpr int kKeys = 40;
  options_.cache_bytes = 64 * 1'000;
  Open();
  Load(0, kKeys);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> published{0};
  auto read = [&] {
    std::vector<std::string> names;
    for (int i = 0; i < kKeys; ++i) names.push_back(KeyOf(i));
    int64_t last = 0;
    while (!stop) {
      int64_t at_least = published;
      auto generation = store_->FindGeneration(kView);
      std::vector<StateKey> keys;
      for (const std::string& name : names)
        keys.push_back({TableKind::kRows, generation->table, name});
      std::vector<int64_t> numbers(kKeys, -1);
      Status status = store_->Lookup(keys, [&](size_t i, std::string_view row) {
        if (!row.empty()) numbers[i] = NumberOf(row);
      });
      ASSERT_TRUE(status.ok()) << status.ToString();
      ASSERT_EQ(numbers, std::vector<int64_t>(kKeys, numbers[0]));
      ASSERT_GE(numbers[0], at_least);
      ASSERT_GE(numbers[0], last);
      last = numbers[0];
    }
  };
  std::thread readers[] = {std::thread(read), std::thread(read)};
  for (int64_t number = 1; number <= 40; ++number) {
    Load(number, kKeys);
    published = number;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace freshet::store
