// Time that only moves on, for spans: nobody sets it, and it tells no date.
#pragma once

#include <chrono>
#include <cstdint>

namespace freshet {

// Milliseconds since some moment, the same one while the process lives. Any thread.
inline int64_t SteadyMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace freshet
