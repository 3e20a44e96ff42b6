// Has tables with a retention compacted now and then, so that their rows go even where nothing else
// makes RocksDB rewrite their files.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "freshet/status.h"

#include "store/database.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class RetentionSweeper {
 public:
  // `each_minute` is called from its thread, for what else goes by time. `database` must outlive it.
  RetentionSweeper(Database& database, std::function<void()> each_minute);
  // Breaks off a sweep that is under way.
  ~RetentionSweeper();

  // Compacts every table with a retention.
  Status SweepNow();

 private:
  using Time = std::chrono::steady_clock::time_point;
  // Tables of the two kinds may have the same number.
  using Table = std::pair<TableKind, TableId>;

  void Run();
  std::map<Table, int64_t> Retentions() const;
  void SweepWhatIsDue();
  Status Sweep(const Table& table);

  Database& database_;
  const std::function<void()> each_minute_;
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Table, Time> due_at_;  // the thread's
  bool has_looked_ = false;       // the thread's
  std::thread thread_;
};

}  // namespace freshet::store
