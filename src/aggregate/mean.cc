// mean: the sum, as `sum` keeps it, over the count of values; null for none.
// A mean of integers and decimals is the double nearest to the exact one.
//
// Slot: the slot of the sum, then u64 count.
#include <cmath>

#include "aggregate/exact_sum.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "base/decimal.h"

namespace freshet::aggregate {
namespace {

// Rounded once: to as many bits as a double has, one more, and one that says whether anything is left.
double NearestQuotient(Uint128 value, Uint128 divisor) {
  Uint128 quotient = value / divisor;
  Uint128 rest = value % divisor;
  int exponent = 0;
  for (; quotient >> 54 == 0 && rest != 0; --exponent) {
    rest *= 2;
    const bool bit = rest >= divisor;
    quotient = quotient * 2 + (bit ? 1 : 0);
    if (bit) rest -= divisor;
  }
  if (rest != 0) quotient |= 1;
  return std::ldexp(static_cast<double>(quotient), exponent);
}

double Divide(const IntegerSum& sum, Int128 divisor) {
  constexpr Int128 kExactMax = Int128{1} << 53;
  const Int128 value = sum.value();
  if (value >= -kExactMax && value <= kExactMax && divisor <= kExactMax)
    return static_cast<double>(value) / static_cast<double>(divisor);
  const auto positive = static_cast<Uint128>(divisor);
  if (value < 0) return -NearestQuotient(Uint128{0} - static_cast<Uint128>(value), positive);
  return NearestQuotient(static_cast<Uint128>(value), positive);
}

double Divide(const DoubleSum& sum, Int128 divisor) {
  return sum.high / static_cast<double>(divisor);
}

bool IsValidSum(const IntegerSum&) {
  return true;
}
bool IsValidSum(const DoubleSum& sum) {
  return sum.IsValid();
}
bool IsZero(const IntegerSum& sum) {
  return sum.bits == 0;
}
bool IsZero(const DoubleSum& sum) {
  return sum.high == 0 && sum.low == 0;
}

template <typename Sum, Datum::Kind kKind>
struct Mean {
  static constexpr uint16_t kSizeBytes = Sum::kSizeBytes + 8;
  static bool Admits(const Datum& value) { return IsPresent(value, kKind); }

  Mean() = default;
  Mean(const Datum& value, const EventOrder&) : sum(NumberOf(value)), count(1) {}
  explicit Mean(const char* slot) : sum(slot), count(Load<uint64_t>(slot + Sum::kSizeBytes)) {}

  void Add(const Mean& other) {
    sum.Add(other.sum);
    count += other.count;
  }
  void AddRun(const char* others, size_t stride_bytes,
              size_t run_count) requires(kKind == Datum::Kind::kDouble) {
    sum.AddRun(others, stride_bytes, run_count);
    for (; run_count > 0; --run_count, others += stride_bytes)
      count += Load<uint64_t>(others + Sum::kSizeBytes);
  }
  void Store(char* slot) const {
    sum.Store(slot);
    Save(slot + Sum::kSizeBytes, count);
  }
  Outcome Finalize(Datum* value) const {
    if (count == 0) return Outcome::kNull;
    *value = Datum::Double(Divide(sum, static_cast<Int128>(count)));
    return Outcome::kValue;
  }
  bool IsValid() const { return IsValidSum(sum) && (count != 0 || IsZero(sum)); }

  static auto NumberOf(const Datum& value) {
    if constexpr (kKind == Datum::Kind::kInt)
      return value.as_int();
    else
      return value.as_double();
  }

  Sum sum;
  uint64_t count = 0;
};

using MeanOfIntegers = Mean<IntegerSum, Datum::Kind::kInt>;
using MeanOfDoubles = Mean<DoubleSum, Datum::Kind::kDouble>;

struct MeanOfDecimals : MeanOfIntegers {
  using MeanOfIntegers::MeanOfIntegers;
  static constexpr bool kAges = false;

  Outcome Finalize(const Reading&, const Parameters& parameters, Datum* value) const {
    if (count == 0) return Outcome::kNull;
    const Int128 units = static_cast<Int128>(count) * PowerOfTen(parameters.of_scale);
    *value = Datum::Double(Divide(sum, units));
    return Outcome::kValue;
  }
};

}  // namespace

std::span<const Aggregate> MeanVariants() {
  static constexpr Aggregate kVariants[] = {
      MakeFixed<MeanOfIntegers>("mean", Type::kInt32, Type::kDouble),
      MakeFixed<MeanOfIntegers>("mean", Type::kInt64, Type::kDouble),
      MakeFixed<MeanOfDoubles>("mean", Type::kFloat, Type::kDouble),
      MakeFixed<MeanOfDoubles>("mean", Type::kDouble, Type::kDouble),
      MakeFixed<MeanOfDecimals>("mean", Type::kDecimal, Type::kDouble),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
