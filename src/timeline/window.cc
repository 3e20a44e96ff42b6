#include "timeline/window.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "timeline/round_duration.h"

namespace freshet::timeline {
namespace {

Calendar::Options OptionsOf(const Window& window) {
  return window.calendar == nullptr ? Calendar::Options() : window.calendar->options();
}

// Everything, in the order that counts.
auto KeyOf(const Window& window, const Calendar::Options& calendar) {
  return std::tuple(window.kind, calendar.unit, window.window_ms, window.offset_ms,
                    window.periods_back, std::string_view(calendar.time_zone), calendar.week_starts,
                    window.hop_ms, window.exact, window.longest_ms, window.events);
}

std::string DescribePeriod(const Window& window) {
  switch (window.kind) {
    case WindowKind::kSliding:
      return FormatDurationMs(window.window_ms);
    case WindowKind::kTumbling:
      return fmt::format("tumbling {}", FormatDurationMs(window.window_ms));
    case WindowKind::kSession:
      return fmt::format("session {}, at most {}", FormatDurationMs(window.window_ms),
                         FormatDurationMs(window.longest_ms));
    case WindowKind::kLastEvents:
      return fmt::format("last {} events", window.events);
    case WindowKind::kCalendar:
      break;
  }
  const Calendar::Options& calendar = window.calendar->options();
  std::string text = fmt::format("{} in {}", CalendarUnitName(calendar.unit), calendar.time_zone);
  if (calendar.unit == CalendarUnit::kWeek)
    text += fmt::format(" from {}", WeekdayName(calendar.week_starts));
  return text;
}

}  // namespace

bool operator==(const Window& a, const Window& b) {
  return KeyOf(a, OptionsOf(a)) == KeyOf(b, OptionsOf(b));
}

bool IsBefore(const Window& a, const Window& b) {
  return KeyOf(a, OptionsOf(a)) < KeyOf(b, OptionsOf(b));
}

std::string Describe(const Window& window) {
  std::string text = DescribePeriod(window);
  if (window.periods_back > 0) text += fmt::format(", {} back", window.periods_back);
  if (window.offset_ms > 0) text += fmt::format(", {} ago", FormatDurationMs(window.offset_ms));
  return text;
}

namespace {

Status CheckLastEvents(const Window& window) {
  if (window.events < 1 || window.events > limits::kLastEventsMax)
    return Status::InvalidArgument(fmt::format("the last {} events: allowed are 1 to {}",
                                               window.events, limits::kLastEventsMax));
  if (window.offset_ms > 0)
    return Status::InvalidArgument("a window of the last events has no offset");
  return Status::Ok();
}

Status CheckSession(const Window& window, int64_t head_hop_ms) {
  if (window.window_ms < head_hop_ms)
    return Status::InvalidArgument(fmt::format("session: its gap of {} is below the head hop, {}",
                                               FormatDurationMs(window.window_ms),
                                               FormatDurationMs(head_hop_ms)));
  if (window.longest_ms < window.window_ms || window.longest_ms > limits::kWindowMsMax)
    return Status::InvalidArgument(
        fmt::format("session: its longest of {} ms: allowed are {} to {} ms", window.longest_ms,
                    window.window_ms, limits::kWindowMsMax));
  return Status::Ok();
}

}  // namespace

Status CheckWindow(const Window& window, int64_t head_hop_ms) {
  if (window.kind == WindowKind::kLastEvents) return CheckLastEvents(window);
  const bool has_length = window.kind != WindowKind::kCalendar;
  if (has_length != (window.calendar == nullptr))
    return Status::InvalidArgument("a window has a calendar if and only if it is of that kind");
  if (has_length && (window.window_ms < 1 || window.window_ms > limits::kWindowMsMax))
    return Status::InvalidArgument(fmt::format("window of {} ms: allowed are 1 to {} ms",
                                               window.window_ms, limits::kWindowMsMax));
  if (window.hop_ms < 1 || (has_length && window.hop_ms > window.window_ms))
    return Status::InvalidArgument(
        fmt::format("window {}: its hop of {} ms must be at least 1 ms and at most the window",
                    Describe(window), window.hop_ms));
  const int64_t cut_ms = window.kind == WindowKind::kTumbling ? window.window_ms : window.hop_ms;
  if (cut_ms % head_hop_ms != 0)
    return Status::InvalidArgument(
        fmt::format("window {}: its hop {} is not a multiple of the head hop, {}", Describe(window),
                    FormatDurationMs(cut_ms), FormatDurationMs(head_hop_ms)));
  if (window.offset_ms < 0 || window.periods_back > limits::kPeriodsBackMax ||
      DepthMs(window) > 2 * limits::kWindowMsMax)
    return Status::InvalidArgument(fmt::format("window {} reaches back too far; allowed are {}",
                                               Describe(window),
                                               FormatDurationMs(2 * limits::kWindowMsMax)));
  const bool has_periods =
      window.kind == WindowKind::kTumbling || window.kind == WindowKind::kCalendar;
  if (!has_periods && window.periods_back > 0)
    return Status::InvalidArgument(
        fmt::format("window {}: it has no periods to go back by", Describe(window)));
  if (window.kind == WindowKind::kSession) return CheckSession(window, head_hop_ms);
  return Status::Ok();
}

namespace {

int64_t SessionCellMs(int64_t gap_ms, int64_t head_hop_ms) {
  const int64_t round_ms = RoundDownMs(gap_ms);
  return round_ms % head_hop_ms == 0 ? round_ms : AlignDown(gap_ms, head_hop_ms);
}

}  // namespace

Grid GridOf(const Window& window, int64_t head_hop_ms) {
  switch (window.kind) {
    case WindowKind::kSliding:
      return {window.hop_ms, nullptr};
    case WindowKind::kTumbling:
      return {window.window_ms, nullptr};
    case WindowKind::kSession:
      return {SessionCellMs(window.window_ms, head_hop_ms), nullptr};
    case WindowKind::kLastEvents:
    case WindowKind::kCalendar:
      break;
  }
  return {head_hop_ms, window.calendar};
}

int64_t DepthMs(const Window& window) {
  switch (window.kind) {
    case WindowKind::kSliding:
      return window.offset_ms + window.window_ms;
    case WindowKind::kTumbling:
      return window.offset_ms + window.periods_back * window.window_ms;
    case WindowKind::kSession:
      return window.offset_ms + window.longest_ms + window.window_ms;
    case WindowKind::kLastEvents:
      return 0;
    case WindowKind::kCalendar:
      break;
  }
  return window.offset_ms + window.periods_back * window.calendar->LongestMs();
}

Frame FrameOf(const Window& window, const Grid& grid, int64_t now_ms) {
  const int64_t head_ms = now_ms - window.offset_ms;
  switch (window.kind) {
    case WindowKind::kSliding: {
      const int64_t begin_ms = head_ms - window.window_ms;
      return {window.exact ? begin_ms : grid.FloorMs(begin_ms), head_ms, window.window_ms};
    }
    case WindowKind::kSession:
      return {head_ms - window.longest_ms, head_ms, 0};
    case WindowKind::kLastEvents:
      return {std::numeric_limits<int64_t>::min(), head_ms, 0};
    case WindowKind::kTumbling:
    case WindowKind::kCalendar:
      break;
  }
  Frame frame = {grid.FloorMs(head_ms), head_ms, window.window_ms};
  for (uint32_t i = 0; i < window.periods_back; ++i) {
    frame.last_ms = frame.begin_ms - 1;
    frame.begin_ms = grid.FloorMs(frame.last_ms);
  }
  if (window.kind == WindowKind::kCalendar)
    frame.length_ms = grid.NextMs(frame.begin_ms) - frame.begin_ms;
  return frame;
}

ReadTimes SameFrameAt(const Window& window, const Grid& grid, int64_t head_hop_ms, int64_t now_ms) {
  const int64_t head_ms = now_ms - window.offset_ms;
  const int64_t cut_ms = window.kind == WindowKind::kSliding ? head_ms - window.window_ms : head_ms;
  ReadTimes same = {now_ms - (cut_ms - grid.FloorMs(cut_ms)),
                    now_ms + (grid.NextMs(cut_ms) - cut_ms)};
  // Its newer end is before the newest cells, and takes in one after the other.
  if (window.offset_ms > 0 && window.periods_back == 0) {
    const int64_t into_hop_ms = head_ms - AlignDown(head_ms, head_hop_ms);
    same.from_ms = std::max(same.from_ms, now_ms - into_hop_ms);
    same.until_ms = std::min(same.until_ms, now_ms - into_hop_ms + head_hop_ms);
  }
  return same;
}

}  // namespace freshet::timeline
