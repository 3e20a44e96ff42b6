#include "store/dirty_index.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace freshet::store {
namespace {

TEST(DirtyIndex, FindsWhatWasInsertedSinceItWasCleared) {
  StateCache cache(64u << 20);
  DirtyIndex index;
  uint64_t round = 0;
  for (const int count : {0, 1, 5'000, 40, 3, 0, 700, 2, 2, 2, 2, 2, 2}) {
    ++round;
    std::vector<CacheEntry*> entries;
    const auto name = [&](int i) { return "key" + std::to_string(i); };
    for (int i = 0; i < count; ++i) {
      const std::string key_bytes = name(i);
      const CacheKey key(TableKind::kTimelines, static_cast<TableId>(i % 3), key_bytes);
      EXPECT_EQ(index.Find(key), nullptr);
      StateCache::Effect effect;
      const std::string loaded;
      ASSERT_TRUE(cache.Update(
          key, &loaded, round, [](std::string& bytes) { bytes += "x"; }, &effect));
      ASSERT_NE(effect.newly_dirty, nullptr);
      entries.push_back(effect.newly_dirty);
      index.Insert(effect.newly_dirty);
    }
    for (int i = 0; i < count; ++i) {
      const std::string key_bytes = name(i);
      const CacheKey key(TableKind::kTimelines, static_cast<TableId>(i % 3), key_bytes);
      ASSERT_EQ(index.Find(key), entries[static_cast<size_t>(i)]);
      EXPECT_TRUE(index.PrefetchEntry(key.hash));
      EXPECT_EQ(index.Find(CacheKey(TableKind::kTimelines, 9, key_bytes)), nullptr);
    }
    EXPECT_EQ(index.Find(CacheKey(TableKind::kTimelines, 0, "other")), nullptr);
    index.Clear();
    for (CacheEntry* entry : entries) cache.Settle(entry, round);
  }
}

}  // namespace
}  // namespace freshet::store
