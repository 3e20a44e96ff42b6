#include "timeline/cell_writer.h"

#include <algorithm>

namespace freshet::timeline {
namespace {

// Where a variable-size slot is worked on; it keeps its memory, so that a steady stream does not
// allocate.
std::string& ScratchSlot() {
  static thread_local std::string slot;
  return slot;
}

}  // namespace

void CellWriter::Insert(std::string& bytes, size_t offset, int64_t start_ms) const {
  bytes.insert(offset, layout_.EmptyCell());
  Layout::SetStartMs(bytes.data() + offset, start_ms);
  Layout::SetCellNewestMs(bytes.data() + offset, Layout::kNever);
  if (layout_.HasOldest()) Layout::SetCellOldestMs(bytes.data() + offset, Layout::kAfterAll);
}

void CellWriter::Update(std::string& bytes, size_t offset, const Event& event) const {
  char* cell = bytes.data() + offset;
  Layout::SetCellNewestMs(cell, std::max(Layout::CellNewestMs(cell), event.order.time_ms));
  if (layout_.HasOldest())
    Layout::SetCellOldestMs(cell, std::min(Layout::CellOldestMs(cell), event.order.time_ms));
  const auto& functions = schema_.aggregations();
  for (size_t i = 0; i < functions.size(); ++i) {
    if (event.admitted[i] != 0 && functions[i]->size_bytes != 0)
      functions[i]->update(cell + layout_.SlotOffset(i), event.values[i], event.order,
                           functions[i]->parameters);
  }
  if (layout_.HasVariableSlots()) UpdateVariable(bytes, offset, event);
}

void CellWriter::Merge(std::string& bytes, size_t offset, const char* other) const {
  char* cell = bytes.data() + offset;
  Layout::SetCellNewestMs(cell, std::max(Layout::CellNewestMs(cell), Layout::CellNewestMs(other)));
  if (layout_.HasOldest())
    Layout::SetCellOldestMs(cell,
                            std::min(Layout::CellOldestMs(cell), Layout::CellOldestMs(other)));
  const auto& functions = schema_.aggregations();
  for (size_t i = 0; i < functions.size(); ++i) {
    const size_t slot = layout_.SlotOffset(i);
    if (functions[i]->size_bytes != 0) functions[i]->merge(cell + slot, other + slot);
  }
  if (layout_.HasVariableSlots()) MergeVariable(bytes, offset, other);
}

void CellWriter::UpdateVariable(std::string& bytes, size_t offset, const Event& event) const {
  std::string& slot = ScratchSlot();
  for (size_t ordinal = 0; ordinal < layout_.VariableSlots().size(); ++ordinal) {
    const uint32_t aggregation = layout_.VariableSlots()[ordinal];
    if (event.admitted[aggregation] == 0) continue;
    slot.assign(layout_.VariableSlot(bytes.data() + offset, ordinal));
    const aggregate::Aggregate& function = *schema_.aggregations()[aggregation];
    const Datum by = event.by.empty() ? Datum() : event.by[aggregation];
    function.update_variable(slot, event.values[aggregation], by, event.order, function.parameters);
    ReplaceSlot(bytes, offset, ordinal, slot);
  }
}

void CellWriter::MergeVariable(std::string& bytes, size_t offset, const char* other) const {
  std::string& slot = ScratchSlot();
  for (size_t ordinal = 0; ordinal < layout_.VariableSlots().size(); ++ordinal) {
    const aggregate::Aggregate& function =
        *schema_.aggregations()[layout_.VariableSlots()[ordinal]];
    slot.assign(layout_.VariableSlot(bytes.data() + offset, ordinal));
    function.merge_variable(slot, layout_.VariableSlot(other, ordinal), function.parameters);
    ReplaceSlot(bytes, offset, ordinal, slot);
  }
}

void CellWriter::ReplaceSlot(std::string& bytes, size_t offset, size_t ordinal,
                             std::string_view slot) const {
  const std::string_view old = layout_.VariableSlot(bytes.data() + offset, ordinal);
  if (old == slot) return;
  const auto growth = static_cast<uint32_t>(slot.size() - old.size());  // wraps around to shrink
  bytes.replace(static_cast<size_t>(old.data() - bytes.data()), old.size(), slot);
  char* cell = bytes.data() + offset;
  for (size_t i = ordinal; i < layout_.VariableSlots().size(); ++i) {
    char* end = cell + layout_.SlotOffset(layout_.VariableSlots()[i]);
    Save(end, Load<uint32_t>(end) + growth);
  }
  const size_t cell_bytes = layout_.CellBytes(cell);
  Save(cell + cell_bytes - Layout::kCellLengthBytes, static_cast<uint32_t>(cell_bytes));
}

}  // namespace freshet::timeline
