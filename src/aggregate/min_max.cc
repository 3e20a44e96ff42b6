// min and max, of any type; null for no value.
//
// Slot: i64 the value in ordered bits (scalar.h), u8 1; without a value: the number that any other
// beats, 0. Slot of strings: empty without a value, else u8 1 and the string.
#include <algorithm>
#include <limits>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/scalar.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

template <Type kType, bool kMax>
struct Extreme {
  static constexpr uint16_t kSizeBytes = 9;
  static constexpr int64_t kNeutral =
      kMax ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  static bool Admits(const Datum& value) { return IsPresent(value, Scalar<kType>::kKind); }

  Extreme() = default;
  Extreme(const Datum& value, const EventOrder&) : bits(Scalar<kType>::ToBits(value)), present(1) {}
  explicit Extreme(const char* slot)
      : bits(Load<int64_t>(slot)), present(Load<uint8_t>(slot + 8)) {}

  void Add(const Extreme& other) {
    bits = kMax ? std::max(bits, other.bits) : std::min(bits, other.bits);
    present |= other.present;
  }
  void Store(char* slot) const {
    Save(slot, bits);
    Save(slot + 8, present);
  }
  Outcome Finalize(Datum* value) const {
    if (present == 0) return Outcome::kNull;
    *value = Scalar<kType>::FromBits(bits);
    return Outcome::kValue;
  }
  bool IsValid() const {
    return present == 0 ? bits == kNeutral : present == 1 && Scalar<kType>::IsValid(bits);
  }

  int64_t bits = kNeutral;
  uint8_t present = 0;
};

template <bool kMax>
struct ExtremeText {
  static void Update(std::string& slot, const Datum& value, const EventOrder&, const Parameters&) {
    if (!IsPresent(value, Datum::Kind::kString)) return;
    if (!slot.empty() && !Beats(value.as_string(), TextOf(slot))) return;
    slot.assign(1, kPresent);
    slot.append(value.as_string());
  }
  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    if (other.empty()) return;
    if (slot.empty() || Beats(TextOf(other), TextOf(slot))) slot.assign(other);
  }
  static Outcome Finalize(std::string_view slot, const Reading&, const Parameters&, Datum* value) {
    if (slot.empty()) return Outcome::kNull;
    *value = Datum::String(TextOf(slot));
    return Outcome::kValue;
  }
  static bool IsValid(std::string_view slot, const Parameters&) {
    return slot.empty() ||
           (slot[0] == kPresent && slot.size() <= 1 + limits::kExpressionStringBytesMax);
  }
  static size_t BytesMax(const Parameters&, const Fill& fill) { return 1 + fill.text_bytes; }

  static constexpr char kPresent = 1;
  static std::string_view TextOf(std::string_view slot) { return slot.substr(1); }
  static bool Beats(std::string_view a, std::string_view b) { return kMax ? a > b : a < b; }
};

template <bool kMax>
std::span<const Aggregate> ExtremeVariants() {
  static constexpr std::string_view kName = kMax ? "max" : "min";
  static constexpr Aggregate kVariants[] = {
      MakeFixed<Extreme<Type::kBool, kMax>>(kName, Type::kBool, Type::kBool),
      MakeFixed<Extreme<Type::kInt32, kMax>>(kName, Type::kInt32, Type::kInt32),
      MakeFixed<Extreme<Type::kInt64, kMax>>(kName, Type::kInt64, Type::kInt64),
      MakeFixed<Extreme<Type::kFloat, kMax>>(kName, Type::kFloat, Type::kFloat),
      MakeFixed<Extreme<Type::kDouble, kMax>>(kName, Type::kDouble, Type::kDouble),
      MakeVariable<ExtremeText<kMax>>(kName, Type::kString, Type::kString),
      MakeFixed<Extreme<Type::kTimestamp, kMax>>(kName, Type::kTimestamp, Type::kTimestamp),
      MakeFixed<Extreme<Type::kDecimal, kMax>>(kName, Type::kDecimal, Type::kDecimal),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> MinVariants() {
  return ExtremeVariants<false>();
}

std::span<const Aggregate> MaxVariants() {
  return ExtremeVariants<true>();
}

}  // namespace freshet::aggregate
