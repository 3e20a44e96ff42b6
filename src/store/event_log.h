// Event logs: append-only records with consecutive offsets, one log for each push source.
//
// Appends of one log go through a queue. The one at its head takes what stands behind it along and
// writes all of it in one synced batch, so that many callers share a sync. Offsets are given out
// then, in the queue's order, and are visible once the batch is durable: a failed write leaves no
// hole, and a reader never sees one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/database.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class EventLogs {
 public:
  explicit EventLogs(Database& database) : database_(database) {}

  // Finds the ends of the stored logs. Once, first.
  Status Recover();

  Result<int64_t> Append(uint32_t source_id, std::span<const std::string_view> payloads,
                         int64_t timestamp_ms);
  int64_t Begin(uint32_t source_id);
  int64_t End(uint32_t source_id);
  Status Read(uint32_t source_id, int64_t offset, size_t records_max,
              FunctionRef<void(const LogRecord& record)> visit);
  bool Wait(uint32_t source_id, int64_t offset, int64_t timeout_ms);
  Status Drop(uint32_t source_id);
  Result<uint64_t> Erase(uint32_t source_id, FunctionRef<bool(const LogRecord& record)> is_wanted);

 private:
  // One call of Append, on its caller's stack.
  struct Pending {
    std::span<const std::string_view> payloads;
    int64_t timestamp_ms = 0;
    size_t bytes = 0;
    bool done = false;
    Status status;
    int64_t last_offset = -1;
  };
  struct Log {
    std::mutex mutex;
    std::condition_variable turn;   // the queue moved on
    std::condition_variable grown;  // end rose
    std::deque<Pending*> queue;
    int64_t begin = 0;
    int64_t end = 0;
  };

  std::shared_ptr<Log> FindOrMake(uint32_t source_id);
  // The head of the queue and those behind it that share its write.
  static std::vector<Pending*> TakeGroup(const Log& log);
  Status WriteGroup(uint32_t source_id, int64_t first_offset, std::span<Pending* const> group);

  Database& database_;
  std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<Log>> logs_;
};

}  // namespace freshet::store
