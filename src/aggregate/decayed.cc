// decayed_count, decayed_sum and decayed_mean: an event of age a counts with the weight
// 2^(-a / half_life).
//
// A weight at time t is kept as 2^(t / half_life): its whole powers as a number that the slot's sums
// share, that of the newest event, and the rest, in [1, 2), in the sums. Moving a sum to a newer
// event's power divides it by a power of two, which is exact until it falls below the least double.
// So the sums hang on the order of events no more than those of `sum` do.
//
// Slot: i64 the power, INT64_MIN without an event; then, of count and sum, that which the aggregate
// needs, as DoubleSum; the mean has both, the sum first.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "aggregate/exact_sum.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "base/limits.h"
#include "base/time.h"

namespace freshet::aggregate {
namespace {

constexpr int64_t kNoPower = std::numeric_limits<int64_t>::min();
constexpr int64_t kPowersMax = 2'200;  // of two: no double is left once divided by so many

// 2^(time / half_life) = 2^power * rest.
struct Weight {
  Weight(int64_t time_ms, int64_t half_life_ms) {
    const int64_t begin_ms = AlignDown(time_ms, half_life_ms);
    power = begin_ms / half_life_ms;
    rest = std::exp2(static_cast<double>(time_ms - begin_ms) / static_cast<double>(half_life_ms));
  }
  int64_t power;
  double rest;
};

DoubleSum Scaled(const DoubleSum& sum, int64_t powers_down) {
  DoubleSum scaled;
  const int exponent = -static_cast<int>(powers_down);
  scaled.high = std::ldexp(sum.high, exponent);
  scaled.low = std::ldexp(sum.low, exponent);
  return scaled;
}

double AsNumber(const Datum& value) {
  return value.kind() == Datum::Kind::kDouble ? value.as_double()
                                              : static_cast<double>(value.as_int());
}

template <size_t kSums>
struct DecayedSums {
  static constexpr uint16_t kSizeBytes = 8 + kSums * DoubleSum::kSizeBytes;

  DecayedSums() = default;
  explicit DecayedSums(const char* slot) : power(Load<int64_t>(slot)) {
    for (size_t i = 0; i < kSums; ++i) sums[i] = DoubleSum(slot + 8 + i * DoubleSum::kSizeBytes);
  }

  void Add(const DecayedSums& other) {
    if (other.power == kNoPower) return;
    if (power == kNoPower) {
      *this = other;
      return;
    }
    const bool other_is_newer = other.power > power;
    // Between two numbers of 64 bits from elsewhere there may be more than 64 bits.
    const uint64_t apart = other_is_newer
                               ? static_cast<uint64_t>(other.power) - static_cast<uint64_t>(power)
                               : static_cast<uint64_t>(power) - static_cast<uint64_t>(other.power);
    const auto powers_down = static_cast<int64_t>(std::min<uint64_t>(apart, kPowersMax));
    for (size_t i = 0; i < kSums; ++i) {
      if (other_is_newer) sums[i] = Scaled(sums[i], powers_down);
      sums[i].Add(other_is_newer ? other.sums[i] : Scaled(other.sums[i], powers_down));
    }
    if (other_is_newer) power = other.power;
  }
  void Store(char* slot) const {
    Save(slot, power);
    for (size_t i = 0; i < kSums; ++i) sums[i].Store(slot + 8 + i * DoubleSum::kSizeBytes);
  }
  bool IsValid() const {
    for (const DoubleSum& sum : sums)
      if (!sum.IsValid() || (power == kNoPower && (sum.high != 0 || sum.low != 0))) return false;
    return power == kNoPower ||
           (power >= limits::kEventTimeMsMin && power <= limits::kEventTimeMsMax);
  }

  // The first sum as it weighs at the time of the read.
  double At(const Reading& reading, const Parameters& parameters) const {
    if (power == kNoPower) return 0;
    const Weight now(reading.now_ms, parameters.half_life_ms);
    const auto powers_up = static_cast<double>(power) - static_cast<double>(now.power);
    return std::ldexp(sums[0].high / now.rest,
                      static_cast<int>(std::clamp<double>(powers_up, -kPowersMax, kPowersMax)));
  }

  int64_t power = kNoPower;
  std::array<DoubleSum, kSums> sums;
};

struct DecayedCount : DecayedSums<1> {
  static bool Admits(const Datum&) { return true; }

  using DecayedSums::DecayedSums;
  DecayedCount(const Datum&, const EventOrder& order, const Parameters& parameters) {
    const Weight weight(order.time_ms, parameters.half_life_ms);
    power = weight.power;
    sums[0] = DoubleSum(weight.rest);
  }
  Outcome Finalize(const Reading& reading, const Parameters& parameters, Datum* value) const {
    *value = Datum::Double(At(reading, parameters));
    return Outcome::kValue;
  }
};

struct DecayedCountOfValues : DecayedCount {
  using DecayedCount::DecayedCount;
  static bool Admits(const Datum& value) { return IsPresent(value); }
};

struct DecayedSum : DecayedSums<1> {
  static bool Admits(const Datum& value) { return IsPresent(value); }

  using DecayedSums::DecayedSums;
  DecayedSum(const Datum& value, const EventOrder& order, const Parameters& parameters) {
    const Weight weight(order.time_ms, parameters.half_life_ms);
    power = weight.power;
    sums[0] = DoubleSum(AsNumber(value) * weight.rest);
  }
  Outcome Finalize(const Reading& reading, const Parameters& parameters, Datum* value) const {
    *value = Datum::Double(At(reading, parameters));
    return Outcome::kValue;
  }
};

struct DecayedMean : DecayedSums<2> {
  static bool Admits(const Datum& value) { return IsPresent(value); }

  using DecayedSums::DecayedSums;
  DecayedMean(const Datum& value, const EventOrder& order, const Parameters& parameters) {
    const Weight weight(order.time_ms, parameters.half_life_ms);
    power = weight.power;
    sums[0] = DoubleSum(AsNumber(value) * weight.rest);
    sums[1] = DoubleSum(weight.rest);
  }
  // The weight of the read stands on both sides of the division.
  Outcome Finalize(Datum* value) const {
    if (power == kNoPower) return Outcome::kNull;
    *value = Datum::Double(sums[0].high / sums[1].high);
    return Outcome::kValue;
  }
  bool IsValid() const { return DecayedSums::IsValid() && (power == kNoPower || sums[1].high > 0); }
};

template <typename Kernel>
constexpr Aggregate MakeDecayed(std::string_view name, Type input, bool takes_input = true) {
  Aggregate aggregate = MakeFixed<Kernel>(name, input, Type::kDouble, takes_input);
  aggregate.takes = kTakesHalfLife;
  return aggregate;
}

}  // namespace

std::span<const Aggregate> DecayedCountVariants() {
  static constexpr std::string_view kName = "decayed_count";
  static constexpr Aggregate kVariants[] = {
      MakeDecayed<DecayedCount>(kName, Type::kBool, false),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kBool),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kInt32),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kInt64),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kFloat),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kDouble),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kString),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kTimestamp),
      MakeDecayed<DecayedCountOfValues>(kName, Type::kDecimal),
  };
  return kVariants;
}

std::span<const Aggregate> DecayedSumVariants() {
  static constexpr std::string_view kName = "decayed_sum";
  static constexpr Aggregate kVariants[] = {
      MakeDecayed<DecayedSum>(kName, Type::kInt32),
      MakeDecayed<DecayedSum>(kName, Type::kInt64),
      MakeDecayed<DecayedSum>(kName, Type::kFloat),
      MakeDecayed<DecayedSum>(kName, Type::kDouble),
  };
  return kVariants;
}

std::span<const Aggregate> DecayedMeanVariants() {
  static constexpr std::string_view kName = "decayed_mean";
  static constexpr Aggregate kVariants[] = {
      MakeDecayed<DecayedMean>(kName, Type::kInt32),
      MakeDecayed<DecayedMean>(kName, Type::kInt64),
      MakeDecayed<DecayedMean>(kName, Type::kFloat),
      MakeDecayed<DecayedMean>(kName, Type::kDouble),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
