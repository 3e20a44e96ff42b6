// Sketches past the number of values that they keep exactly: their error, and that their bytes hang
// on the values alone.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "aggregate/slots.h"
#include "support/seed.h"

namespace freshet::aggregate {
namespace {

double Number(const Slot& slot) {
  Datum value;
  EXPECT_EQ(slot.Finalize(&value), Outcome::kValue);
  return value.kind() == Datum::Kind::kInt ? static_cast<double>(value.as_int())
                                           : value.as_double();
}

class SketchTest : public ::testing::Test {
 protected:
  SketchTest() : random_(TestSeed()) { std::cout << "FRESHET_TEST_SEED=" << TestSeed() << "\n"; }

  double Uniform() { return std::uniform_real_distribution<double>()(random_); }

  // Over many powers of ten, of both signs, with zeros.
  double Wild() {
    if (random_() % 20 == 0) return 0;
    const double magnitude = std::exp((Uniform() - 0.5) * 60);
    return random_() % 3 == 0 ? -magnitude : magnitude;
  }

  std::mt19937_64 random_;
};

TEST_F(SketchTest, AnyTreeOfMergesGivesTheSameBytes) {
  for (const std::string_view name : {"distinct_count", "percentile"}) {
    const SharedAggregate function = Find(name, Type::kDouble);
    for (int round = 0; round < 20; ++round) {
      std::vector<Observation> observations;
      const size_t count = 1 + random_() % 3'000;
      for (size_t i = 0; i < count; ++i) observations.push_back({Datum::Double(Wild()), {}});
      const Slot whole(function, observations);
      ASSERT_TRUE(whole.IsValid());
      std::vector<Slot> parts(1 + random_() % 40, Slot(function));
      for (const Observation& observation : observations)
        parts[random_() % parts.size()].Update(observation);
      while (parts.size() > 1) {
        std::swap(parts[random_() % parts.size()], parts.back());
        const Slot last = parts.back();
        parts.pop_back();
        parts[random_() % parts.size()].Merge(last);
      }
      ASSERT_EQ(parts[0].bytes(), whole.bytes()) << name << " of " << count;
    }
  }
}

TEST_F(SketchTest, DistinctCountIsExactUpToItsLimitAndThenWithinItsError) {
  const SharedAggregate function = Find("distinct_count", Type::kInt64);
  constexpr double kStandardError = 0.0163;
  for (const int64_t distinct : {511, 512, 513, 1'000, 5'000, 100'000}) {
    // Fewer tell too little of the spread.
    const uint64_t usual = distinct > 10'000 ? 20 : 200;
    const auto trials = static_cast<int>(std::max(usual, TestCases(usual)));
    double squares = 0;
    for (int trial = 0; trial < trials; ++trial) {
      Slot slot(function);
      for (int64_t i = 0; i < distinct; ++i) {
        const Datum value =
            Datum::Int(static_cast<int64_t>(random_() << 20 | static_cast<uint64_t>(i)));
        slot.Update({value, {}});
        if (i % 7 == 0) slot.Update({value, {}});
      }
      const double error = Number(slot) / static_cast<double>(distinct) - 1;
      if (distinct <= 512) {
        ASSERT_EQ(error, 0);
      }
      ASSERT_LT(std::fabs(error), 5 * kStandardError) << distinct;
      squares += error * error;
    }
    EXPECT_LT(std::sqrt(squares / trials), 1.5 * kStandardError) << distinct;
  }
}

TEST_F(SketchTest, PercentilesAreWithinOnePerCent) {
  constexpr double kRelativeError = 0.01 + 1e-9;
  for (uint64_t trial = 0; trial < TestCases(60); ++trial) {
    const size_t count = 1 + random_() % 1'000;
    std::vector<double> values;
    for (size_t i = 0; i < count; ++i) values.push_back(trial % 2 == 0 ? Uniform() * 100 : Wild());
    for (const double quantile : {0.0, 0.01, 0.5, 0.9, 0.999, 1.0}) {
      const Type type = Type::kDouble;
      Slot slot(*FindAggregate("percentile", &type, {.quantile = quantile}));
      for (const double value : values) slot.Update({Datum::Double(value), {}});
      std::vector<double> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      const double exact =
          sorted[static_cast<size_t>(std::floor(quantile * static_cast<double>(count - 1)))];
      const double bound = count <= 64 ? 0 : kRelativeError * std::fabs(exact);
      // What is so much smaller than the largest may be taken for larger.
      const double largest = std::max(std::fabs(sorted.front()), std::fabs(sorted.back()));
      if (std::fabs(exact) < largest * 1e-17) continue;
      ASSERT_LE(std::fabs(Number(slot) - exact), bound) << quantile << " of " << count;
    }
  }
}

TEST_F(SketchTest, PercentilesHoldAtTheEndsOfTheDoubles) {
  const double most = std::numeric_limits<double>::max();
  const double least = std::numeric_limits<double>::denorm_min();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {most, -most, least, -least, infinity, -infinity, 0.0}) {
    Slot slot(Find("median", Type::kDouble));
    for (int i = 0; i < 200; ++i) slot.Update({Datum::Double(value), {}});
    EXPECT_TRUE(slot.IsValid());
    const double median = Number(slot);
    if (std::isinf(value) || value == 0)
      EXPECT_EQ(median, value);
    else
      EXPECT_NEAR(median / value, 1, std::fabs(value) == least ? 1 : 0.01);
  }
}

TEST_F(SketchTest, ValidityRefusesWhatNoValuesLeave) {
  const SharedAggregate distinct = Find("distinct_count", Type::kInt64);
  std::string slot = Slot(distinct, {{Datum::Int(1), {}}, {Datum::Int(2), {}}}).bytes();
  EXPECT_TRUE(distinct->is_valid(slot, {}));
  std::swap_ranges(slot.begin() + 1, slot.begin() + 9, slot.begin() + 9);
  EXPECT_FALSE(distinct->is_valid(slot, {}));
  EXPECT_FALSE(distinct->is_valid(std::string(4'097, '\3'), {}));
  EXPECT_FALSE(distinct->is_valid(std::string("\2") + std::string(4'096, '\66'), {}));
  EXPECT_TRUE(distinct->is_valid(std::string("\2") + std::string(4'096, '\65'), {}));
  const SharedAggregate median = Find("median", Type::kDouble);
  EXPECT_FALSE(median->is_valid("\1", {}));
  std::string bins("\2");
  Append<int32_t>(bins, 40'000);
  Append<uint64_t>(bins, 7);
  EXPECT_TRUE(median->is_valid(bins, {}));
  Append<int32_t>(bins, 40'000);
  Append<uint64_t>(bins, 7);
  EXPECT_FALSE(median->is_valid(bins, {}));
}

}  // namespace
}  // namespace freshet::aggregate
