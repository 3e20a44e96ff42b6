// What is kept of loads that ended before their rows were served, and whether their views are what they were.
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

// A load that can go on. NotFound when nothing is kept by this number, FailedPrecondition when the view was
// changed or removed since, Corruption.
Result<KeptLoad> FindKept(const registry::Registry& registry, uint64_t id, store::Store& store);

// All of them, the oldest first; what cannot go on has an obstacle.
std::vector<UnfinishedLoad> ListUnfinished(const registry::Registry& registry, store::Store& store);

// Removes what cannot go on: its view is gone or is not what it was. Where one stays, as one that is under
// way does, the error says which, and the others are removed.
Status DiscardUnfit(const registry::Registry& registry, store::Store& store);

}  // namespace freshet::load
