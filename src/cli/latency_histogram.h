// Durations, counted so that any quantile is right to three digits: the buckets of HdrHistogram.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace freshet::cli {

class LatencyHistogram {
 public:
  LatencyHistogram();

  // Below zero counts as zero.
  void Add(int64_t value_ns);
  void Clear();

  uint64_t count() const { return count_; }
  int64_t max_ns() const { return max_ns_; }
  // The least value that no more than a share 1 - `share` of the values is above, rounded up by less
  // than a thousandth; 0 when there is none. 0 <= share <= 1.
  int64_t QuantileNs(double share) const;

 private:
  // Values below kExact have a bucket each; from there on every power of two has half as many, all of
  // one width.
  static constexpr int kExactBits = 11;
  static constexpr uint64_t kExact = uint64_t{1} << kExactBits;

  static size_t BucketOf(uint64_t value);
  static uint64_t GreatestIn(size_t bucket);

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  int64_t max_ns_ = 0;
};

}  // namespace freshet::cli
