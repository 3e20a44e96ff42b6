#include "base/thread_priority.h"

#include <sched.h>
#include <unistd.h>

#include <sys/resource.h>

namespace freshet {
namespace {

// Linux gives a thread of this niceness a tenth of what one of niceness 0 gets.
constexpr int kLowNiceness = 10;

}  // namespace

void LowerThreadPriority() {
  const auto thread = static_cast<id_t>(gettid());
  // Linux's niceness is a thread's own. It can always be raised; a thread of a nicer process stays as it is.
  if (getpriority(PRIO_PROCESS, thread) < kLowNiceness)
    setpriority(PRIO_PROCESS, thread, kLowNiceness);
}

void Yielder::YieldAfterAWhile() {
  const auto now = std::chrono::steady_clock::now();
  if (now - yielded_at_ < std::chrono::microseconds(kHeldUs)) return;
  yielded_at_ = now;
  sched_yield();
}

}  // namespace freshet
