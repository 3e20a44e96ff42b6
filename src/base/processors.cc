#include "base/processors.h"

#include <algorithm>
#include <sched.h>
#include <thread>

namespace freshet {

size_t UsableProcessors() {
  cpu_set_t usable = {};
  if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
    return static_cast<size_t>(CPU_COUNT(&usable));
  // It takes a larger set where the machine has more processors than this one holds.
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace freshet
