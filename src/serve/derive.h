// On-demand features: expressions over what was just looked up and what the request brought.
#pragma once

#include <cstdint>

#include "serve/plan.h"
#include "serve/scratch.h"
#include "store/store.h"

namespace freshet::serve {

// Puts what the expression sees of a row into Scratch::variables.
void BindRow(const DerivedRead& read, uint32_t row, int64_t now_ms, Scratch& scratch);

// Puts all on-demand features of the plan; what they read of other views is put already. A dependency that is
// not PRESENT is null to the expression. An expression that fails, or whose value does not fit the
// declared type, is kFailed; one that is null or NaN is kNullValue. Event times are the newest of
// the dependencies that the expression reads. Where one of them is kTimedOut, or `deadline` comes
// first, so is the feature; some rows are always derived.
void DeriveAll(const Plan& plan, uint32_t row_count, int64_t now_ms,
               const store::Store::Deadline& deadline, Scratch& scratch);

}  // namespace freshet::serve
