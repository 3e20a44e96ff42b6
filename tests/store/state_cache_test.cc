#include "store/state_cache.h"

#include <gtest/gtest.h>

namespace freshet::store {
namespace {

// Every entry is over this budget, so that what may be evicted is.
constexpr size_t kNoRoom = 0;
constexpr size_t kRoom = 1u << 20;

std::string ReadNow(StateCache& cache, const CacheKey& key) {
  std::string found = "(missing)";
  uint64_t epoch = 0;
  cache.Read(
      key, [&](std::string_view bytes, Note*) { found = std::string(bytes); }, &epoch);
  return found;
}

const CacheKey kKey(TableKind::kTimelines, 1, "key");

TEST(StateCache, KeepsWhatIsFilledIn) {
  StateCache cache(kRoom);
  uint64_t epoch = 0;
  ASSERT_FALSE(cache.Read(
      kKey, [](std::string_view, Note*) { FAIL(); }, &epoch));
  std::string visited;
  ASSERT_TRUE(cache.Fill(kKey, "disk", &epoch,
                         [&](std::string_view bytes) { visited = std::string(bytes); }));
  EXPECT_EQ(visited, "disk");
  EXPECT_EQ(ReadNow(cache, kKey), "disk");
}

TEST(StateCache, DropsAReadersBytesWhenTheEntryCameInBetween) {
  StateCache cache(kRoom);
  uint64_t epoch = 0;
  ASSERT_FALSE(cache.Read(
      kKey, [](std::string_view, Note*) { FAIL(); }, &epoch));
  StateCache::Effect effect;
  const std::string loaded = "old";
  ASSERT_TRUE(cache.Update(
      kKey, &loaded, 1, [](std::string& bytes) { bytes = "new"; }, &effect));
  std::string visited;
  ASSERT_TRUE(cache.Fill(kKey, "old", &epoch,
                         [&](std::string_view bytes) { visited = std::string(bytes); }));
  EXPECT_EQ(visited, "new");
  EXPECT_EQ(ReadNow(cache, kKey), "new");
}

TEST(StateCache, RefusesAReadersBytesWhenTheEntryCameChangedAndWent) {
  StateCache cache(kNoRoom);
  uint64_t epoch = 0;
  ASSERT_FALSE(cache.Read(
      kKey, [](std::string_view, Note*) { FAIL(); }, &epoch));
  StateCache::Effect effect;
  const std::string loaded = "old";
  ASSERT_TRUE(cache.Update(
      kKey, &loaded, 1, [](std::string& bytes) { bytes = "new"; }, &effect));
  cache.VisitFrozen(effect.newly_dirty, [](std::string_view bytes) { EXPECT_EQ(bytes, "new"); });
  cache.Settle(effect.newly_dirty, 1);
  EXPECT_EQ(ReadNow(cache, kKey), "(missing)");
  EXPECT_FALSE(cache.Fill(kKey, "old", &epoch, [](std::string_view) { FAIL(); }));
  std::string visited;
  EXPECT_TRUE(cache.Fill(kKey, "new", &epoch,
                         [&](std::string_view bytes) { visited = std::string(bytes); }));
  EXPECT_EQ(visited, "new");
}

TEST(StateCache, KeepsFrozenBytesUntilTheyAreSettled) {
  StateCache cache(kNoRoom);
  StateCache::Effect effect;
  const std::string nothing;
  auto append = [](std::string& bytes) { bytes += "x"; };
  ASSERT_TRUE(cache.Update(kKey, &nothing, 1, append, &effect));
  CacheEntry* entry = effect.newly_dirty;
  for (int i = 0; i < 3; ++i) {  // after the freeze of round 1
    effect = {};
    ASSERT_TRUE(cache.Update(kKey, nullptr, 2, append, &effect));
    EXPECT_EQ(effect.newly_dirty, i == 0 ? entry : nullptr);
  }
  cache.VisitFrozen(entry, [](std::string_view bytes) { EXPECT_EQ(bytes, "x"); });
  ASSERT_TRUE(cache.Update(kKey, nullptr, 2, append, &effect));
  cache.Settle(entry, 1);
  EXPECT_EQ(ReadNow(cache, kKey), "xxxxx");
  cache.VisitFrozen(entry, [](std::string_view bytes) { EXPECT_EQ(bytes, "xxxxx"); });
  cache.Settle(entry, 2);
  EXPECT_EQ(ReadNow(cache, kKey), "(missing)");
  EXPECT_EQ(cache.Totals().bytes, 0u);
}

// What the note of a read says, then leaves `left` there.
std::string ReadNote(StateCache& cache, const CacheKey& key, std::string_view left) {
  std::string found = "(none is kept)";
  uint64_t epoch = 0;
  EXPECT_TRUE(cache.Read(
      key,
      [&](std::string_view, Note* note) {
        if (note == nullptr) return;
        found = std::string(note->bytes());
        left.copy(note->Leave(left.size()), left.size());
      },
      &epoch));
  return found;
}

TEST(StateCache, KeepsANoteFromTheSecondReadOnUntilTheBytesChange) {
  StateCache cache(kRoom);
  uint64_t epoch = 0;
  ASSERT_TRUE(cache.Fill(kKey, "disk", &epoch, [](std::string_view) {}));
  const size_t bytes = cache.Totals().bytes;
  EXPECT_EQ(ReadNote(cache, kKey, "first"), "(none is kept)");
  EXPECT_EQ(ReadNote(cache, kKey, "second"), "");
  EXPECT_EQ(cache.Totals().bytes, bytes + 6);
  EXPECT_EQ(ReadNote(cache, kKey, "third"), "second");
  EXPECT_EQ(cache.Totals().bytes, bytes + 6);
  EXPECT_EQ(ReadNote(cache, kKey, "a longer one"), "third");
  EXPECT_EQ(cache.Totals().bytes, bytes + 12);
  StateCache::Effect effect;
  ASSERT_TRUE(cache.Update(
      kKey, nullptr, 1, [](std::string& changed) { changed = "diso"; }, &effect));
  EXPECT_EQ(ReadNote(cache, kKey, "fifth"), "");
  cache.UpdateDirty(
      effect.newly_dirty, [](std::string& changed) { changed = "disp"; }, &effect);
  EXPECT_EQ(ReadNote(cache, kKey, "sixth"), "");
  const TableId tables[] = {1};
  cache.Settle(effect.newly_dirty, 1);
  cache.DropTables(TableKind::kTimelines, tables);
  EXPECT_EQ(cache.Totals().bytes, 0u);
}

TEST(StateCache, NotesCountInTheBudget) {
  StateCache cache(kRoom);
  uint64_t epoch = 0;
  const std::string note(kRoom / 200, 'n');
  for (int i = 0; i < 1'000; ++i) {
    const std::string name = "key" + std::to_string(i);
    const CacheKey key(TableKind::kTimelines, 1, name);
    ASSERT_TRUE(cache.Fill(key, "disk", &epoch, [](std::string_view) {}));
    ReadNote(cache, key, note);
    ReadNote(cache, key, note);
    ASSERT_LE(cache.Totals().bytes, kRoom);
  }
}

TEST(StateCache, GivesItsBytesBack) {
  StateCache cache(64 * 10'000);
  uint64_t epoch = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string name = "key" + std::to_string(i);
    CacheKey key(TableKind::kRows, 1, name);
    ASSERT_FALSE(cache.Read(
        key, [](std::string_view, Note*) {}, &epoch));
    ASSERT_TRUE(cache.Fill(key, std::string(i % 300, 'x'), &epoch, [](std::string_view) {}));
    ASSERT_LE(cache.Totals().bytes, 64u * 10'000);
  }
  EXPECT_GT(cache.Totals().entries, 1'000u);
  const TableId tables[] = {1};
  cache.DropTables(TableKind::kTimelines, tables);
  EXPECT_GT(cache.Totals().entries, 1'000u);
  cache.DropTables(TableKind::kRows, tables);
  EXPECT_EQ(cache.Totals().entries, 0u);
  EXPECT_EQ(cache.Totals().bytes, 0u);
}

}  // namespace
}  // namespace freshet::store
