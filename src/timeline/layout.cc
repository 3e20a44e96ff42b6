#include "timeline/layout.h"

#include <algorithm>
#include <limits>

namespace freshet::timeline {

std::string Layout::Empty(int64_t newest_ms) const {
  std::string bytes(kHeaderBytes, '\0');
  Save(bytes.data(), kKind);
  Save(bytes.data() + 1, ExpectedVersion());
  SetNewestMs(bytes, newest_ms);
  SetTruncatedBeforeMs(bytes, kNever);
  SetFoldAtMs(bytes, NextFoldMs(newest_ms));
  if (HasTail()) bytes += Tail::Empty();
  return bytes;
}

int64_t Layout::BoundaryMs(size_t level, int64_t newest_ms) const {
  int64_t boundary_ms = std::numeric_limits<int64_t>::max();
  for (const Reach& reach : schema_.levels_[level].reaches)
    boundary_ms = std::min(
        boundary_ms, reach.grid.FloorMs(AlignDown(newest_ms - reach.depth_ms, reach.step_ms)));
  return CellStartMs(std::min(level + 1, Levels() - 1), boundary_ms);
}

size_t Layout::LevelOf(int64_t time_ms, int64_t newest_ms) const {
  for (size_t level = 0; level < Levels(); ++level) {
    // A boundary is never above newest - depth: most times need no division.
    if (time_ms >= newest_ms - schema_.levels_[level].depth_ms ||
        time_ms >= BoundaryMs(level, newest_ms))
      return level;
  }
  return Levels();
}

int64_t Layout::NextFoldMs(int64_t newest_ms) const {
  int64_t next_ms = std::numeric_limits<int64_t>::max();
  for (const Level& level : schema_.levels_) {
    for (const Reach& reach : level.reaches) {
      const int64_t passed_ms = AlignDown(newest_ms - reach.depth_ms, reach.step_ms);
      next_ms = std::min(next_ms, passed_ms + reach.step_ms + reach.depth_ms);
    }
  }
  return next_ms;
}

Position Layout::LowerBound(std::string_view bytes, Position begin, Position end,
                            int64_t start_ms) const {
  if (HasVariableSlots()) {
    while (end.index > begin.index) {
      const size_t offset = end.offset - CellBytesBefore(bytes.data() + end.offset);
      if (StartMs(bytes.data() + offset) < start_ms) break;
      end = {offset, end.index - 1};
    }
    return end;
  }
  const size_t stride_bytes = CellFixedBytes();
  size_t count = end.index - begin.index;
  // Large windows often begin before everything that is there.
  if (count == 0 || StartMs(bytes.data() + begin.offset) >= start_ms) return begin;
  // Halves without a branch; what is left at the end is the last cell that can start earlier.
  while (count > 1) {
    const size_t half = count / 2;
    const char* last_of_half = bytes.data() + begin.offset + (half - 1) * stride_bytes;
    const size_t skipped = StartMs(last_of_half) < start_ms ? half : 0;
    begin = {begin.offset + skipped * stride_bytes, begin.index + skipped};
    count -= half;
  }
  const size_t skipped = StartMs(bytes.data() + begin.offset) < start_ms ? 1 : 0;
  return {begin.offset + skipped * stride_bytes, begin.index + skipped};
}

}  // namespace freshet::timeline
