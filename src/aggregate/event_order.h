// What slots know of the times of events.
#pragma once

#include <cstdint>

#include "base/limits.h"

namespace freshet::aggregate {

inline bool IsEventTime(int64_t time_ms) {
  return time_ms >= limits::kEventTimeMsMin && time_ms <= limits::kEventTimeMsMax;
}

}  // namespace freshet::aggregate
