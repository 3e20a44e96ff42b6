// Which threads the machine runs first when all want its processors.
#pragma once

#include <chrono>
#include <cstdint>

namespace freshet {

// What a thread gets of processors that all threads want, beside what those of the usual priority get.
enum class ThreadShare : uint8_t {
  kThird,     // for work that somebody waits for, behind what must not wait for it
  kHundredth  // for work that nobody waits for from moment to moment; in turns of 0.1 ms where Linux can give such (6.12)
};

// From now on, for the calling thread and the threads that it starts. It cannot be taken back.
void LowerThreadPriority(ThreadShare share);

// For the loops of work that has a hundredth. The scheduler lets a thread have its slice, some milliseconds, even while one
// of a higher priority waits: one that yields in between is waited for no longer than kHeldUs, or than a step takes.
class Yielder {
 public:
  // Of a step that takes about a microsecond.
  void Step() {
    if (++steps_ % kStepsPerLook == 0) YieldAfterAWhile();
  }

 private:
  static constexpr uint32_t kStepsPerLook = 64;  // at the clock
  static constexpr int64_t kHeldUs = 500;

  void YieldAfterAWhile();

  uint32_t steps_ = 0;
  std::chrono::steady_clock::time_point yielded_at_;
};

}  // namespace freshet
