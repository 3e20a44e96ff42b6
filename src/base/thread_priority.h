// Which threads the machine runs first when all want its processors.
#pragma once

namespace freshet {

// From now on the calling thread, and the threads that it starts, leave the processors to others that
// want them, but for about a tenth. It cannot be taken back. For work that nobody waits for from
// moment to moment, beside threads that answer requests.
void LowerThreadPriority();

}  // namespace freshet
