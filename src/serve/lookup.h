// One look-up for everything that a request reads: timelines and rows of all its entities together.
#pragma once

#include <cstdint>

#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/scratch.h"
#include "store/store.h"

namespace freshet::serve {

struct LookupOptions {
  int64_t now_ms = 0;
  // Timelines whose stream is not complete up to this moment are not looked up: kSourceStale.
  int64_t complete_until_ms = INT64_MIN;
};

// Reads and puts every feature that comes from the store; the scratch holds the encoded keys, the
// writers, and the as-of of each timeline table. *is_too_early tells that a live read came before
// an event that was let in already. Status is the store's.
Status LookupAll(const Plan& plan, const LookupOptions& options, uint32_t row_count,
                 store::Store& store, Scratch& scratch, bool* is_too_early);

}  // namespace freshet::serve
