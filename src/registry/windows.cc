#include "registry/windows.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "timeline/timeline.h"

namespace freshet::registry {
namespace {

using timeline::CalendarUnit;
using timeline::Window;
using timeline::WindowKind;

struct CalendarWord {
  std::string_view word;
  CalendarUnit unit;
  uint32_t periods_back;
};
constexpr CalendarWord kCalendarWords[] = {
    {"this_hour", CalendarUnit::kHour, 0},   {"last_hour", CalendarUnit::kHour, 1},
    {"today", CalendarUnit::kDay, 0},        {"yesterday", CalendarUnit::kDay, 1},
    {"this_week", CalendarUnit::kWeek, 0},   {"last_week", CalendarUnit::kWeek, 1},
    {"this_month", CalendarUnit::kMonth, 0}, {"last_month", CalendarUnit::kMonth, 1},
    {"this_year", CalendarUnit::kYear, 0},   {"last_year", CalendarUnit::kYear, 1},
};

std::vector<std::string> CalendarWords() {
  std::vector<std::string> words;
  for (const CalendarWord& each : kCalendarWords) words.emplace_back(each.word);
  return words;
}

std::shared_ptr<const timeline::Calendar> CalendarOf(const WindowRule& rule, CalendarUnit unit) {
  timeline::Calendar::Options options = rule.calendar;
  options.unit = unit;
  if (unit != CalendarUnit::kWeek) options.week_starts = timeline::Weekday::kMonday;
  return *timeline::Calendar::Create(options);
}

// False, and reported, when it is not a length.
bool ReadLength(const yaml::Node& node, std::string_view what, WrittenWindow* written) {
  std::optional<int64_t> window_ms = node.AsDurationMs(what);
  if (!window_ms.has_value()) return false;
  written->window.window_ms = *window_ms;
  written->name = *node.AsString(what);
  if (*window_ms >= limits::kWindowMsMin && *window_ms <= limits::kWindowMsMax) return true;
  node.Report(fmt::format("a window of {} is not allowed; allowed are {} to {}", written->name,
                          FormatDurationMs(limits::kWindowMsMin),
                          FormatDurationMs(limits::kWindowMsMax)));
  return false;
}

bool ReadCalendarWord(const yaml::Node& node, const WindowRule& rule, WrittenWindow* written) {
  std::optional<std::string> word = node.AsString("window");
  if (!word.has_value()) return false;
  for (const CalendarWord& each : kCalendarWords) {
    if (each.word != *word) continue;
    written->name = *word;
    written->window.kind = WindowKind::kCalendar;
    written->window.periods_back = each.periods_back;
    written->window.calendar = CalendarOf(rule, each.unit);
    return true;
  }
  node.Report(fmt::format("'{}' is no window: neither a duration nor a part of the calendar{}",
                          *word, Suggestion(*word, CalendarWords())));
  return false;
}

bool IsWord(const yaml::Node& node) {
  std::optional<std::string> text = node.AsString("window");
  return text.has_value() && !text->empty() && (*text)[0] >= 'a' && (*text)[0] <= 'z';
}

// A duration, or a word for a part of the calendar.
bool ReadLengthOrWord(const yaml::Node& node, const WindowRule& rule, WrittenWindow* written) {
  if (node.is_scalar() && IsWord(node)) return ReadCalendarWord(node, rule, written);
  return ReadLength(node, "window", written);
}

bool ReadTumbling(yaml::MapReader& reader, WrittenWindow* written) {
  written->node = *reader.Required("tumbling");
  written->window.kind = WindowKind::kTumbling;
  std::optional<yaml::Node> previous = reader.Optional("previous");
  const bool is_right = ReadLength(written->node, "tumbling", written);
  const bool is_previous = previous.has_value() && previous->AsBool("previous").value_or(false);
  written->window.periods_back = is_previous ? 1 : 0;
  written->name = (is_previous ? "previous_" : "tumbling_") + written->name;
  return is_right;
}

bool ReadSession(yaml::MapReader& reader, WrittenWindow* written) {
  written->node = *reader.Required("session");
  written->window.kind = WindowKind::kSession;
  bool is_right = ReadLength(written->node, "session", written);
  written->name = "session_" + written->name;
  std::optional<yaml::Node> longest = reader.Optional("longest");
  timeline::Window& window = written->window;
  window.longest_ms = std::max(limits::kLongestSessionMsDefault, window.window_ms);
  if (!longest.has_value()) return is_right;
  std::optional<int64_t> longest_ms = longest->AsDurationMs("longest");
  if (!longest_ms.has_value()) return false;
  window.longest_ms = *longest_ms;
  if (*longest_ms >= window.window_ms && *longest_ms <= limits::kWindowMsMax) return is_right;
  longest->Report(fmt::format("longest is {}; allowed are {}, the session's gap, to {}",
                              FormatDurationMs(*longest_ms), FormatDurationMs(window.window_ms),
                              FormatDurationMs(limits::kWindowMsMax)));
  return false;
}

bool ReadLastEvents(yaml::MapReader& reader, WrittenWindow* written) {
  written->node = *reader.Required("last");
  written->window.kind = WindowKind::kLastEvents;
  std::optional<int64_t> events = written->node.AsInt("last");
  if (!events.has_value()) return false;
  written->name = fmt::format("last_{}", *events);
  written->window.events = static_cast<uint32_t>(*events);
  if (*events >= 1 && *events <= int64_t{limits::kLastEventsMax}) return true;
  written->node.Report(
      fmt::format("a window of the last {} events is not allowed; allowed are 1 to {}", *events,
                  limits::kLastEventsMax));
  return false;
}

bool ReadOffset(const yaml::Node& node, WrittenWindow* written) {
  std::optional<int64_t> offset_ms = node.AsDurationMs("offset");
  if (!offset_ms.has_value()) return false;
  written->window.offset_ms = *offset_ms;
  written->name += fmt::format("_{}_ago", *node.AsString("offset"));
  if (*offset_ms >= limits::kWindowMsMin && *offset_ms <= limits::kWindowMsMax) return true;
  node.Report(fmt::format("an offset of {} is not allowed; allowed are {} to {}",
                          *node.AsString("offset"), FormatDurationMs(limits::kWindowMsMin),
                          FormatDurationMs(limits::kWindowMsMax)));
  return false;
}

bool ReadWindowMap(const yaml::Node& node, const WindowRule& rule, WrittenWindow* written) {
  yaml::MapReader reader(node, "window");
  bool is_right = false;
  if (reader.Has("tumbling")) {
    is_right = ReadTumbling(reader, written);
  } else if (reader.Has("session")) {
    is_right = ReadSession(reader, written);
  } else if (reader.Has("last")) {
    is_right = ReadLastEvents(reader, written);
  } else {
    written->hop_node = reader.Optional("hop");
    if (auto window = reader.Required("window")) {
      written->node = *window;
      is_right = ReadLengthOrWord(*window, rule, written);
    }
  }
  std::optional<yaml::Node> offset = reader.Optional("offset");
  if (offset.has_value() && written->window.kind == WindowKind::kLastEvents) {
    offset->Report("a window of the last events has no offset");
    is_right = false;
  }
  if (offset.has_value() && is_right) is_right = ReadOffset(*offset, written);
  if (written->hop_node.has_value()) written->hop_ms = written->hop_node->AsDurationMs("hop");
  if (written->hop_node.has_value() && !written->is_sliding())
    written->hop_node->Report("a window that follows the calendar has no hop");
  reader.Done();
  return is_right;
}

std::optional<WrittenWindow> ReadWindow(const yaml::Node& node, const WindowRule& rule) {
  WrittenWindow written{node};
  const bool is_right =
      node.is_map() ? ReadWindowMap(node, rule, &written) : ReadLengthOrWord(node, rule, &written);
  if (!is_right) return std::nullopt;
  return written;
}

timeline::Weekday ReadWeekday(const yaml::Node& node, std::string_view name) {
  std::vector<std::string> names;
  for (int day = 0; day < 7; ++day) {
    const auto weekday = static_cast<timeline::Weekday>(day);
    if (timeline::WeekdayName(weekday) == name) return weekday;
    names.emplace_back(timeline::WeekdayName(weekday));
  }
  node.Report(fmt::format("'{}' is no day of the week{}", name, Suggestion(name, names)));
  return timeline::Weekday::kMonday;
}

}  // namespace

WindowRule ReadWindowRule(yaml::MapReader& reader) {
  WindowRule rule;
  if (auto exact = reader.Optional("exact")) rule.exact = exact->AsBool("exact").value_or(false);
  rule.hop_node = reader.Optional("hop");
  if (rule.hop_node.has_value()) rule.hop_ms = rule.hop_node->AsDurationMs("hop");
  rule.time_zone_node = reader.Optional("time_zone");
  if (rule.time_zone_node.has_value()) {
    rule.calendar.time_zone = rule.time_zone_node->AsString("time_zone").value_or("UTC");
    auto calendar = timeline::Calendar::Create(rule.calendar);
    if (!calendar.ok()) {
      rule.time_zone_node->Report(std::string(calendar.status().message()));
      rule.calendar.time_zone = "UTC";
    }
  }
  rule.week_starts_node = reader.Optional("week_starts");
  if (rule.week_starts_node.has_value()) {
    if (auto day = rule.week_starts_node->AsString("week_starts"))
      rule.calendar.week_starts = ReadWeekday(*rule.week_starts_node, *day);
  }
  return rule;
}

std::vector<WrittenWindow> ReadWindows(const yaml::Node& list, const std::optional<yaml::Node>& hop,
                                       const WindowRule& rule) {
  std::vector<WrittenWindow> windows;
  std::vector<yaml::Node> items = list.AsList("windows");
  if (list.is_list() && items.empty())
    list.Report("the list of windows is empty; remove it for a value over the entity's lifetime");
  if (items.size() > limits::kWindowsMax) {
    list.Report(
        fmt::format("{} windows; at most {} are allowed", items.size(), limits::kWindowsMax));
    items.resize(limits::kWindowsMax);
  }
  std::optional<int64_t> hop_ms = hop.has_value() ? hop->AsDurationMs("hop") : std::nullopt;
  for (const yaml::Node& item : items) {
    std::optional<WrittenWindow> window = ReadWindow(item, rule);
    if (!window.has_value()) continue;
    if (window->is_sliding() && !window->hop_node.has_value()) {
      window->hop_node = hop;
      window->hop_ms = hop_ms;
    }
    auto same = std::find_if(windows.begin(), windows.end(), [&](const WrittenWindow& other) {
      return other.window == window->window;
    });
    if (same == windows.end()) {
      windows.push_back(std::move(*window));
    } else if (same->name == window->name) {
      window->node.Report(fmt::format("the window {} is listed twice", window->name));
    } else {
      window->node.Report(
          fmt::format("the windows {} and {} are the same", same->name, window->name));
    }
  }
  if (hop.has_value() && !windows.empty() &&
      std::none_of(windows.begin(), windows.end(), [](const auto& w) { return w.is_sliding(); }))
    hop->Report("no window of this aggregation slides in hops");
  std::stable_sort(windows.begin(), windows.end(),
                   [](const WrittenWindow& a, const WrittenWindow& b) {
                     return timeline::IsBefore(a.window, b.window);
                   });
  return windows;
}

}  // namespace freshet::registry
