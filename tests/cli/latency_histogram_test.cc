#include "cli/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "support/seed.h"

namespace freshet::cli {
namespace {

TEST(LatencyHistogram, QuantilesAreThoseOfTheSortedValues) {
  SCOPED_TRACE(TestSeed());
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 20; ++round) {
    LatencyHistogram histogram;
    std::vector<int64_t> values(1 + random() % 5'000);
    // Over many powers of two, with the small ones among them.
    std::uniform_real_distribution<double> exponent(0, round % 2 == 0 ? 12 : 40);
    for (int64_t& value : values) {
      value = static_cast<int64_t>(std::exp2(exponent(random)));
      histogram.Add(value);
    }
    std::sort(values.begin(), values.end());
    EXPECT_EQ(histogram.count(), values.size());
    EXPECT_EQ(histogram.max_ns(), values.back());
    for (double share : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
      const int64_t exact = values[rank == 0 ? 0 : rank - 1];
      const int64_t told = histogram.QuantileNs(share);
      EXPECT_GE(told, exact) << share;
      EXPECT_LE(static_cast<double>(told - exact), static_cast<double>(exact) / 1'000) << share;
    }
  }
}

TEST(LatencyHistogram, TakesEveryValue) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.QuantileNs(0.99), 0);
  for (int64_t value : {int64_t{-5}, int64_t{0}, int64_t{2'047}, int64_t{2'048}, int64_t{4'095},
                        std::numeric_limits<int64_t>::max()})
    histogram.Add(value);
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_EQ(histogram.QuantileNs(0), 0);
  EXPECT_EQ(histogram.QuantileNs(0.5), 2'047);
  EXPECT_EQ(histogram.QuantileNs(1), std::numeric_limits<int64_t>::max());
  histogram.Clear();
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.QuantileNs(1), 0);
}

}  // namespace
}  // namespace freshet::cli
