// sum: of integers and decimals exactly, in 128 bits; of doubles in double-double. The sum of nothing is 0.
//
// Slots: those of IntegerSum and DoubleSum.
#include <limits>

#include "aggregate/exact_sum.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"

namespace freshet::aggregate {
namespace {

struct SumOfIntegers : IntegerSum {
  static bool Admits(const Datum& value) { return IsPresent(value, Datum::Kind::kInt); }

  using IntegerSum::IntegerSum;
  SumOfIntegers(const Datum& value, const EventOrder&) : IntegerSum(value.as_int()) {}

  Outcome Finalize(Datum* sum) const {
    if (value() < std::numeric_limits<int64_t>::min() ||
        value() > std::numeric_limits<int64_t>::max())
      return Outcome::kOverflow;
    *sum = Datum::Int(static_cast<int64_t>(value()));
    return Outcome::kValue;
  }
  bool IsValid() const { return true; }
};

struct SumOfDoubles : DoubleSum {
  static bool Admits(const Datum& value) { return IsPresent(value, Datum::Kind::kDouble); }

  using DoubleSum::DoubleSum;
  SumOfDoubles(const Datum& value, const EventOrder&) : DoubleSum(value.as_double()) {}

  Outcome Finalize(Datum* sum) const {
    *sum = Datum::Double(high);
    return Outcome::kValue;
  }
};

}  // namespace

std::span<const Aggregate> SumVariants() {
  static constexpr Aggregate kVariants[] = {
      MakeFixed<SumOfIntegers>("sum", Type::kInt32, Type::kInt64),
      MakeFixed<SumOfIntegers>("sum", Type::kInt64, Type::kInt64),
      MakeFixed<SumOfDoubles>("sum", Type::kFloat, Type::kDouble),
      MakeFixed<SumOfDoubles>("sum", Type::kDouble, Type::kDouble),
      MakeFixed<SumOfIntegers>("sum", Type::kDecimal, Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
