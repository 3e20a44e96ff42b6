// Where cells may be cut: at the multiples of a step, or at the beginnings of a calendar's periods.
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "timeline/calendar.h"

namespace freshet::timeline {

struct Grid {
  int64_t step_ms = 1;
  // Null: the multiples of the step. Else beginnings of periods, rounded down to the step.
  std::shared_ptr<const Calendar> calendar;

  bool is_uniform() const { return calendar == nullptr; }

  // The last cut at or before a time.
  int64_t FloorMs(int64_t time_ms) const {
    return is_uniform() ? AlignDown(time_ms, step_ms) : CalendarFloorMs(Calendar::ClampMs(time_ms));
  }
  // The first cut after it.
  int64_t NextMs(int64_t time_ms) const {
    return is_uniform() ? AlignDown(time_ms, step_ms) + step_ms
                        : CalendarNextMs(Calendar::ClampMs(time_ms));
  }
  int64_t ShortestMs() const { return is_uniform() ? step_ms : calendar->ShortestMs() - step_ms; }
  int64_t LongestMs() const { return is_uniform() ? step_ms : calendar->LongestMs() + step_ms; }

  // Whether every cut of `other` is one of this.
  bool Contains(const Grid& other) const {
    if (is_uniform()) return other.step_ms % step_ms == 0;
    return !other.is_uniform() && other.step_ms == step_ms && calendar->Contains(*other.calendar);
  }

 private:
  // Both take times that the calendar knows.
  int64_t CalendarFloorMs(int64_t time_ms) const {
    int64_t begin_ms = calendar->BeginMs(time_ms);
    int64_t next_ms = calendar->NextMs(time_ms);
    // Rounding may have brought a later one down to here.
    for (; AlignDown(next_ms, step_ms) <= time_ms; next_ms = calendar->NextMs(next_ms))
      begin_ms = next_ms;
    return AlignDown(begin_ms, step_ms);
  }
  int64_t CalendarNextMs(int64_t time_ms) const {
    int64_t next_ms = calendar->NextMs(time_ms);
    while (AlignDown(next_ms, step_ms) <= time_ms) next_ms = calendar->NextMs(next_ms);
    return AlignDown(next_ms, step_ms);
  }
};

}  // namespace freshet::timeline
