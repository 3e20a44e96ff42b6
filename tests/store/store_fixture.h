// What the store's tests share: a store on disk in a folder of its own, and timelines that are
// plain counters.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "store/store.h"
#include "support/temp_folder.h"

namespace freshet::store {

inline uint64_t CounterOf(std::string_view bytes) {
  uint64_t count = 0;
  if (bytes.size() >= sizeof(count)) std::memcpy(&count, bytes.data(), sizeof(count));
  return count;
}

// A counter with a tail whose length changes with the count, so that timelines grow and shrink.
inline void SetCounter(uint64_t count, std::string& bytes) {
  bytes.assign(sizeof(count) + count * 7 % 90, static_cast<char>('a' + count % 26));
  std::memcpy(bytes.data(), &count, sizeof(count));
}

inline constexpr auto kIncrement = [](std::string& bytes) {
  SetCounter(CounterOf(bytes) + 1, bytes);
};

class StoreTest : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    options_.path = folder_.path() + "/data";
    Result<std::unique_ptr<Store>> store = Store::Open(options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = std::move(*store);
  }

  std::string Read(TableId table, std::string_view key, TableKind kind = TableKind::kTimelines) {
    std::string found = "not visited";
    StateKey state_key{kind, table, key};
    Status status = store_->Lookup(
        {&state_key, 1}, [&](size_t, std::string_view bytes) { found = std::string(bytes); });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return found;
  }
  uint64_t Count(TableId table, std::string_view key) { return CounterOf(Read(table, key)); }

  static void Checkpoint(TimelineWriter& writer, std::vector<Position> positions) {
    Status status = writer.Freeze(std::move(positions));
    ASSERT_TRUE(status.ok()) << status.ToString();
    status = writer.Write();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  freshet::testing::TempFolder folder_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;
};

}  // namespace freshet::store
