// The two sums that sum and mean are made of.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/coding.h"

namespace freshet::aggregate {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

// A sum of int64 numbers, exact for more of them than a stream can hold. 16 bytes: i128,
// little-endian.
struct IntegerSum {
  static constexpr uint16_t kSizeBytes = 16;

  IntegerSum() = default;
  explicit IntegerSum(int64_t value) : bits(static_cast<Uint128>(static_cast<Int128>(value))) {}
  explicit IntegerSum(const char* slot)
      : bits(static_cast<Uint128>(Load<uint64_t>(slot + 8)) << 64 | Load<uint64_t>(slot)) {}

  void Add(const IntegerSum& other) { bits += other.bits; }
  void Store(char* slot) const {
    Save(slot, static_cast<uint64_t>(bits));
    Save(slot + 8, static_cast<uint64_t>(bits >> 64));
  }
  Int128 value() const { return static_cast<Int128>(bits); }

  Uint128 bits =
      0;  // unsigned, so that bytes from elsewhere wrap around instead of being undefined
};

// A sum of doubles in double-double: f64 high, f64 low, where high is the sum rounded to a double
// and low is what the rounding left, 0 when high is not finite.
struct DoubleSum {
  static constexpr uint16_t kSizeBytes = 16;

  DoubleSum() = default;
  explicit DoubleSum(double value) : high(value) {}
  explicit DoubleSum(const char* slot) : high(Load<double>(slot)), low(Load<double>(slot + 8)) {}

  typedef double Pair __attribute__((vector_size(16)));

  // Exact but for the roundings of `low`. The high parts form the only chain from one addition to
  // the next.
  void Add(const DoubleSum& other) {
    const double sum = high + other.high;
    low += ErrorOf(sum, high, other.high) + other.low;
    high = sum;
  }

  // Adds `count` slots. Every second one goes to a lane of its own: both lanes are added at once,
  // and the sum is the same but for the roundings of `low`.
  void AddRun(const char* others, size_t stride_bytes, size_t count) {
    Pair high_pair = {high, 0};
    Pair low_pair = {low, 0};
    for (; count >= 2; count -= 2, others += 2 * stride_bytes) {
      const char* second = others + stride_bytes;
      const Pair other_high = {Load<double>(others), Load<double>(second)};
      const Pair other_low = {Load<double>(others + 8), Load<double>(second + 8)};
      const Pair sum = high_pair + other_high;
      low_pair += ErrorOf(sum, high_pair, other_high) + other_low;
      high_pair = sum;
    }
    DoubleSum odd;
    odd.high = high_pair[1];
    odd.low = low_pair[1];
    high = high_pair[0];
    low = low_pair[0];
    Add(odd);
    if (count == 1) Add(DoubleSum(others));
  }

  void Store(char* slot) const {
    const DoubleSum normal = Normalized();
    Save(slot, normal.high);
    Save(slot + 8, normal.low);
  }

  DoubleSum Normalized() const {
    DoubleSum normal(high);
    if (!std::isfinite(high) || !std::isfinite(low)) return normal;
    normal.high = high + low;
    normal.low = ErrorOf(normal.high, high, low);
    if (!std::isfinite(normal.high) || !std::isfinite(normal.low)) normal.low = 0;
    return normal;
  }

  bool IsValid() const {
    const DoubleSum normal = Normalized();
    return low == normal.low && (high == normal.high || std::isnan(high));
  }

  // What rounding took from sum = a + b (Knuth's TwoSum).
  template <typename Number>
  static Number ErrorOf(Number sum, Number a, Number b) {
    const Number b_rounded = sum - a;
    const Number a_rounded = sum - b_rounded;
    return (a - a_rounded) + (b - b_rounded);
  }

  double high = 0;
  double low = 0;
};

}  // namespace freshet::aggregate
