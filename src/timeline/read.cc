#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "timeline/layout.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

using aggregate::Aggregate;

// The wants turned around: per aggregation that some want needs, the edges at which its value is
// wanted, nearest first. An edge is where a window ends towards the past; the lifetime's, the last,
// is where the timeline begins. Between two edges one call merges a whole run of cells.
struct Reader::Rep {
  struct Edge {
    std::optional<uint32_t> window;
    int64_t reach_ms = Layout::kNever;  // the least start of a cell that is inside
    Position begin{};
    bool truncated = false;
    int64_t newest_ms = Layout::kNever;
  };
  struct Stop {
    uint32_t edge;
    uint32_t want;
  };
  struct Column {
    const Aggregate* function;
    uint32_t aggregation;
    size_t ordinal;  // among the variable-size slots
    std::vector<Stop> stops;
  };

  Rep(const Schema& s, std::vector<Want> w);
  void AddEdges();
  void AddColumns();
  void SetReadTime(int64_t now_ms);
  void FindEdges(std::string_view bytes);
  void ReadFixed(std::string_view bytes, const Column& column);
  void ReadVariable(std::string_view bytes, const Column& column);
  void Emit(const Column& column, const Stop& stop, std::string_view slot);

  const Schema& schema;
  const Layout layout;
  const std::vector<Want> wants;
  std::vector<Edge> edges;
  std::vector<Column> columns;

  std::vector<WindowedValue> values;
  std::vector<std::string> texts;  // per want, what a value borrows from
  std::string slot;
  std::optional<int64_t> now_ms;
  Position end{};  // past the newest cell that the reader sees
};

Reader::Rep::Rep(const Schema& s, std::vector<Want> w)
    : schema(s), layout(s), wants(std::move(w)), values(wants.size()), texts(wants.size()) {
  for (const Want& want : wants) {
    FRESHET_CHECK(want.aggregation < schema.aggregations().size());
    FRESHET_CHECK(!want.window || *want.window < schema.windows().size());
    FRESHET_CHECK(want.window || schema.options().has_lifetime);
  }
  AddEdges();
  AddColumns();
}

void Reader::Rep::AddEdges() {
  for (uint32_t window = 0; window < schema.windows().size(); ++window) {
    if (std::any_of(wants.begin(), wants.end(),
                    [&](const Want& want) { return want.window == window; }))
      edges.push_back({.window = window});
  }
  if (std::any_of(wants.begin(), wants.end(), [](const Want& want) { return !want.window; }))
    edges.push_back({});
}

void Reader::Rep::AddColumns() {
  size_t ordinal = 0;
  for (uint32_t aggregation = 0; aggregation < schema.aggregations().size(); ++aggregation) {
    Column column{schema.aggregations()[aggregation].get(), aggregation, ordinal, {}};
    if (column.function->size_bytes == 0) ++ordinal;
    for (uint32_t edge = 0; edge < edges.size(); ++edge) {
      for (uint32_t want = 0; want < wants.size(); ++want)
        if (wants[want] == Want{aggregation, edges[edge].window})
          column.stops.push_back({edge, want});
    }
    if (!column.stops.empty()) columns.push_back(std::move(column));
  }
}

void Reader::Rep::SetReadTime(int64_t read_time_ms) {
  if (now_ms == read_time_ms) return;
  now_ms = read_time_ms;
  for (Edge& edge : edges) {
    if (!edge.window) continue;
    const Window& window = schema.windows()[*edge.window];
    edge.reach_ms = AlignDown(read_time_ms - window.window_ms, window.hop_ms);
  }
}

void Reader::Rep::FindEdges(std::string_view bytes) {
  const Position cells_begin = layout.CellsBegin(bytes);
  end = Layout::End(bytes);
  if (end.index > cells_begin.index) {
    const char* newest_cell =
        bytes.data() + end.offset - layout.CellBytesBefore(bytes.data() + end.offset);
    if (Layout::StartMs(newest_cell) > *now_ms)
      end = layout.LowerBound(bytes, cells_begin, end, *now_ms + 1);
  }
  int64_t newest_ms = Layout::kNever;
  if (end.index > 0)
    newest_ms = Layout::CellNewestMs(bytes.data() + end.offset -
                                     layout.CellBytesBefore(bytes.data() + end.offset));

  const int64_t truncated_before_ms = Layout::TruncatedBeforeMs(bytes);
  Position begin = end;
  for (Edge& edge : edges) {
    // The lifetime has lost when, not what: it hurts a reader who would not see the newest of the
    // cells that went.
    begin = edge.window ? layout.LowerBound(bytes, cells_begin, begin, edge.reach_ms)
                        : Layout::AllBegin();
    edge.begin = begin;
    edge.newest_ms = begin.index < end.index ? newest_ms : Layout::kNever;
    edge.truncated = truncated_before_ms != Layout::kNever &&
                     (edge.window ? edge.reach_ms < truncated_before_ms
                                  : truncated_before_ms - layout.WidthMs(0) > *now_ms);
  }
}

void Reader::Rep::ReadFixed(std::string_view bytes, const Column& column) {
  const Aggregate& function = *column.function;
  const size_t slot_offset = layout.SlotOffset(column.aggregation);
  slot.resize(function.size_bytes);
  function.init(slot.data());
  Position reached = end;
  for (const Stop& stop : column.stops) {
    const Position begin = edges[stop.edge].begin;
    if (!layout.HasVariableSlots()) {
      function.merge_run(slot.data(), bytes.data() + begin.offset + slot_offset,
                         layout.CellFixedBytes(), reached.index - begin.index);
    } else {
      for (size_t offset = reached.offset; offset > begin.offset;) {
        offset -= layout.CellBytesBefore(bytes.data() + offset);
        function.merge(slot.data(), bytes.data() + offset + slot_offset);
      }
    }
    reached = begin;
    Emit(column, stop, slot);
  }
}

void Reader::Rep::ReadVariable(std::string_view bytes, const Column& column) {
  slot.clear();
  size_t offset = end.offset;
  for (const Stop& stop : column.stops) {
    while (offset > edges[stop.edge].begin.offset) {
      offset -= layout.CellBytesBefore(bytes.data() + offset);
      column.function->merge_variable(slot,
                                      layout.VariableSlot(bytes.data() + offset, column.ordinal),
                                      column.function->parameters);
    }
    // The slot goes on changing: the value borrows from a copy.
    texts[stop.want] = slot;
    Emit(column, stop, texts[stop.want]);
  }
}

void Reader::Rep::Emit(const Column& column, const Stop& stop, std::string_view merged) {
  const Edge& edge = edges[stop.edge];
  WindowedValue& value = values[stop.want];
  value.value = Datum();
  value.newest_time_ms = edge.newest_ms;
  if (edge.truncated) {
    value.outcome = ReadOutcome::kTruncated;
    return;
  }
  const int64_t window_ms = edge.window ? schema.windows()[*edge.window].window_ms : 0;
  switch (column.function->finalize(merged, {*now_ms, window_ms}, column.function->parameters,
                                    &value.value)) {
    case aggregate::Outcome::kValue:
      value.outcome = ReadOutcome::kValue;
      break;
    case aggregate::Outcome::kNull:
      value.outcome = ReadOutcome::kNull;
      break;
    case aggregate::Outcome::kOverflow:
      value.outcome = ReadOutcome::kOverflow;
      break;
  }
}

Reader::Reader(const Schema& schema, std::vector<Want> wants)
    : rep_(std::make_unique<Rep>(schema, std::move(wants))) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;

std::span<const WindowedValue> Reader::Read(std::string_view bytes, int64_t now_ms) {
  FRESHET_CHECK(bytes.size() >= Layout::kHeaderBytes);
  Rep& rep = *rep_;
  if (now_ms < Layout::NewestMs(bytes) - rep.schema.options().clock_skew_ms) {
    std::fill(rep.values.begin(), rep.values.end(),
              WindowedValue{.value = Datum(), .outcome = ReadOutcome::kTooEarly});
    return rep.values;
  }
  rep.SetReadTime(now_ms);
  rep.FindEdges(bytes);
  for (const Rep::Column& column : rep.columns) {
    if (column.function->size_bytes != 0)
      rep.ReadFixed(bytes, column);
    else
      rep.ReadVariable(bytes, column);
  }
  return rep.values;
}

}  // namespace freshet::timeline
