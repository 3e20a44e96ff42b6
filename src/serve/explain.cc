#include "serve/explain.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "aggregate/packed_list.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/time.h"
#include "serve/columns.h"
#include "serve/derive.h"
#include "store/stream_row.h"
#include "timeline/describe.h"
#include "timeline/window.h"

namespace freshet::serve {
namespace {

std::string KeyText(const Plan& plan, const KeyPlan& key, const Scratch& scratch) {
  if (key.columns.empty()) return "all events";
  std::string text;
  for (const uint32_t column : key.columns) {
    if (!text.empty()) text += ", ";
    const BoundColumn& bound = scratch.entity_columns[column];
    text += fmt::format("{}={}", plan.entity_columns[column].name,
                        bound.values->type == Type::kBytes ? EncodeBase64(bound.At(0).as_string())
                                                           : ToString(bound.At(0)));
  }
  return text;
}

// Of the only row; a list is packed.
Value ValueOf(const registry::Feature& feature, const Datum& value) {
  if (!feature.is_list) return ToReadable(feature.type, value);
  std::string text = "[";
  for (std::string_view rest = value.as_string(); !rest.empty();) {
    if (text.size() > 1) text += ", ";
    text += ToString(feature.type, aggregate::TakePacked(feature.type, rest));
  }
  return text + "]";
}

void ExplainValue(const BlockWriter& writer, uint32_t slot, ExplainedFeature& feature) {
  feature.status = writer.StatusAt(slot, 0);
  feature.value = ValueOf(*writer.slot(slot).feature, writer.ValueAt(slot, 0));
  if (const std::string* reason = writer.ReasonAt(slot, 0)) feature.reason = *reason;
  feature.event_time_ms = writer.EventTimeMsAt(slot, 0);
}

// Names a feature's window, and finds the cells that are in it.
void ExplainWindow(const StreamRead& read, const timeline::Want& want, std::string_view bytes,
                   int64_t now_ms, const ExplainedTimeline& timeline, ExplainedFeature& feature) {
  int64_t begin_ms = kNoEventTimeMs;
  int64_t last_ms = now_ms;
  const int64_t head_hop_ms = read.schema->options().head_hop_ms;
  if (want.window.has_value()) {
    const timeline::Window& window = read.schema->windows()[*want.window];
    const timeline::Frame frame =
        bytes.empty() ? timeline::FrameOf(window, timeline::GridOf(window, head_hop_ms), now_ms)
                      : timeline::FrameIn(*read.schema, *want.window, bytes, now_ms);
    feature.window = timeline::Describe(window);
    begin_ms = frame.begin_ms;
    last_ms = frame.last_ms;
  }
  feature.window_begin_ms = begin_ms;
  feature.window_end_ms = read.schema->options().exact_head
                              ? last_ms + 1
                              : AlignDown(last_ms, head_hop_ms) + head_hop_ms;
  const auto ends_before = [](const ExplainedCell& cell, int64_t ms) { return cell.end_ms <= ms; };
  const auto starts_before = [](const ExplainedCell& cell, int64_t ms) {
    return cell.begin_ms < ms;
  };
  const auto begin = timeline.cells.begin();
  const auto end = timeline.cells.end();
  feature.cell_begin =
      static_cast<uint32_t>(std::lower_bound(begin, end, begin_ms, ends_before) - begin);
  feature.cell_end =
      static_cast<uint32_t>(std::lower_bound(begin, end, last_ms + 1, starts_before) - begin);
  feature.cell_end = std::max(feature.cell_begin, feature.cell_end);
}

void ExplainCells(const StreamRead& read, std::string_view bytes, int64_t now_ms,
                  ExplainedTimeline* timeline) {
  timeline->is_found = !bytes.empty();
  if (bytes.empty()) return;
  timeline->newest_event_ms = timeline::NewestEventTimeMs(bytes);
  timeline::Description description =
      timeline::Describe(*read.schema, bytes, now_ms, limits::kExplainedCellsMax);
  timeline->cell_count = description.cell_count;
  for (timeline::CellDescription& cell : description.cells) {
    timeline->cells.push_back({cell.begin_ms, cell.end_ms, cell.newest_ms, std::move(cell.slots)});
  }
}

const registry::TimelineTable& TableOf(const StreamRead& read) {
  const std::vector<registry::TimelineTable>& tables = read.view->stream()->tables;
  return *std::find_if(tables.begin(), tables.end(), [&](const registry::TimelineTable& table) {
    return table.id == read.table;
  });
}

std::vector<StreamPosition> Named(std::vector<StreamPosition> positions,
                                  const std::string& source) {
  for (StreamPosition& position : positions) position.source = source;
  return positions;
}

// One stream's state, as it was read.
struct StreamState {
  const StreamRead& read;
  std::string_view bytes;
  int64_t as_of_ms = 0;
  const std::vector<StreamPosition>& positions;
};

void ExplainTimeline(const Plan& plan, const StreamState& state, int64_t now_ms,
                     const Scratch& scratch, Explanation* explanation) {
  const StreamRead& read = state.read;
  const registry::StreamView& stream = *read.view->stream();
  const auto index = static_cast<uint32_t>(explanation->timelines.size());
  ExplainedTimeline& timeline = explanation->timelines.emplace_back();
  timeline.view = read.view->name;
  timeline.source = stream.source->name;
  timeline.key = KeyText(plan, plan.keys[read.key], scratch);
  timeline.table = read.table;
  timeline.as_of_ms = state.as_of_ms;
  timeline.positions = Named(state.positions, timeline.source);
  const std::vector<uint32_t>& aggregations = TableOf(read).aggregations;
  for (const uint32_t aggregation : aggregations)
    timeline.aggregations.push_back(stream.aggregations[aggregation].name);
  ExplainCells(read, state.bytes, now_ms, &timeline);
  for (size_t i = 0; i < read.slots.size(); ++i) {
    ExplainedFeature& feature = explanation->features[read.slots[i]];
    feature.timeline = index;
    feature.aggregation = timeline.aggregations[read.wants[i].aggregation];
    ExplainWindow(read, read.wants[i], state.bytes, now_ms, timeline, feature);
  }
}

// What rows of a load and of a stream have in common.
ExplainedRow& AddRow(const Plan& plan, const registry::FeatureView& view, uint32_t key,
                     const Scratch& scratch, Explanation* explanation) {
  ExplainedRow& row = explanation->rows.emplace_back();
  row.view = view.name;
  row.source = view.batch()->source->name;
  row.key = KeyText(plan, plan.keys[key], scratch);
  row.max_age_ms = view.batch()->max_age_ms;
  return row;
}

void ExplainColumn(uint32_t slot, const std::string& column, Explanation* explanation) {
  explanation->features[slot].row = static_cast<uint32_t>(explanation->rows.size() - 1);
  explanation->features[slot].column = column;
}

void ExplainStreamRow(const Plan& plan, const StreamState& state, const Scratch& scratch,
                      Explanation* explanation) {
  const StreamRead& read = state.read;
  ExplainedRow& row = AddRow(plan, *read.view, read.key, scratch, explanation);
  row.table = read.table;
  row.as_of_ms = state.as_of_ms;
  row.positions = Named(state.positions, row.source);
  if (!state.bytes.empty()) {
    const std::string_view stored = store::StreamRow::Row(state.bytes);
    row.is_deleted = store::RowLayout::IsTombstone(stored);
    row.is_found = !row.is_deleted;
    row.event_time_ms = store::RowLayout::EventTimeMs(stored);
  }
  for (const uint32_t slot : read.slots)
    ExplainColumn(slot, plan.slots[slot].feature->name, explanation);
}

void ExplainRow(const Plan& plan, const RowRead& read, std::string_view bytes,
                const Scratch& scratch, store::Store& store, Explanation* explanation) {
  ExplainedRow& row = AddRow(plan, *read.view, read.key, scratch, explanation);
  const std::shared_ptr<const store::Generation> generation = store.FindGeneration(read.view->id);
  if (generation != nullptr) {
    row.generation = generation->table;
    row.loaded_at_ms = generation->loaded_at_ms;
    row.row_count = generation->row_count;
  }
  row.is_found = !bytes.empty();
  if (row.is_found) row.event_time_ms = store::RowLayout::EventTimeMs(bytes);
  for (size_t i = 0; i < read.slots.size(); ++i)
    ExplainColumn(read.slots[i], read.columns[i], explanation);
}

}  // namespace

void ExplainDerived(const Plan& plan, int64_t now_ms, Scratch& scratch, Explanation* explanation) {
  explanation->features.resize(plan.slots.size());
  for (const DerivedRead& read : plan.derived) {
    ExplainedFeature& feature = explanation->features[read.slot];
    feature.expression = *read.text;
    BindRow(read, 0, now_ms, scratch);
    for (expr::Step& step : read.program->Explain(scratch.variables, scratch.expression)) {
      feature.steps.push_back({step.depth, std::string(step.text), step.is_evaluated,
                               std::move(step.value), step.error == nullptr ? "" : step.error});
    }
  }
}

void ExplainStored(const Plan& plan, int64_t now_ms, const Scratch& scratch, const ReadState& state,
                   store::Store& store, Explanation* explanation) {
  explanation->read_time_ms = now_ms;
  for (uint32_t slot = 0; slot < plan.slots.size(); ++slot) {
    ExplainedFeature& feature = explanation->features[slot];
    feature.name = plan.slots[slot].name;
    feature.is_asked = slot < plan.output_count;
    ExplainValue(scratch.writer, slot, feature);
  }
  // A view that was never loaded has no target, and so nothing was read.
  std::vector<std::string_view> bytes(plan.streams.size() + plan.rows.size());
  for (size_t i = 0; i < state.copies.size(); ++i) bytes[scratch.targets[i].read] = state.copies[i];
  for (size_t i = 0; i < plan.streams.size(); ++i) {
    const StreamState stream{plan.streams[i], bytes[i], scratch.as_of_ms[i], state.positions[i]};
    if (plan.streams[i].is_of_rows()) {
      ExplainStreamRow(plan, stream, scratch, explanation);
    } else {
      ExplainTimeline(plan, stream, now_ms, scratch, explanation);
    }
  }
  for (size_t i = 0; i < plan.rows.size(); ++i)
    ExplainRow(plan, plan.rows[i], bytes[plan.streams.size() + i], scratch, store, explanation);
}

}  // namespace freshet::serve
