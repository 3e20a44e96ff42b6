#include "rpc/explain_wire.h"

#include <variant>

namespace freshet::rpc {
namespace {

void SetScalar(const Value& value, v1::Scalar* wire) {
  if (const auto* flag = std::get_if<bool>(&value)) wire->set_bool_value(*flag);
  if (const auto* integer = std::get_if<int64_t>(&value)) wire->set_int_value(*integer);
  if (const auto* number = std::get_if<double>(&value)) wire->set_double_value(*number);
  if (const auto* text = std::get_if<std::string>(&value)) wire->set_string_value(*text);
}

void SetCell(const ExplainedCell& cell, v1::ExplainedCell* wire) {
  if (cell.begin_ms != kNoEventTimeMs) wire->set_begin_ms(cell.begin_ms);
  wire->set_end_ms(cell.end_ms);
  wire->set_newest_event_ms(cell.newest_event_ms);
  for (const Value& slot : cell.slots) SetScalar(slot, wire->add_slots());
}

void SetPosition(const StreamPosition& position, v1::StreamPosition* wire) {
  wire->set_source(position.source);
  wire->set_partition(position.partition);
  wire->set_offset(position.offset);
}

void SetTimeline(const ExplainedTimeline& timeline, v1::ExplainedTimeline* wire) {
  wire->set_view(timeline.view);
  wire->set_source(timeline.source);
  wire->set_key(timeline.key);
  wire->set_table(timeline.table);
  wire->set_is_found(timeline.is_found);
  if (timeline.newest_event_ms != kNoEventTimeMs)
    wire->set_newest_event_ms(timeline.newest_event_ms);
  if (timeline.as_of_ms != kNoEventTimeMs) wire->set_as_of_ms(timeline.as_of_ms);
  for (const StreamPosition& position : timeline.positions)
    SetPosition(position, wire->add_positions());
  for (const std::string& aggregation : timeline.aggregations) wire->add_aggregations(aggregation);
  wire->set_cell_count(timeline.cell_count);
  for (const ExplainedCell& cell : timeline.cells) SetCell(cell, wire->add_cells());
}

void SetRow(const ExplainedRow& row, v1::ExplainedRow* wire) {
  wire->set_view(row.view);
  wire->set_source(row.source);
  wire->set_key(row.key);
  wire->set_generation(row.generation);
  if (row.loaded_at_ms != kNoEventTimeMs) wire->set_loaded_at_ms(row.loaded_at_ms);
  wire->set_row_count(row.row_count);
  wire->set_is_found(row.is_found);
  if (row.event_time_ms != kNoEventTimeMs) wire->set_event_time_ms(row.event_time_ms);
  if (row.max_age_ms.has_value()) wire->set_max_age_ms(*row.max_age_ms);
  wire->set_table(row.table);
  wire->set_is_deleted(row.is_deleted);
  if (row.as_of_ms != kNoEventTimeMs) wire->set_as_of_ms(row.as_of_ms);
  for (const StreamPosition& position : row.positions) SetPosition(position, wire->add_positions());
}

void SetStep(const ExplainedStep& step, v1::ExplainedStep* wire) {
  wire->set_depth(step.depth);
  wire->set_text(step.text);
  wire->set_is_evaluated(step.is_evaluated);
  SetScalar(step.value, wire->mutable_value());
  wire->set_error(step.error);
}

void SetFeature(const ExplainedFeature& feature, v1::ExplainedFeature* wire) {
  wire->set_name(feature.name);
  wire->set_is_asked(feature.is_asked);
  wire->set_status(static_cast<v1::FeatureStatus>(feature.status));
  SetScalar(feature.value, wire->mutable_value());
  wire->set_reason(feature.reason);
  if (feature.event_time_ms != kNoEventTimeMs) wire->set_event_time_ms(feature.event_time_ms);
  if (feature.timeline.has_value()) wire->set_timeline(*feature.timeline);
  wire->set_aggregation(feature.aggregation);
  wire->set_window(feature.window);
  if (feature.window_begin_ms != kNoEventTimeMs) wire->set_window_begin_ms(feature.window_begin_ms);
  wire->set_window_end_ms(feature.window_end_ms);
  wire->set_cell_begin(feature.cell_begin);
  wire->set_cell_end(feature.cell_end);
  if (feature.row.has_value()) wire->set_row(*feature.row);
  wire->set_column(feature.column);
  wire->set_expression(feature.expression);
  for (const ExplainedStep& step : feature.steps) SetStep(step, wire->add_steps());
}

}  // namespace

void ToWire(const Explanation& explanation, v1::ExplainResponse* wire) {
  wire->set_read_time_ms(explanation.read_time_ms);
  for (const ExplainedFeature& feature : explanation.features)
    SetFeature(feature, wire->add_features());
  for (const ExplainedTimeline& timeline : explanation.timelines)
    SetTimeline(timeline, wire->add_timelines());
  for (const ExplainedRow& row : explanation.rows) SetRow(row, wire->add_rows());
}

}  // namespace freshet::rpc
