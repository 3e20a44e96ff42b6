#include "base/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <date/date.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"

namespace freshet {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};
// Longest first, so that formatting finds the largest unit that divides.
constexpr std::array<Unit, 6> kUnits = {{{"w", 604'800'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};

Status BadDuration(std::string_view text) {
  return Status::InvalidArgument(fmt::format(
      "'{}' is not a duration; write a whole number above 0 and a unit (ms, s, m, h, d, w), as "
      "in 90s or 7d",
      text));
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Reads exactly `count` digits from the front of `text`.
bool TakeDigits(std::string_view* text, size_t count, int* value) {
  if (text->size() < count || !std::all_of(text->begin(), text->begin() + count, IsDigit))
    return false;
  std::from_chars(text->data(), text->data() + count, *value);
  text->remove_prefix(count);
  return true;
}

bool TakeOne(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

// ".123456" as milliseconds; finer digits are cut off.
bool TakeFraction(std::string_view* text, int64_t* fraction_ms) {
  *fraction_ms = 0;
  if (text->empty() || text->front() != '.') return true;
  text->remove_prefix(1);
  size_t digits = 0;
  int64_t scale = 100;
  for (; digits < text->size() && IsDigit((*text)[digits]); ++digits, scale /= 10) {
    *fraction_ms += scale * ((*text)[digits] - '0');
  }
  text->remove_prefix(digits);
  return digits > 0;
}

bool TakeZone(std::string_view* text, int64_t* offset_ms) {
  *offset_ms = 0;
  if (TakeOne(text, "Zz")) return true;
  if (text->empty()) return false;
  int64_t sign = text->front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!TakeOne(text, "+-") || !TakeDigits(text, 2, &hours) || !TakeOne(text, ":") ||
      !TakeDigits(text, 2, &minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  *offset_ms = sign * (hours * 3'600'000LL + minutes * 60'000LL);
  return true;
}

bool TakeDate(std::string_view* text, date::year_month_day* day) {
  int year = 0;
  int month = 0;
  int day_of_month = 0;
  if (!TakeDigits(text, 4, &year) || !TakeOne(text, "-") || !TakeDigits(text, 2, &month) ||
      !TakeOne(text, "-") || !TakeDigits(text, 2, &day_of_month)) {
    return false;
  }
  *day = date::year{year} / month / day_of_month;
  return day->ok();
}

bool TakeTimeOfDay(std::string_view* text, int64_t* time_ms) {
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  int64_t fraction_ms = 0;
  if (!TakeDigits(text, 2, &hours) || !TakeOne(text, ":") || !TakeDigits(text, 2, &minutes) ||
      !TakeOne(text, ":") || !TakeDigits(text, 2, &seconds) || !TakeFraction(text, &fraction_ms)) {
    return false;
  }
  // A leap second (60) is the first instant of the next minute, as POSIX time has it.
  if (hours > 23 || minutes > 59 || seconds > 60) return false;
  *time_ms = hours * 3'600'000LL + minutes * 60'000LL + seconds * 1'000LL + fraction_ms;
  return true;
}

}  // namespace

int64_t AlignDown(int64_t time_ms, int64_t step_ms) {
  FRESHET_CHECK(step_ms > 0);
  int64_t remainder = time_ms % step_ms;
  if (remainder == 0) return time_ms;
  int64_t truncated = time_ms - remainder;
  if (remainder > 0) return truncated;
  return truncated < INT64_MIN + step_ms ? truncated : truncated - step_ms;
}

Result<int64_t> ParseDurationMs(std::string_view text) {
  std::string_view rest = text;
  int64_t total_ms = 0;
  while (!rest.empty()) {
    int64_t count = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc() || !IsDigit(rest.front())) return BadDuration(text);
    rest.remove_prefix(end - rest.data());
    size_t unit_size = std::min(rest.find_first_of("0123456789"), rest.size());
    const Unit* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& known) {
      return known.name == rest.substr(0, unit_size);
    });
    int64_t part_ms = 0;
    if (unit == kUnits.end() || __builtin_mul_overflow(count, unit->ms, &part_ms) ||
        __builtin_add_overflow(total_ms, part_ms, &total_ms)) {
      return BadDuration(text);
    }
    rest.remove_prefix(unit_size);
  }
  if (total_ms <= 0) return BadDuration(text);
  return total_ms;
}

std::string FormatDurationMs(int64_t duration_ms) {
  for (const Unit& unit : kUnits) {
    // Weeks are read but not written: 7d and 14d are what people expect to see.
    if (unit.name != "w" && duration_ms % unit.ms == 0)
      return fmt::format("{}{}", duration_ms / unit.ms, unit.name);
  }
  return fmt::format("{}ms", duration_ms);
}

Result<int64_t> ParseRfc3339Ms(std::string_view text) {
  std::string_view rest = text;
  date::year_month_day day;
  int64_t time_of_day_ms = 0;
  int64_t zone_offset_ms = 0;
  if (!TakeDate(&rest, &day) || !TakeOne(&rest, "Tt ") || !TakeTimeOfDay(&rest, &time_of_day_ms) ||
      !TakeZone(&rest, &zone_offset_ms) || !rest.empty()) {
    return Status::InvalidArgument(
        fmt::format("'{}' is not an RFC 3339 time; write it as in 2026-01-31T23:59:59.123Z or "
                    "2026-01-31T23:59:59+05:30",
                    text));
  }
  int64_t days = date::sys_days(day).time_since_epoch().count();
  int64_t time_ms = days * 86'400'000 + time_of_day_ms - zone_offset_ms;
  if (time_ms < limits::kEventTimeMsMin || time_ms > limits::kEventTimeMsMax) {
    return Status::InvalidArgument(fmt::format("'{}' is outside the years 0001 to 9999", text));
  }
  return time_ms;
}

std::string FormatRfc3339Ms(int64_t time_ms) {
  if (time_ms < limits::kEventTimeMsMin || time_ms > limits::kEventTimeMsMax)
    return fmt::format("{}ms", time_ms);
  int64_t day_ms = AlignDown(time_ms, 86'400'000);
  date::year_month_day day{date::sys_days(date::days(day_ms / 86'400'000))};
  int64_t rest_ms = time_ms - day_ms;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     rest_ms / 3'600'000, rest_ms / 60'000 % 60, rest_ms / 1'000 % 60,
                     rest_ms % 1'000);
}

}  // namespace freshet
