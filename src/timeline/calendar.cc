#include "timeline/calendar.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"

namespace freshet::timeline {
namespace {

constexpr int64_t kClockHourMs = 3'600'000;
constexpr int64_t kClockDayMs = 24 * kClockHourMs;
// Clocks have been put forward or back by up to a day: Manila in 1844, Alaska in 1867, Samoa in
// 1892 and 2011.
constexpr int64_t kClockChangeMsMax = kClockDayMs + kClockHourMs;

constexpr int64_t kTimeMsMin = limits::kEventTimeMsMin - 2 * limits::kWindowMsMax;
constexpr int64_t kTimeMsMax = limits::kEventTimeMsMax + 2 * limits::kWindowMsMax;

constexpr size_t kPeriodsKept = 256;
// Calendars of one view stand apart, so that they do not drive each other out.
constexpr uint64_t kPlacesBetween = 37;

// Whether it can be a name of the zone database. Files, offsets and what the machine is set to, which the
// library would take too, would mean other periods on other machines.
bool IsZoneName(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  };
  return !name.empty() && name.front() != '/' && name != "localtime" &&
         std::all_of(name.begin(), name.end(), is_part);
}

absl::Weekday ToAbsl(Weekday day) {
  return static_cast<absl::Weekday>(day);
}
static_assert(static_cast<int>(absl::Weekday::monday) == static_cast<int>(Weekday::kMonday));
static_assert(static_cast<int>(absl::Weekday::sunday) == static_cast<int>(Weekday::kSunday));

class ZoneCalendar : public Calendar {
 public:
  ZoneCalendar(Options options, absl::TimeZone zone) : Calendar(std::move(options)), zone_(zone) {}

  int64_t BeginMs(int64_t time_ms) const override { return PeriodOf(ClampMs(time_ms)).begin_ms; }
  int64_t NextMs(int64_t time_ms) const override { return PeriodOf(ClampMs(time_ms)).next_ms; }

 private:
  struct Period {
    uint64_t calendar = 0;  // its number
    int64_t begin_ms = 0;
    int64_t next_ms = 0;
  };

  // The same few periods are asked for again and again, and to find one costs several looks into the
  // rules of the zone: each thread keeps those that it found last.
  const Period& PeriodOf(int64_t time_ms) const {
    static thread_local std::array<Period, kPeriodsKept> kept;
    const auto place = static_cast<uint64_t>(time_ms / ShortestMs()) + number_ * kPlacesBetween;
    Period& period = kept[place % kPeriodsKept];
    if (period.calendar != number_ || time_ms < period.begin_ms || time_ms >= period.next_ms)
      period = {number_, FirstInstantMs(CivilPeriodOf(time_ms)), FindNextMs(time_ms)};
    return period;
  }

  int64_t FindNextMs(int64_t time_ms) const {
    absl::CivilSecond period = CivilPeriodOf(time_ms);
    int64_t next_ms = time_ms;
    // A day that clocks skip as a whole begins when the one after it does.
    while (next_ms <= time_ms) {
      period = After(period);
      next_ms = FirstInstantMs(period);
    }
    return next_ms;
  }

  static uint64_t NextNumber() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }

  // The last of the periods that have begun.
  absl::CivilSecond CivilPeriodOf(int64_t time_ms) const {
    absl::CivilSecond period = Floor(zone_.At(absl::FromUnixMillis(time_ms)).cs);
    // Where clocks were put back, a later period has begun already.
    for (absl::CivilSecond next = After(period); FirstInstantMs(next) <= time_ms;
         next = After(period))
      period = next;
    return period;
  }

  int64_t FirstInstantMs(absl::CivilSecond period) const {
    const absl::TimeZone::TimeInfo info = zone_.At(period);
    const bool is_skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
    return absl::ToUnixMillis(is_skipped ? info.trans : info.pre);
  }

  absl::CivilSecond Floor(absl::CivilSecond local) const {
    switch (options().unit) {
      case CalendarUnit::kHour:
        return absl::CivilSecond(absl::CivilHour(local));
      case CalendarUnit::kDay:
        return absl::CivilSecond(absl::CivilDay(local));
      case CalendarUnit::kWeek:
        return absl::CivilSecond(
            absl::PrevWeekday(absl::CivilDay(local) + 1, ToAbsl(options().week_starts)));
      case CalendarUnit::kMonth:
        return absl::CivilSecond(absl::CivilMonth(local));
      case CalendarUnit::kYear:
        return absl::CivilSecond(absl::CivilYear(local));
    }
    CheckFailed(__FILE__, __LINE__, "a unit that exists");
  }

  absl::CivilSecond After(absl::CivilSecond period) const {
    switch (options().unit) {
      case CalendarUnit::kHour:
        return absl::CivilSecond(absl::CivilHour(period) + 1);
      case CalendarUnit::kDay:
        return absl::CivilSecond(absl::CivilDay(period) + 1);
      case CalendarUnit::kWeek:
        return absl::CivilSecond(absl::CivilDay(period) + 7);
      case CalendarUnit::kMonth:
        return absl::CivilSecond(absl::CivilMonth(period) + 1);
      case CalendarUnit::kYear:
        return absl::CivilSecond(absl::CivilYear(period) + 1);
    }
    CheckFailed(__FILE__, __LINE__, "a unit that exists");
  }

  const absl::TimeZone zone_;
  const uint64_t number_ = NextNumber();  // of no other calendar of the process
};

}  // namespace

std::string_view CalendarUnitName(CalendarUnit unit) {
  constexpr std::string_view kNames[] = {"hour", "day", "week", "month", "year"};
  return kNames[static_cast<size_t>(unit)];
}

std::string_view WeekdayName(Weekday day) {
  constexpr std::string_view kNames[] = {"monday", "tuesday",  "wednesday", "thursday",
                                         "friday", "saturday", "sunday"};
  return kNames[static_cast<size_t>(day)];
}

Result<std::shared_ptr<const Calendar>> Calendar::Create(Options options) {
  absl::TimeZone zone;
  if (!IsZoneName(options.time_zone) || !absl::LoadTimeZone(options.time_zone, &zone))
    return Status::InvalidArgument(
        fmt::format("no time zone is called '{}'; write one of the zone database, as in "
                    "Europe/Berlin or UTC",
                    options.time_zone));
  return std::shared_ptr<const Calendar>(std::make_shared<ZoneCalendar>(std::move(options), zone));
}

int64_t Calendar::ClampMs(int64_t time_ms) {
  return std::clamp(time_ms, kTimeMsMin, kTimeMsMax);
}

bool Calendar::Contains(const Calendar& other) const {
  if (options_ == other.options_) return true;
  if (options_.time_zone != other.options_.time_zone) return false;
  const CalendarUnit finer = options_.unit;
  const CalendarUnit coarser = other.options_.unit;
  if (finer == CalendarUnit::kHour || finer == CalendarUnit::kDay) return finer <= coarser;
  return finer == CalendarUnit::kMonth && coarser >= finer;
}

int64_t Calendar::ShortestMs() const {
  switch (options_.unit) {
    case CalendarUnit::kHour:
      return kClockHourMs / 2;
    case CalendarUnit::kDay:
      return 22 * kClockHourMs;
    case CalendarUnit::kWeek:
      return 7 * kClockDayMs - kClockChangeMsMax;
    case CalendarUnit::kMonth:
      return 28 * kClockDayMs - kClockChangeMsMax;
    case CalendarUnit::kYear:
      return 365 * kClockDayMs - kClockChangeMsMax;
  }
  return 1;
}

int64_t Calendar::LongestMs() const {
  switch (options_.unit) {
    case CalendarUnit::kHour:
      return kClockHourMs + kClockChangeMsMax;
    case CalendarUnit::kDay:
      return kClockDayMs + kClockChangeMsMax;
    case CalendarUnit::kWeek:
      return 7 * kClockDayMs + kClockChangeMsMax;
    case CalendarUnit::kMonth:
      return 31 * kClockDayMs + kClockChangeMsMax;
    case CalendarUnit::kYear:
      return 366 * kClockDayMs + kClockChangeMsMax;
  }
  return 1;
}

}  // namespace freshet::timeline
