// How the values of an answer of one row came about, from the plan, the scratch, and copies of the
// bytes that they were read from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freshet/explain.h"

#include "serve/plan.h"
#include "serve/scratch.h"
#include "store/store.h"

namespace freshet::serve {

// What the parts of the on-demand features came to. Once they are derived, and before their statuses
// are flagged.
void ExplainDerived(const Plan& plan, int64_t now_ms, Scratch& scratch, Explanation* explanation);

// What the values were made of.
struct ReadState {
  const std::vector<std::string>& copies;  // per Scratch::targets: of the bytes
  // Per Plan::streams: the places that were in before they were read.
  const std::vector<std::vector<StreamPosition>>& positions;
};

// All else.
void ExplainStored(const Plan& plan, int64_t now_ms, const Scratch& scratch, const ReadState& state,
                   store::Store& store, Explanation* explanation);

}  // namespace freshet::serve
