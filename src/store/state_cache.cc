#include "store/state_cache.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"

namespace freshet::store {
namespace {

constexpr size_t kDropBucketsPerLock = 256;
constexpr size_t kBucketBytes = sizeof(void*);
constexpr size_t kPrefetchLinesMax = 128;
// Of a timeline that is updated: most often they hold its newest cell, and the next one goes behind it.
constexpr size_t kNewestLines = 4;

// What a string keeps outside of itself.
size_t HeapBytes(const std::string& text) {
  static const size_t inside = std::string().capacity();
  return text.capacity() > inside ? text.capacity() + 1 : 0;
}

}  // namespace

CacheKey::CacheKey(const StateKey& key) : CacheKey(key.kind, key.table, key.entity_key) {}

CacheKey::CacheKey(TableKind kind, TableId table, std::string_view entity_key)
    : kind(kind),
      table(table),
      entity_key(entity_key),
      hash(Hash64(entity_key, uint64_t{table} << 1 | static_cast<uint64_t>(kind))) {}

char* Note::Leave(size_t bytes) {
  if (bytes > held_bytes_) {
    bytes_ = std::make_unique_for_overwrite<char[]>(bytes);
    held_bytes_ = static_cast<uint32_t>(bytes);
  }
  size_ = static_cast<uint32_t>(bytes);
  return bytes_.get();
}

void CacheEntry::Prefetch() const {
  const auto* begin = reinterpret_cast<const char*>(this);
  for (size_t offset = 0; offset < sizeof(CacheEntry); offset += kCacheLineBytes)
    PrefetchLine(begin + offset);
}

void CacheEntry::PrefetchForUpdate() const {
  const char* begin = bytes.data();
  PrefetchLine(begin);
  const char* end = begin + bytes.size();
  for (size_t line = 0; line < kNewestLines; ++line)
    PrefetchLine(end - std::min(bytes.size(), line * kCacheLineBytes + 1));
}

StateCache::StateCache(size_t budget_bytes)
    : shard_budget_bytes_(budget_bytes >> kShardBits), shards_(size_t{1} << kShardBits) {}

StateCache::~StateCache() {
  for (Shard& shard : shards_) {
    for (size_t i = 0; i < shard.table.bucket_count(); ++i)
      shard.table.VisitBucket(i, [](CacheEntry* entry) { delete entry; });
  }
}

void StateCache::PrefetchEntry(const CacheKey& key) const {
  const Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  const CacheEntry* entry = shard.table.FirstOf(key.hash);
  if (entry != nullptr) entry->Prefetch();
}

void StateCache::PrefetchBytes(const CacheKey& key) const {
  const Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  const CacheEntry* entry = shard.table.Find(key);
  if (entry == nullptr) return;
  // A note is most often all that is looked at.
  const std::string_view wanted = entry->note.bytes().empty() ? entry->bytes : entry->note.bytes();
  const char* bytes = wanted.data();
  PrefetchLine(bytes);
  // Timelines are read from their newest end.
  size_t left = wanted.size();
  for (size_t line = 0; line < kPrefetchLinesMax && left > 0; ++line) {
    PrefetchLine(bytes + left - 1);
    left -= std::min(left, kCacheLineBytes);
  }
}

void StateCache::PrefetchForUpdate(const CacheKey& key) const {
  const Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  const CacheEntry* entry = shard.table.Find(key);
  if (entry != nullptr) entry->PrefetchForUpdate();
}

bool StateCache::Read(const CacheKey& key,
                      FunctionRef<void(std::string_view bytes, Note* note)> visit,
                      uint64_t* epoch) {
  Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  CacheEntry* entry = shard.table.Find(key);
  if (entry == nullptr) {
    ++shard.misses;
    *epoch = shard.epoch;
    return false;
  }
  ++shard.hits;
  // What is read once is not worth the memory.
  Note* const note = entry->referenced ? &entry->note : nullptr;
  entry->referenced = true;
  const size_t noted_bytes = entry->note.held_bytes();
  visit(entry->bytes, note);
  if (entry->note.held_bytes() == noted_bytes) return true;
  Recharge(shard, entry);
  EvictToBudget(shard);
  return true;
}

bool StateCache::Fill(const CacheKey& key, std::string_view bytes, uint64_t* epoch, Visit visit) {
  Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  CacheEntry* entry = shard.table.Find(key);
  if (entry == nullptr && shard.epoch != *epoch) {
    *epoch = shard.epoch;
    return false;
  }
  if (entry == nullptr) entry = Insert(shard, key, bytes);
  visit(entry->bytes);
  EvictToBudget(shard);
  return true;
}

Status StateCache::FillLocked(const CacheKey& key, FunctionRef<Status(std::string& bytes)> read,
                              Visit visit) {
  Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  CacheEntry* entry = shard.table.Find(key);
  if (entry == nullptr) {
    std::string bytes;
    FRESHET_RETURN_IF_ERROR(read(bytes));
    entry = Insert(shard, key, bytes);
  }
  visit(entry->bytes);
  EvictToBudget(shard);
  return Status::Ok();
}

bool StateCache::Update(const CacheKey& key, const std::string* loaded, uint64_t round,
                        FunctionRef<void(std::string& bytes)> change, Effect* effect) {
  Shard& shard = ShardOf(key.hash);
  std::lock_guard lock(shard.mutex);
  CacheEntry* entry = shard.table.Find(key);
  if (entry == nullptr && loaded == nullptr) {
    ++shard.misses;
    return false;
  }
  if (entry == nullptr) entry = Insert(shard, key, *loaded);
  if (loaded == nullptr) ++shard.hits;
  const bool frozen = entry->dirty() && entry->dirty_round != round;
  if (frozen && entry->frozen_bytes == nullptr)
    entry->frozen_bytes = std::make_unique<std::string>(entry->bytes);

  Change(entry, change, effect);
  // Nothing was made of nothing, as when an event is too old for every window.
  const bool untouched = effect->bytes_before == 0 && effect->bytes_after == 0;
  if (!untouched && entry->dirty_round != round) {
    if (!entry->dirty()) shard.clean.Remove(entry);
    entry->dirty_round = round;
    entry->changed = true;
    effect->newly_dirty = entry;
  }
  Recharge(shard, entry);
  EvictToBudget(shard);
  return true;
}

void StateCache::UpdateDirty(CacheEntry* entry, FunctionRef<void(std::string& bytes)> change,
                             Effect* effect) {
  Shard& shard = ShardOf(entry->hash);
  std::lock_guard lock(shard.mutex);
  ++shard.hits;
  const size_t capacity = entry->bytes.capacity();
  Change(entry, change, effect);
  if (entry->bytes.capacity() == capacity) return;
  Recharge(shard, entry);
  EvictToBudget(shard);
}

void StateCache::Change(CacheEntry* entry, FunctionRef<void(std::string& bytes)> change,
                        Effect* effect) {
  effect->bytes_before = entry->bytes.size();
  entry->note.Clear();
  change(entry->bytes);
  effect->bytes_after = entry->bytes.size();
  entry->referenced = true;
}

void StateCache::VisitFrozen(const CacheEntry* entry, Visit visit) const {
  const Shard& shard = ShardOf(entry->hash);
  std::lock_guard lock(shard.mutex);
  visit(entry->frozen_bytes != nullptr ? *entry->frozen_bytes : entry->bytes);
}

void StateCache::Settle(CacheEntry* entry, uint64_t round) {
  Shard& shard = ShardOf(entry->hash);
  std::lock_guard lock(shard.mutex);
  if (entry->frozen_bytes != nullptr) {
    entry->frozen_bytes.reset();
    Recharge(shard, entry);
  }
  if (entry->dirty_round != round) return;
  entry->dirty_round = 0;
  shard.clean.PushNewest(entry);
  EvictToBudget(shard);
}

void StateCache::Discard(CacheEntry* entry) {
  Shard& shard = ShardOf(entry->hash);
  std::lock_guard lock(shard.mutex);
  FRESHET_CHECK(entry->dirty());
  Remove(shard, entry);
}

void StateCache::DropTables(TableKind kind, std::span<const TableId> tables) {
  auto drop = [&](Shard& shard, CacheEntry* entry) {
    if (entry->dirty() || entry->kind != kind) return;
    if (std::find(tables.begin(), tables.end(), entry->table) != tables.end()) Remove(shard, entry);
  };
  for (Shard& shard : shards_) {
    {
      std::lock_guard lock(shard.mutex);
      ++shard.epoch;
    }
    // When the table grows between two locks, entries of buckets that are still to come move to
    // buckets that are still to come.
    size_t bucket = 0;
    bool more = true;
    while (more) {
      std::lock_guard lock(shard.mutex);
      size_t end = std::min(bucket + kDropBucketsPerLock, shard.table.bucket_count());
      for (; bucket < end; ++bucket)
        shard.table.VisitBucket(bucket, [&](CacheEntry* entry) { drop(shard, entry); });
      more = bucket < shard.table.bucket_count();
    }
  }
}

CacheTotals StateCache::Totals() const {
  CacheTotals totals;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    totals.bytes += shard.bytes;
    totals.entries += shard.table.size();
    totals.hits += shard.hits;
    totals.misses += shard.misses;
  }
  return totals;
}

CacheEntry* StateCache::Insert(Shard& shard, const CacheKey& key, std::string_view bytes) {
  auto* entry = new CacheEntry(key, bytes);
  shard.table.Insert(entry);
  shard.clean.PushNewest(entry);
  Recharge(shard, entry);
  return entry;
}

void StateCache::Recharge(Shard& shard, CacheEntry* entry) {
  size_t charge = sizeof(CacheEntry) + kBucketBytes + HeapBytes(entry->entity_key) +
                  HeapBytes(entry->bytes) + entry->note.held_bytes();
  if (entry->frozen_bytes != nullptr)
    charge += sizeof(std::string) + HeapBytes(*entry->frozen_bytes);
  shard.bytes += charge - entry->charge;
  entry->charge = charge;
}

void StateCache::Remove(Shard& shard, CacheEntry* entry) {
  if (entry->changed) ++shard.epoch;
  if (!entry->dirty()) shard.clean.Remove(entry);
  shard.table.Erase(entry);
  shard.bytes -= entry->charge;
  delete entry;
}

void StateCache::EvictToBudget(Shard& shard) const {
  while (shard.bytes > shard_budget_bytes_ && shard.clean.oldest() != nullptr) {
    CacheEntry* entry = shard.clean.oldest();
    if (!entry->referenced) {
      Remove(shard, entry);
      continue;
    }
    entry->referenced = false;
    shard.clean.Remove(entry);
    shard.clean.PushNewest(entry);
  }
}

}  // namespace freshet::store
