// count: of events, or of the values that are not null.
//
// Slot: u64 count.
#include <limits>

#include "aggregate/families.h"
#include "aggregate/kernel.h"

namespace freshet::aggregate {
namespace {

template <bool kOfValues>
struct Count {
  static constexpr uint16_t kSizeBytes = 8;
  static bool Admits(const Datum& value) { return !kOfValues || IsPresent(value); }

  Count() = default;
  Count(const Datum&, const EventOrder&) : count(1) {}
  explicit Count(const char* slot) : count(Load<uint64_t>(slot)) {}

  void Add(const Count& other) { count += other.count; }
  void Store(char* slot) const { Save(slot, count); }

  Outcome Finalize(Datum* value) const {
    if (count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return Outcome::kOverflow;
    *value = Datum::Int(static_cast<int64_t>(count));
    return Outcome::kValue;
  }
  bool IsValid() const { return true; }

  uint64_t count = 0;
};

constexpr Aggregate Of(Type input) {
  return MakeFixed<Count<true>>("count", input, Type::kInt64);
}

}  // namespace

std::span<const Aggregate> CountVariants() {
  static constexpr Aggregate kVariants[] = {
      MakeFixed<Count<false>>("count", Type::kBool, Type::kInt64, false),
      Of(Type::kBool),
      Of(Type::kInt32),
      Of(Type::kInt64),
      Of(Type::kFloat),
      Of(Type::kDouble),
      Of(Type::kString),
      Of(Type::kTimestamp),
      Of(Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
