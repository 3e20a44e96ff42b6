// time_since_last: milliseconds from the last event, or the last whose value is not null, to the
// read; 0 for an event after it, null for none.
//
// Slot: i64 time of the event, INT64_MIN without one.
#include <algorithm>
#include <limits>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

template <bool kOfValues>
struct TimeSinceLast {
  static constexpr uint16_t kSizeBytes = 8;
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();
  static bool Admits(const Datum& value) { return !kOfValues || IsPresent(value); }

  TimeSinceLast() = default;
  TimeSinceLast(const Datum&, const EventOrder& order) : time_ms(order.time_ms) {}
  explicit TimeSinceLast(const char* slot) : time_ms(Load<int64_t>(slot)) {}

  void Add(const TimeSinceLast& other) { time_ms = std::max(time_ms, other.time_ms); }
  void Store(char* slot) const { Save(slot, time_ms); }

  Outcome Finalize(const Reading& reading, const Parameters&, Datum* value) const {
    if (time_ms == kNoTime) return Outcome::kNull;
    *value = Datum::Int(reading.now_ms <= time_ms ? 0 : SaturatedDifference(reading.now_ms));
    return Outcome::kValue;
  }
  bool IsValid() const {
    return time_ms == kNoTime ||
           (time_ms >= limits::kEventTimeMsMin && time_ms <= limits::kEventTimeMsMax);
  }

  int64_t SaturatedDifference(int64_t now_ms) const {
    int64_t since_ms;
    if (__builtin_sub_overflow(now_ms, time_ms, &since_ms))
      return std::numeric_limits<int64_t>::max();
    return since_ms;
  }

  int64_t time_ms = kNoTime;
};

template <bool kOfValues>
constexpr Aggregate TimeSinceOf(Type input) {
  return MakeFixed<TimeSinceLast<kOfValues>>("time_since_last", input, Type::kInt64, kOfValues);
}

}  // namespace

std::span<const Aggregate> TimeSinceLastVariants() {
  static constexpr Aggregate kVariants[] = {
      TimeSinceOf<false>(Type::kBool),   TimeSinceOf<true>(Type::kBool),
      TimeSinceOf<true>(Type::kInt32),   TimeSinceOf<true>(Type::kInt64),
      TimeSinceOf<true>(Type::kFloat),   TimeSinceOf<true>(Type::kDouble),
      TimeSinceOf<true>(Type::kString),  TimeSinceOf<true>(Type::kTimestamp),
      TimeSinceOf<true>(Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
