// From what a source writes in its timestamp field to the time of an event.
#pragma once

#include <cstdint>

#include "base/datum.h"
#include "registry/definitions.h"

namespace freshet::registry {

enum class TimeProblem : uint8_t {
  kNone,
  kWrongType,   // another kind of value, or text that is no RFC 3339 time
  kOutOfRange,  // outside of limits::kEventTimeMsMin and Max
};

// `value` is not null. Integers, rounded down, and other numbers, rounded to the nearest
// millisecond, count in the unit; text is RFC 3339 and only for that unit. Sets *time_ms for kNone.
TimeProblem ToEventTimeMs(TimestampUnit unit, const Datum& value, int64_t* time_ms);

}  // namespace freshet::registry
