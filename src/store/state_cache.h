// The state cache: the bytes of hot timelines and rows in memory, sharded by key, within a byte
// budget. An entity that the disk does not have is kept too, as an entry without bytes.
//
// Readers see what a writer changed at once, because both use the one copy under the shard's lock.
// Entries with changes that are not on disk yet are never evicted.
//
// Why no reader can bring back an old value. A reader that misses reads the disk without a lock,
// and the bytes that it found could be out of date when it comes to keep and show them: a writer
// may have loaded, changed, checkpointed and lost the entry to eviction meanwhile. Each shard
// therefore has an epoch, which rises whenever an entry that was changed since it was loaded leaves
// the cache. The reader notes the epoch with its miss, under the lock, and comes back with it:
//   - The entry is there now: the reader takes the entry's bytes, and drops its own.
//   - It is not, and the epoch is the same: nothing that was changed left the shard in between, so
//     this key was not changed in between either (a change needs the entry in the cache, and it
//     would have had to leave again). Changes from before the miss were on disk before their entry
//     was evicted, hence before the reader read. So its bytes are what the disk has, and are kept.
//   - It is not, and the epoch differs: the reader reads the disk again. After a few attempts it
//     does so under the shard's lock, where nothing can be evicted.
// Rows change on disk, under an upsert: all epochs rise before the entries of their table go.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "base/prefetch.h"
#include "store/store.h"

namespace freshet::store {

struct CacheKey {
  CacheKey() = default;
  explicit CacheKey(const StateKey& key);
  explicit CacheKey(const TimelinePlace& place)
      : table(place.table), entity_key(place.entity_key), hash(place.hash) {}
  CacheKey(TableKind kind, TableId table, std::string_view entity_key);

  TableKind kind = TableKind::kTimelines;
  TableId table = 0;
  std::string_view entity_key;
  uint64_t hash = 0;
};

// One entity's state. What is not const belongs to the shard's lock; but only the writer of the table changes the bytes of an
// entry, so that it may look at them without.
class CacheEntry {
 public:
  const TableKind kind;
  const TableId table;
  const uint64_t hash;
  const std::string entity_key;

  bool Is(const CacheKey& key) const {
    return hash == key.hash && table == key.table && kind == key.kind &&
           entity_key == key.entity_key;
  }
  // Brings the entry nearer to the processor; looks at nothing.
  void Prefetch() const;
  // Likewise what an Update looks at, the beginning of the bytes and their newest end. Under the shard's lock, or of an entry that
  // the calling writer has changed since its last freeze.
  void PrefetchForUpdate() const;

 private:
  friend class StateCache;
  friend class EntryTable;
  friend class EntryQueue;

  CacheEntry(const CacheKey& key, std::string_view initial)
      : kind(key.kind),
        table(key.table),
        hash(key.hash),
        entity_key(key.entity_key),
        bytes(initial) {}
  bool dirty() const { return dirty_round != 0; }

  std::string bytes;
  Note note;
  // The bytes as they were frozen, when they were changed again since.
  std::unique_ptr<std::string> frozen_bytes;
  // The writer's round in which the entry was last changed; 0 when the disk has its bytes.
  uint64_t dirty_round = 0;
  bool changed = false;     // since it was loaded
  bool referenced = false;  // since eviction last passed by
  size_t charge = 0;
  CacheEntry* chain = nullptr;
  CacheEntry* older = nullptr;
  CacheEntry* newer = nullptr;
};

// Chained hash table of entries, which it does not own.
class EntryTable {
 public:
  EntryTable();
  CacheEntry* Find(const CacheKey& key) const;
  // Brings nearer where Find begins. The one function that any thread may call while another changes the table.
  void PrefetchBucket(uint64_t hash) const;
  // Where Find begins; null when it finds nothing.
  const CacheEntry* FirstOf(uint64_t hash) const { return buckets_[BucketOf(hash)]; }
  void Insert(CacheEntry* entry);
  void Erase(CacheEntry* entry);

  size_t size() const { return size_; }
  size_t bucket_count() const { return buckets_.size(); }
  // Visits the entries of one bucket; the visit may erase the entry that it is given.
  void VisitBucket(size_t bucket, FunctionRef<void(CacheEntry* entry)> visit);

 private:
  size_t BucketOf(uint64_t hash) const { return hash & (buckets_.size() - 1); }
  void Grow();
  void PublishBuckets();

  static constexpr size_t kBucketsMin = 16;
  std::vector<CacheEntry*> buckets_;
  size_t size_ = 0;
  // Of buckets_, for PrefetchBucket. It may see one newer than the other, and then prefetches in vain.
  std::atomic<CacheEntry* const*> published_begin_;
  std::atomic<size_t> published_count_;
};

// Entries in the order in which eviction looks at them.
class EntryQueue {
 public:
  CacheEntry* oldest() const { return oldest_; }
  void PushNewest(CacheEntry* entry);
  void Remove(CacheEntry* entry);

 private:
  CacheEntry* oldest_ = nullptr;
  CacheEntry* newest_ = nullptr;
};

struct CacheTotals {
  size_t bytes = 0;
  size_t entries = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
};

// Any thread may call anything, but for what says otherwise. Visits run under a shard's lock: they
// must be short and must not use the cache.
class StateCache {
 public:
  using Visit = FunctionRef<void(std::string_view bytes)>;

  explicit StateCache(size_t budget_bytes);
  ~StateCache();
  StateCache(const StateCache&) = delete;
  StateCache& operator=(const StateCache&) = delete;

  // --- readers

  // Bring nearer to the processor what a Read or an Update that is to come will look at, each a few keys after the one before:
  // where the entry is found, without a lock; the entry; its bytes, as a Read wants them or as an Update does. They change
  // nothing.
  void PrefetchBucket(const CacheKey& key) const {
    ShardOf(key.hash).table.PrefetchBucket(key.hash);
  }
  void PrefetchEntry(const CacheKey& key) const;
  void PrefetchBytes(const CacheKey& key) const;
  void PrefetchForUpdate(const CacheKey& key) const;
  // Visits the bytes when the cache has them, with their note unless this is the first read in a while. Otherwise false, with
  // the epoch that Fill wants.
  bool Read(const CacheKey& key, FunctionRef<void(std::string_view bytes, Note* note)> visit,
            uint64_t* epoch);
  // Keeps bytes that were read from disk after the miss that gave `epoch`, and visits the bytes
  // that hold now. False, and nothing is visited, when they may be out of date; *epoch is then the
  // one for the next attempt.
  bool Fill(const CacheKey& key, std::string_view bytes, uint64_t* epoch, Visit visit);
  // The same with the read under the shard's lock.
  Status FillLocked(const CacheKey& key, FunctionRef<Status(std::string& bytes)> read, Visit visit);

  // --- the writer of a table

  // A writer counts rounds from 1 and begins a new one at each freeze. An entry that was changed in
  // an earlier round is frozen until Settle; Freeze and Settle of one round come in this order before
  // the next round ends. Entries that are dirty or frozen stay where they are, so that
  // the writer may hold pointers to them.
  struct Effect {
    CacheEntry* newly_dirty = nullptr;  // the entry when it was first changed in this round
    size_t bytes_before = 0;
    size_t bytes_after = 0;
  };
  // Changes the bytes in place. False when the cache lacks the entry and `loaded`, the bytes on
  // disk, is null.
  bool Update(const CacheKey& key, const std::string* loaded, uint64_t round,
              FunctionRef<void(std::string& bytes)> change, Effect* effect);
  // The same of an entry that the calling writer changed in this round already.
  void UpdateDirty(CacheEntry* entry, FunctionRef<void(std::string& bytes)> change, Effect* effect);
  // Visits the bytes as they were when the round before the entry's changes since was frozen.
  void VisitFrozen(const CacheEntry* entry, Visit visit) const;
  // The bytes frozen in `round` are on disk: the entry is clean unless it was changed since.
  void Settle(CacheEntry* entry, uint64_t round);
  // Drops an entry with its changes. Each entry once.
  void Discard(CacheEntry* entry);

  // Drops the clean entries of tables, a little at a time. A reader that read the disk before the
  // call keeps nothing of it.
  void DropTables(TableKind kind, std::span<const TableId> tables);

  CacheTotals Totals() const;

 private:
  // No two on one line of the processor's cache: threads that use different ones do not disturb each other.
  struct alignas(kCacheLineBytes) Shard {
    mutable std::mutex mutex;
    EntryTable table;
    EntryQueue clean;
    size_t bytes = 0;
    uint64_t epoch = 0;
    uint64_t hits = 0;
    uint64_t misses = 0;
  };

  Shard& ShardOf(uint64_t hash) { return shards_[hash >> kShardShift]; }
  const Shard& ShardOf(uint64_t hash) const { return shards_[hash >> kShardShift]; }
  static CacheEntry* Insert(Shard& shard, const CacheKey& key, std::string_view bytes);
  static void Recharge(Shard& shard, CacheEntry* entry);
  static void Change(CacheEntry* entry, FunctionRef<void(std::string& bytes)> change,
                     Effect* effect);
  static void Remove(Shard& shard, CacheEntry* entry);
  void EvictToBudget(Shard& shard) const;

  static constexpr int kShardBits = 6;
  static constexpr int kShardShift = 64 - kShardBits;
  const size_t shard_budget_bytes_;
  std::vector<Shard> shards_;
};

}  // namespace freshet::store
