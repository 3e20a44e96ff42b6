#include "base/threads.h"

#include <algorithm>
#include <sched.h>
#include <thread>
#include <unistd.h>

#include <sys/resource.h>

namespace freshet {
namespace {

// Linux gives a thread of this niceness a tenth of what one of niceness 0 gets.
constexpr int kLowNiceness = 10;

}  // namespace

size_t ProcessorCount() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (sched_getaffinity(0, sizeof(processors), &processors) == 0)
    return static_cast<size_t>(CPU_COUNT(&processors));
  // Of a machine with more processors than such a set holds.
  return std::max(1u, std::thread::hardware_concurrency());
}

void LowerThreadPriority() {
  const auto thread = static_cast<id_t>(gettid());
  // Linux's niceness is a thread's own. It can always be raised; a thread of a nicer process stays as it is.
  if (getpriority(PRIO_PROCESS, thread) < kLowNiceness)
    setpriority(PRIO_PROCESS, thread, kLowNiceness);
}

}  // namespace freshet
