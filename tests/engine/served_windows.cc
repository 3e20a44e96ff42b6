#include "engine/served_windows.h"

#include <algorithm>
#include <numeric>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/format.h>

namespace freshet::served {
namespace {

const std::vector<std::string> kWeekdays = {"monday", "tuesday",  "wednesday", "thursday",
                                            "friday", "saturday", "sunday"};
constexpr int64_t kQuarterHourMs = 900'000;
constexpr int64_t kHeldBeyondLast = 64;

// Each with the hop that it has when none is written, and one that may be.
struct KnownWindow {
  const char* name;
  int64_t length_ms;
  int64_t hop_ms;
  int64_t coarser_hop_ms;
};
constexpr KnownWindow kSlidingWindows[] = {
    {"5s", 5'000, 50, 1'000},
    {"1m", 60'000, 1'000, 20'000},
    {"10m", 600'000, 10'000, 60'000},
    {"1h", 3'600'000, 60'000, 600'000},
    {"6h", 21'600'000, 300'000, 3'600'000},
    {"1d", 86'400'000, 1'200'000, 7'200'000},
};

struct KnownSession {
  const char* gap;
  int64_t gap_ms;
  int64_t longest_ms;
};
constexpr int64_t kDayMs = 86'400'000;
constexpr KnownSession kSessions[] = {
    {"20s", 20'000, 3'600'000},     {"90s", 90'000, 10'800'000},  {"10m", 600'000, kDayMs},
    {"30m", 1'800'000, 7 * kDayMs}, {"2h", 7'200'000, 7'200'000},
};

struct KnownWord {
  const char* name;
  const char* word;
  bool is_previous;
};
constexpr KnownWord kWords[] = {
    {"this_hour", "hour", false},   {"last_hour", "hour", true},   {"today", "day", false},
    {"yesterday", "day", true},     {"this_week", "week", false},  {"last_week", "week", true},
    {"this_month", "month", false}, {"last_month", "month", true}, {"this_year", "year", false},
};

template <typename T, size_t kCount>
const T& OneOf(Random& random, const T (&choices)[kCount]) {
  return choices[random.Pick(0, kCount - 1)];
}

// The hop of each divides the next one's.
std::vector<Window> RandomSlidingWindows(Random& random, bool says_hops) {
  while (true) {
    std::vector<Window> windows;
    bool divides = true;
    const auto first = static_cast<size_t>(random.Pick(0, 3));
    for (size_t i = first; i < std::min(first + 3, std::size(kSlidingWindows)); ++i) {
      if (i > first && random.Once(3)) continue;
      const KnownWindow& known = kSlidingWindows[i];
      const bool says_hop = says_hops && random.Once(3);
      Window window{.name = known.name,
                    .yaml = fmt::format("window: {}", known.name),
                    .length_ms = known.length_ms,
                    .hop_ms = says_hop ? known.coarser_hop_ms : known.hop_ms};
      if (says_hop) window.yaml += fmt::format(", hop: {}ms", window.hop_ms);
      divides = divides && (windows.empty() || window.hop_ms % windows.back().hop_ms == 0);
      windows.push_back(window);
    }
    if (divides) return windows;
  }
}

// Of another kind, or one of those that slide as it was some time ago.
Window RandomOtherWindow(Random& random, const std::vector<Window>& sliding) {
  switch (random.Pick(0, 4)) {
    case 0:
      return random.OneOf(sliding);
    case 1: {
      const auto minutes = random.OneOf<int64_t>({10, 60, 90, 1'440});
      const bool is_previous = random.Once(2);
      return {.name = fmt::format("{}_{}m", is_previous ? "previous" : "tumbling", minutes),
              .yaml = fmt::format("tumbling: {}m, previous: {}", minutes, is_previous),
              .kind = WindowKind::kTumbling,
              .length_ms = minutes * 60'000,
              .is_previous = is_previous};
    }
    case 2: {
      const KnownWord& known = OneOf(random, kWords);
      return {.name = known.name,
              .yaml = fmt::format("window: {}", known.name),
              .kind = WindowKind::kCalendar,
              .is_previous = known.is_previous,
              .word = known.word};
    }
    case 3: {
      const KnownSession& known = OneOf(random, kSessions);
      Window window{.name = fmt::format("session_{}", known.gap),
                    .yaml = fmt::format("session: {}", known.gap),
                    .kind = WindowKind::kSession,
                    .length_ms = known.gap_ms,
                    .longest_ms = known.longest_ms};
      if (known.longest_ms != kDayMs || random.Once(2))
        window.yaml += fmt::format(", longest: {}ms", known.longest_ms);
      return window;
    }
    default: {
      const auto events = random.OneOf<int64_t>({1, 3, 10, 200});
      return {.name = fmt::format("last_{}", events),
              .yaml = fmt::format("last: {}", events),
              .kind = WindowKind::kLast,
              .events = events};
    }
  }
}

bool HasName(const std::vector<Window>& windows, const std::string& name) {
  return std::any_of(windows.begin(), windows.end(),
                     [&](const Window& window) { return window.name == name; });
}

void AddOffset(Random& random, int64_t head_hop_ms, Window* window) {
  window->offset_ms = std::max<int64_t>(1'000, head_hop_ms * random.Pick(1, 300)) +
                      random.OneOf<int64_t>({0, 0, 1, 777});
  window->name += fmt::format("_{}ms_ago", window->offset_ms);
}

// Civil times of one unit, as absl calls them.
template <typename Civil>
absl::CivilSecond BeginOf(const absl::CivilSecond& local) {
  return absl::CivilSecond(Civil(local));
}

absl::CivilSecond LocalBegin(const std::string& word, int week_starts,
                             const absl::CivilSecond& local) {
  if (word == "hour") return BeginOf<absl::CivilHour>(local);
  if (word == "day") return BeginOf<absl::CivilDay>(local);
  if (word == "month") return BeginOf<absl::CivilMonth>(local);
  if (word == "year") return BeginOf<absl::CivilYear>(local);
  const absl::CivilDay day(local);
  const int days_in = (static_cast<int>(absl::GetWeekday(day)) - week_starts + 7) % 7;
  return absl::CivilSecond(day - days_in);
}

// From the newest event that counts, as long as neighbours are not too far from each other.
Held OfSession(const Window& window, const std::vector<int64_t>& times_ms, size_t seen, int64_t p) {
  Held held{seen, seen};
  int64_t later_ms = p;
  while (held.begin > 0 && later_ms - times_ms[held.begin - 1] <= window.length_ms)
    later_ms = times_ms[--held.begin];
  held.fails = held.begin < seen && times_ms[held.begin] < p - window.longest_ms;
  return held;
}

Held Between(const std::vector<int64_t>& times_ms, int64_t begin_ms, size_t end) {
  const auto begin = std::lower_bound(times_ms.begin(), times_ms.end(), begin_ms);
  return {std::min(end, static_cast<size_t>(begin - times_ms.begin())), end};
}

}  // namespace

std::vector<Window> RandomWindows(Random& random, WindowRules* rules) {
  std::vector<Window> windows = RandomSlidingWindows(random, !rules->is_exact);
  rules->head_hop_ms = rules->is_exact ? 1'000 : windows[0].hop_ms;
  rules->time_zone = random.OneOf<std::string>(
      {"UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Berlin"});
  rules->week_starts = static_cast<int>(random.Pick(0, 6));
  // Hundredths of a second would make too many cells of what reaches far back.
  if (rules->head_hop_ms < 1'000) return windows;
  const std::vector<Window> sliding = windows;
  for (int64_t tries = random.Pick(0, 6); tries > 0; --tries) {
    Window window = RandomOtherWindow(random, sliding);
    const bool moves =
        window.kind == WindowKind::kSliding || (window.kind != WindowKind::kLast && random.Once(3));
    if (moves) AddOffset(random, rules->head_hop_ms, &window);
    if (HasName(windows, window.name)) continue;
    if (window.kind == WindowKind::kSession && window.length_ms < rules->head_hop_ms) continue;
    if (window.kind == WindowKind::kTumbling)
      rules->head_hop_ms = std::gcd(rules->head_hop_ms, window.length_ms);
    if (window.kind == WindowKind::kCalendar)
      rules->head_hop_ms = std::gcd(rules->head_hop_ms, kQuarterHourMs);
    windows.push_back(window);
  }
  return windows;
}

std::string YamlOf(const Window& window) {
  std::string yaml = window.yaml;
  if (window.offset_ms > 0) yaml += fmt::format(", offset: {}ms", window.offset_ms);
  return "{" + yaml + "}";
}

std::string YamlOf(const WindowRules& rules, const std::vector<Window>& windows) {
  std::string yaml = rules.is_exact ? "    exact: true\n" : "";
  const auto has = [&](const auto& is_meant) {
    return std::any_of(windows.begin(), windows.end(), is_meant);
  };
  if (has([](const Window& window) { return window.kind == WindowKind::kCalendar; }))
    yaml += fmt::format("    time_zone: {}\n", rules.time_zone);
  if (has([](const Window& window) { return window.word == "week"; }))
    yaml += fmt::format("    week_starts: {}\n", kWeekdays[static_cast<size_t>(rules.week_starts)]);
  return yaml;
}

int64_t BeginMs(const std::string& word, const WindowRules& rules, int64_t t) {
  absl::TimeZone zone;
  absl::LoadTimeZone(rules.time_zone, &zone);
  const absl::CivilSecond local = zone.At(absl::FromUnixMillis(t)).cs;
  const absl::TimeZone::TimeInfo begin = zone.At(LocalBegin(word, rules.week_starts, local));
  // A beginning that is skipped is at the change; of one that comes twice, the first counts.
  const bool is_skipped = begin.kind == absl::TimeZone::TimeInfo::SKIPPED;
  return absl::ToUnixMillis(is_skipped ? begin.trans : begin.pre);
}

size_t SeenAt(const WindowRules& rules, const std::vector<int64_t>& times_ms, int64_t p) {
  return static_cast<size_t>(std::count_if(times_ms.begin(), times_ms.end(), [&](int64_t t) {
    return (rules.is_exact ? t : AlignDown(t, rules.head_hop_ms)) <= p;
  }));
}

Held HeldBy(const Window& window, const WindowRules& rules, const std::vector<int64_t>& times_ms,
            int64_t now_ms) {
  const int64_t p = now_ms - window.offset_ms;
  const size_t seen = SeenAt(rules, times_ms, p);
  if (window.kind == WindowKind::kSession) return OfSession(window, times_ms, seen, p);
  if (window.kind == WindowKind::kLast) {
    Held held{seen - std::min(seen, static_cast<size_t>(window.events)), seen};
    held.is_promised = times_ms.size() - seen <= kHeldBeyondLast;
    return held;
  }
  if (window.kind == WindowKind::kSliding) {
    const int64_t begin_ms = p - window.length_ms;
    return Between(times_ms, rules.is_exact ? begin_ms : AlignDown(begin_ms, window.hop_ms), seen);
  }
  const auto begin_of = [&](int64_t t) {
    return window.kind == WindowKind::kTumbling ? AlignDown(t, window.length_ms)
                                                : BeginMs(window.word, rules, t);
  };
  const int64_t begin_ms = begin_of(p);
  if (!window.is_previous) return Between(times_ms, begin_ms, seen);
  const auto end = std::lower_bound(times_ms.begin(), times_ms.end(), begin_ms);
  return Between(times_ms, begin_of(begin_ms - 1), static_cast<size_t>(end - times_ms.begin()));
}

}  // namespace freshet::served
