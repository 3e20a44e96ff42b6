#include "base/thread_priority.h"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/syscall.h>

namespace freshet {
namespace {

// The greatest there is: Linux gives such a thread a seventieth of what one of niceness 0 gets.
constexpr int kLowNiceness = 19;
// The least that Linux takes.
constexpr uint64_t kSliceNs = 100'000;

// What the system call sched_setattr takes, for which the C library has no function.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t niceness = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // the slice
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};

}  // namespace

void LowerThreadPriority() {
  const auto thread = static_cast<id_t>(gettid());
  // Niceness can always be raised. Before 6.12 Linux looks at the niceness alone; where the call is not
  // allowed there is one for that.
  const SchedulingAttributes attributes = {.niceness = kLowNiceness, .runtime_ns = kSliceNs};
  if (syscall(SYS_sched_setattr, thread, &attributes, 0) != 0)
    setpriority(PRIO_PROCESS, thread, kLowNiceness);
}

void Yielder::YieldAfterAWhile() {
  const auto now = std::chrono::steady_clock::now();
  if (now - yielded_at_ < std::chrono::microseconds(kHeldUs)) return;
  yielded_at_ = now;
  sched_yield();
}

}  // namespace freshet
