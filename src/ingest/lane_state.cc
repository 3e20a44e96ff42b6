#include "ingest/lane_state.h"

#include <algorithm>

namespace freshet::ingest {
namespace {

constexpr int64_t kLogIntervalMs = 10'000;

uint64_t Read(const std::atomic<uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

int64_t FindOr(const Offsets& offsets, int32_t partition, int64_t otherwise) {
  const auto found = offsets.find(partition);
  return found == offsets.end() ? otherwise : found->second;
}

}  // namespace

SourceCounters AtomicCounters::Read(std::string source) const {
  SourceCounters counters;
  counters.source = std::move(source);
  counters.events = ingest::Read(events);
  counters.applied = ingest::Read(applied);
  counters.too_old = ingest::Read(too_old);
  counters.truncated = ingest::Read(truncated);
  counters.repeated = ingest::Read(repeated);
  counters.filter_failures = ingest::Read(filter_failures);
  counters.lost = ingest::Read(lost);
  for (size_t i = 0; i < delays.size(); ++i) counters.delays.counts[i] = ingest::Read(delays[i]);
  counters.delays.sum_ms = ingest::Read(delay_sum_ms);
  for (size_t i = 1; i < kRefusalCount; ++i) {
    if (const uint64_t count = ingest::Read(refused[i])) {
      counters.refused.emplace(RefusalName(static_cast<Refusal>(i)), count);
    }
  }
  return counters;
}

LaneState::LaneState(std::string source)
    : source_(std::move(source)),
      as_of_ms_(std::make_shared<std::atomic<int64_t>>(INT64_MIN)),
      limiters_{LogLimiter(kLogIntervalMs), LogLimiter(kLogIntervalMs), LogLimiter(kLogIntervalMs),
                LogLimiter(kLogIntervalMs), LogLimiter(kLogIntervalMs)} {}

void LaneState::Report(Part part, const Status& status, int64_t now_ms) {
  const auto index = static_cast<size_t>(part);
  std::lock_guard lock(mutex_);
  std::string& trouble = troubles_[index];
  if (status.ok()) {
    if (!trouble.empty()) LogInfo("source '{}' goes on after: {}", source_, trouble);
    trouble.clear();
    return;
  }
  trouble = status.message();
  uint64_t suppressed = 0;
  if (limiters_[index].Admit(now_ms, &suppressed)) {
    LogWarning("source '{}': {} ({} similar held back)", source_, trouble, suppressed);
  }
}

void LaneState::Fail(const Status& status) {
  std::lock_guard lock(mutex_);
  troubles_[static_cast<size_t>(Part::kLane)] = status.message();
  failed_.store(true, std::memory_order_relaxed);
  LogError("source '{}' has stopped: {}", source_, status.message());
}

void LaneState::SetFed(std::vector<std::string> views, std::vector<registry::TableId> tables) {
  std::lock_guard lock(mutex_);
  views_ = std::move(views);
  tables_ = std::move(tables);
}

bool LaneState::Feeds(registry::TableId table) const {
  std::lock_guard lock(mutex_);
  return std::find(tables_.begin(), tables_.end(), table) != tables_.end();
}

void LaneState::SetPositions(const Offsets& positions) {
  bool is_awaited = false;
  {
    std::lock_guard lock(mutex_);
    positions_ = positions;
    is_awaited = waiting_ > 0;
  }
  if (is_awaited) positions_changed_.notify_all();
}

bool LaneState::WaitUntilIn(int32_t partition, int64_t offset,
                            std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool is_in = positions_changed_.wait_until(
      lock, deadline, [&] { return FindOr(positions_, partition, 0) > offset; });
  --waiting_;
  return is_in;
}

void LaneState::SetCheckpointed(const Offsets& positions) {
  std::lock_guard lock(mutex_);
  checkpointed_ = positions;
}

void LaneState::SetEnds(const Offsets& ends) {
  std::lock_guard lock(mutex_);
  ends_ = ends;
}

bool LaneState::caught_up() const {
  return !failed() && as_of_ms_->load(std::memory_order_acquire) != INT64_MIN;
}

LaneStatus LaneState::Read() const {
  LaneStatus status;
  status.source = source_;
  status.failed = failed();
  status.as_of_ms = as_of_ms_->load(std::memory_order_acquire);
  std::lock_guard lock(mutex_);
  status.views = views_;
  const auto trouble = std::find_if(troubles_.begin(), troubles_.end(),
                                    [](const std::string& text) { return !text.empty(); });
  if (trouble != troubles_.end()) {
    status.state = *trouble;
  } else {
    status.state = status.as_of_ms == INT64_MIN ? "catching up" : "live";
  }
  for (const auto& [partition, next_offset] : positions_) {
    status.partitions.push_back({partition, next_offset, FindOr(checkpointed_, partition, 0),
                                 FindOr(ends_, partition, -1)});
  }
  return status;
}

}  // namespace freshet::ingest
