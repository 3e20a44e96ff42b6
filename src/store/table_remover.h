// Removes the rows of tables that are not served any more: in the background, a file at a time, no
// faster than it is told, so that what readers and loads do on the same disk goes on.
//
// Each step leaves the table marked as discarded, and the mark goes last: what a crash leaves of the
// table is removed by going through the same steps again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "freshet/status.h"

#include "store/database.h"
#include "store/state_cache.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class TableRemover {
 public:
  // `removed` is told, from the remover's thread, when a table is gone. All must outlive the remover.
  TableRemover(Database& database, StateCache& cache, uint64_t bytes_per_second_max,
               std::function<void(TableId table)> removed);
  // Ends between two steps; what is left keeps its mark.
  ~TableRemover();

  // A table that is marked. It is removed when nobody else has its hold; null: nobody has.
  void Add(TableId table, std::shared_ptr<const void> hold);
  // All of a table that nobody can read, at once.
  Status RemoveNow(TableId table);

  // Tables that are not gone yet.
  size_t count() const { return count_; }

 private:
  struct Entry {
    TableId table = 0;
    std::shared_ptr<const void> hold;
    bool has_failed = false;
  };

  void Run();
  // An entry that nobody holds, first in the queue; false when there is none.
  bool TakeNext(Entry* entry);
  void Remove(Entry entry);
  // False when the remover is to end.
  bool Pause(int64_t pause_ms);
  // False when it was interrupted.
  Result<bool> RemoveFiles(TableId table);
  Status RemoveRest(TableId table);

  Database& database_;
  StateCache& cache_;
  const uint64_t bytes_per_second_max_;
  const std::function<void(TableId table)> removed_;
  std::atomic<size_t> count_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> queue_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace freshet::store
