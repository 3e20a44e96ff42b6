// rate: events, or values that are not null, per second of the window's length.
//
// Slot: u64 count.
#include "aggregate/families.h"
#include "aggregate/kernel.h"

namespace freshet::aggregate {
namespace {

template <bool kOfValues>
struct Rate {
  static constexpr uint16_t kSizeBytes = 8;
  static constexpr bool kAges = false;
  static bool Admits(const Datum& value) { return !kOfValues || IsPresent(value); }

  Rate() = default;
  Rate(const Datum&, const EventOrder&) : count(1) {}
  explicit Rate(const char* slot) : count(Load<uint64_t>(slot)) {}

  void Add(const Rate& other) { count += other.count; }
  void Store(char* slot) const { Save(slot, count); }

  Outcome Finalize(const Reading& reading, const Parameters&, Datum* value) const {
    constexpr double kSecondMs = 1'000;
    FRESHET_CHECK(reading.window_ms > 0);
    *value = Datum::Double(static_cast<double>(count) * kSecondMs /
                           static_cast<double>(reading.window_ms));
    return Outcome::kValue;
  }
  bool IsValid() const { return true; }

  uint64_t count = 0;
};

template <bool kOfValues>
constexpr Aggregate RateOf(Type input) {
  Aggregate aggregate = MakeFixed<Rate<kOfValues>>("rate", input, Type::kDouble, kOfValues);
  aggregate.needs_window = true;
  return aggregate;
}

}  // namespace

std::span<const Aggregate> RateVariants() {
  static constexpr Aggregate kVariants[] = {
      RateOf<false>(Type::kBool),  RateOf<true>(Type::kBool),      RateOf<true>(Type::kInt32),
      RateOf<true>(Type::kInt64),  RateOf<true>(Type::kFloat),     RateOf<true>(Type::kDouble),
      RateOf<true>(Type::kString), RateOf<true>(Type::kTimestamp), RateOf<true>(Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
