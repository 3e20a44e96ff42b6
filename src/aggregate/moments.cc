// var_pop, var_samp, stddev_pop, stddev_samp, skewness and kurtosis, from sums of powers.
//
// Every value's powers and their sums are kept in double-double: a central moment of order p of n
// values is off by at most max(2^-100, n 2^-103) times the mean of |x|^p. A variance below 2^-92, and
// below that error, of the mean square cannot be told from none, and is 0. Skewness and kurtosis are
// those of the population, kurtosis as excess over 3; without a variance, or where that error could
// make them wrong by more than 2^-10, they are null. An infinity makes the result NaN.
//
// Slot: u64 count, then the sums of x, x^2, ... up to the order of the moment, each as DoubleSum.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "aggregate/exact_sum.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"

namespace freshet::aggregate {
namespace {

// Arithmetic on unevaluated sums of two doubles (Dekker; Hida, Li and Bailey).
DoubleSum FastPair(double high, double low) {
  DoubleSum pair;
  pair.high = high + low;
  pair.low = DoubleSum::ErrorOf(pair.high, high, low);
  return pair;
}

DoubleSum Product(const DoubleSum& a, const DoubleSum& b) {
  const double high = a.high * b.high;
  const double low = std::fma(a.high, b.high, -high) + (a.high * b.low + a.low * b.high);
  // The error of a product that is not finite is NaN.
  return std::isfinite(high) ? FastPair(high, low) : DoubleSum(high);
}

DoubleSum Difference(const DoubleSum& a, const DoubleSum& b) {
  const double high = a.high - b.high;
  const double low = DoubleSum::ErrorOf(high, a.high, -b.high) + (a.low - b.low);
  return std::isfinite(high) ? FastPair(high, low) : DoubleSum(high);
}

DoubleSum Quotient(const DoubleSum& a, double divisor) {
  const double high = a.high / divisor;
  const DoubleSum rest = Difference(a, Product(DoubleSum(high), DoubleSum(divisor)));
  return std::isfinite(high) ? FastPair(high, rest.high / divisor) : DoubleSum(high);
}

DoubleSum PairOf(const Datum& value) {
  if (value.kind() == Datum::Kind::kDouble) return DoubleSum(value.as_double());
  const auto high = static_cast<double>(value.as_int());
  return FastPair(high, static_cast<double>(value.as_int() - static_cast<Int128>(high)));
}

// The central moments of second and higher order, and by how much two of them may be off.
struct CentralMoments {
  double second = 0;
  double third = 0;
  double fourth = 0;
  double third_error = 0;
  double fourth_error = 0;
};

constexpr double kErrorMin = 0x1p-100;
constexpr double kErrorPerValue = 0x1p-103;
constexpr double kVarianceFloor = 0x1p-92;  // as a share of the mean square
constexpr double kStandardizedErrorMax = 0x1p-10;
// The low parts of sums below it are not all there.
constexpr double kPowerMin = 0x1p-916;

// Of a central moment whose power has this mean magnitude.
double ErrorOf(double mean_power, double count) {
  if (mean_power < kPowerMin) return std::numeric_limits<double>::infinity();
  return mean_power * std::max(kErrorMin, count * kErrorPerValue);
}

template <int kOrder>
CentralMoments CentralMomentsOf(const std::array<DoubleSum, kOrder>& sums, double count) {
  CentralMoments moments;
  const DoubleSum mean = Quotient(sums[0], count);
  const DoubleSum mean_2 = Quotient(sums[1], count);
  const DoubleSum square = Product(mean, mean);
  moments.second = Difference(mean_2, square).high;
  if (moments.second <= mean_2.high * std::max(kVarianceFloor, count * kErrorPerValue))
    moments.second = 0;
  if constexpr (kOrder >= 3) {
    // m3 - 3 m m2 + 2 m^3
    const DoubleSum mean_3 = Quotient(sums[2], count);
    const DoubleSum mixed = Product(DoubleSum(3), Product(mean, mean_2));
    const DoubleSum cube = Product(square, mean);
    moments.third = Difference(Difference(mean_3, mixed), Product(DoubleSum(-2), cube)).high;
    moments.third_error =
        ErrorOf(std::pow(std::fabs(mean.high) + std::sqrt(moments.second), 3), count);
    if constexpr (kOrder >= 4) {
      // m4 - 4 m m3 + 6 m^2 m2 - 3 m^4
      const DoubleSum mean_4 = Quotient(sums[3], count);
      const DoubleSum first = Product(DoubleSum(4), Product(mean, mean_3));
      const DoubleSum second = Product(DoubleSum(-6), Product(square, mean_2));
      const DoubleSum last = Product(DoubleSum(3), Product(square, square));
      moments.fourth = Difference(Difference(Difference(mean_4, first), second), last).high;
      moments.fourth_error = ErrorOf(mean_4.high, count);
    }
  }
  return moments;
}

// The sums of the first kOrder powers.
template <int kOrder>
struct Powers {
  static constexpr uint16_t kSizeBytes = 8 + kOrder * DoubleSum::kSizeBytes;
  static bool Admits(const Datum& value) { return IsPresent(value); }

  Powers() = default;
  Powers(const Datum& value, const EventOrder&) : count(1) {
    const DoubleSum number = PairOf(value);
    sums[0] = number;
    for (size_t i = 1; i < sums.size(); ++i) sums[i] = Product(sums[i - 1], number);
  }
  explicit Powers(const char* slot) : count(Load<uint64_t>(slot)) {
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] = DoubleSum(slot + 8 + i * DoubleSum::kSizeBytes);
  }

  void Add(const Powers& other) {
    count += other.count;
    for (size_t i = 0; i < sums.size(); ++i) sums[i].Add(other.sums[i]);
  }
  void Store(char* slot) const {
    Save(slot, count);
    for (size_t i = 0; i < sums.size(); ++i) sums[i].Store(slot + 8 + i * DoubleSum::kSizeBytes);
  }
  bool IsValid() const {
    for (const DoubleSum& sum : sums)
      if (!sum.IsValid() || (count == 0 && (sum.high != 0 || sum.low != 0))) return false;
    return true;
  }

  // Writes the moments, or says why there are none.
  Outcome Moments(uint64_t count_min, CentralMoments* moments) const {
    if (count < count_min) return Outcome::kNull;
    if (!std::isfinite(sums[0].high)) {
      moments->second = moments->third = moments->fourth = std::numeric_limits<double>::quiet_NaN();
      return Outcome::kValue;
    }
    for (const DoubleSum& sum : sums)
      if (!std::isfinite(sum.high)) return Outcome::kOverflow;
    *moments = CentralMomentsOf<kOrder>(sums, static_cast<double>(count));
    return Outcome::kValue;
  }

  uint64_t count = 0;
  std::array<DoubleSum, kOrder> sums;
};

template <bool kSample, bool kRoot>
struct Variance : Powers<2> {
  using Powers<2>::Powers;

  Outcome Finalize(Datum* value) const {
    CentralMoments moments;
    const Outcome outcome = Moments(kSample ? 2 : 1, &moments);
    if (outcome != Outcome::kValue) return outcome;
    double variance = moments.second;
    if (kSample) variance *= static_cast<double>(count) / static_cast<double>(count - 1);
    *value = Datum::Double(kRoot ? std::sqrt(variance) : variance);
    return Outcome::kValue;
  }
};

struct Skewness : Powers<3> {
  using Powers<3>::Powers;

  Outcome Finalize(Datum* value) const {
    CentralMoments moments;
    const Outcome outcome = Moments(1, &moments);
    if (outcome != Outcome::kValue) return outcome;
    const double unit = moments.second * std::sqrt(moments.second);
    if (moments.second == 0 || moments.third_error > kStandardizedErrorMax * unit)
      return Outcome::kNull;
    *value = Datum::Double(moments.third / unit);
    return Outcome::kValue;
  }
};

struct Kurtosis : Powers<4> {
  using Powers<4>::Powers;

  Outcome Finalize(Datum* value) const {
    CentralMoments moments;
    const Outcome outcome = Moments(1, &moments);
    if (outcome != Outcome::kValue) return outcome;
    const double unit = moments.second * moments.second;
    if (moments.second == 0 || moments.fourth_error > kStandardizedErrorMax * unit)
      return Outcome::kNull;
    *value = Datum::Double(moments.fourth / unit - 3);
    return Outcome::kValue;
  }
};

template <typename Kernel, const char* kName>
std::span<const Aggregate> OfNumbers() {
  static constexpr Aggregate kVariants[] = {
      MakeFixed<Kernel>(kName, Type::kInt32, Type::kDouble),
      MakeFixed<Kernel>(kName, Type::kInt64, Type::kDouble),
      MakeFixed<Kernel>(kName, Type::kFloat, Type::kDouble),
      MakeFixed<Kernel>(kName, Type::kDouble, Type::kDouble),
  };
  return kVariants;
}

constexpr char kVarPop[] = "var_pop";
constexpr char kVarSamp[] = "var_samp";
constexpr char kStddevPop[] = "stddev_pop";
constexpr char kStddevSamp[] = "stddev_samp";
constexpr char kSkewness[] = "skewness";
constexpr char kKurtosis[] = "kurtosis";

}  // namespace

std::span<const Aggregate> VarPopVariants() {
  return OfNumbers<Variance<false, false>, kVarPop>();
}

std::span<const Aggregate> VarSampVariants() {
  return OfNumbers<Variance<true, false>, kVarSamp>();
}

std::span<const Aggregate> StddevPopVariants() {
  return OfNumbers<Variance<false, true>, kStddevPop>();
}

std::span<const Aggregate> StddevSampVariants() {
  return OfNumbers<Variance<true, true>, kStddevSamp>();
}

std::span<const Aggregate> SkewnessVariants() {
  return OfNumbers<Skewness, kSkewness>();
}

std::span<const Aggregate> KurtosisVariants() {
  return OfNumbers<Kurtosis, kKurtosis>();
}

}  // namespace freshet::aggregate
