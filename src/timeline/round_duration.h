// Durations that people call round, for hops.
#pragma once

#include <cstdint>

namespace freshet::timeline {

// The largest round duration not above this one; 1 ms when there is none. Round are 1, 5, 10, 50,
// 100, 500 ms; 1, 5, 10, 20 s; 1, 5, 10, 20 min; 1, 2, 4, 12 h; 1, 2, 6, 12, 60 days: each divides the
// next, so that default hops always fit together.
int64_t RoundDownMs(int64_t duration_ms);

// The default hop of a window: the largest round duration not above window / limits::kHopsPerWindow, at
// least 1 ms.
int64_t DefaultHopMs(int64_t window_ms);

}  // namespace freshet::timeline
