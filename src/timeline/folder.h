// Cells grow coarser and go as the newest event time moves on, or earlier when there are too many.
#pragma once

#include <string>

#include "timeline/cell_writer.h"
#include "timeline/layout.h"

namespace freshet::timeline {

class Folder {
 public:
  explicit Folder(const Schema& schema) : schema_(schema), layout_(schema), writer_(schema) {}

  // Moves the newest event time to `newest_ms`, which is not before the present one.
  void Advance(std::string& bytes, int64_t newest_ms) const;
  // Folds the oldest cells away until the limits on their count and bytes hold. False when they
  // held.
  bool EnforceLimits(std::string& bytes) const;
  // Makes sure that there is a lifetime cell.
  void EnsureLifetimeCell(std::string& bytes) const;

 private:
  void Coarsen(std::string& bytes, int64_t from_ms, int64_t until_ms, size_t level) const;
  void FoldAway(std::string& bytes, Position until) const;

  const Schema& schema_;
  const Layout layout_;
  const CellWriter writer_;
};

}  // namespace freshet::timeline
