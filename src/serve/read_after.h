// Reading one's own events: an answer that waits until they are in.
#pragma once

#include <span>

#include "freshet/features.h"
#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/scratch.h"
#include "serve/server.h"
#include "serve/terms.h"

namespace freshet::serve {

// Blocks until the events are in every timeline table that the plan reads from their sources, or
// until the deadline; then the tables that lack some are marked in Scratch::is_late. Sources that
// the plan does not read are not waited for. InvalidArgument for a source that does not exist or is
// no stream, and for a place that no event can have.
Status WaitForEvents(const Plan& plan, std::span<const StreamPosition> events, const Terms& terms,
                     const StreamStanding& streams, Scratch& scratch);

}  // namespace freshet::serve
