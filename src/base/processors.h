// Which processors there are.
#pragma once

#include <cstddef>

namespace freshet {

// How many the calling thread, and what it starts, may run on: where a container is given some of the machine's, those. At
// least 1.
size_t UsableProcessors();

}  // namespace freshet
