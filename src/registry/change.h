// What applying new definitions over live ones would do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace freshet::registry {

enum class ChangeKind : uint8_t { kAdd, kChange, kRemove };

struct Change {
  ChangeKind kind = ChangeKind::kAdd;
  std::string subject;  // "feature view activity", "feature activity.clicks_1m", "feature service
                        // ranking", ...
  std::string detail;   // what is different, with old and new; for added timelines also their cells
                        // and bytes per entity
  bool refused = false;  // it would alter or lose the meaning of something live
  std::string reason;    // why it is refused
  std::string way_out;   // what to do instead
};

// The changes from `live` (null: nothing is live) to `next`, in the order entity, source, view,
// feature, service. Safe: additions of anything, features and windows added to a view (a new table,
// filled from the beginning of its stream), descriptions, defaults, max_age, retention, changes of feature
// services, and removal of what no service of `next` uses. Refused: a change of what a live
// feature, join key, source field, timestamp or log means.
std::vector<Change> Compare(const Registry* live, const Registry& next);

}  // namespace freshet::registry
