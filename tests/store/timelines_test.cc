#include <filesystem>
#include <map>
#include <random>

#include "base/clock.h"
#include "store/format_file.h"
#include "store/store.h"
#include "store/stream_row.h"
#include "store_fixture.h"
#include "support/seed.h"

namespace freshet::store {
namespace {

constexpr TableId kTable = 7;

class Timelines : public StoreTest {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(Timelines, AreEmptyUntilTheyAreChanged) {
  EXPECT_EQ(Read(kTable, "user"), "");
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer
                  ->Update(kTable, "user",
                           [](std::string& bytes) {
                             EXPECT_EQ(bytes, "");
                             bytes = "one";
                           })
                  .ok());
  EXPECT_EQ(Read(kTable, "user"), "one");
  EXPECT_EQ(Read(kTable + 1, "user"), "");
  EXPECT_EQ(Read(kTable, "user", TableKind::kRows), "");
}

TEST_F(Timelines, AreVisitedOnceForEachKeyOfALookup) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "a", [](std::string& bytes) { bytes = "A"; }).ok());
  ASSERT_TRUE(writer->Update(kTable, "b", [](std::string& bytes) { bytes = "B"; }).ok());
  Checkpoint(*writer, {});
  writer.reset();
  Open();
  std::vector<StateKey> keys = {{TableKind::kTimelines, kTable, "b"},
                                {TableKind::kTimelines, kTable, "none"},
                                {TableKind::kTimelines, kTable, "a"},
                                {TableKind::kRows, kTable, "a"},
                                {TableKind::kTimelines, kTable, "b"}};
  for (int round = 0; round < 2; ++round) {  // from disk, then from the cache
    std::vector<std::string> found(keys.size());
    std::vector<int> visits(keys.size());
    ASSERT_TRUE(store_
                    ->Lookup(keys,
                             [&](size_t i, std::string_view bytes) {
                               found[i] = std::string(bytes);
                               ++visits[i];
                             })
                    .ok());
    EXPECT_EQ(found, (std::vector<std::string>{"B", "", "A", "", "B"}));
    EXPECT_EQ(visits, std::vector<int>(keys.size(), 1));
  }
  StoreStats stats = store_->Stats();
  EXPECT_EQ(stats.cache_misses, 5u);
  EXPECT_EQ(stats.cache_hits, 5u);
  EXPECT_EQ(stats.cache_entries, 4u);  // what is missing is remembered too
}

TEST_F(Timelines, ComeBackWithTheirPositionsAfterACheckpoint) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  Checkpoint(*writer, {{kTable, 0, 10}, {kTable, 3, 1}, {kTable + 1, 0, 5}});
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  writer.reset();
  Open();
  EXPECT_EQ(Count(kTable, "user"), 1u);
  EXPECT_EQ(*store_->ReadPositions(kTable),
            (std::vector<Position>{{kTable, 0, 10}, {kTable, 3, 1}}));
  EXPECT_EQ(*store_->ReadPositions(kTable + 1), (std::vector<Position>{{kTable + 1, 0, 5}}));
  EXPECT_TRUE(store_->ReadPositions(kTable + 2)->empty());
}

TEST_F(Timelines, ThatBecomeEmptyAreGone) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  Checkpoint(*writer, {});
  ASSERT_TRUE(writer->Update(kTable, "user", [](std::string& bytes) { bytes.clear(); }).ok());
  Checkpoint(*writer, {});
  writer.reset();
  Open();
  EXPECT_EQ(Read(kTable, "user"), "");
}

TEST_F(Timelines, OfAFreezeAreWrittenAsTheyWereThen) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "kept", kIncrement).ok());
  ASSERT_TRUE(writer->Update(kTable, "changed", kIncrement).ok());
  ASSERT_TRUE(writer->Freeze({{kTable, 0, 1}}).ok());
  EXPECT_EQ(writer->dirty_count(), 0u);
  EXPECT_EQ(writer->dirty_bytes(), 0u);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer->Update(kTable, "changed", kIncrement).ok());
  ASSERT_TRUE(writer->Update(kTable, "new", kIncrement).ok());
  EXPECT_EQ(writer->dirty_count(), 2u);
  EXPECT_EQ(Count(kTable, "changed"), 4u);
  EXPECT_EQ(writer->Freeze({{kTable, 0, 2}}).code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(writer->Write().ok());
  EXPECT_EQ(Count(kTable, "changed"), 4u);
  writer.reset();
  Open();
  EXPECT_EQ(Count(kTable, "kept"), 1u);
  EXPECT_EQ(Count(kTable, "changed"), 1u);
  EXPECT_EQ(Count(kTable, "new"), 0u);
  EXPECT_EQ(*store_->ReadPositions(kTable), (std::vector<Position>{{kTable, 0, 1}}));
}

TEST_F(Timelines, GoBackToTheirPositionsWhenTheirWriterGoes) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  Checkpoint(*writer, {{kTable, 0, 1}});
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  ASSERT_TRUE(writer->Freeze({{kTable, 0, 2}}).ok());
  ASSERT_TRUE(writer->Update(kTable, "user", kIncrement).ok());
  ASSERT_TRUE(writer->Update(kTable, "other", kIncrement).ok());
  EXPECT_EQ(Count(kTable, "user"), 3u);
  writer.reset();
  EXPECT_EQ(Count(kTable, "user"), 1u);
  EXPECT_EQ(Count(kTable, "other"), 0u);
  EXPECT_EQ(*store_->ReadPositions(kTable), (std::vector<Position>{{kTable, 0, 1}}));
  EXPECT_EQ(store_->Stats().dirty_bytes, 0u);
}

TEST_F(Timelines, CountTheirDirtyBytes) {
  auto writer = store_->NewTimelineWriter();
  auto set = [](size_t size) { return [size](std::string& bytes) { bytes.assign(size, 'x'); }; };
  ASSERT_TRUE(writer->Update(kTable, "k", set(100)).ok());
  EXPECT_EQ(writer->dirty_bytes(), 101u);
  ASSERT_TRUE(writer->Update(kTable, "k", set(40)).ok());
  EXPECT_EQ(writer->dirty_bytes(), 41u);
  ASSERT_TRUE(writer->Update(kTable, "nothing", set(0)).ok());
  EXPECT_EQ(writer->dirty_bytes(), 41u);
  EXPECT_EQ(writer->dirty_count(), 1u);
  ASSERT_TRUE(writer->Freeze({}).ok());
  EXPECT_EQ(store_->Stats().dirty_bytes, 41u);
  ASSERT_TRUE(writer->Write().ok());
  EXPECT_EQ(store_->Stats().dirty_bytes, 0u);
  EXPECT_EQ(store_->Stats().checkpoints, 1u);
}

// Random changes, prefetched or not, with freezes and writes among them, in a cache that does not hold all of it.
TEST_F(Timelines, AgreeWithAModelWhereverTheirWriterFindsThem) {
  options_.cache_bytes = 1u << 20;
  Open();
  SCOPED_TRACE(::testing::Message() << "seed " << TestSeed());
  std::mt19937_64 random(TestSeed());
  using Key = std::pair<TableId, std::string>;
  std::map<Key, std::string> now;
  std::map<Key, std::string> frozen;
  std::map<Key, std::string> written;
  std::map<Key, size_t> dirty;
  bool waits_for_write = false;
  auto writer = store_->NewTimelineWriter();
  const auto change = [&] {
    const Key key(kTable + random() % 2, "user" + std::to_string(random() % 900));
    if (random() % 2 == 0) {
      const TimelinePlace place = writer->PrefetchPlace(key.first, key.second);
      writer->PrefetchEntry(place);
      writer->PrefetchBytes(place);
    }
    const std::string after(random() % 4 == 0 ? 0 : random() % 4'000,
                            static_cast<char>('a' + random() % 26));
    std::string before;
    ASSERT_TRUE(writer
                    ->Update(key.first, key.second,
                             [&](std::string& bytes) {
                               before = bytes;
                               bytes = after;
                             })
                    .ok());
    ASSERT_EQ(before, now[key]);
    now[key] = after;
    if (dirty.contains(key) || !before.empty() || !after.empty())
      dirty[key] = key.second.size() + after.size();
  };
  const auto write = [&] {
    ASSERT_TRUE(writer->Write().ok());
    written = frozen;
    waits_for_write = false;
  };
  for (int round = 0; round < 40; ++round) {
    for (uint64_t changes = random() % 600; changes > 0; --changes) {
      change();
      size_t dirty_bytes = 0;
      if (changes % 16 == 0) {
        for (const auto& [key, bytes] : dirty) dirty_bytes += bytes;
        ASSERT_EQ(writer->dirty_bytes(), dirty_bytes);
        ASSERT_EQ(writer->dirty_count(), dirty.size());
      }
      if (waits_for_write && random() % 200 == 0) write();
    }
    if (waits_for_write) write();
    const size_t dirty_bytes = writer->dirty_bytes();
    ASSERT_TRUE(writer->Freeze({}).ok());
    ASSERT_EQ(store_->Stats().dirty_bytes, dirty_bytes);
    frozen = now;
    dirty.clear();
    waits_for_write = true;
  }
  for (const auto& [key, bytes] : now) ASSERT_EQ(Read(key.first, key.second), bytes);
  writer.reset();
  EXPECT_EQ(store_->Stats().dirty_bytes, 0u);
  for (const auto& [key, bytes] : written) ASSERT_EQ(Read(key.first, key.second), bytes);
}

// Large checkpoints, which go past the log as files of their own, with small ones in between.
TEST_F(Timelines, OfLargeCheckpointsAreFilesOfTheirOwn) {
  constexpr size_t kLarge = 1'000;
  options_.checkpoint_file_bytes = kLarge;
  Open();
  auto writer = store_->NewTimelineWriter();
  std::mt19937_64 random(20'261'128);
  std::map<std::string, uint64_t> expected;
  size_t as_files = 0;
  for (int64_t round = 1; round <= 60; ++round) {
    for (uint64_t left = random() % 80; left > 0; --left) {
      const std::string key = "user" + std::to_string(random() % 50);
      const bool goes = random() % 8 == 0;
      ASSERT_TRUE(
          writer
              ->Update(kTable, key,
                       [&](std::string& bytes) { goes ? bytes.clear() : kIncrement(bytes); })
              .ok());
      expected[key] = goes ? 0 : expected[key] + 1;
    }
    as_files += writer->dirty_bytes() >= kLarge ? 1 : 0;
    Checkpoint(*writer, {{kTable, 3, round}, {kTable, 0, 2 * round}});
    // What was not checkpointed goes with the store.
    ASSERT_TRUE(writer->Update(kTable, "user1", kIncrement).ok());
    if (round % 7 == 0) {
      writer.reset();
      Open();
      writer = store_->NewTimelineWriter();
    } else {
      ++expected["user1"];
    }
    ASSERT_TRUE(std::filesystem::is_empty(std::filesystem::path(CheckpointsFolder(options_.path))));
    for (const auto& [key, count] : expected) ASSERT_EQ(Count(kTable, key), count) << key;
    ASSERT_EQ(*store_->ReadPositions(kTable),
              (std::vector<Position>{{kTable, 0, 2 * round}, {kTable, 3, round}}));
  }
  EXPECT_GT(as_files, 10u);
  EXPECT_LT(as_files, 50u);
}

TEST_F(Timelines, StayInMemoryOverTheBudgetUntilTheyAreWritten) {
  options_.cache_bytes = 0;
  Open();
  auto writer = store_->NewTimelineWriter();
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(writer->Update(kTable, "user" + std::to_string(i), kIncrement).ok());
  EXPECT_EQ(store_->Stats().cache_entries, 500u);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Count(kTable, "user" + std::to_string(i)), 1u);
  Checkpoint(*writer, {});
  EXPECT_EQ(store_->Stats().cache_entries, 0u);
  EXPECT_EQ(store_->Stats().cache_bytes, 0u);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(Count(kTable, "user" + std::to_string(i)), 1u);
}

TEST_F(Timelines, KeepWithinTheBudgetAndKeepWhatIsUsed) {
  options_.cache_bytes = 4u << 20;
  Open();
  auto writer = store_->NewTimelineWriter();
  auto big = [](std::string& bytes) { bytes.assign(4'000, 'x'); };
  for (int i = 0; i < 5'000; ++i)
    ASSERT_TRUE(writer->Update(kTable, "user" + std::to_string(i), big).ok());
  Checkpoint(*writer, {});
  EXPECT_LE(store_->Stats().cache_bytes, options_.cache_bytes);
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_EQ(Read(kTable, "user" + std::to_string(i)).size(), 4'000u);
    Read(kTable, "hot");
  }
  StoreStats before = store_->Stats();
  EXPECT_LE(before.cache_bytes, options_.cache_bytes);
  EXPECT_GT(before.cache_bytes, options_.cache_bytes / 2);
  Read(kTable, "hot");
  EXPECT_EQ(store_->Stats().cache_misses, before.cache_misses);
}

TEST_F(Timelines, ThatTheGuardRefusesAreCorruption) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "bad\x01", [](std::string& bytes) { bytes = "x"; }).ok());
  ASSERT_TRUE(writer->Update(kTable, "good", [](std::string& bytes) { bytes = "y"; }).ok());
  Checkpoint(*writer, {});
  writer.reset();
  Open();
  int calls = 0;
  store_->SetTimelineGuard([&](TableId table, std::string_view bytes) {
    EXPECT_EQ(table, kTable);
    ++calls;
    return bytes == "x" ? Status::InvalidArgument("not a timeline") : Status::Ok();
  });
  EXPECT_EQ(Read(kTable, "good"), "y");
  EXPECT_EQ(Read(kTable, "good"), "y");
  EXPECT_EQ(Read(kTable, "missing"), "");
  EXPECT_EQ(calls, 1);
  StateKey key{TableKind::kTimelines, kTable, "bad\x01"};
  Status status = store_->Lookup({&key, 1}, [](size_t, std::string_view) { FAIL(); });
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("table 7"), std::string_view::npos) << status.ToString();
  EXPECT_NE(status.message().find("62616401"), std::string_view::npos) << status.ToString();
  writer = store_->NewTimelineWriter();
  status = writer->Update(kTable, "bad\x01", [](std::string&) { FAIL(); });
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
}

TEST_F(Timelines, OfDroppedTablesAreGone) {
  auto writer = store_->NewTimelineWriter();
  for (TableId table : {kTable, kTable + 1, kTable + 2})
    ASSERT_TRUE(writer->Update(table, "user", kIncrement).ok());
  Checkpoint(*writer, {{kTable, 0, 1}, {kTable + 1, 0, 1}, {kTable + 2, 0, 1}});
  const TableId dropped[] = {kTable + 1};
  ASSERT_TRUE(store_->DropTables(dropped).ok());
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(Count(kTable, "user"), 1u);
    EXPECT_EQ(Count(kTable + 1, "user"), 0u);
    EXPECT_EQ(Count(kTable + 2, "user"), 1u);
    EXPECT_TRUE(store_->ReadPositions(kTable + 1)->empty());
    EXPECT_EQ(store_->ReadPositions(kTable + 2)->size(), 1u);
    writer.reset();
    Open();
  }
}

TEST_F(Timelines, OfDroppedTablesDoNotComeBackWithACheckpointUnderWay) {
  auto writer = store_->NewTimelineWriter();
  ASSERT_TRUE(writer->Update(kTable, "frozen", kIncrement).ok());
  ASSERT_TRUE(writer->Freeze({{kTable, 0, 1}}).ok());
  ASSERT_TRUE(writer->Update(kTable, "dirty", kIncrement).ok());
  const TableId dropped[] = {kTable};
  ASSERT_TRUE(store_->DropTables(dropped).ok());
  ASSERT_TRUE(writer->Write().ok());
  Checkpoint(*writer, {{kTable, 0, 2}});
  writer.reset();
  Open();
  EXPECT_EQ(Count(kTable, "frozen"), 0u);
  EXPECT_EQ(Count(kTable, "dirty"), 0u);
  EXPECT_TRUE(store_->ReadPositions(kTable)->empty());
}

TEST_F(Timelines, RowsOfAStreamGoPastTheirRetentionAndNothingElseDoes) {
  FakeClock clock(10'000);
  options_.clock = &clock;
  Open();
  const auto row_of = [](int64_t event_time_ms) {
    std::string bytes;
    StreamRow::AppendHeader(0, 1, bytes);
    RowLayout::EncodeTombstone(event_time_ms, bytes);
    return bytes;
  };
  auto writer = store_->NewTimelineWriter();
  const auto put = [&](TableId table, std::string_view key, const std::string& value) {
    ASSERT_TRUE(writer->Update(table, key, [&](std::string& bytes) { bytes = value; }).ok());
  };
  put(kTable, "old", row_of(1'000));
  put(kTable, "new", row_of(9'000));
  put(kTable + 1, "old", row_of(1'000));
  put(kTable + 2, "timeline", std::string(100, 'T'));
  Checkpoint(*writer, {});
  writer.reset();
  store_->SetRetention({{kTable + 1, 1}});  // of a view of that number
  store_->SetStreamRetention({{kTable, 9'000}});
  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 0u) << "the oldest is just as old as it may be";
  clock.Advance(1);
  ASSERT_TRUE(store_->DropExpiredRows().ok());
  EXPECT_EQ(store_->Stats().rows_expired, 1u);
  Open();
  EXPECT_EQ(Read(kTable, "old"), "");
  EXPECT_EQ(Read(kTable, "new"), row_of(9'000));
  EXPECT_EQ(Read(kTable + 1, "old"), row_of(1'000));
  EXPECT_EQ(Read(kTable + 2, "timeline"), std::string(100, 'T'));
}

TEST_F(Timelines, AgreeWithAModelOverRandomSteps) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  options_.cache_bytes = 256u << 10;
  Open();
  auto writer = store_->NewTimelineWriter();
  std::map<std::string, uint64_t> live, frozen, stored;
  bool is_frozen = false;
  for (int step = 0; step < 20'000; ++step) {
    std::string key = "k" + std::to_string(random() % 300);
    switch (random() % 200) {
      case 0:
        if (!is_frozen) {
          ASSERT_TRUE(writer->Freeze({{kTable, 0, step}}).ok());
          frozen = live;
          is_frozen = true;
        }
        break;
      case 1:
        ASSERT_TRUE(writer->Write().ok());
        if (is_frozen) stored = frozen;
        is_frozen = false;
        break;
      case 2:
        if (random() % 4 != 0) break;
        writer.reset();
        if (random() % 2 == 0) Open();
        writer = store_->NewTimelineWriter();
        live = stored;
        is_frozen = false;
        break;
      default:
        if (random() % 2 == 0) {
          ASSERT_EQ(Count(kTable, key), live[key]) << "step " << step;
        } else {
          ASSERT_TRUE(writer->Update(kTable, key, kIncrement).ok());
          ++live[key];
        }
    }
  }
  writer.reset();
}

}  // namespace
}  // namespace freshet::store
