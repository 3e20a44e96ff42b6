#include "store/timeline_writer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <span>

#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "store/checkpoint_files.h"
#include "store/key_prefix.h"
#include "store/position.h"

namespace freshet::store {
namespace {

// Of a record of a WriteBatch, beside key and value.
constexpr size_t kBatchRecordBytes = 16;

// Some hundred events' growth: few enough not to be missed where megabytes are shown.
constexpr int64_t kUncountedBytesMax = 64 << 10;

// How many entries ahead the processor's cache is told what comes.
constexpr size_t kEntriesAhead = 16;

// An entry with the beginning of its key, so that most comparisons look at no entry.
struct SortedEntry {
  TableId table;
  uint64_t key_prefix;
  CacheEntry* entry;

  explicit SortedEntry(CacheEntry* entry)
      : table(entry->table), key_prefix(KeyPrefix(entry->entity_key)), entry(entry) {}

  friend bool operator<(const SortedEntry& a, const SortedEntry& b) {
    if (a.table != b.table) return a.table < b.table;
    if (a.key_prefix != b.key_prefix) return a.key_prefix < b.key_prefix;
    return a.entry->entity_key < b.entry->entity_key;
  }
};

// In the order of their stored keys.
void Sort(std::vector<CacheEntry*>& entries) {
  std::vector<SortedEntry> sorted;
  sorted.reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kEntriesAhead < entries.size()) entries[i + kEntriesAhead]->Prefetch();
    sorted.emplace_back(entries[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  std::transform(sorted.begin(), sorted.end(), entries.begin(),
                 [](const SortedEntry& each) { return each.entry; });
}

}  // namespace

void DroppedTables::Add(std::span<const TableId> tables) {
  std::lock_guard lock(mutex_);
  tables_.insert(tables.begin(), tables.end());
}

std::set<TableId> DroppedTables::tables() const {
  std::lock_guard lock(mutex_);
  return tables_;
}

CheckpointingWriter::~CheckpointingWriter() {
  std::vector<CacheEntry*> entries = std::move(dirty_);
  size_t bytes = dirty_bytes_;
  if (frozen_.load(std::memory_order_acquire)) {
    entries.insert(entries.end(), checkpoint_.entries.begin(), checkpoint_.entries.end());
    bytes += checkpoint_.bytes;
  }
  // An entry that was changed after the freeze stands in both.
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  for (CacheEntry* entry : entries) cache_.Discard(entry);
  CountDirtyBytes();
  counters_.dirty_bytes -= bytes;
}

Status CheckpointingWriter::Update(TableId table, std::string_view entity_key,
                                   FunctionRef<void(std::string& bytes)> change) {
  CacheKey key(TableKind::kTimelines, table, entity_key);
  StateCache::Effect effect;
  if (CacheEntry* entry = dirty_index_.Find(key)) {
    cache_.UpdateDirty(entry, change, &effect);
  } else if (!cache_.Update(key, nullptr, round_, change, &effect)) {
    // No other thread changes this table, so what is read here cannot grow old.
    std::string loaded;
    FRESHET_RETURN_IF_ERROR(reader_.ReadDisk(key, loaded));
    cache_.Update(key, &loaded, round_, change, &effect);
  }
  Note(effect, entity_key.size());
  return Status::Ok();
}

TimelinePlace CheckpointingWriter::PrefetchPlace(TableId table, std::string_view entity_key) const {
  const CacheKey key(TableKind::kTimelines, table, entity_key);
  dirty_index_.PrefetchSlot(key.hash);
  cache_.PrefetchBucket(key);
  return {table, entity_key, key.hash};
}

void CheckpointingWriter::PrefetchEntry(const TimelinePlace& place) const {
  if (!dirty_index_.PrefetchEntry(place.hash)) cache_.PrefetchEntry(CacheKey(place));
}

void CheckpointingWriter::PrefetchBytes(const TimelinePlace& place) const {
  const CacheKey key(place);
  if (const CacheEntry* entry = dirty_index_.Find(key)) {
    entry->PrefetchForUpdate();
  } else {
    cache_.PrefetchForUpdate(key);
  }
}

void CheckpointingWriter::Note(const StateCache::Effect& effect, size_t key_bytes) {
  size_t before = effect.bytes_before;
  size_t after = effect.bytes_after;
  if (effect.newly_dirty != nullptr) {
    dirty_.push_back(effect.newly_dirty);
    dirty_index_.Insert(effect.newly_dirty);
    before = 0;
    after += key_bytes;
  }
  const auto growth = static_cast<int64_t>(after) - static_cast<int64_t>(before);
  dirty_bytes_ += static_cast<size_t>(growth);  // wraps around when a timeline shrinks
  uncounted_bytes_ += growth;
  if (std::abs(uncounted_bytes_) > kUncountedBytesMax) CountDirtyBytes();
}

void CheckpointingWriter::CountDirtyBytes() {
  counters_.dirty_bytes += static_cast<size_t>(uncounted_bytes_);
  uncounted_bytes_ = 0;
}

Status CheckpointingWriter::Freeze(std::vector<Position> positions) {
  if (frozen_.load(std::memory_order_acquire)) {
    return Status::FailedPrecondition(
        "an earlier checkpoint is not written yet; write it before the next one");
  }
  CountDirtyBytes();
  checkpoint_.round = round_++;
  checkpoint_.entries.swap(dirty_);
  checkpoint_.positions = std::move(positions);
  checkpoint_.bytes = dirty_bytes_;
  dirty_.clear();
  dirty_index_.Clear();
  dirty_bytes_ = 0;
  frozen_.store(true, std::memory_order_release);
  return Status::Ok();
}

Status CheckpointingWriter::Write() {
  if (!frozen_.load(std::memory_order_acquire)) return Status::Ok();
  Sort(checkpoint_.entries);
  FRESHET_RETURN_IF_ERROR(
      checkpoint_.bytes >= surroundings_.checkpoint_file_bytes ? WriteFiles() : WriteThroughLog());
  FRESHET_RETURN_IF_ERROR(RemoveDropped());
  for (size_t i = 0; i < checkpoint_.entries.size(); ++i) {
    if (i + kEntriesAhead < checkpoint_.entries.size())
      checkpoint_.entries[i + kEntriesAhead]->Prefetch();
    cache_.Settle(checkpoint_.entries[i], checkpoint_.round);
  }
  counters_.dirty_bytes -= checkpoint_.bytes;
  ++counters_.checkpoints;
  checkpoint_.entries.clear();
  frozen_.store(false, std::memory_order_release);
  return Status::Ok();
}

Status CheckpointingWriter::VisitStates(Add add) const {
  const std::vector<CacheEntry*>& entries = checkpoint_.entries;
  std::string key;
  std::string state;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kEntriesAhead < entries.size()) entries[i + kEntriesAhead]->Prefetch();
    key.clear();
    AppendStateKey(entries[i]->table, entries[i]->entity_key, key);
    // Adding may compress and write: not under the lock that readers take.
    cache_.VisitFrozen(entries[i], [&](std::string_view bytes) { state.assign(bytes); });
    FRESHET_RETURN_IF_ERROR(add(key, state));
  }
  return Status::Ok();
}

Status CheckpointingWriter::VisitPositions(Add add) const {
  std::map<std::string, std::string> sorted;
  for (const Position& position : checkpoint_.positions)
    sorted[PositionKey(position.table, position.partition)] = EncodePosition(position.next_offset);
  for (const auto& [key, value] : sorted) FRESHET_RETURN_IF_ERROR(add(key, value));
  return Status::Ok();
}

// In key order, in which RocksDB's memtable takes them fastest.
Status CheckpointingWriter::WriteThroughLog() {
  rocksdb::WriteBatch batch(checkpoint_.bytes +
                            checkpoint_.entries.size() * (kBatchRecordBytes + kTablePrefixBytes));
  const std::string_view doing = "write a checkpoint";
  FRESHET_RETURN_IF_ERROR(VisitStates([&](std::string_view key, std::string_view bytes) {
    return FromRocks(bytes.empty() ? batch.Delete(database_.timelines(), ToSlice(key))
                                   : batch.Put(database_.timelines(), ToSlice(key), ToSlice(bytes)),
                     doing);
  }));
  FRESHET_RETURN_IF_ERROR(VisitPositions([&](std::string_view key, std::string_view value) {
    return FromRocks(batch.Put(database_.meta(), ToSlice(key), ToSlice(value)), doing);
  }));
  return database_.Write(batch, Durability::kBuffered, doing);
}

Status CheckpointingWriter::WriteFiles() {
  CheckpointFiles files(database_, surroundings_.checkpoints_folder, ++counters_.checkpoint_files);
  FRESHET_RETURN_IF_ERROR(VisitStates(
      [&](std::string_view key, std::string_view bytes) { return files.AddState(key, bytes); }));
  FRESHET_RETURN_IF_ERROR(VisitPositions(
      [&](std::string_view key, std::string_view value) { return files.AddPosition(key, value); }));
  return files.TakeOver();
}

Status CheckpointingWriter::RemoveDropped() {
  // Of a table that is dropped after this, the removal comes after the checkpoint that is written already.
  const std::set<TableId> dropped = surroundings_.dropped.tables();
  if (dropped.empty()) return Status::Ok();
  rocksdb::WriteBatch batch;
  for (const CacheEntry* entry : checkpoint_.entries) {
    if (dropped.contains(entry->table))
      batch.Delete(database_.timelines(), StateKeyOf(entry->table, entry->entity_key));
  }
  for (const Position& position : checkpoint_.positions) {
    if (dropped.contains(position.table))
      batch.Delete(database_.meta(), PositionKey(position.table, position.partition));
  }
  if (batch.Count() == 0) return Status::Ok();
  // A large checkpoint is durable already, and nobody looks for these again.
  return database_.Write(batch, Durability::kSynced, "remove the state of dropped tables");
}

}  // namespace freshet::store
