#include "base/thread_priority.h"

#include <sched.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/syscall.h>

namespace freshet {
namespace {

// Niceness, of which Linux makes these shares. The second is the greatest there is.
constexpr int kNicenessOfThird = 5;
constexpr int kNicenessOfHundredth = 19;
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

// It can be raised, not lowered: a thread of a nicer process stays as it is.
void RaiseNiceness(id_t thread, int niceness) {
  if (getpriority(PRIO_PROCESS, thread) < niceness) setpriority(PRIO_PROCESS, thread, niceness);
}

}  // namespace

void LowerThreadPriority(ThreadShare share) {
  const auto thread = static_cast<id_t>(gettid());
  if (share == ThreadShare::kThird) return RaiseNiceness(thread, kNicenessOfThird);
  const SchedulingAttributes attributes = {.niceness = kNicenessOfHundredth,
                                           .runtime_ns = kSliceNs};
  // Before 6.12 Linux looks at the niceness alone; where the call is not allowed there is one for that.
  if (syscall(SYS_sched_setattr, thread, &attributes, 0) != 0)
    RaiseNiceness(thread, kNicenessOfHundredth);
}

void Yielder::YieldAfterAWhile() {
  const auto now = std::chrono::steady_clock::now();
  if (now - yielded_at_ < std::chrono::microseconds(kHeldUs)) return;
  yielded_at_ = now;
  sched_yield();
}

}  // namespace freshet
