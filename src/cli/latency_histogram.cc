#include "cli/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace freshet::cli {

LatencyHistogram::LatencyHistogram()
    : counts_(BucketOf(std::numeric_limits<int64_t>::max()) + 1, 0) {}

size_t LatencyHistogram::BucketOf(uint64_t value) {
  if (value < kExact) return value;
  const int shift = std::bit_width(value) - kExactBits;
  return static_cast<uint64_t>(shift) * (kExact / 2) + (value >> shift);
}

uint64_t LatencyHistogram::GreatestIn(size_t bucket) {
  if (bucket < kExact) return bucket;
  const uint64_t shift = bucket / (kExact / 2) - 1;
  const uint64_t leading = bucket - shift * (kExact / 2);
  return ((leading + 1) << shift) - 1;
}

void LatencyHistogram::Add(int64_t value_ns) {
  const int64_t value = std::max<int64_t>(0, value_ns);
  ++counts_[BucketOf(static_cast<uint64_t>(value))];
  ++count_;
  max_ns_ = std::max(max_ns_, value);
}

void LatencyHistogram::Clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  max_ns_ = 0;
}

int64_t LatencyHistogram::QuantileNs(double share) const {
  const auto needed = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen > 0 && seen >= needed)
      return std::min(max_ns_, static_cast<int64_t>(GreatestIn(bucket)));
  }
  return max_ns_;
}

}  // namespace freshet::cli
