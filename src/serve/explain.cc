#include "serve/explain.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "aggregate/packed_list.h"
#include "base/limits.h"
#include "base/time.h"
#include "serve/columns.h"
#include "serve/derive.h"
#include "timeline/describe.h"
#include "timeline/window.h"

namespace freshet::serve {
namespace {

std::string KeyText(const Plan& plan, const KeyPlan& key, const Scratch& scratch) {
  if (key.columns.empty()) return "all events";
  std::string text;
  for (const uint32_t column : key.columns) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{}={}", plan.entity_columns[column].name,
                        ToString(scratch.entity_columns[column].At(0)));
  }
  return text;
}

// Of the only row; a list stands packed among the texts.
Value ValueOf(const Column& values) {
  if (!values.is_list) return ToReadable(values.type, DatumAt(values, 0));
  std::string text = "[";
  for (std::string_view rest = values.texts[0]; !rest.empty();) {
    if (text.size() > 1) text += ", ";
    text += ToString(values.type, aggregate::TakePacked(values.type, rest));
  }
  return text + "]";
}

void ExplainValue(const SlotWriter& writer, ExplainedFeature& feature) {
  feature.status = writer.column->statuses[0];
  feature.value = ValueOf(writer.column->values);
  if (!writer.column->failures.empty()) feature.reason = writer.column->failures[0].reason;
  feature.event_time_ms = writer.column->event_times_ms[0];
}

// Names a feature's window, and finds the cells that are in it.
void ExplainWindow(const TimelineRead& read, const timeline::Want& want, std::string_view bytes,
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

void ExplainCells(const TimelineRead& read, std::string_view bytes, int64_t now_ms,
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

const registry::TimelineTable& TableOf(const TimelineRead& read) {
  const std::vector<registry::TimelineTable>& tables = read.view->stream()->tables;
  return *std::find_if(tables.begin(), tables.end(), [&](const registry::TimelineTable& table) {
    return table.id == read.table;
  });
}

void ExplainTimeline(const Plan& plan, uint32_t index, std::string_view bytes, int64_t now_ms,
                     const Scratch& scratch, Explanation* explanation) {
  const TimelineRead& read = plan.timelines[index];
  const registry::StreamView& stream = *read.view->stream();
  ExplainedTimeline& timeline = explanation->timelines[index];
  timeline.view = read.view->name;
  timeline.source = stream.source->name;
  timeline.key = KeyText(plan, plan.keys[read.key], scratch);
  timeline.table = read.table;
  timeline.as_of_ms = scratch.as_of_ms[index];
  for (StreamPosition& position : timeline.positions) position.source = timeline.source;
  const std::vector<uint32_t>& aggregations = TableOf(read).aggregations;
  for (const uint32_t aggregation : aggregations)
    timeline.aggregations.push_back(stream.aggregations[aggregation].name);
  ExplainCells(read, bytes, now_ms, &timeline);
  for (size_t i = 0; i < read.slots.size(); ++i) {
    ExplainedFeature& feature = explanation->features[read.slots[i]];
    feature.timeline = index;
    feature.aggregation = timeline.aggregations[read.wants[i].aggregation];
    ExplainWindow(read, read.wants[i], bytes, now_ms, timeline, feature);
  }
}

void ExplainRow(const Plan& plan, uint32_t index, std::string_view bytes, const Scratch& scratch,
                store::Store& store, Explanation* explanation) {
  const RowRead& read = plan.rows[index];
  ExplainedRow& row = explanation->rows[index];
  row.view = read.view->name;
  row.source = read.view->batch()->source->name;
  row.key = KeyText(plan, plan.keys[read.key], scratch);
  row.max_age_ms = read.view->batch()->max_age_ms;
  const std::shared_ptr<const store::Generation> generation = store.FindGeneration(read.view->id);
  if (generation != nullptr) {
    row.generation = generation->table;
    row.loaded_at_ms = generation->loaded_at_ms;
    row.row_count = generation->row_count;
  }
  row.is_found = !bytes.empty();
  if (row.is_found) row.event_time_ms = store::RowLayout::EventTimeMs(bytes);
  for (size_t i = 0; i < read.slots.size(); ++i) {
    explanation->features[read.slots[i]].row = index;
    explanation->features[read.slots[i]].column = read.columns[i];
  }
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

void ExplainStored(const Plan& plan, int64_t now_ms, const Scratch& scratch,
                   const std::vector<std::string>& kept, store::Store& store,
                   Explanation* explanation) {
  explanation->read_time_ms = now_ms;
  for (size_t slot = 0; slot < plan.slots.size(); ++slot) {
    ExplainedFeature& feature = explanation->features[slot];
    feature.name = plan.slots[slot].name;
    feature.is_asked = slot < plan.output_count;
    ExplainValue(scratch.writers[slot], feature);
  }
  // A view that was never loaded has no target, and so nothing was read.
  std::vector<std::string_view> bytes(plan.timelines.size() + plan.rows.size());
  for (size_t i = 0; i < kept.size(); ++i) bytes[scratch.targets[i].read] = kept[i];
  for (uint32_t i = 0; i < plan.timelines.size(); ++i)
    ExplainTimeline(plan, i, bytes[i], now_ms, scratch, explanation);
  explanation->rows.resize(plan.rows.size());
  for (uint32_t i = 0; i < plan.rows.size(); ++i)
    ExplainRow(plan, i, bytes[plan.timelines.size() + i], scratch, store, explanation);
}

}  // namespace freshet::serve
