// Writers, readers, checkpoints and evictions at the same time. Counters only rise, so a reader
// that sees one fall has been shown an old value.
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "store/store.h"
#include "store_fixture.h"

namespace freshet::store {
namespace {

constexpr int kKeys = 200;
constexpr int kWriters = 2;
constexpr int kUpdates = 20'000;  // of each writer
constexpr int kUpdatesPerFreeze = 40;
constexpr int kHotKeys = 12;  // changed at one time; the window of them moves with each freeze
constexpr int kHotStep = 5;

std::string KeyName(int key) {
  return "entity-" + std::to_string(key);
}

// Set in readers: now and then they are held up between the read from disk and the return to the
// cache, long enough for a writer to change an entry, write it and lose it again.
thread_local std::mt19937_64* reader_delays = nullptr;

Status HoldUpReaders(TableId, std::string_view) {
  if (reader_delays != nullptr && (*reader_delays)() % 20 == 0)
    std::this_thread::sleep_for(std::chrono::microseconds((*reader_delays)() % 3'000));
  return Status::Ok();
}

class Stress : public StoreTest {
 protected:
  // One ingest lane: a thread that updates and freezes, and one that writes.
  void RunWriter(TableId table, uint64_t seed);
  // Looks up a few keys of all tables, over and over.
  void RunReader(uint64_t seed);

  std::atomic<int> writers_left_{kWriters};
  std::atomic<uint64_t> reads_{0};
  std::atomic<uint64_t> hot_begin_[kWriters] = {};
  std::vector<std::vector<uint64_t>> totals_ =
      std::vector<std::vector<uint64_t>>(kWriters, std::vector<uint64_t>(kKeys));
};

void Stress::RunWriter(TableId table, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto writer = store_->NewTimelineWriter();
  std::vector<uint64_t>& totals = totals_[table];
  std::jthread checkpoint;
  for (int i = 0; i < kUpdates; ++i) {
    int key = static_cast<int>((hot_begin_[table] + random() % kHotKeys) % kKeys);
    uint64_t before = 0;
    Status status = writer->Update(table, KeyName(key), [&](std::string& bytes) {
      before = CounterOf(bytes);
      kIncrement(bytes);
    });
    ASSERT_TRUE(status.ok()) << status.ToString();
    ASSERT_EQ(before, totals[key]++) << "a change was lost or counted twice";
    if (i % kUpdatesPerFreeze != 0) continue;
    if (checkpoint.joinable()) checkpoint.join();
    ASSERT_TRUE(writer->Freeze({{table, 0, i + 1}}).ok());
    checkpoint = std::jthread([&] { EXPECT_TRUE(writer->Write().ok()); });
    hot_begin_[table] += kHotStep;
  }
  if (checkpoint.joinable()) checkpoint.join();
  Checkpoint(*writer, {{table, 0, kUpdates}});
}

void Stress::RunReader(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::mt19937_64 delays(seed + 1);
  reader_delays = &delays;
  std::vector<std::vector<uint64_t>> seen(kWriters, std::vector<uint64_t>(kKeys));
  while (writers_left_ > 0) {
    std::vector<std::string> names;
    std::vector<std::pair<TableId, int>> picks;
    for (int i = 0; i < 8; ++i) {  // around what is changed now
      auto table = static_cast<TableId>(random() % kWriters);
      picks.emplace_back(table, (hot_begin_[table] + random() % (3 * kHotKeys)) % kKeys);
    }
    for (auto& [table, key] : picks) names.push_back(KeyName(key));
    std::vector<StateKey> keys;
    for (size_t i = 0; i < picks.size(); ++i)
      keys.push_back({TableKind::kTimelines, picks[i].first, names[i]});
    Status status = store_->Lookup(keys, [&](size_t i, std::string_view bytes) {
      uint64_t& last = seen[picks[i].first][picks[i].second];
      uint64_t now = CounterOf(bytes);
      if (now < last) ADD_FAILURE() << names[i] << " fell from " << last << " to " << now;
      last = now;
    });
    ASSERT_TRUE(status.ok()) << status.ToString();
    ++reads_;
  }
}

TEST_F(Stress, NoChangeIsLostAndNoReaderSeesAnOldValue) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  // From "nothing clean stays" to "everything does".
  for (size_t cache_bytes : {size_t{0}, size_t{64} * 500, size_t{64} << 20}) {
    SCOPED_TRACE(::testing::Message() << "cache of " << cache_bytes << " bytes");
    options_.cache_bytes = cache_bytes;
    Open();
    const TableId tables[] = {0, 1};
    ASSERT_TRUE(store_->DropTables(tables).ok());
    Open();
    store_->SetTimelineGuard(HoldUpReaders);
    writers_left_ = kWriters;
    for (auto& totals : totals_) std::fill(totals.begin(), totals.end(), 0);
    std::vector<std::thread> threads;
    for (TableId table = 0; table < kWriters; ++table)
      threads.emplace_back([&, table] {
        RunWriter(table, seed + table);
        --writers_left_;
      });
    for (int reader = 0; reader < 2; ++reader)
      threads.emplace_back([&, reader] { RunReader(seed + 100 + reader); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(reads_, 0u);
    Open();
    for (TableId table = 0; table < kWriters; ++table) {
      for (int key = 0; key < kKeys; ++key)
        EXPECT_EQ(Count(table, KeyName(key)), totals_[table][key]);
    }
  }
}

}  // namespace
}  // namespace freshet::store
