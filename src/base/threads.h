// Threads and the processors that run them.
#pragma once

#include <cstddef>

namespace freshet {

// How many processors the calling thread may run on, as taskset and containers bound them; at least 1.
size_t ProcessorCount();

// From now on the calling thread, and the threads that it starts, leave the processors to others that
// want them, but for about a tenth. It cannot be taken back. For work that nobody waits for from
// moment to moment, beside threads that answer requests.
void LowerThreadPriority();

}  // namespace freshet
