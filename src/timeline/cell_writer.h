// Changes to single cells, in a byte string that holds them at some offset: a timeline, or cells on
// their own.
#pragma once

#include <string>
#include <string_view>

#include "timeline/layout.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

class CellWriter {
 public:
  explicit CellWriter(const Schema& schema) : schema_(schema), layout_(schema) {}

  // Puts a cell without events before what stands at `offset`.
  void Insert(std::string& bytes, size_t offset, int64_t start_ms) const;
  // Folds one event into the cell at `offset`.
  void Update(std::string& bytes, size_t offset, const Event& event) const;
  // Folds the events of `other`, a cell outside of `bytes`, into the cell at `offset`.
  void Merge(std::string& bytes, size_t offset, const char* other) const;

 private:
  void UpdateVariable(std::string& bytes, size_t offset, const Event& event) const;
  void MergeVariable(std::string& bytes, size_t offset, const char* other) const;
  void ReplaceSlot(std::string& bytes, size_t offset, size_t ordinal, std::string_view slot) const;

  const Schema& schema_;
  const Layout layout_;
};

}  // namespace freshet::timeline
