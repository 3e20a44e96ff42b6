#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include "base/clock.h"
#include "store/format_file.h"
#include "store/generation_writer.h"
#include "store/row.h"
#include "store/store.h"
#include "store_fixture.h"
#include "support/seed.h"

namespace freshet::store {
namespace {

using ::testing::HasSubstr;

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
  void WaitUntilRemoved() {
    while (store_->Stats().generations_to_remove > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
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
    EXPECT_EQ(writer->counts().served, 2u);
    EXPECT_EQ(writer->counts().duplicates, 3u);
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
    EXPECT_EQ(writer->counts().served, model.size());
    EXPECT_EQ(writer->counts().duplicates, 8'000 - model.size());
    ASSERT_TRUE(writer->Publish().ok());
    writer.reset();
    TableId table = store_->FindGeneration(kView)->table;
    for (const auto& [key, best] : model) ASSERT_EQ(Read(table, key, TableKind::kRows), best.row);
    EXPECT_EQ(LoadFiles(), 0u);
  }
}

TEST_F(GenerationsTest, RefuseKeysThatAreTooLongAndWhatComesTooLate) {
  auto writer = Begin();
  EXPECT_EQ(writer->Add("", RowOf(1, 1)).code(), StatusCode::kInvalidArgument);
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

TEST_F(GenerationsTest, LeaveNothingBehindWhenTheyAreCancelledWhileTheyAreSorted) {
  Load(1, 10);
  const TableId served = store_->FindGeneration(kView)->table;
  for (const size_t memory_bytes : {kMemory, size_t{1'000}}) {
    auto writer = Begin(memory_bytes);
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(1, 2)).ok());
    writer->Cancel();
    EXPECT_EQ(writer->Finish(kNoProgress).code(), StatusCode::kCancelled);
    EXPECT_EQ(writer->Publish().code(), StatusCode::kFailedPrecondition);
    writer.reset();
    EXPECT_EQ(LoadFiles(), 0u);
  }
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{served, 10}}));
}

TEST_F(GenerationsTest, StayReadableWhileTheyAreHeldAndWhileTheyAreThePrevious) {
  Load(1, 10);
  auto held = store_->FindGeneration(kView);
  const TableId first = held->table;
  Load(2, 10);
  const TableId second = store_->FindGeneration(kView)->table;
  Load(3, 10);
  const TableId third = store_->FindGeneration(kView)->table;
  EXPECT_EQ(store_->Stats().generations_to_remove, 1u);
  EXPECT_EQ(NumberOf(ReadRow(first, 3)), 1);
  EXPECT_EQ(NumberOf(ReadRow(second, 3)), 2);
  held = nullptr;
  Load(4, 10);
  const TableId fourth = store_->FindGeneration(kView)->table;
  WaitUntilRemoved();
  EXPECT_EQ(ReadRow(first, 3), "");
  EXPECT_EQ(ReadRow(second, 3), "");
  EXPECT_EQ(NumberOf(ReadRow(third, 3)), 3);
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{third, 10}, {fourth, 10}}));
  Open();
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{third, 10}, {fourth, 10}}));
}

TEST_F(GenerationsTest, AreRehearsedWithoutATrace) {
  for (const size_t memory_bytes : {kMemory, size_t{1'000}}) {
    auto first = Begin(memory_bytes);
    ASSERT_TRUE(first->Add(KeyOf(1), RowOf(1, 1)).ok());
    ASSERT_TRUE(first->Rehearse(kNoProgress).ok());
    EXPECT_EQ(first->counts().new_keys, 1u);
    EXPECT_EQ(first->Publish().code(), StatusCode::kFailedPrecondition);
    first.reset();
    Load(1, 100);
    const TableId served = store_->FindGeneration(kView)->table;
    auto writer = Begin(memory_bytes);
    for (int i = 40; i < 250; ++i) {
      ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(1, 2)).ok());
      ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(2, 2)).ok());
    }
    ASSERT_TRUE(writer->Rehearse(kNoProgress).ok());
    EXPECT_EQ(writer->counts().served, 210u);
    EXPECT_EQ(writer->counts().duplicates, 210u);
    EXPECT_EQ(writer->counts().new_keys, 150u);
    EXPECT_EQ(writer->counts().gone_keys, 40u);
    EXPECT_EQ(writer->Publish().code(), StatusCode::kFailedPrecondition);
    writer.reset();
    EXPECT_EQ(LoadFiles(), 0u);
    EXPECT_EQ(store_->FindGeneration(kView)->table, served);
    EXPECT_EQ(NumberOf(ReadRow(served, 50)), 1);
    const uint32_t views[] = {kView};
    ASSERT_TRUE(store_->DropGenerations(views).ok());
  }
}

TEST_F(GenerationsTest, ComeBackByARollback) {
  EXPECT_THAT(std::string(store_->RollBack(kView).message()), HasSubstr("never loaded"));
  Load(1, 10);
  EXPECT_EQ(store_->FindPreviousGeneration(kView), nullptr);
  EXPECT_EQ(store_->RollBack(kView).code(), StatusCode::kFailedPrecondition);
  const TableId first = store_->FindGeneration(kView)->table;
  Load(2, 20);
  const TableId second = store_->FindGeneration(kView)->table;
  EXPECT_EQ(NumberOf(ReadRow(second, 3)), 2);  // from now on in the cache
  Open();
  ASSERT_NE(store_->FindPreviousGeneration(kView), nullptr);
  EXPECT_EQ(store_->FindPreviousGeneration(kView)->row_count, 10u);
  ASSERT_TRUE(store_->RollBack(kView).ok());
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(store_->FindGeneration(kView)->table, first);
    EXPECT_EQ(store_->FindGeneration(kView)->row_count, 10u);
    EXPECT_EQ(store_->FindPreviousGeneration(kView), nullptr);
    EXPECT_EQ(NumberOf(ReadRow(first, 3)), 1);
    WaitUntilRemoved();
    EXPECT_EQ(ReadRow(second, 3), "");
    const Status again = store_->RollBack(kView);
    EXPECT_EQ(again.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(again.message()), HasSubstr("no earlier load"));
    Open();
  }
  // What is loaded next has what came back as its previous one.
  Load(3, 10);
  ASSERT_TRUE(store_->RollBack(kView).ok());
  EXPECT_EQ(store_->FindGeneration(kView)->table, first);
}

TEST_F(GenerationsTest, DoNotComeBackWhileTheViewIsLoaded) {
  Load(1, 10);
  Load(2, 10);
  auto writer = Begin();
  EXPECT_EQ(store_->RollBack(kView).code(), StatusCode::kFailedPrecondition);
  writer.reset();
  EXPECT_TRUE(store_->RollBack(kView).ok());
}

// An upsert shows another generation of the same table; who holds the first one reads on.
TEST_F(GenerationsTest, StayReadableForThoseWhoHoldThemAsTheyWereBeforeAnUpsert) {
  Load(1, 10);
  Load(2, 10);
  auto held = store_->FindGeneration(kView);
  {
    auto upsert = store_->NewUpsert(kView, {"number", "text"}, kTypes, kMemory);
    ASSERT_TRUE(upsert.ok());
    ASSERT_TRUE((*upsert)->Add(KeyOf(3), RowOf(2, 3)).ok());
    ASSERT_TRUE((*upsert)->Finish(kNoProgress).ok());
    ASSERT_TRUE((*upsert)->Publish().ok());
  }
  ASSERT_TRUE(store_->RollBack(kView).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(store_->Stats().generations_to_remove, 1u);
  EXPECT_EQ(NumberOf(ReadRow(held->table, 4)), 2);
  held = nullptr;
  WaitUntilRemoved();
}

// However slowly it goes, and whenever the process ends, all of it is gone in the end.
TEST_F(GenerationsTest, AreRemovedNoFasterThanToldAndAfterARestart) {
  options_.removed_bytes_per_second_max = 1;
  Open();
  for (int64_t number = 1; number <= 4; ++number) Load(number, 100);
  const TableId served = store_->FindGeneration(kView)->table;
  const TableId previous = store_->FindPreviousGeneration(kView)->table;
  // Each start gets a file further, and then waits for its rate.
  for (const size_t left : {2u, 1u, 0u}) {
    while (store_->Stats().generations_to_remove != left)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(store_->Stats().generations_to_remove, left);
    Open();
  }
  EXPECT_EQ(NumberOf(ReadRow(served, 3)), 4);
  EXPECT_EQ(NumberOf(ReadRow(previous, 3)), 3);
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{previous, 100}, {served, 100}}));
}

TEST_F(GenerationsTest, OfDroppedViewsAreGone) {
  Load(1, 10);
  Load(2, 10);
  const uint32_t views[] = {kView, kView + 100};
  ASSERT_TRUE(store_->DropGenerations(views).ok());
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
  WaitUntilRemoved();
  store_.reset();
  EXPECT_TRUE(StoredRows().empty());
  Open();
  EXPECT_EQ(store_->FindGeneration(kView), nullptr);
  EXPECT_EQ(store_->FindPreviousGeneration(kView), nullptr);
}

// Whether the bytes stand anywhere in the store's folder.
bool IsAnywhere(const std::string& folder, const std::string& bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (text.find(bytes) != std::string::npos) return true;
  }
  return false;
}

TEST_F(GenerationsTest, LoseRowsPastTheirRetention) {
  FakeClock clock(10'000);
  options_.clock = &clock;
  Open();
  const auto load = [&](int64_t number) {
    auto writer = Begin();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(i < 40 ? 1'000 : 9'000, number)).ok());
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    ASSERT_TRUE(writer->Publish().ok());
  };
  load(1);
  load(2);
  const TableId served = store_->FindGeneration(kView)->table;
  const TableId previous = store_->FindPreviousGeneration(kView)->table;

  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 0u) << "without a retention";
  store_->SetRetention({{kView, 9'000}, {kView + 1, 1}});
  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 0u) << "the oldest are just as old as they may be";
  clock.Advance(1);
  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 80u);

  for (const TableId table : {served, previous}) {
    EXPECT_EQ(ReadRow(table, 39), "");
    EXPECT_NE(ReadRow(table, 40), "");
  }
  store_.reset();
  EXPECT_THAT(StoredRows(),
              ::testing::UnorderedElementsAre(std::pair(served, 60), std::pair(previous, 60)));
}

TEST_F(GenerationsTest, ForgetAnEntityInWhatIsServedAndInWhatIsKept) {
  const std::string secret = "a-text-that-nobody-else-has";
  for (int64_t number : {1, 2}) {
    auto writer = Begin();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(1, number, i == 7 ? secret : "text")).ok());
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    ASSERT_TRUE(writer->Publish().ok());
  }
  const TableId served = store_->FindGeneration(kView)->table;
  const TableId previous = store_->FindPreviousGeneration(kView)->table;
  EXPECT_EQ(ReadRow(served, 7), RowOf(1, 2, secret));  // from now on in the cache
  EXPECT_TRUE(IsAnywhere(options_.path, secret));
  auto loading = Begin();
  EXPECT_EQ(store_->EraseRows(kView, KeyOf(7)).status().code(), StatusCode::kFailedPrecondition);
  loading.reset();
  auto erased = store_->EraseRows(kView, KeyOf(7));
  ASSERT_TRUE(erased.ok()) << erased.status().ToString();
  EXPECT_TRUE(erased->was_served && erased->was_previous);
  const std::string key = KeyOf(7);
  const StateKey keys[] = {{TableKind::kRows, served, key}, {TableKind::kRows, previous, key}};
  ASSERT_TRUE(store_->Purge(keys).ok());
  EXPECT_FALSE(IsAnywhere(options_.path, secret));
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(ReadRow(served, 7), "");
    EXPECT_EQ(ReadRow(previous, 7), "");
    EXPECT_EQ(NumberOf(ReadRow(served, 8)), 2);
    EXPECT_EQ(NumberOf(ReadRow(previous, 8)), 1);
    EXPECT_EQ(store_->FindGeneration(kView)->row_count, 99u);
    EXPECT_EQ(store_->FindPreviousGeneration(kView)->row_count, 99u);
    erased = store_->EraseRows(kView, KeyOf(7));
    EXPECT_FALSE(erased->was_served || erased->was_previous);
    Open();
  }
  EXPECT_FALSE(store_->EraseRows(kView + 1, KeyOf(7))->was_served);
}

class UpsertsTest : public GenerationsTest {
 protected:
  using Rows = std::vector<std::pair<std::string, std::string>>;

  std::unique_ptr<GenerationWriter> BeginUpsert(size_t memory_bytes = kMemory) {
    auto writer = store_->NewUpsert(kView, {"number", "text"}, kTypes, memory_bytes);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    return writer.ok() ? std::move(*writer) : nullptr;
  }
  LoadCounts Upsert(const Rows& rows, std::vector<bool> kept = {false, false},
                    size_t memory_bytes = kMemory) {
    auto writer = BeginUpsert(memory_bytes);
    for (const auto& [key, row] : rows) EXPECT_TRUE(writer->Add(key, row).ok());
    EXPECT_TRUE(writer->Keep(std::move(kept)).ok());
    EXPECT_TRUE(writer->Finish(kNoProgress).ok());
    EXPECT_TRUE(writer->Publish().ok());
    return writer->counts();
  }
  static std::string Tombstone(int64_t event_time_ms) {
    std::string row;
    RowLayout::EncodeTombstone(event_time_ms, row);
    return row;
  }
  std::string Served(const std::string& key) {
    const auto generation = store_->FindGeneration(kView);
    return generation == nullptr ? "" : Read(generation->table, key, TableKind::kRows);
  }
  uint64_t ServedCount() { return store_->FindGeneration(kView)->row_count; }
};

TEST_F(UpsertsTest, ReplaceWhatIsNotNewer) {
  Upsert({{"a", RowOf(10, 1)}, {"b", RowOf(10, 1)}, {"c", RowOf(10, 1)}});
  const TableId table = store_->FindGeneration(kView)->table;
  EXPECT_EQ(Served("a"), RowOf(10, 1));  // from now on in the cache
  const LoadCounts counts =
      Upsert({{"a", RowOf(11, 2)}, {"b", RowOf(9, 2)}, {"c", RowOf(10, 2)}, {"d", RowOf(1, 2)}});
  EXPECT_EQ(Served("a"), RowOf(11, 2));
  EXPECT_EQ(Served("b"), RowOf(10, 1));
  EXPECT_EQ(Served("c"), RowOf(10, 2));
  EXPECT_EQ(Served("d"), RowOf(1, 2));
  EXPECT_EQ(counts.served, 4u);
  EXPECT_EQ(counts.written, 3u);
  EXPECT_EQ(counts.older, 1u);
  EXPECT_EQ(store_->FindGeneration(kView)->table, table);
  EXPECT_EQ(LoadFiles(), 0u);
}

TEST_F(UpsertsTest, TwiceChangesNothing) {
  const Rows rows = {{"a", RowOf(10, 1)}, {"a", RowOf(12, 2)}, {"b", Tombstone(5)}};
  Upsert(rows);
  const LoadCounts again = Upsert(rows);
  EXPECT_EQ(again.unchanged, 2u);
  EXPECT_EQ(again.written, 0u);
  EXPECT_EQ(again.duplicates, 1u);
  EXPECT_EQ(ServedCount(), 1u);
  EXPECT_EQ(Served("a"), RowOf(12, 2));
}

TEST_F(UpsertsTest, KeepColumns) {
  Upsert({{"a", RowOf(10, 1, "one")}});
  Upsert({{"a", RowOf(20, 2, "")}, {"b", RowOf(20, 3, "three")}}, {false, true});
  EXPECT_EQ(Served("a"), RowOf(20, 2, "one"));
  EXPECT_EQ(Served("b"), RowOf(20, 3, "three"));
  Upsert({{"a", RowOf(30, 0, "last")}}, {true, false});
  EXPECT_EQ(Served("a"), RowOf(30, 2, "last"));
  EXPECT_EQ(BeginUpsert()->Keep({true}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Begin()->Keep({true, true}).code(), StatusCode::kInvalidArgument);
}

TEST_F(UpsertsTest, DeleteAndForgetNothingThatIsOlder) {
  Upsert({{"a", RowOf(10, 1)}, {"b", RowOf(10, 1)}});
  EXPECT_EQ(Upsert({{"a", Tombstone(20)}, {"b", Tombstone(9)}, {"c", Tombstone(20)}}).deleted, 2u);
  EXPECT_EQ(Served("a"), "");
  EXPECT_EQ(Served("b"), RowOf(10, 1));
  EXPECT_EQ(ServedCount(), 1u);
  Upsert({{"a", RowOf(19, 2)}, {"c", RowOf(21, 3)}});
  EXPECT_EQ(Served("a"), "");
  EXPECT_EQ(Served("c"), RowOf(21, 3));
  EXPECT_EQ(ServedCount(), 2u);
}

TEST_F(UpsertsTest, ForgetDeletionsPastTheirRetentionAndKeepTheirCounts) {
  FakeClock clock(10'000);
  options_.clock = &clock;
  Open();
  Upsert({{"old", RowOf(100, 1)}, {"deleted", Tombstone(100)}, {"new", RowOf(9'000, 1)}});
  Upsert({{"new", RowOf(9'500, 2)}});
  store_->SetRetention({{kView, 5'000}});
  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 2u);
  const uint64_t rows = store_->FindGeneration(kView)->row_count;
  Open();
  EXPECT_EQ(store_->FindGeneration(kView)->row_count, rows) << "the summary stays";
  store_.reset();  // before its clock
}

TEST_F(UpsertsTest, AreRehearsedWithoutATrace) {
  Upsert({{"a", RowOf(10, 1)}, {"b", RowOf(10, 1)}, {"c", RowOf(10, 1)}, {"d", Tombstone(10)}});
  for (const LoadKind kind : {LoadKind::kUpsert, LoadKind::kReplace}) {
    auto writer = kind == LoadKind::kUpsert ? BeginUpsert() : Begin();
    for (const auto& [key, row] : Rows{{"a", RowOf(20, 2)},
                                       {"b", Tombstone(20)},
                                       {"d", RowOf(20, 2)},
                                       {"e", RowOf(20, 2)},
                                       {"f", Tombstone(20)}})
      ASSERT_TRUE(writer->Add(key, row).ok());
    ASSERT_TRUE(writer->Rehearse(kNoProgress).ok());
    EXPECT_EQ(writer->counts().new_keys, 2u);
    // A whole load has no "c" either.
    EXPECT_EQ(writer->counts().gone_keys, kind == LoadKind::kUpsert ? 1u : 2u);
    EXPECT_EQ(writer->counts().served, kind == LoadKind::kUpsert ? 4u : 3u);
  }
  EXPECT_EQ(Served("a"), RowOf(10, 1));
  EXPECT_EQ(ServedCount(), 3u);
}

TEST_F(UpsertsTest, AWholeLoadDropsWhatItDeletes) {
  auto writer = Begin();
  ASSERT_TRUE(writer->Add("a", RowOf(10, 1)).ok());
  ASSERT_TRUE(writer->Add("a", Tombstone(20)).ok());
  ASSERT_TRUE(writer->Add("b", RowOf(10, 1)).ok());
  ASSERT_TRUE(writer->Finish(kNoProgress).ok());
  ASSERT_TRUE(writer->Publish().ok());
  EXPECT_EQ(writer->counts().deleted, 1u);
  EXPECT_EQ(ServedCount(), 1u);
  EXPECT_EQ(Served("a"), "");
  const TableId table = store_->FindGeneration(kView)->table;
  writer.reset();
  store_.reset();
  EXPECT_EQ(StoredRows(), (std::map<TableId, int>{{table, 1}}));
}

TEST_F(UpsertsTest, GoIntoTheColumnsThatAreServed) {
  Load(1, 10);
  const auto other = store_->NewUpsert(kView, {"flag"}, {Type::kBool}, kMemory);
  EXPECT_EQ(other.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(store_->NewUpsert(kView, {"number", "text"}, kTypes, kMemory).ok());
}

// Once the files are the database's, all of their rows are served, and counted, whatever happens to
// the process.
TEST_F(UpsertsTest, AreWholeWhenTheProcessEndsInTheMiddle) {
  Load(1, 10);
  for (const bool is_ingested : {false, true}) {
    auto writer = BeginUpsert();
    for (int i = 5; i < 20; ++i) ASSERT_TRUE(writer->Add(KeyOf(i), RowOf(2, 2)).ok());
    ASSERT_TRUE(writer->Finish(kNoProgress).ok());
    if (is_ingested) {
      ASSERT_TRUE(static_cast<SortingGenerationWriter&>(*writer).Ingest().ok());
    }
    writer.reset();
    Open();
    EXPECT_EQ(ServedCount(), is_ingested ? 20u : 10u);
    for (int i = 0; i < 20; ++i) {
      const bool is_new = is_ingested && i >= 5;
      EXPECT_EQ(Served(KeyOf(i)), is_new ? RowOf(2, 2) : i < 10 ? RowOf(1, 1) : "");
    }
  }
}

// The order of the loads never shows.
TEST_F(UpsertsTest, AgreeWithAModelInAnyOrder) {
  SCOPED_TRACE(::testing::Message() << "FRESHET_TEST_SEED=" << TestSeed());
  std::mt19937_64 random(TestSeed());
  for (uint32_t round = 0; round < 6; ++round) {
    struct Best {
      int64_t time_ms = INT64_MIN;
      std::string row;
    };
    std::map<std::string, Best> model;
    std::vector<Rows> loads(5);
    for (int64_t i = 0; i < 3'000; ++i) {
      const std::string key = KeyOf(static_cast<int>(random() % 400));
      // Times of one key differ.
      const int64_t time_ms = static_cast<int64_t>(random() % 1'000) * 3'000 + i;
      const std::string row = random() % 4 == 0
                                  ? Tombstone(time_ms)
                                  : RowOf(time_ms, i, std::string(random() % 30, 'x'));
      loads[random() % loads.size()].push_back({key, row});
      if (time_ms > model[key].time_ms) model[key] = {time_ms, row};
    }
    const uint32_t views[] = {kView};
    ASSERT_TRUE(store_->DropGenerations(views).ok());
    for (const Rows& load : loads) {
      Upsert(load, {false, false}, random() % 2 == 0 ? kMemory : 20'000);
      Served(KeyOf(static_cast<int>(random() % 400)));
    }
    uint64_t served = 0;
    for (const auto& [key, best] : model) {
      const bool is_deleted = RowLayout::IsTombstone(best.row);
      served += is_deleted ? 0 : 1;
      ASSERT_EQ(Served(key), is_deleted ? "" : best.row);
    }
    EXPECT_EQ(ServedCount(), served);
  }
  const uint64_t before = ServedCount();
  Open();
  EXPECT_EQ(ServedCount(), before);
}

// Readers see the old row or the new one, and once an upsert has returned, the new one alone.
TEST_F(UpsertsTest, AreSeenByConcurrentReaders) {
  constexpr int kKeys = 40;
  Load(0, kKeys);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> published{0};
  const auto read = [&] {
    while (!stop) {
      const int64_t at_least = published;
      const auto generation = store_->FindGeneration(kView);
      for (int i = 0; i < kKeys; ++i) ASSERT_GE(NumberOf(ReadRow(generation->table, i)), at_least);
    }
  };
  std::thread readers[] = {std::thread(read), std::thread(read)};
  for (int64_t number = 1; number <= 60; ++number) {
    Rows rows;
    for (int i = 0; i < kKeys; ++i) rows.push_back({KeyOf(i), RowOf(number + 1, number)});
    Upsert(rows);
    published = number;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// A file of the database with another table's bytes in it would be caught by RocksDB's checksums;
// this is about rows of another layout.
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
