// The windows that a timeline answers for.
//
// With H the head hop of the timeline, the events at t of a window read at `now` are, p = now - offset:
//
//   sliding    align_down(t, H) <= p   and   t >= align_down(p - window, hop)
//   tumbling   align_down(t, H) <= p   and   t >= align_down(p, window)
//   calendar   align_down(t, H) <= p   and   t >= begin(p), the newest beginning of a period at or
//              before p, where beginnings are rounded down to H
//
// A tumbling or calendar window that is so many periods back holds a whole period instead: the one
// that began as many before that of p.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/status.h"

#include "timeline/calendar.h"
#include "timeline/grid.h"

namespace freshet::timeline {

enum class WindowKind : uint8_t { kSliding, kTumbling, kCalendar };

struct Window {
  int64_t window_ms = 0;  // its length; 0 for a calendar's
  int64_t hop_ms = 0;     // how finely its older end slides; the head hop for the other kinds
  WindowKind kind = WindowKind::kSliding;
  int64_t offset_ms = 0;
  uint32_t periods_back = 0;
  std::shared_ptr<const Calendar> calendar;

  friend bool operator==(const Window& a, const Window& b);
};

// The order in which a schema has its windows.
bool IsBefore(const Window& a, const Window& b);

// "1h", "tumbling 1h, 1 back", "day in Europe/Berlin", "1h, 1d ago": for messages.
std::string Describe(const Window& window);

Status CheckWindow(const Window& window, int64_t head_hop_ms);

// Where its older end may be.
Grid GridOf(const Window& window, int64_t head_hop_ms);
// No older end is before GridOf(...).FloorMs(now - DepthMs(...)).
int64_t DepthMs(const Window& window);

// What is inside of a window at some moment: the cells that start in [begin_ms, last_ms].
struct Frame {
  int64_t begin_ms = 0;
  int64_t last_ms = 0;
  int64_t length_ms = 0;  // of the window as it is then
};
Frame FrameOf(const Window& window, const Grid& grid, int64_t now_ms);

}  // namespace freshet::timeline
