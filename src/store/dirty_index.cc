#include "store/dirty_index.h"

#include <algorithm>

namespace freshet::store {

bool DirtyIndex::PrefetchEntry(uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].entry != nullptr && slots_[at].hash != hash) at = (at + 1) & mask;
  if (slots_[at].entry == nullptr) return false;
  slots_[at].entry->Prefetch();
  return true;
}

CacheEntry* DirtyIndex::Find(const CacheKey& key) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = key.hash & mask; slots_[at].entry != nullptr; at = (at + 1) & mask) {
    if (slots_[at].hash == key.hash && slots_[at].entry->Is(key)) return slots_[at].entry;
  }
  return nullptr;
}

void DirtyIndex::Insert(CacheEntry* entry) {
  if (2 * (count_ + 1) > slots_.size()) {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.entry != nullptr) Place(slot);
    }
  }
  Place({entry->hash, entry});
  ++count_;
}

void DirtyIndex::Clear() {
  // Half of the memory goes back after a round that had far fewer entries than some before, which also bounds what emptying costs.
  if (slots_.size() > kSlotsMin && 8 * count_ < slots_.size()) {
    slots_ = std::vector<Slot>(slots_.size() / 2);
  } else {
    std::fill(slots_.begin(), slots_.end(), Slot());
  }
  count_ = 0;
}

void DirtyIndex::Place(const Slot& slot) {
  const size_t mask = slots_.size() - 1;
  size_t at = slot.hash & mask;
  while (slots_[at].entry != nullptr) at = (at + 1) & mask;
  slots_[at] = slot;
}

}  // namespace freshet::store
