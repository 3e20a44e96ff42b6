#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "timeline/edge.h"
#include "timeline/layout.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

using aggregate::Aggregate;
using aggregate::Reading;

namespace {

ReadOutcome OutcomeOf(aggregate::Outcome outcome) {
  switch (outcome) {
    case aggregate::Outcome::kNull:
      return ReadOutcome::kNull;
    case aggregate::Outcome::kOverflow:
      return ReadOutcome::kOverflow;
    case aggregate::Outcome::kTooMany:
      return ReadOutcome::kTooMany;
    case aggregate::Outcome::kValue:
      break;
  }
  return ReadOutcome::kValue;
}

}  // namespace

// The wants turned around: per aggregation that some want needs, the edges at which its value is
// wanted. An edge is where a window ends towards the past; the lifetime's is where the timeline
// begins. Windows that end towards the future at the same cell follow one on another, the nearest
// edge first: between two edges one call merges a whole run of cells.
struct Reader::Rep {
  struct Stop {
    uint32_t edge;
    uint32_t want;
  };
  struct Column {
    const Aggregate* function;
    uint32_t aggregation;
    size_t ordinal;  // among the variable-size slots
    std::vector<Stop> stops;
    size_t run_set = 0;
  };
  // What lies between the stops of columns that stop at the same edges, where cells are of one size.
  struct RunSet {
    std::vector<uint32_t> edges;
    std::vector<aggregate::SlotRun> runs;  // one an edge
  };

  Rep(const Schema& s, std::vector<Want> w);
  void AddEdges();
  void AddColumns();
  void SetReadTime(int64_t now_ms);
  ReadTimes HoldsAt(int64_t newest_ms) const;
  void FindEdges(std::string_view bytes);
  void FindEdge(std::string_view bytes, Position cells_begin, const Edge* before, Edge* edge);
  void FindRuns();
  size_t RunSetOf(const Column& column);
  void ReadRuns(std::string_view bytes, const Column& column);
  void ReadMerged(std::string_view bytes, const Column& column);
  void MergeCells(std::string_view bytes, const Column& column, Position begin, Position end,
                  std::string& into) const;
  void MergeEvents(std::string_view bytes, const Column& column, const RecentRun& run,
                   std::string& into) const;
  std::string& Own(const Column& column, const Stop& stop);
  static void Clear(const Aggregate& function, std::string& merged);
  void EmitWithTail(std::string_view bytes, const Column& column, const Stop& stop,
                    const std::string& merged);
  void Emit(const Column& column, const Stop& stop, std::string_view slot);
  // What the window was like then: ages end there too.
  int64_t ReadMsOf(const Edge& edge) const {
    return *now_ms - (edge.window ? schema.windows()[*edge.window].offset_ms : 0);
  }

  const Schema& schema;
  const Layout layout;
  // Whether cells are of one size and windows are whole cells.
  const bool has_runs;
  const std::vector<Want> wants;
  bool holds = false;       // whether values outlast their moment
  std::vector<Edge> edges;  // by their frames: the latest last cell first, then the latest begin
  std::vector<Column> columns;
  std::vector<RunSet> run_sets;
  std::vector<aggregate::RunValue> run_values;

  std::vector<WindowedValue> values;
  std::vector<std::string> texts;  // per want, what a value borrows from
  std::vector<std::string> lists;
  std::string slot;
  std::string own_slot;
  std::optional<int64_t> now_ms;
};

Reader::Rep::Rep(const Schema& s, std::vector<Want> w)
    : schema(s),
      layout(s),
      has_runs(!layout.HasVariableSlots() && !EdgeCutter::IsNeeded(s)),
      wants(std::move(w)),
      values(wants.size()),
      texts(wants.size()),
      lists(wants.size()) {
  for (const Want& want : wants) {
    FRESHET_CHECK(want.aggregation < schema.aggregations().size());
    FRESHET_CHECK(!want.window || *want.window < schema.windows().size());
    FRESHET_CHECK(want.window || schema.options().has_lifetime);
  }
  holds = !EdgeCutter::IsNeeded(schema) &&
          std::none_of(wants.begin(), wants.end(), [&](const Want& want) {
            return schema.aggregations()[want.aggregation]->ages;
          });
  AddEdges();
  AddColumns();
}

void Reader::Rep::AddEdges() {
  for (uint32_t window = 0; window < schema.windows().size(); ++window) {
    if (std::any_of(wants.begin(), wants.end(),
                    [&](const Want& want) { return want.window == window; }))
      edges.push_back({.window = window,
                       .grid = GridOf(schema.windows()[window], schema.options().head_hop_ms)});
  }
  if (std::any_of(wants.begin(), wants.end(), [](const Want& want) { return !want.window; }))
    edges.push_back({});
}

void Reader::Rep::AddColumns() {
  columns.clear();
  run_sets.clear();
  size_t ordinal = 0;
  for (uint32_t aggregation = 0; aggregation < schema.aggregations().size(); ++aggregation) {
    Column column{schema.aggregations()[aggregation].get(), aggregation, ordinal, {}};
    if (column.function->size_bytes == 0) ++ordinal;
    for (uint32_t edge = 0; edge < edges.size(); ++edge) {
      for (uint32_t want = 0; want < wants.size(); ++want)
        if (wants[want] == Want{aggregation, edges[edge].window})
          column.stops.push_back({edge, want});
    }
    if (column.stops.empty()) continue;
    if (has_runs) column.run_set = RunSetOf(column);
    columns.push_back(std::move(column));
  }
  run_values.resize(edges.size());
}

size_t Reader::Rep::RunSetOf(const Column& column) {
  std::vector<uint32_t> stopped_at;
  for (const Stop& stop : column.stops) stopped_at.push_back(stop.edge);
  const auto known = std::find_if(run_sets.begin(), run_sets.end(),
                                  [&](const RunSet& set) { return set.edges == stopped_at; });
  if (known != run_sets.end()) return static_cast<size_t>(known - run_sets.begin());
  const size_t count = stopped_at.size();
  run_sets.push_back({std::move(stopped_at), std::vector<aggregate::SlotRun>(count)});
  return run_sets.size() - 1;
}

void Reader::Rep::SetReadTime(int64_t read_time_ms) {
  if (now_ms == read_time_ms) return;
  now_ms = read_time_ms;
  for (Edge& edge : edges) {
    if (edge.window)
      edge.frame = FrameOf(schema.windows()[*edge.window], edge.grid, read_time_ms);
    else
      edge.frame = {Layout::kNever, read_time_ms, 0};
  }
  const auto is_before = [](const Edge& a, const Edge& b) {
    if (a.frame.last_ms != b.frame.last_ms) return a.frame.last_ms > b.frame.last_ms;
    return a.frame.begin_ms > b.frame.begin_ms;
  };
  if (std::is_sorted(edges.begin(), edges.end(), is_before)) return;
  std::stable_sort(edges.begin(), edges.end(), is_before);
  AddColumns();
}

// From the newest event on all cells are seen, and only older ends slide.
ReadTimes Reader::Rep::HoldsAt(int64_t newest_ms) const {
  if (!holds || !now_ms || *now_ms < newest_ms) return {};
  ReadTimes all = {newest_ms, std::numeric_limits<int64_t>::max()};
  for (const Edge& edge : edges) {
    if (!edge.window) continue;
    const ReadTimes same = SameFrameAt(schema.windows()[*edge.window], edge.grid,
                                       schema.options().head_hop_ms, *now_ms);
    all.from_ms = std::max(all.from_ms, same.from_ms);
    all.until_ms = std::min(all.until_ms, same.until_ms);
  }
  return all;
}

void Reader::Rep::FindEdges(std::string_view bytes) {
  const Position cells_begin = layout.CellsBegin(bytes);
  const Edge* before = nullptr;
  for (Edge& edge : edges) {
    FindEdge(bytes, cells_begin, before, &edge);
    before = &edge;
  }
  if (!EdgeCutter::IsNeeded(schema)) return;
  const EdgeCutter cutter(schema, bytes);
  for (Edge& edge : edges) cutter.Cut(&edge);
}

void Reader::Rep::FindEdge(std::string_view bytes, Position cells_begin, const Edge* before,
                           Edge* edge) {
  const Frame& frame = edge->frame;
  Position nearest = before == nullptr ? layout.End(bytes) : before->begin;
  if (before != nullptr && before->frame.last_ms == frame.last_ms) {
    edge->end = before->end;
  } else {
    edge->end = before == nullptr ? layout.End(bytes) : before->end;
    if (edge->end.index > cells_begin.index) {
      const char* newest_cell =
          bytes.data() + edge->end.offset - layout.CellBytesBefore(bytes.data() + edge->end.offset);
      if (Layout::StartMs(newest_cell) > frame.last_ms)
        edge->end = layout.LowerBound(bytes, cells_begin, edge->end, frame.last_ms + 1);
    }
    nearest = edge->end;
  }
  // The lifetime has lost when, not what: it hurts a reader who would not see the newest of the
  // cells that went.
  const bool has_begin = edge->window && frame.begin_ms != Layout::kNever;
  edge->begin = has_begin ? layout.LowerBound(bytes, cells_begin, nearest, frame.begin_ms)
                          : layout.AllBegin(bytes);
  edge->newest_ms = Layout::kNever;
  if (edge->begin.index < edge->end.index)
    edge->newest_ms = Layout::CellNewestMs(bytes.data() + edge->end.offset -
                                           layout.CellBytesBefore(bytes.data() + edge->end.offset));
  const int64_t head_ms = schema.options().exact_head ? 1 : layout.HeadHopMs();
  const int64_t truncated_before_ms = Layout::TruncatedBeforeMs(bytes);
  edge->truncated = truncated_before_ms != Layout::kNever &&
                    (edge->window ? frame.begin_ms < truncated_before_ms
                                  : truncated_before_ms - head_ms > *now_ms);
}

void Reader::Rep::FindRuns() {
  for (RunSet& set : run_sets) {
    const Edge* before = nullptr;
    for (size_t i = 0; i < set.edges.size(); ++i) {
      const Edge& edge = edges[set.edges[i]];
      const bool starts_anew = before == nullptr || before->frame.last_ms != edge.frame.last_ms;
      const Position reached = starts_anew ? edge.end : before->begin;
      set.runs[i] = {edge.begin.offset, reached.index - edge.begin.index, starts_anew,
                     Reading{ReadMsOf(edge), edge.frame.length_ms, nullptr}};
      before = &edge;
    }
  }
}

void Reader::Rep::ReadRuns(std::string_view bytes, const Column& column) {
  column.function->read_runs(bytes.data() + layout.SlotOffset(column.aggregation),
                             layout.CellFixedBytes(), run_sets[column.run_set].runs,
                             column.function->parameters, run_values.data());
  // By address: what the library checks of each index is a third of this loop.
  const aggregate::RunValue* run = run_values.data();
  for (const Stop& stop : column.stops) {
    const Edge& edge = edges.data()[stop.edge];
    WindowedValue& value = values.data()[stop.want];
    value.value = run->value;
    value.outcome = edge.truncated ? ReadOutcome::kTruncated : OutcomeOf(run->outcome);
    value.newest_time_ms = edge.newest_ms;
    ++run;
  }
}

// Where cells are of many sizes, or windows cut through some.
void Reader::Rep::ReadMerged(std::string_view bytes, const Column& column) {
  std::optional<int64_t> last_ms;
  Position reached{};
  for (const Stop& stop : column.stops) {
    const Edge& edge = edges[stop.edge];
    const bool starts_anew = edge.is_own || last_ms != edge.frame.last_ms;
    std::string& merged = edge.is_own ? Own(column, stop) : slot;
    if (starts_anew) {
      Clear(*column.function, merged);
      MergeEvents(bytes, column, edge.head, merged);
    }
    MergeCells(bytes, column, edge.begin, starts_anew ? edge.end : reached, merged);
    if (!edge.is_own) {
      last_ms = edge.frame.last_ms;
      reached = edge.begin;
    }
    EmitWithTail(bytes, column, stop, merged);
  }
}

// Where a value is put together that shares its slot with no other: a variable-size slot is what the
// value borrows from.
std::string& Reader::Rep::Own(const Column& column, const Stop& stop) {
  return column.function->size_bytes != 0 ? own_slot : texts[stop.want];
}

void Reader::Rep::Clear(const Aggregate& function, std::string& merged) {
  merged.clear();
  merged.resize(function.size_bytes);
  if (function.size_bytes != 0) function.init(merged.data());
}

// `merged` goes on changing: what the tail adds, and what a value borrows from, is a copy.
void Reader::Rep::EmitWithTail(std::string_view bytes, const Column& column, const Stop& stop,
                               const std::string& merged) {
  const Edge& edge = edges[stop.edge];
  if (edge.tail.is_empty() && column.function->size_bytes != 0) return Emit(column, stop, merged);
  std::string& own = Own(column, stop);
  if (&own != &merged) own = merged;
  MergeEvents(bytes, column, edge.tail, own);
  Emit(column, stop, own);
}

void Reader::Rep::MergeCells(std::string_view bytes, const Column& column, Position begin,
                             Position end, std::string& into) const {
  const Aggregate& function = *column.function;
  const size_t slot_offset = layout.SlotOffset(column.aggregation);
  if (!layout.HasVariableSlots()) {
    function.merge_run(into.data(), bytes.data() + begin.offset + slot_offset,
                       layout.CellFixedBytes(), end.index - begin.index);
    return;
  }
  for (size_t offset = end.offset; offset > begin.offset;) {
    offset -= layout.CellBytesBefore(bytes.data() + offset);
    if (function.size_bytes != 0)
      function.merge(into.data(), bytes.data() + offset + slot_offset);
    else
      function.merge_variable(into, layout.VariableSlot(bytes.data() + offset, column.ordinal),
                              function.parameters);
  }
}

void Reader::Rep::MergeEvents(std::string_view bytes, const Column& column, const RecentRun& run,
                              std::string& into) const {
  if (run.is_empty()) return;
  const Aggregate& function = *column.function;
  const size_t slot_offset = layout.SlotOffset(column.aggregation);
  const RecentEvents recent(schema);
  if (!layout.HasVariableSlots()) {
    function.merge_run(into.data(), RecentEvents::CellAt(bytes, run.begin) + slot_offset,
                       recent.StrideBytes(), run.end.index - run.begin.index);
    return;
  }
  for (Position at = run.end; at.index > run.begin.index;) {
    at = recent.Before(bytes, at);
    const char* cell = RecentEvents::CellAt(bytes, at);
    if (function.size_bytes != 0)
      function.merge(into.data(), cell + slot_offset);
    else
      function.merge_variable(into, layout.VariableSlot(cell, column.ordinal), function.parameters);
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
  const Reading reading = {ReadMsOf(edge), edge.frame.length_ms, &lists[stop.want]};
  value.outcome = OutcomeOf(
      column.function->finalize(merged, reading, column.function->parameters, &value.value));
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
  if (rep.has_runs) rep.FindRuns();
  for (const Rep::Column& column : rep.columns) {
    if (rep.has_runs)
      rep.ReadRuns(bytes, column);
    else
      rep.ReadMerged(bytes, column);
  }
  return rep.values;
}

ReadTimes Reader::HoldsAt(std::string_view bytes) const {
  return rep_->HoldsAt(Layout::NewestMs(bytes));
}

}  // namespace freshet::timeline
