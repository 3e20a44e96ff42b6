// What is kept of loads that ended before their rows were served, and are of a view as it is defined.
#pragma once

#include <cstdint>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

#include "load/load_state.h"
#include "registry/registry.h"
#include "store/store.h"

namespace freshet::load {

struct KeptLoad {
  store::TableId id = 0;
  const registry::FeatureView* view = nullptr;
  store::LoadKind kind = store::LoadKind::kReplace;
  LoadState state;
};

// NotFound when nothing is kept by this number, FailedPrecondition when the view was changed since,
// Corruption.
Result<KeptLoad> FindKept(const registry::Registry& registry, uint64_t id, store::Store& store);

// All that can be resumed, the oldest first.
std::vector<UnfinishedLoad> ListUnfinished(const registry::Registry& registry, store::Store& store);

// Removes what cannot go on: its view is gone or is not what it was. Where one stays, as one that is under
// way does, the error says which, and the others are removed.
Status DiscardUnfit(const registry::Registry& registry, store::Store& store);

}  // namespace freshet::load
