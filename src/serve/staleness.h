// Streams that are further behind than is allowed, and what stands in for their values.
#pragma once

#include <cstdint>

#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/scratch.h"
#include "serve/terms.h"

namespace freshet::serve {

// Marks in Scratch::is_stale the slots whose stream is not known to be complete up to their bound
// before `now_ms`; Scratch::as_of_ms is filled. True when there is one. FailedPrecondition, with the source
// and how far it is behind, when that is what the terms ask for.
Result<bool> FindStale(const Plan& plan, const Terms& terms, int64_t now_ms, Scratch& scratch);

// Whether nothing of this read is wanted, since all of it would be replaced.
bool IsAllStale(const StreamRead& read, const Scratch& scratch);

// Puts the default or, for kNull, the type's zero into every row of every stale slot.
void ReplaceStale(const Plan& plan, StaleAction action, Scratch& scratch);

// Flags the values of stale slots, and those of on-demand features that read them, as SOURCE_STALE
// and leaves them as they are.
void FlagStale(const Plan& plan, Scratch& scratch);

}  // namespace freshet::serve
