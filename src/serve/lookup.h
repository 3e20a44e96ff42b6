// One look-up for everything that a request reads: timelines and rows of all its entities together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/scratch.h"
#include "store/store.h"

namespace freshet::serve {

struct LookupOptions {
  int64_t now_ms = 0;
  // What was not looked up by then is kTimedOut.
  store::Store::Deadline deadline;
  // Timelines of which everything is stale are not looked up, and nothing is put for them.
  bool skip_stale = false;
  // Where a copy of the bytes of each of Scratch::targets goes; null when nobody wants them.
  std::vector<std::string>* copies = nullptr;
};

// Reads and puts every feature that comes from the store; the scratch holds the encoded keys, the
// writers, and which timelines are late (kTimedOut) or stale. *is_too_early tells that a live read came before
// an event that was let in already. Status is the store's.
Status LookupAll(const Plan& plan, const LookupOptions& options, uint32_t row_count,
                 store::Store& store, Scratch& scratch, bool* is_too_early);

}  // namespace freshet::serve
