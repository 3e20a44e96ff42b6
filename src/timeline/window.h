// The windows that a timeline answers for.
//
// With H the head hop of the timeline, the events at t of a window read at `now` are, p = now - offset:
//
//   sliding      seen(t)   and   t >= align_down(p - window, hop)
//   exact        seen(t)   and   t >= p - window
//   tumbling     seen(t)   and   t >= align_down(p, window)
//   calendar     seen(t)   and   t >= begin(p), the newest beginning of a period at or before p, where
//                beginnings are rounded down to H
//   session      of those seen, the newest, and back from it while neighbours are at most the gap
//                apart; nothing once p is more than the gap after the newest
//   last events  of those seen, the newest so many; ties in time go by position
//
// where seen(t) is align_down(t, H) <= p, or t <= p in a timeline with an exact head. A tumbling or
// calendar window that is so many periods back holds a whole period instead: the one that began as
// many before that of p. A session is not answered for when its first event is before p - longest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/status.h"

#include "timeline/calendar.h"
#include "timeline/grid.h"

namespace freshet::timeline {

enum class WindowKind : uint8_t { kSliding, kTumbling, kCalendar, kSession, kLastEvents };

struct Window {
  int64_t window_ms = 0;  // its length; a session's gap; 0 for a calendar's and the last events'
  // How finely its older end slides, or how wide the cells of an exact one are at the most; the head
  // hop for the other kinds.
  int64_t hop_ms = 0;
  WindowKind kind = WindowKind::kSliding;
  int64_t offset_ms = 0;
  uint32_t periods_back = 0;
  std::shared_ptr<const Calendar> calendar;
  bool exact = false;      // of a sliding window
  int64_t longest_ms = 0;  // of a session
  uint32_t events = 0;     // of the last events

  friend bool operator==(const Window& a, const Window& b);
};

// The order in which a schema has its windows.
bool IsBefore(const Window& a, const Window& b);

// "1h", "tumbling 1h, 1 back", "day in Europe/Berlin", "1h, 1d ago", "session 30m, at most 1d", "last 10 events":
// for messages.
std::string Describe(const Window& window);

Status CheckWindow(const Window& window, int64_t head_hop_ms);

// Whether what is inside hangs on the events and not on the moment alone.
inline bool FollowsEvents(const Window& window) {
  return window.kind == WindowKind::kSession || window.kind == WindowKind::kLastEvents;
}

// Where cells may be cut as far back as the window reaches. A session's cells are no wider than its
// gap, so that none holds events of two sessions.
Grid GridOf(const Window& window, int64_t head_hop_ms);
// No older end is before GridOf(...).FloorMs(now - DepthMs(...)), but for the last events.
int64_t DepthMs(const Window& window);

// Moments of reading, but for the last.
struct ReadTimes {
  int64_t from_ms = 0;
  int64_t until_ms = 0;

  bool Contains(int64_t now_ms) const { return from_ms <= now_ms && now_ms < until_ms; }
};

// What is inside of a window at some moment: the cells that start in [begin_ms, last_ms]. Of a
// window that follows events, the most that can be.
struct Frame {
  int64_t begin_ms = 0;
  int64_t last_ms = 0;
  int64_t length_ms = 0;  // of the window as it is then
};
Frame FrameOf(const Window& window, const Grid& grid, int64_t now_ms);
// The moments around `now_ms` at which the window holds the same whole cells of those that start at or before all of them. Not of
// windows that are exact or follow events.
ReadTimes SameFrameAt(const Window& window, const Grid& grid, int64_t head_hop_ms, int64_t now_ms);

}  // namespace freshet::timeline
