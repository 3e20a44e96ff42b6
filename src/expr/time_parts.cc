#include "expr/time_parts.h"

#include <string>

#include <absl/time/civil_time.h>

#include "base/limits.h"

namespace freshet::expr {
namespace {

bool IsDigit(char byte) {
  return byte >= '0' && byte <= '9';
}

// "+HH:MM" or "-HH:MM", as CEL has it.
std::optional<int> FixedOffsetSeconds(std::string_view name) {
  if (name.size() != 6 || (name[0] != '+' && name[0] != '-') || name[3] != ':') return std::nullopt;
  for (const size_t digit : {1, 2, 4, 5}) {
    if (!IsDigit(name[digit])) return std::nullopt;
  }
  const auto number = [&](size_t at) { return (name[at] - '0') * 10 + (name[at + 1] - '0'); };
  if (number(1) > 23 || number(4) > 59) return std::nullopt;
  const int seconds = number(1) * 3'600 + number(4) * 60;
  return name[0] == '-' ? -seconds : seconds;
}

int64_t DayOfWeek(absl::CivilDay day) {
  // Abseil's week begins with Monday.
  return (static_cast<int64_t>(absl::GetWeekday(day)) + 1) % 7;
}

}  // namespace

std::optional<absl::TimeZone> FindTimeZone(std::string_view name) {
  if (const std::optional<int> seconds = FixedOffsetSeconds(name))
    return absl::FixedTimeZone(*seconds);
  absl::TimeZone zone;
  if (name.empty() || !absl::LoadTimeZone(std::string(name), &zone)) return std::nullopt;
  return zone;
}

std::optional<int64_t> TimePartOf(TimePart part, int64_t time_ms, const absl::TimeZone& zone) {
  if (time_ms < limits::kEventTimeMsMin || time_ms > limits::kEventTimeMsMax) return std::nullopt;
  const absl::TimeZone::CivilInfo info = zone.At(absl::FromUnixMillis(time_ms));
  const absl::CivilSecond local = info.cs;
  switch (part) {
    case TimePart::kFullYear:
      return local.year();
    case TimePart::kMonth:
      return local.month() - 1;
    case TimePart::kDate:
      return local.day();
    case TimePart::kDayOfMonth:
      return local.day() - 1;
    case TimePart::kDayOfWeek:
      return DayOfWeek(absl::CivilDay(local));
    case TimePart::kDayOfYear:
      return absl::GetYearDay(absl::CivilDay(local)) - 1;
    case TimePart::kHours:
      return local.hour();
    case TimePart::kMinutes:
      return local.minute();
    case TimePart::kSeconds:
      return local.second();
    case TimePart::kMilliseconds:
      return absl::ToInt64Milliseconds(info.subsecond);
  }
  return std::nullopt;
}

}  // namespace freshet::expr
