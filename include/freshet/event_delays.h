// How long after their own times the events of a source came to its log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace freshet {

struct EventDelays {
  static constexpr std::array<int64_t, 8> kBoundsMs = {
      1'000, 10'000, 60'000, 600'000, 3'600'000, 21'600'000, 86'400'000, 604'800'000};

  // counts[i]: delays of at most kBoundsMs[i] that are longer than the bound before; the last has
  // those that are longer than all. Ahead of the log is no delay.
  std::array<uint64_t, kBoundsMs.size() + 1> counts{};
  uint64_t sum_ms = 0;

  static constexpr size_t BucketOf(int64_t delay_ms) {
    size_t bucket = 0;
    while (bucket < kBoundsMs.size() && delay_ms > kBoundsMs[bucket]) ++bucket;
    return bucket;
  }
  void Add(int64_t delay_ms) {
    ++counts[BucketOf(delay_ms)];
    if (delay_ms > 0) sum_ms += static_cast<uint64_t>(delay_ms);
  }
};

}  // namespace freshet
