// The seam through which wall time enters. Code below engine/ never asks the system for the time
// itself.
#pragma once

#include <atomic>
#include <cstdint>

namespace freshet {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since the epoch. Any thread.
  virtual int64_t NowMs() const = 0;

  // The system's wall clock; lives for ever.
  static const Clock& System();
};

// A clock that stands until it is set. Any thread may set and read it.
class FakeClock : public Clock {
 public:
  explicit FakeClock(int64_t now_ms) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_.load(std::memory_order_relaxed); }
  void Set(int64_t now_ms) { now_ms_.store(now_ms, std::memory_order_relaxed); }
  void Advance(int64_t by_ms) { now_ms_.fetch_add(by_ms, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace freshet
