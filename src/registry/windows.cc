#include "registry/windows.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
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
// Local times differ from UTC by multiples of it.
constexpr int64_t kZoneOffsetsMs = 15 * 60'000;
// The narrowest cells of a view whose windows cut through cells: the same for all such views, so that
// windows can be added.
constexpr int64_t kExactCellMs = limits::kWindowMsMin;
// The head hops of views that have no sliding window.
constexpr int64_t kHourHopMs = 60'000;
constexpr int64_t kDayHopMs = 300'000;

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

// Round to people; each is tried as a proposal.
constexpr std::array<int64_t, 26> kRoundMs = {
    1,       2,       5,       10,        20,        50,        100,       200,       500,
    1'000,   2'000,   5'000,   10'000,    15'000,    20'000,    30'000,    60'000,    120'000,
    300'000, 600'000, 900'000, 1'200'000, 1'800'000, 3'600'000, 7'200'000, 86'400'000};

// The largest round hop at or below `limit_ms` that divides `window_ms` and is a multiple of
// `finer_ms`; nothing when there is none.
std::optional<int64_t> ProposeHop(int64_t window_ms, int64_t limit_ms, int64_t finer_ms) {
  for (auto round = kRoundMs.rbegin(); round != kRoundMs.rend(); ++round) {
    if (*round <= limit_ms && window_ms % *round == 0 && *round % finer_ms == 0) return *round;
  }
  if (finer_ms <= limit_ms && window_ms % finer_ms == 0) return finer_ms;
  return std::nullopt;
}

// One window length of a view and where its hop comes from.
struct Resolved {
  int64_t window_ms = 0;
  int64_t hop_ms = 0;
  yaml::Node node;  // of the hop where one is written, else of the window
  bool is_explicit = false;
};

void AddExplicit(const WrittenWindow& window, Resolved* resolved) {
  if (!window.hop_ms.has_value()) return;
  if (resolved->is_explicit && resolved->hop_ms != *window.hop_ms) {
    window.hop_node->Report(fmt::format(
        "window {} has the hop {} here and {} in line {}; a view has one hop for each window: give "
        "both the same",
        FormatDurationMs(window.window.window_ms), FormatDurationMs(*window.hop_ms),
        FormatDurationMs(resolved->hop_ms), resolved->node.mark().line));
    return;
  }
  if (resolved->is_explicit) return;
  resolved->is_explicit = true;
  resolved->hop_ms = *window.hop_ms;
  resolved->node = *window.hop_node;
}

// False, and reported, when the hop does not fit its window.
bool CheckDivides(const Resolved& each) {
  if (each.hop_ms <= each.window_ms && each.window_ms % each.hop_ms == 0) return true;
  int64_t limit_ms =
      each.hop_ms > each.window_ms ? timeline::DefaultHopMs(each.window_ms) : each.hop_ms;
  int64_t proposed_ms = ProposeHop(each.window_ms, limit_ms, 1).value_or(1);
  each.node.Report(fmt::format("the hop {} does not divide the window {}; {} does",
                               FormatDurationMs(each.hop_ms), FormatDurationMs(each.window_ms),
                               FormatDurationMs(proposed_ms)));
  return false;
}

void CheckChain(const Resolved& finer, const Resolved& coarser) {
  if (coarser.hop_ms % finer.hop_ms == 0) return;
  std::string proposal;
  int64_t limit_ms = std::max(coarser.hop_ms, finer.hop_ms);
  if (auto hop_ms = ProposeHop(coarser.window_ms, limit_ms, finer.hop_ms)) {
    proposal = fmt::format("{{window: {}, hop: {}}}", FormatDurationMs(coarser.window_ms),
                           FormatDurationMs(*hop_ms));
  } else {
    proposal = fmt::format("{{window: {}, hop: {}}}", FormatDurationMs(finer.window_ms),
                           FormatDurationMs(std::gcd(finer.hop_ms, coarser.hop_ms)));
  }
  coarser.node.Report(fmt::format(
      "the hop {} of window {} is not a multiple of the hop {} of window {}; the hop of a shorter "
      "window must divide that of a longer one: {} would do",
      FormatDurationMs(coarser.hop_ms), FormatDurationMs(coarser.window_ms),
      FormatDurationMs(finer.hop_ms), FormatDurationMs(finer.window_ms), proposal));
}

void RefuseHopsBesideExact(const WindowRule& rule,
                           const std::vector<const WrittenWindow*>& windows) {
  constexpr std::string_view kMessage =
      "with 'exact: true' windows end at the millisecond; remove the hop";
  if (rule.hop_node.has_value()) rule.hop_node->Report(std::string(kMessage));
  for (const WrittenWindow* window : windows) {
    if (window->hop_node.has_value()) window->hop_node->Report(std::string(kMessage));
  }
}

int64_t HopOfOtherMs(const Window& window) {
  switch (window.kind) {
    case WindowKind::kTumbling:
    case WindowKind::kSession:
      return timeline::DefaultHopMs(window.window_ms);
    case WindowKind::kLastEvents:
      return limits::kLifetimeHeadHopMs;
    case WindowKind::kCalendar:
      return window.calendar->options().unit == CalendarUnit::kHour ? kHourHopMs : kDayHopMs;
    case WindowKind::kSliding:
      break;
  }
  return kDayHopMs;
}

// Without sliding windows, what is fine enough for the shortest of the others.
int64_t HopOfOthersMs(const std::vector<const WrittenWindow*>& windows) {
  int64_t hop_ms = windows.empty() ? limits::kLifetimeHeadHopMs : kDayHopMs;
  for (const WrittenWindow* written : windows)
    hop_ms = std::min(hop_ms, HopOfOtherMs(written->window));
  return hop_ms;
}

// What divides every place where a window may begin.
int64_t HeadHopMs(const WindowRule& rule, const std::map<int64_t, int64_t>& by_length_ms,
                  const std::vector<const WrittenWindow*>& windows) {
  int64_t head_ms = 0;
  if (rule.exact)
    head_ms = kExactCellMs;
  else if (!by_length_ms.empty())
    head_ms = by_length_ms.begin()->second;
  else
    head_ms =
        windows.empty() ? limits::kLifetimeHeadHopMs : rule.hop_ms.value_or(HopOfOthersMs(windows));
  for (const WrittenWindow* written : windows) {
    if (written->window.kind == WindowKind::kTumbling)
      head_ms = std::gcd(head_ms, written->window.window_ms);
    if (written->window.kind == WindowKind::kCalendar) head_ms = std::gcd(head_ms, kZoneOffsetsMs);
    // Cells must not be wider than a session's gap.
    if (written->window.kind == WindowKind::kSession && head_ms > written->window.window_ms)
      head_ms = std::gcd(head_ms, written->window.window_ms);
  }
  return head_ms;
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

Hops ResolveHops(const WindowRule& rule, const std::vector<const WrittenWindow*>& windows) {
  if (rule.exact) RefuseHopsBesideExact(rule, windows);
  std::map<int64_t, Resolved> by_length;
  for (const WrittenWindow* written : windows) {
    if (!written->is_sliding()) continue;
    const int64_t window_ms = written->window.window_ms;
    Resolved& resolved = by_length[window_ms];
    if (resolved.window_ms == 0) {
      const int64_t default_hop_ms = timeline::DefaultHopMs(window_ms);
      const int64_t hop_ms = rule.exact ? std::max(default_hop_ms, kExactCellMs)
                                        : rule.hop_ms.value_or(default_hop_ms);
      resolved = {window_ms, hop_ms, written->node, false};
    }
    if (!rule.exact) AddExplicit(*written, &resolved);
  }

  Hops hops;
  const Resolved* finer = nullptr;
  for (const auto& [window_ms, resolved] : by_length) {
    hops.by_length_ms[window_ms] = resolved.hop_ms;
    if (rule.exact) continue;  // default hops, which cut no window
    if (!CheckDivides(resolved)) continue;
    if (finer != nullptr) CheckChain(*finer, resolved);
    finer = &resolved;
  }
  hops.head_ms = HeadHopMs(rule, hops.by_length_ms, windows);
  return hops;
}

}  // namespace freshet::registry
