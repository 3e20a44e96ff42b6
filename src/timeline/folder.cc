#include "timeline/folder.h"

#include <algorithm>

#include "base/limits.h"

namespace freshet::timeline {
namespace {

// When a limit is exceeded, this share of it is folded away at once, so that the next events find
// room.
constexpr size_t kTruncatedShare = 32;

// Where merged cells are put together; it keeps its memory.
std::string& ScratchCells() {
  static thread_local std::string cells;
  cells.clear();
  return cells;
}

}  // namespace

void Folder::Advance(std::string& bytes, int64_t newest_ms) const {
  const int64_t old_newest_ms = Layout::NewestMs(bytes);
  Layout::SetNewestMs(bytes, newest_ms);
  if (newest_ms < Layout::FoldAtMs(bytes)) return;
  Layout::SetFoldAtMs(bytes, layout_.NextFoldMs(newest_ms));

  const int64_t horizon_ms = layout_.HorizonMs(newest_ms);
  FoldAway(bytes,
           layout_.LowerBound(bytes, layout_.CellsBegin(bytes), layout_.End(bytes), horizon_ms));
  if (Layout::TruncatedBeforeMs(bytes) <= horizon_ms)
    Layout::SetTruncatedBeforeMs(bytes, Layout::kNever);

  for (size_t level = 1; level < layout_.Levels(); ++level) {
    // Before the level's boundaries of old, cells had this width already.
    const int64_t from_ms = std::max(layout_.BoundaryMs(level, newest_ms),
                                     layout_.BoundaryMs(level - 1, old_newest_ms));
    const int64_t until_ms = layout_.BoundaryMs(level - 1, newest_ms);
    if (from_ms < until_ms) Coarsen(bytes, from_ms, until_ms, level);
  }
}

void Folder::Coarsen(std::string& bytes, int64_t from_ms, int64_t until_ms, size_t level) const {
  const Position cells_begin = layout_.CellsBegin(bytes);
  const Position end = layout_.LowerBound(bytes, cells_begin, layout_.End(bytes), until_ms);
  const Position begin = layout_.LowerBound(bytes, cells_begin, end, from_ms);
  if (begin.index == end.index) return;

  std::string& merged = ScratchCells();
  size_t merged_cells = 0;
  size_t last_offset = 0;
  int64_t last_end_ms = Layout::kNever;
  for (size_t offset = begin.offset; offset < end.offset;) {
    const char* cell = bytes.data() + offset;
    offset += layout_.CellBytes(cell);
    if (Layout::StartMs(cell) < last_end_ms) {
      writer_.Merge(merged, last_offset, cell);
      continue;
    }
    const int64_t start_ms = layout_.CellStartMs(level, Layout::StartMs(cell));
    last_offset = merged.size();
    last_end_ms = layout_.CellEndMs(level, start_ms);
    merged.append(cell, layout_.CellBytes(cell));
    Layout::SetStartMs(merged.data() + last_offset, start_ms);
    ++merged_cells;
  }
  bytes.replace(begin.offset, end.offset - begin.offset, merged);
  const size_t gone = end.index - begin.index - merged_cells;
  Layout::SetCells(bytes, Layout::Cells(bytes) - static_cast<uint32_t>(gone));
}

void Folder::FoldAway(std::string& bytes, Position until) const {
  const Position begin = layout_.CellsBegin(bytes);
  if (begin.index == until.index) return;
  Layout::SetCells(bytes, Layout::Cells(bytes) - static_cast<uint32_t>(until.index - begin.index));
  if (!schema_.options().has_lifetime) {
    bytes.erase(begin.offset, until.offset - begin.offset);
    return;
  }
  // The lifetime cell, or the first of the others in its place, takes in the rest.
  std::string& lifetime = ScratchCells();
  size_t offset = layout_.AllBegin(bytes).offset;
  lifetime.append(bytes, offset, layout_.CellBytes(bytes.data() + offset));
  for (offset += lifetime.size(); offset < until.offset;
       offset += layout_.CellBytes(bytes.data() + offset))
    writer_.Merge(lifetime, 0, bytes.data() + offset);
  Layout::SetStartMs(lifetime.data(), Layout::kNever);
  bytes.replace(layout_.AllBegin(bytes).offset, until.offset - layout_.AllBegin(bytes).offset,
                lifetime);
  Layout::SetFlags(bytes, Layout::kFlagLifetimeCell);
}

bool Folder::EnforceLimits(std::string& bytes) const {
  const size_t cells_max = schema_.options().cells_max;
  const Position begin = layout_.CellsBegin(bytes);
  const Position end = layout_.End(bytes);
  const bool too_many = end.index - begin.index > cells_max;
  const bool too_large = end.offset - begin.offset > limits::kTimelineBytesMax;
  if (!too_many && !too_large) return false;

  const size_t cells_kept = too_many ? cells_max - cells_max / kTruncatedShare : cells_max;
  const size_t bytes_kept =
      limits::kTimelineBytesMax - (too_large ? limits::kTimelineBytesMax / kTruncatedShare : 0);
  Position until = begin;
  int64_t truncated_before_ms = Layout::TruncatedBeforeMs(bytes);
  const int64_t head_end_ms = layout_.CellEndMs(0, Layout::NewestMs(bytes));
  while (end.index - until.index > cells_kept || end.offset - until.offset > bytes_kept) {
    const char* cell = bytes.data() + until.offset;
    // A zone's new rules may have moved where cells end, and the horizon past some that have not
    // folded yet.
    const size_t level = std::min(layout_.LevelOf(Layout::StartMs(cell), Layout::NewestMs(bytes)),
                                  layout_.Levels() - 1);
    truncated_before_ms = std::min(layout_.CellEndMs(level, Layout::StartMs(cell)), head_end_ms);
    until = {until.offset + layout_.CellBytes(cell), until.index + 1};
  }
  FoldAway(bytes, until);
  Layout::SetTruncatedBeforeMs(bytes, truncated_before_ms);
  return true;
}

void Folder::EnsureLifetimeCell(std::string& bytes) const {
  if (Layout::HasLifetimeCell(bytes)) return;
  writer_.Insert(bytes, layout_.AllBegin(bytes).offset, Layout::kNever);
  Layout::SetFlags(bytes, Layout::kFlagLifetimeCell);
}

}  // namespace freshet::timeline
