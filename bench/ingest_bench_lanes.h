// Two lanes against one, without a broker.
#pragma once

#include <cstddef>

namespace freshet::ingest_bench {

// Prints one JSON line. Each lane takes `events` clicks from an event log of its own: decoding, 3 windows x 5 aggregations,
// checkpoints. One lane on the first core with the second idle, then two lanes of the same store, a core each.
void RunLanes(size_t events, size_t rounds);
// One lane, once, on whatever core: to be watched by a profiler.
void RunOneLane(size_t events);

}  // namespace freshet::ingest_bench
