// Makes frozen state durable beside the thread that goes on changing state.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "ingest/lane_state.h"
#include "ingest/log_reader.h"
#include "store/store.h"

namespace freshet::ingest {

// Holds one thread. All methods are for the lane's own thread.
class Checkpointer {
 public:
  // All must outlive it.
  Checkpointer(store::TimelineWriter& writer, LaneState& state, const Clock& clock);
  // Ends after the attempt under way; what is not written by then stays unwritten.
  ~Checkpointer();

  // True when nothing is being written.
  bool idle() const;
  // How long the last write took; 0 before the first.
  int64_t last_write_ms() const;
  // Waits until nothing is being written; false when the time is out.
  bool WaitIdle(int64_t timeout_ms);

  // Writes what the writer has frozen, as often as it takes: first the dead letters of the records that it covers, then state
  // and positions. Needs idle().
  void Write(std::shared_ptr<LogReader> reader, Offsets positions, bool commits);

 private:
  struct Job {
    std::shared_ptr<LogReader> reader;
    Offsets positions;
    bool commits = false;
  };

  void Run();
  bool Attempt(const Job& job);

  store::TimelineWriter& writer_;
  LaneState& state_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> job_;
  int64_t last_write_ms_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace freshet::ingest
