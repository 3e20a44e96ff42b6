// How many requests an engine has taken on, and what becomes of those that are too many.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace freshet {

// What stands in front of an engine asks it before it spends anything on a request. Any thread.
class RequestGate {
 public:
  explicit RequestGate(size_t in_flight_max) : in_flight_max_(in_flight_max) {}

  // Takes the request on, and Leave must follow once it is answered. False, and counted, when as many
  // as may be are in flight: it is to be refused at once.
  bool Enter() {
    if (in_flight_.fetch_add(1, std::memory_order_relaxed) < in_flight_max_) return true;
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void Leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }

  // For a request that is dropped before any work, since nobody waits for its answer any more.
  void CountExpired() { expired_.fetch_add(1, std::memory_order_relaxed); }

  size_t in_flight_max() const { return in_flight_max_; }
  size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  uint64_t expired() const { return expired_.load(std::memory_order_relaxed); }

 private:
  const size_t in_flight_max_;
  std::atomic<size_t> in_flight_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> expired_{0};
};

}  // namespace freshet
