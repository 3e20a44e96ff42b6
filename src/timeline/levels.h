// How cells grow coarser with age.
//
// A reach says that cells may be cut at the grid of some window as far back as the window reaches:
// from GridOf(window).FloorMs(T - depth) on, where T is the newest event time. Cells of any age are cut
// at the grids of all windows that reach there. A level is a span of ages with the same grids; its
// cells begin where its boundary is, and end where those of the younger level begin. A boundary
// moves only when T - depth passes a multiple of the reach's step, so that one fold pays for many
// events. Where the next level's cells would be so wide that too many narrow ones wait for one of
// them to be complete, a level of a width in between is put before it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "timeline/grid.h"
#include "timeline/window.h"

namespace freshet::timeline {

struct Reach {
  Grid grid;
  int64_t depth_ms = 0;  // the clock skew included
  int64_t step_ms = 1;
};

struct Level {
  std::vector<Grid> grids;
  std::vector<Reach> reaches;  // of this level and of all younger ones
  int64_t depth_ms = 0;        // the deepest of them

  int64_t CellStartMs(int64_t time_ms) const {
    int64_t start_ms = grids.front().FloorMs(time_ms);
    for (size_t i = 1; i < grids.size(); ++i)
      start_ms = std::max(start_ms, grids[i].FloorMs(time_ms));
    return start_ms;
  }
  int64_t CellEndMs(int64_t time_ms) const {
    int64_t end_ms = grids.front().NextMs(time_ms);
    for (size_t i = 1; i < grids.size(); ++i) end_ms = std::min(end_ms, grids[i].NextMs(time_ms));
    return end_ms;
  }
};

// Youngest first. The cells of the first have the width of the head hop.
std::vector<Level> MakeLevels(const std::vector<Window>& windows, int64_t head_hop_ms,
                              int64_t clock_skew_ms);

// The most cells that a level can have, given the one before it (null: none) and the one after.
size_t CellsMax(const Level* younger, const Level& level, const Level* older);

}  // namespace freshet::timeline
