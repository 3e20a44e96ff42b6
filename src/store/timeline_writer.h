// Writes timelines: in the cache at once, on disk by checkpoints.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "store/dirty_index.h"
#include "store/lookup.h"
#include "store/state_cache.h"
#include "store/store.h"

namespace freshet::store {

// Tables that were dropped while the process runs. A checkpoint under way may still carry some of
// their state; it is removed when the checkpoint is through. Any thread.
class DroppedTables {
 public:
  void Add(std::span<const TableId> tables);
  std::set<TableId> tables() const;

 private:
  mutable std::mutex mutex_;
  std::set<TableId> tables_;
};

struct WriterCounters {
  std::atomic<size_t> dirty_bytes{
      0};  // changed or frozen, and not on disk; nearly, as CountDirtyBytes says
  std::atomic<uint64_t> checkpoints{0};
  std::atomic<uint64_t> checkpoint_files{0};  // begun: their numbers
};

// What all writers of a store have in common.
struct WriterSurroundings {
  Database& database;
  StateCache& cache;
  StateReader& reader;
  DroppedTables dropped = {};
  WriterCounters counters = {};
  std::string checkpoints_folder;
  size_t checkpoint_file_bytes = 0;
};

class CheckpointingWriter : public TimelineWriter {
 public:
  // `surroundings` must outlive the writer.
  explicit CheckpointingWriter(WriterSurroundings& surroundings)
      : database_(surroundings.database),
        cache_(surroundings.cache),
        reader_(surroundings.reader),
        counters_(surroundings.counters),
        surroundings_(surroundings) {}
  ~CheckpointingWriter() override;

  Status Update(TableId table, std::string_view entity_key,
                FunctionRef<void(std::string& bytes)> change) override;
  TimelinePlace PrefetchPlace(TableId table, std::string_view entity_key) const override;
  void PrefetchEntry(const TimelinePlace& place) const override;
  void PrefetchBytes(const TimelinePlace& place) const override;
  size_t dirty_bytes() const override { return dirty_bytes_; }
  size_t dirty_count() const override { return dirty_.size(); }
  Status Freeze(std::vector<Position> positions) override;
  Status Write() override;

 private:
  // What Freeze hands over to Write.
  struct Checkpoint {
    uint64_t round = 0;
    std::vector<CacheEntry*> entries;
    std::vector<Position> positions;
    size_t bytes = 0;
  };

  void Note(const StateCache::Effect& effect, size_t key_bytes);
  // Tells the counter that all writers share of what it does not know yet. It is told now and then, since it is contended for;
  // each freeze tells it all.
  void CountDirtyBytes();
  // The frozen states by their stored keys, ascending, and likewise the positions.
  using Add = FunctionRef<Status(std::string_view key, std::string_view value)>;
  Status VisitStates(Add add) const;
  Status VisitPositions(Add add) const;
  Status WriteThroughLog();
  Status WriteFiles();
  Status RemoveDropped();

  Database& database_;
  StateCache& cache_;
  StateReader& reader_;
  WriterCounters& counters_;
  WriterSurroundings& surroundings_;

  // The updating thread's.
  uint64_t round_ = 1;
  std::vector<CacheEntry*> dirty_;
  DirtyIndex dirty_index_;  // of the same
  size_t dirty_bytes_ = 0;
  int64_t uncounted_bytes_ =
      0;  // of dirty_bytes_: what the counter was not told; less than 0 when timelines shrank

  // The updating thread's while `frozen_` is false, the writing thread's while it is true.
  Checkpoint checkpoint_;
  std::atomic<bool> frozen_{false};
};

}  // namespace freshet::store
