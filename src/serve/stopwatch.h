// Tells where the server's time goes, when somebody asks.
#pragma once

#include <chrono>

#include "freshet/features.h"

namespace freshet::serve {

class Stopwatch {
 public:
  // Starts the first lap. Looks at no clock when `phases` is null.
  explicit Stopwatch(PhaseTimes* phases) : phases_(phases) {
    if (phases_ != nullptr) lap_at_ = std::chrono::steady_clock::now();
  }

  // Adds what has passed since the last lap to a phase.
  void Lap(int64_t PhaseTimes::*phase) {
    if (phases_ == nullptr) return;
    const auto now = std::chrono::steady_clock::now();
    phases_->*phase += std::chrono::nanoseconds(now - lap_at_).count();
    lap_at_ = now;
  }

 private:
  PhaseTimes* const phases_;
  std::chrono::steady_clock::time_point lap_at_;
};

}  // namespace freshet::serve
