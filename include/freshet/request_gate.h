// How many requests an engine has taken on, and what becomes of those that are too many.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace freshet {

// How many requests may be in flight. A burst may fill `in_flight_max`. Once one was too many, more come
// than can be answered: a queue as long as that would never become shorter, and each request would wait for
// all of it. Until none has been refused for `overload`, only as many may wait as are answered within
// `overload_wait`.
struct RequestBounds {
  size_t in_flight_max = 0;
  size_t answered_at_once = 0;  // by as many threads; the others wait
  std::chrono::nanoseconds overload{};
  std::chrono::nanoseconds overload_wait{};
};

// What stands in front of an engine asks it before it spends anything on a request. Any thread.
class RequestGate {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RequestGate(const RequestBounds& bounds) : bounds_(bounds) {}

  // Takes the request on, and Leave must follow once it is answered. False, and counted, when as many
  // as may be are in flight: it is to be refused at once.
  bool Enter(Clock::time_point now = Clock::now()) {
    const size_t before = in_flight_.fetch_add(1, std::memory_order_relaxed);
    if (before < in_flight_max(now)) return true;
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    refused_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void Leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  // Tells how long the answering of one request took, its waiting not counted.
  void CountAnswered(std::chrono::nanoseconds took) {
    // Two threads at once may lose one of the two: the mean is none the worse for it.
    const int64_t mean_ns = answer_ns_.load(std::memory_order_relaxed);
    const int64_t next_ns = mean_ns == 0 ? took.count() : mean_ns + (took.count() - mean_ns) / 16;
    answer_ns_.store(std::max<int64_t>(next_ns, 1), std::memory_order_relaxed);
  }

  // For a request that is dropped before any work, since nobody waits for its answer any more.
  void CountExpired() { expired_.fetch_add(1, std::memory_order_relaxed); }

  size_t in_flight_max() const { return bounds_.in_flight_max; }
  // The same as it is now, which may be less.
  size_t in_flight_max(Clock::time_point now) const {
    const int64_t answer_ns = answer_ns_.load(std::memory_order_relaxed);
    const Clock::time_point refused_at{
        Clock::duration(refused_at_.load(std::memory_order_relaxed))};
    if (answer_ns == 0 || now - refused_at >= bounds_.overload) return bounds_.in_flight_max;
    const auto rounds = static_cast<size_t>(bounds_.overload_wait.count() / answer_ns);
    // One more for each thread, so that none has nothing to do.
    return std::min(bounds_.in_flight_max, bounds_.answered_at_once * (2 + rounds));
  }
  size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  uint64_t expired() const { return expired_.load(std::memory_order_relaxed); }

 private:
  const RequestBounds bounds_;
  std::atomic<size_t> in_flight_{0};
  std::atomic<Clock::rep> refused_at_{0};  // the last one
  std::atomic<int64_t> answer_ns_{0};      // a moving mean; 0 while nothing was answered
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> expired_{0};
};

}  // namespace freshet
