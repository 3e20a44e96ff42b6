// The periods of a calendar - hours, days, weeks, months, years - in the local time of a zone.
//
// A period begins at the first instant whose local time is at or past its beginning: one that a
// change of clocks skips begins at the change, one that is repeated begins the first time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet::timeline {

enum class CalendarUnit : uint8_t { kHour, kDay, kWeek, kMonth, kYear };
// "hour", "day", ...
std::string_view CalendarUnitName(CalendarUnit unit);

enum class Weekday : uint8_t {
  kMonday,
  kTuesday,
  kWednesday,
  kThursday,
  kFriday,
  kSaturday,
  kSunday
};
// "monday", ...
std::string_view WeekdayName(Weekday day);

// Immutable; any thread.
class Calendar {
 public:
  struct Options {
    CalendarUnit unit = CalendarUnit::kDay;
    std::string time_zone = "UTC";  // as the zone database of the system calls it
    Weekday week_starts = Weekday::kMonday;

    friend bool operator==(const Options&, const Options&) = default;
  };
  // InvalidArgument for a zone that the system does not know.
  static Result<std::shared_ptr<const Calendar>> Create(Options options);
  virtual ~Calendar() = default;

  // Calendars end: what is before or after counts as the nearest time that they know.
  static int64_t ClampMs(int64_t time_ms);
  // The newest beginning at or before a time, and the first after it.
  virtual int64_t BeginMs(int64_t time_ms) const = 0;
  virtual int64_t NextMs(int64_t time_ms) const = 0;

  const Options& options() const { return options_; }
  // Whether every beginning of `other` is one of this.
  bool Contains(const Calendar& other) const;
  // The bounds of how long a period is, whatever clocks do.
  int64_t ShortestMs() const;
  int64_t LongestMs() const;

 protected:
  explicit Calendar(Options options) : options_(std::move(options)) {}

 private:
  const Options options_;
};

}  // namespace freshet::timeline
