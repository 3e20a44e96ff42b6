#include "client/explain_wire.h"

#include <fmt/format.h>

namespace freshet::client {
namespace {

Value ScalarOf(const v1::Scalar& wire) {
  switch (wire.value_case()) {
    case v1::Scalar::kBoolValue:
      return wire.bool_value();
    case v1::Scalar::kIntValue:
      return wire.int_value();
    case v1::Scalar::kDoubleValue:
      return wire.double_value();
    case v1::Scalar::kStringValue:
      return wire.string_value();
    case v1::Scalar::VALUE_NOT_SET:
      return {};
  }
  return {};
}

ExplainedCell CellOf(const v1::ExplainedCell& wire) {
  ExplainedCell cell;
  if (wire.has_begin_ms()) cell.begin_ms = wire.begin_ms();
  cell.end_ms = wire.end_ms();
  cell.newest_event_ms = wire.newest_event_ms();
  for (const v1::Scalar& slot : wire.slots()) cell.slots.push_back(ScalarOf(slot));
  return cell;
}

std::vector<StreamPosition> PositionsOf(
    const google::protobuf::RepeatedPtrField<v1::StreamPosition>& wire) {
  std::vector<StreamPosition> positions;
  for (const v1::StreamPosition& position : wire)
    positions.push_back({position.source(), position.partition(), position.offset()});
  return positions;
}

ExplainedTimeline TimelineOf(const v1::ExplainedTimeline& wire) {
  ExplainedTimeline timeline;
  timeline.view = wire.view();
  timeline.source = wire.source();
  timeline.key = wire.key();
  timeline.table = wire.table();
  timeline.is_found = wire.is_found();
  if (wire.has_newest_event_ms()) timeline.newest_event_ms = wire.newest_event_ms();
  if (wire.has_as_of_ms()) timeline.as_of_ms = wire.as_of_ms();
  timeline.positions = PositionsOf(wire.positions());
  timeline.aggregations.assign(wire.aggregations().begin(), wire.aggregations().end());
  timeline.cell_count = wire.cell_count();
  for (const v1::ExplainedCell& cell : wire.cells()) timeline.cells.push_back(CellOf(cell));
  return timeline;
}

ExplainedRow RowOf(const v1::ExplainedRow& wire) {
  ExplainedRow row;
  row.view = wire.view();
  row.source = wire.source();
  row.key = wire.key();
  row.generation = wire.generation();
  if (wire.has_loaded_at_ms()) row.loaded_at_ms = wire.loaded_at_ms();
  row.row_count = wire.row_count();
  row.is_found = wire.is_found();
  if (wire.has_event_time_ms()) row.event_time_ms = wire.event_time_ms();
  if (wire.has_max_age_ms()) row.max_age_ms = wire.max_age_ms();
  row.table = wire.table();
  row.is_deleted = wire.is_deleted();
  if (wire.has_as_of_ms()) row.as_of_ms = wire.as_of_ms();
  row.positions = PositionsOf(wire.positions());
  return row;
}

ExplainedFeature FeatureOf(const v1::ExplainedFeature& wire) {
  ExplainedFeature feature;
  feature.name = wire.name();
  feature.is_asked = wire.is_asked();
  feature.status = static_cast<FeatureStatus>(wire.status());
  feature.value = ScalarOf(wire.value());
  feature.reason = wire.reason();
  if (wire.has_event_time_ms()) feature.event_time_ms = wire.event_time_ms();
  if (wire.has_timeline()) feature.timeline = wire.timeline();
  feature.aggregation = wire.aggregation();
  feature.window = wire.window();
  if (wire.has_window_begin_ms()) feature.window_begin_ms = wire.window_begin_ms();
  feature.window_end_ms = wire.window_end_ms();
  feature.cell_begin = wire.cell_begin();
  feature.cell_end = wire.cell_end();
  if (wire.has_row()) feature.row = wire.row();
  feature.column = wire.column();
  feature.expression = wire.expression();
  for (const v1::ExplainedStep& step : wire.steps())
    feature.steps.push_back(
        {step.depth(), step.text(), step.is_evaluated(), ScalarOf(step.value()), step.error()});
  return feature;
}

Status Check(const Explanation& explanation) {
  for (const ExplainedTimeline& timeline : explanation.timelines) {
    for (const ExplainedCell& cell : timeline.cells) {
      if (cell.slots.size() != timeline.aggregations.size())
        return Status::Internal(
            fmt::format("the answer's cells of {} do not fit its aggregations", timeline.view));
    }
  }
  for (const ExplainedFeature& feature : explanation.features) {
    const bool fits = feature.timeline.value_or(0) < explanation.timelines.size() ||
                      !feature.timeline.has_value();
    if (!fits || (feature.row.has_value() && *feature.row >= explanation.rows.size()))
      return Status::Internal(fmt::format("the answer says of {} what it has not", feature.name));
  }
  return {};
}

}  // namespace

Result<Explanation> FromWire(const v1::ExplainResponse& wire) {
  Explanation explanation;
  explanation.read_time_ms = wire.read_time_ms();
  for (const v1::ExplainedFeature& feature : wire.features())
    explanation.features.push_back(FeatureOf(feature));
  for (const v1::ExplainedTimeline& timeline : wire.timelines())
    explanation.timelines.push_back(TimelineOf(timeline));
  for (const v1::ExplainedRow& row : wire.rows()) explanation.rows.push_back(RowOf(row));
  FRESHET_RETURN_IF_ERROR(Check(explanation));
  return explanation;
}

}  // namespace freshet::client
