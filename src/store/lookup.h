// Reads state: from the cache, and what that lacks from RocksDB, checked before it is used.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/database.h"
#include "store/generation.h"
#include "store/state_cache.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class StateReader {
 public:
  // All must outlive the reader.
  StateReader(Database& database, StateCache& cache, const Generations& generations)
      : database_(database), cache_(cache), generations_(generations) {}

  void SetTimelineGuard(Store::TimelineGuard guard);

  // As Store::Lookup.
  Status Lookup(std::span<const StateKey> keys, Store::Visit visit,
                const Store::Deadline& deadline);
  // The bytes on disk, checked; empty when there are none.
  Status ReadDisk(const CacheKey& key, std::string& bytes);

 private:
  struct Miss {
    size_t index;
    CacheKey key;
    uint64_t epoch;
  };

  // All keys from `begin` up to `end`.
  Status LookupRange(std::span<const StateKey> keys, size_t begin, size_t end, Store::Visit visit);
  Status Check(const CacheKey& key, std::string_view bytes) const;
  // Reads the misses from disk with one MultiGet and keeps those in `misses` whose bytes may have
  // been out of date.
  Status ReadMisses(std::vector<Miss>& misses, Store::Visit visit);

  Database& database_;
  StateCache& cache_;
  const Generations& generations_;
  mutable std::mutex guard_mutex_;
  std::shared_ptr<const Store::TimelineGuard> guard_;
};

}  // namespace freshet::store
