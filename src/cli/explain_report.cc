#include "cli/explain_report.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/time.h"
#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

std::string TextOf(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return Printable(*text);
  return "-";
}

std::string TimeText(int64_t time_ms) {
  return time_ms == kNoEventTimeMs ? "-" : FormatRfc3339Ms(time_ms);
}

std::string FunctionText(const ExplainedFeature& feature) {
  const std::string window = feature.window.empty() ? "the lifetime" : feature.window;
  return fmt::format("{} over {}", feature.aggregation, window);
}

std::string RenderWindow(const ExplainedFeature& feature, const ExplainedTimeline& timeline) {
  std::string text = fmt::format("  {}: ", FunctionText(feature));
  if (!timeline.is_found)
    return text + fmt::format("no event of {} was seen\n", Printable(timeline.key));
  text += feature.window_begin_ms == kNoEventTimeMs
              ? "events"
              : fmt::format("events from {}", TimeText(feature.window_begin_ms));
  return text + fmt::format(" to before {}, in {} of the cells of timeline {}\n",
                            TimeText(feature.window_end_ms), feature.cell_end - feature.cell_begin,
                            *feature.timeline + 1);
}

std::string RenderSteps(const ExplainedFeature& feature) {
  Table table({{"expression"}, {"came to"}});
  for (const ExplainedStep& step : feature.steps) {
    std::string outcome = "not evaluated";
    if (step.is_evaluated) {
      outcome = step.error.empty() ? TextOf(step.value) : "error: " + step.error;
      if (std::holds_alternative<std::monostate>(step.value) && step.error.empty())
        outcome = "null";
    }
    table.Add({std::string(size_t{2} * step.depth, ' ') + Printable(step.text), outcome});
  }
  return table.empty() ? fmt::format("  {}\n", Printable(feature.expression)) : table.Render("  ");
}

std::string RenderFeature(const ExplainedFeature& feature, const Explanation& explanation) {
  std::string text = fmt::format("{} = {}  {}", feature.name, TextOf(feature.value),
                                 FeatureStatusName(feature.status));
  if (!feature.reason.empty()) text += ": " + Printable(feature.reason);
  if (feature.event_time_ms != kNoEventTimeMs)
    text += fmt::format(", newest event {}", TimeText(feature.event_time_ms));
  text += feature.is_asked ? "\n" : ", read by another\n";
  if (feature.timeline.has_value())
    return text + RenderWindow(feature, explanation.timelines[*feature.timeline]);
  if (feature.row.has_value())
    return text + fmt::format("  column {} of row {}\n", feature.column, *feature.row + 1);
  return text + RenderSteps(feature);
}

// How far a stream has been read.
std::string RenderStanding(int64_t as_of_ms, const std::vector<StreamPosition>& positions) {
  std::string text = as_of_ms == kNoEventTimeMs
                         ? "  not yet known to be complete up to any moment"
                         : fmt::format("  complete up to {}", TimeText(as_of_ms));
  for (const StreamPosition& position : positions)
    text += fmt::format(", all before {}:{}:{} is in", position.source, position.partition,
                        position.offset);
  return text + "\n";
}

std::string RenderTimeline(const ExplainedTimeline& timeline, size_t number) {
  std::string text = fmt::format("timeline {}: {}, {}, from {}\n", number, timeline.view,
                                 Printable(timeline.key), timeline.source);
  text += RenderStanding(timeline.as_of_ms, timeline.positions);
  if (!timeline.is_found) return text + "  no event was seen\n";
  std::vector<Table::Heading> headings = {{"events from"}, {"to before"}, {"newest"}};
  for (const std::string& aggregation : timeline.aggregations)
    headings.push_back({aggregation, Align::kRight});
  Table table(std::move(headings));
  for (const ExplainedCell& cell : timeline.cells) {
    std::vector<std::string> cells = {
        cell.begin_ms == kNoEventTimeMs ? "the beginning" : TimeText(cell.begin_ms),
        TimeText(cell.end_ms), TimeText(cell.newest_event_ms)};
    for (const Value& slot : cell.slots) cells.push_back(TextOf(slot));
    table.Add(std::move(cells));
  }
  if (timeline.cell_count > timeline.cells.size())
    text += fmt::format("  the newest {} of {} cells\n", timeline.cells.size(),
                        Grouped(timeline.cell_count));
  return text + table.Render("  ");
}

std::string RenderRow(const ExplainedRow& row, size_t number) {
  std::string text =
      fmt::format("row {}: {}, {}, from {}\n", number, row.view, Printable(row.key), row.source);
  if (row.table != 0) {
    text += RenderStanding(row.as_of_ms, row.positions);
    if (row.is_deleted)
      return text + fmt::format("  deleted as of {}\n", TimeText(row.event_time_ms));
    if (!row.is_found) return text + "  no record of it was seen\n";
  } else {
    if (row.generation == 0) return text + "  nothing was loaded yet\n";
    text += fmt::format("  load {} of {}, {} rows\n", row.generation, TimeText(row.loaded_at_ms),
                        Grouped(row.row_count));
    if (!row.is_found) return text + "  none of them is this one\n";
  }
  text += fmt::format("  of {}", TimeText(row.event_time_ms));
  if (row.max_age_ms.has_value())
    text += fmt::format(", served for {}", FormatDurationMs(*row.max_age_ms));
  return text + "\n";
}

Json ToJson(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value))
    return cli::ToJson(Column{.type = Type::kDouble, .numbers = {*number}}, 0);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

Json ToJson(const ExplainedStep& step) {
  Json json = {{"depth", step.depth}, {"text", step.text}, {"is_evaluated", step.is_evaluated}};
  if (!step.is_evaluated) return json;
  if (step.error.empty())
    json["value"] = ToJson(step.value);
  else
    json["error"] = step.error;
  return json;
}

Json ToJson(const ExplainedFeature& feature) {
  Json json = {{"name", feature.name},
               {"is_asked", feature.is_asked},
               {"value", ToJson(feature.value)},
               {"status", FeatureStatusName(feature.status)},
               {"event_time_ms", TimeToJson(feature.event_time_ms)}};
  if (!feature.reason.empty()) json["reason"] = feature.reason;
  if (feature.timeline.has_value()) {
    json["timeline"] = *feature.timeline;
    json["aggregation"] = feature.aggregation;
    json["window"] = feature.window.empty() ? Json() : Json(feature.window);
    json["window_begin_ms"] = TimeToJson(feature.window_begin_ms);
    json["window_end_ms"] = feature.window_end_ms;
    json["cell_begin"] = feature.cell_begin;
    json["cell_end"] = feature.cell_end;
  } else if (feature.row.has_value()) {
    json["row"] = *feature.row;
    json["column"] = feature.column;
  } else {
    json["expression"] = feature.expression;
    json["steps"] = ListToJson(feature.steps, ToJson);
  }
  return json;
}

Json ToJson(const ExplainedCell& cell) {
  return {{"begin_ms", TimeToJson(cell.begin_ms)},
          {"end_ms", cell.end_ms},
          {"newest_event_ms", cell.newest_event_ms},
          {"slots", ListToJson(cell.slots, ToJson)}};
}

Json ToJson(const StreamPosition& position) {
  return {
      {"source", position.source}, {"partition", position.partition}, {"offset", position.offset}};
}

Json ToJson(const ExplainedTimeline& timeline) {
  return {{"view", timeline.view},
          {"source", timeline.source},
          {"key", timeline.key},
          {"table", timeline.table},
          {"is_found", timeline.is_found},
          {"newest_event_ms", TimeToJson(timeline.newest_event_ms)},
          {"as_of_ms", TimeToJson(timeline.as_of_ms)},
          {"positions", ListToJson(timeline.positions, ToJson)},
          {"aggregations", timeline.aggregations},
          {"cell_count", timeline.cell_count},
          {"cells", ListToJson(timeline.cells, ToJson)}};
}

Json ToJson(const ExplainedRow& row) {
  Json json = {{"view", row.view},
               {"source", row.source},
               {"key", row.key},
               {"is_found", row.is_found},
               {"event_time_ms", TimeToJson(row.event_time_ms)},
               {"max_age_ms", row.max_age_ms.has_value() ? Json(*row.max_age_ms) : Json()}};
  if (row.table != 0) {
    json["table"] = row.table;
    json["is_deleted"] = row.is_deleted;
    json["as_of_ms"] = TimeToJson(row.as_of_ms);
    json["positions"] = ListToJson(row.positions, ToJson);
  } else {
    json["generation"] = row.generation == 0 ? Json() : Json(row.generation);
    json["loaded_at_ms"] = TimeToJson(row.loaded_at_ms);
    json["row_count"] = row.row_count;
  }
  return json;
}

}  // namespace

std::string RenderExplanation(const Explanation& explanation) {
  std::string text = fmt::format("read at {}\n", TimeText(explanation.read_time_ms));
  for (const ExplainedFeature& feature : explanation.features)
    text += "\n" + RenderFeature(feature, explanation);
  for (size_t i = 0; i < explanation.timelines.size(); ++i)
    text += "\n" + RenderTimeline(explanation.timelines[i], i + 1);
  for (size_t i = 0; i < explanation.rows.size(); ++i)
    text += "\n" + RenderRow(explanation.rows[i], i + 1);
  return text;
}

std::string RenderExplanationJson(const Explanation& explanation) {
  const Json json = {{"read_time_ms", explanation.read_time_ms},
                     {"features", ListToJson(explanation.features, ToJson)},
                     {"timelines", ListToJson(explanation.timelines, ToJson)},
                     {"rows", ListToJson(explanation.rows, ToJson)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace freshet::cli
