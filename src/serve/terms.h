// What a request and its feature service together ask for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "freshet/features.h"
#include "freshet/status.h"

#include "serve/plan.h"
#include "store/store.h"

namespace freshet::serve {

struct Terms {
  std::optional<int64_t> max_staleness_ms;
  StaleAction stale_action = StaleAction::kUseDefault;
  // When the answer must be on its way; nothing: never.
  store::Store::Deadline deadline;
  // When a wait for events must end: the rest is to be answered in time on a busy machine, too, and
  // a caller who waits in vain loses little by hearing of it sooner.
  store::Store::Deadline wait_deadline;
};

// What the request says stands before what the service says; of two times the shorter counts.
// DeadlineExceeded when the time was out before `started_at`.
Result<Terms> MakeTerms(const Plan& plan, const FeatureRequest& request,
                        std::chrono::steady_clock::time_point started_at);

}  // namespace freshet::serve
