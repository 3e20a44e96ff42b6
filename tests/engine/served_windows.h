// Windows of every kind as plain data, as definitions write them, and what each holds by docs/aggregations.md alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/served_random.h"

namespace freshet::served {

enum class WindowKind : uint8_t { kSliding, kTumbling, kCalendar, kSession, kLast };

struct Window {
  std::string name;  // as features are named by it
  std::string yaml;  // what says so, without the offset
  WindowKind kind = WindowKind::kSliding;
  int64_t length_ms = 0;     // of a session: the gap
  int64_t hop_ms = 0;        // of a sliding one
  bool is_previous = false;  // the whole period before that of the read
  std::string word;          // of the calendar: hour, day, week, month or year
  int64_t longest_ms = 0;    // of a session
  int64_t events = 0;        // of the last ones
  int64_t offset_ms = 0;     // it is as it was so long ago
};

// What the windows of one view have in common.
struct WindowRules {
  bool is_exact = false;
  int64_t head_hop_ms = 0;
  std::string time_zone = "UTC";
  int week_starts = 0;  // days after Monday
};

// Different ones, sliding ones first, and the head hop that comes of them.
std::vector<Window> RandomWindows(Random& random, WindowRules* rules);
std::string YamlOf(const Window& window);
// Lines of a view with such windows.
std::string YamlOf(const WindowRules& rules, const std::vector<Window>& windows);

// The newest beginning at or before t of a period of the local calendar.
int64_t BeginMs(const std::string& word, const WindowRules& rules, int64_t t);

inline int64_t AlignDown(int64_t t, int64_t hop_ms) {
  return t - (t % hop_ms + hop_ms) % hop_ms;
}

// Of times in the order of events, those of a whole view and entity, which the window holds.
struct Held {
  size_t begin = 0;
  size_t end = 0;
  bool fails = false;       // a session that has gone on for too long
  bool is_promised = true;  // false: it may as well fail
};
// Of all events that count at p, those are the first so many.
size_t SeenAt(const WindowRules& rules, const std::vector<int64_t>& times_ms, int64_t p);
Held HeldBy(const Window& window, const WindowRules& rules, const std::vector<int64_t>& times_ms,
            int64_t now_ms);

}  // namespace freshet::served
