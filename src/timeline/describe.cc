#include "timeline/describe.h"

#include <algorithm>
#include <string>

#include "aggregate/packed_list.h"
#include "base/datum.h"
#include "timeline/edge.h"
#include "timeline/layout.h"

namespace freshet::timeline {
namespace {

using aggregate::Aggregate;

std::string ListText(Type type, std::string_view packed) {
  std::string text = "[";
  while (!packed.empty()) {
    if (text.size() > 1) text += ", ";
    text += ToString(type, aggregate::TakePacked(type, packed));
  }
  return text + "]";
}

Value SlotValue(const Aggregate& function, std::string_view slot, int64_t now_ms,
                int64_t length_ms) {
  // The lifetime has no length, which a rate, say, divides by.
  if (function.needs_window && length_ms == 0) return {};
  std::string list;
  Datum value;
  switch (function.finalize(slot, {now_ms, length_ms, &list}, function.parameters, &value)) {
    case aggregate::Outcome::kValue:
      if (function.gives_list) return ListText(function.output, value.as_string());
      return ToReadable(function.output, value);
    case aggregate::Outcome::kNull:
      return {};
    case aggregate::Outcome::kOverflow:
      return std::string("overflow");
    case aggregate::Outcome::kTooMany:
      return std::string("too many categories");
  }
  return {};
}

class CellReader {
 public:
  CellReader(const Schema& schema, std::string_view bytes, int64_t now_ms)
      : schema_(schema), layout_(schema), newest_ms_(Layout::NewestMs(bytes)), now_ms_(now_ms) {}

  size_t BytesBefore(const char* end) const { return layout_.CellBytesBefore(end); }

  CellDescription Read(const char* cell) const {
    CellDescription description;
    description.begin_ms = Layout::StartMs(cell);
    description.newest_ms = Layout::CellNewestMs(cell);
    description.end_ms = EndMs(description.begin_ms);
    const bool is_lifetime = description.begin_ms == Layout::kNever;
    const int64_t length_ms = is_lifetime ? 0 : description.end_ms - description.begin_ms;
    size_t ordinal = 0;
    for (size_t i = 0; i < schema_.aggregations().size(); ++i) {
      const Aggregate& function = *schema_.aggregations()[i];
      const bool is_fixed = function.size_bytes != 0;
      const std::string_view slot =
          is_fixed ? std::string_view(cell + layout_.SlotOffset(i), function.size_bytes)
                   : layout_.VariableSlot(cell, ordinal++);
      description.slots.push_back(SlotValue(function, slot, now_ms_, length_ms));
    }
    return description;
  }

 private:
  int64_t EndMs(int64_t begin_ms) const {
    if (begin_ms == Layout::kNever) return layout_.HorizonMs(newest_ms_);
    const size_t level = std::min(layout_.LevelOf(begin_ms, newest_ms_), layout_.Levels() - 1);
    return layout_.CellEndMs(level, begin_ms);
  }

  const Schema& schema_;
  const Layout layout_;
  const int64_t newest_ms_;
  const int64_t now_ms_;
};

}  // namespace

Description Describe(const Schema& schema, std::string_view bytes, int64_t now_ms,
                     size_t cells_max) {
  Description description;
  const Position end = Layout(schema).End(bytes);
  description.cell_count = end.index;
  const CellReader reader(schema, bytes, now_ms);
  size_t offset = end.offset;
  const size_t begin = Layout(schema).AllBegin(bytes).offset;
  while (offset > begin && description.cells.size() < cells_max) {
    offset -= reader.BytesBefore(bytes.data() + offset);
    description.cells.push_back(reader.Read(bytes.data() + offset));
  }
  std::reverse(description.cells.begin(), description.cells.end());
  return description;
}

Frame FrameIn(const Schema& schema, uint32_t window, std::string_view bytes, int64_t now_ms) {
  Edge edge;
  edge.window = window;
  edge.grid = GridOf(schema.windows()[window], schema.options().head_hop_ms);
  edge.frame = FrameOf(schema.windows()[window], edge.grid, now_ms);
  if (!FollowsEvents(schema.windows()[window])) return edge.frame;
  const Layout layout(schema);
  edge.end =
      layout.LowerBound(bytes, layout.CellsBegin(bytes), layout.End(bytes), SeenUntilMs(edge) + 1);
  edge.begin = edge.end;
  EdgeCutter(schema, bytes).Cut(&edge);
  edge.frame.begin_ms = edge.oldest_ms == Layout::kNever ? SeenUntilMs(edge) + 1 : edge.oldest_ms;
  return edge.frame;
}

}  // namespace freshet::timeline
