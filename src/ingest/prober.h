// Asks a log for its ends, several times a second, beside the thread that reads it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "ingest/as_of.h"
#include "ingest/lane_state.h"
#include "ingest/log_reader.h"

namespace freshet::ingest {

// Holds one thread.
class Prober {
 public:
  // All must outlive it.
  Prober(int64_t interval_ms, AsOfProbes& probes, LaneState& state, const Clock& clock);
  ~Prober();

  // From now on this log is asked; null asks none.
  void SetReader(std::shared_ptr<LogReader> reader);
  // True once the current reader's log has other partitions than the reader.
  bool partitions_changed() const { return partitions_changed_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void Ask(LogReader& reader);

  const int64_t interval_ms_;
  AsOfProbes& probes_;
  LaneState& state_;
  const Clock& clock_;
  std::atomic<bool> partitions_changed_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<LogReader> reader_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace freshet::ingest
