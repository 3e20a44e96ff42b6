// Parts of a moment in the local time of a zone, numbered as CEL numbers them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <absl/time/time.h>

namespace freshet::expr {

// In the order of the functions of syntax.h.
enum class TimePart : uint8_t {
  kFullYear,
  kMonth,       // 0 to 11
  kDate,        // of the month, from 1
  kDayOfMonth,  // from 0
  kDayOfWeek,   // 0, which is Sunday, to 6
  kDayOfYear,   // from 0
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
};

// A zone of the system's database, or a fixed distance such as "+05:30". Nothing for another name.
std::optional<absl::TimeZone> FindTimeZone(std::string_view name);

// Nothing for a moment outside of the years 1 to 9999.
std::optional<int64_t> TimePartOf(TimePart part, int64_t time_ms, const absl::TimeZone& zone);

}  // namespace freshet::expr
