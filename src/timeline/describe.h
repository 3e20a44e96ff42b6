// What stands in a timeline, for people who look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "freshet/value.h"

#include "timeline/timeline.h"

namespace freshet::timeline {

struct CellDescription {
  int64_t begin_ms = 0;  // INT64_MIN: the lifetime cell
  int64_t end_ms = 0;    // events before it
  int64_t newest_ms = 0;
  // Per aggregation of the schema: the value of this cell alone, read at `now_ms`; null where it has
  // none, and a list as its text.
  std::vector<Value> slots;
};

struct Description {
  size_t cell_count = 0;
  std::vector<CellDescription> cells;  // the newest ones, in time order
};

// `bytes` must be non-empty and valid.
Description Describe(const Schema& schema, std::string_view bytes, int64_t now_ms,
                     size_t cells_max);

// What is inside of a window of the schema at `now_ms`; where the window follows events it begins with
// the oldest of them, or, without one, after its last moment.
Frame FrameIn(const Schema& schema, uint32_t window, std::string_view bytes, int64_t now_ms);

}  // namespace freshet::timeline
