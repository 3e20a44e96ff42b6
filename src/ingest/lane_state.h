// What a lane's threads tell the world: progress and trouble, readable from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/log.h"
#include "ingest/decoder.h"
#include "ingest/ingestor.h"
#include "ingest/log_reader.h"

namespace freshet::ingest {

// The counters of one source, shared by its lanes.
struct AtomicCounters {
  std::atomic<uint64_t> events{0};
  std::atomic<uint64_t> applied{0};
  std::atomic<uint64_t> too_old{0};
  std::atomic<uint64_t> truncated{0};
  std::atomic<uint64_t> repeated{0};
  std::atomic<uint64_t> filter_failures{0};
  std::atomic<uint64_t> lost{0};
  std::array<std::atomic<uint64_t>, kRefusalCount> refused{};
  std::array<std::atomic<uint64_t>, EventDelays::kBoundsMs.size() + 1> delays{};
  std::atomic<uint64_t> delay_sum_ms{0};

  SourceCounters Read(std::string source) const;
};

// The parts of a lane that can be in trouble, each on its own. A lane shows the first.
enum class Part : uint8_t { kLane, kLog, kLogEnds, kCheckpoint, kDeadLetters };
inline constexpr size_t kPartCount = 5;

class LaneState {
 public:
  explicit LaneState(std::string source);

  // Sets or, with OK, clears the trouble of a part, and logs it at a bounded rate.
  void Report(Part part, const Status& status, int64_t now_ms);
  // The lane cannot go on; stays so.
  void Fail(const Status& status);

  // What the lane feeds.
  void SetFed(std::vector<std::string> views, std::vector<registry::TableId> tables);
  bool Feeds(registry::TableId table) const;
  void SetPositions(const Offsets& positions);
  // Waits until the event at that place is in, or `deadline`; false when it is not.
  bool WaitUntilIn(int32_t partition, int64_t offset,
                   std::chrono::steady_clock::time_point deadline) const;
  void SetCheckpointed(const Offsets& positions);
  void SetEnds(const Offsets& ends);
  void SetAsOf(int64_t as_of_ms) { as_of_ms_->store(as_of_ms, std::memory_order_release); }

  // Outlives the lane for those who hold it.
  std::shared_ptr<const std::atomic<int64_t>> as_of_ms() const { return as_of_ms_; }
  // Known exactly when the lane has reached where its log stood after the lane's start.
  bool caught_up() const;
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  const std::string& source() const { return source_; }
  LaneStatus Read() const;

 private:
  const std::string source_;
  const std::shared_ptr<std::atomic<int64_t>> as_of_ms_;
  std::atomic<bool> failed_{false};

  mutable std::mutex mutex_;
  mutable std::condition_variable positions_changed_;
  mutable size_t waiting_ = 0;  // for positions
  std::vector<std::string> views_;
  std::vector<registry::TableId> tables_;
  std::array<std::string, kPartCount> troubles_;
  std::array<LogLimiter, kPartCount> limiters_;
  Offsets positions_;
  Offsets checkpointed_;
  Offsets ends_;
};

}  // namespace freshet::ingest
