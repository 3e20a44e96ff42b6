// The entries that a writer has changed since its last freeze, found without a lock: they are dirty, so that the cache
// neither moves nor evicts them until the writer has written them, and only that writer changes their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.h"
#include "store/state_cache.h"

namespace freshet::store {

// Open addressing; at most half of the slots are taken. Does not own the entries. Belongs to the thread that updates and
// freezes.
class DirtyIndex {
 public:
  DirtyIndex() : slots_(kSlotsMin) {}

  // Brings nearer where Find begins.
  void PrefetchSlot(uint64_t hash) const { PrefetchLine(&slots_[hash & (slots_.size() - 1)]); }
  // Likewise the first entry of this hash, which most likely is the one that Find will look for. False when there is none.
  bool PrefetchEntry(uint64_t hash) const;
  // Null when it has no such entry.
  CacheEntry* Find(const CacheKey& key) const;
  // An entry that it does not have.
  void Insert(CacheEntry* entry);
  // Forgets all entries.
  void Clear();

 private:
  struct Slot {
    uint64_t hash = 0;
    CacheEntry* entry = nullptr;
  };
  static constexpr size_t kSlotsMin = 64;  // a power of two, as every number of slots

  void Place(const Slot& slot);

  std::vector<Slot> slots_;
  size_t count_ = 0;
};

}  // namespace freshet::store
