// What becomes of those who are answered while ten times as many ask as can be.
#pragma once

#include "freshet/status.h"

#include "serve_bench_case.h"

namespace freshet::serve_bench {

// Prints one JSON object.
Status RunOverload(const Case& shape, double seconds);

}  // namespace freshet::serve_bench
