#include "registry/event_time.h"

#include <cmath>

#include "base/limits.h"
#include "base/time.h"

namespace freshet::registry {
namespace {

TimeProblem InRange(int64_t value_ms, int64_t* time_ms) {
  if (value_ms < limits::kEventTimeMsMin || value_ms > limits::kEventTimeMsMax) {
    return TimeProblem::kOutOfRange;
  }
  *time_ms = value_ms;
  return TimeProblem::kNone;
}

// Rounds down, also before 1970, so that a finer unit never moves an event into the future.
int64_t Scale(TimestampUnit unit, int64_t value, bool* overflow) {
  int64_t scaled = value;
  switch (unit) {
    case TimestampUnit::kSeconds:
      *overflow = __builtin_mul_overflow(value, int64_t{1'000}, &scaled);
      return scaled;
    case TimestampUnit::kMicroseconds:
      return AlignDown(value, 1'000) / 1'000;
    case TimestampUnit::kNanoseconds:
      return AlignDown(value, 1'000'000) / 1'000'000;
    default:
      return scaled;
  }
}

double MillisecondsPer(TimestampUnit unit) {
  switch (unit) {
    case TimestampUnit::kSeconds:
      return 1e3;
    case TimestampUnit::kMicroseconds:
      return 1e-3;
    case TimestampUnit::kNanoseconds:
      return 1e-6;
    default:
      return 1;
  }
}

TimeProblem FromText(std::string_view text, int64_t* time_ms) {
  const Result<int64_t> parsed = ParseRfc3339Ms(text);
  return parsed.ok() ? InRange(*parsed, time_ms) : TimeProblem::kWrongType;
}

}  // namespace

TimeProblem ToEventTimeMs(TimestampUnit unit, const Datum& value, int64_t* time_ms) {
  if (value.kind() == Datum::Kind::kString && unit == TimestampUnit::kRfc3339) {
    return FromText(value.as_string(), time_ms);
  }
  if (unit == TimestampUnit::kRfc3339) return TimeProblem::kWrongType;
  if (value.kind() == Datum::Kind::kInt) {
    bool overflow = false;
    const int64_t scaled = Scale(unit, value.as_int(), &overflow);
    return overflow ? TimeProblem::kOutOfRange : InRange(scaled, time_ms);
  }
  if (value.kind() == Datum::Kind::kDouble) {
    const double scaled = std::round(value.as_double() * MillisecondsPer(unit));
    // The bounds are far inside of what a double holds exactly.
    if (!(scaled >= static_cast<double>(limits::kEventTimeMsMin) &&
          scaled <= static_cast<double>(limits::kEventTimeMsMax))) {
      return TimeProblem::kOutOfRange;
    }
    return InRange(static_cast<int64_t>(scaled), time_ms);
  }
  return TimeProblem::kWrongType;
}

}  // namespace freshet::registry
