#include "cli/feature_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/time.h"
#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

FeatureStatus StatusOf(const FeatureColumn& column, size_t row) {
  return column.statuses.empty() ? FeatureStatus::kPresent : column.statuses.at(row);
}

const std::string* ReasonOf(const FeatureColumn& column, size_t row) {
  const auto found =
      std::find_if(column.failures.begin(), column.failures.end(),
                   [&](const FeatureFailure& failure) { return failure.row == row; });
  return found == column.failures.end() ? nullptr : &found->reason;
}

std::string TextOf(const Column& column, size_t row) {
  if (column.is_list) {
    const Column list = column.list_at(row);
    std::string text;
    for (size_t i = 0; i < list.size(); ++i) text += (i == 0 ? "" : ", ") + TextOf(list, i);
    return "[" + text + "]";
  }
  switch (column.type) {
    case Type::kBool:
      return column.integers.at(row) != 0 ? "true" : "false";
    case Type::kFloat:
      return fmt::format("{}", static_cast<float>(column.numbers.at(row)));
    case Type::kDouble:
      return fmt::format("{}", column.numbers.at(row));
    case Type::kString:
      return Printable(column.texts.at(row));
    case Type::kBytes:
      return EncodeBase64(column.texts.at(row));
    case Type::kTimestamp:
      return FormatRfc3339Ms(column.integers.at(row));
    case Type::kDecimal:
      return FormatDecimal(column.integers.at(row), column.type.scale);
    default:
      return std::to_string(column.integers.at(row));
  }
}

std::string TimeOf(const FeatureColumn& column, size_t row) {
  if (column.event_times_ms.empty() || column.event_times_ms.at(row) == kNoEventTimeMs) return "-";
  return FormatRfc3339Ms(column.event_times_ms[row]);
}

std::string StatusText(const FeatureColumn& column, size_t row) {
  const FeatureStatus status = StatusOf(column, row);
  const std::string* reason = ReasonOf(column, row);
  std::string text(FeatureStatusName(status));
  if (reason != nullptr) text += ": " + Printable(*reason);
  return text;
}

std::string RenderAsOf(const FeatureResponse& response) {
  std::string text;
  for (const SourceAsOf& as_of : response.as_of) {
    if (as_of.as_of_ms == kNoEventTimeMs) {
      text += fmt::format("{} is not yet known to be complete up to any moment\n", as_of.source);
      continue;
    }
    text += fmt::format("{} is complete up to {}, {} ms before the read\n", as_of.source,
                        FormatRfc3339Ms(as_of.as_of_ms), response.read_time_ms - as_of.as_of_ms);
  }
  return text;
}

std::string RenderPhases(const FeatureResponse& response) {
  if (!response.phases.has_value()) return {};
  const PhaseTimes& phases = *response.phases;
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1e3; };
  return fmt::format(
      "server: prepare {:.1f} us, wait {:.1f} us, look up {:.1f} us, derive {:.1f} us\n",
      us(phases.prepare_ns), us(phases.wait_ns), us(phases.lookup_ns), us(phases.derive_ns));
}

Json CellToJson(const FeatureColumn& column, size_t row) {
  Json cell = {{"value", cli::ToJson(column.values, row)},
               {"status", FeatureStatusName(StatusOf(column, row))}};
  if (const std::string* reason = ReasonOf(column, row)) cell["reason"] = *reason;
  if (column.event_times_ms.empty()) return cell;
  cell["event_time_ms"] = TimeToJson(column.event_times_ms.at(row));
  return cell;
}

Json RowToJson(const FeatureRequest& request, const FeatureResponse& response, size_t row) {
  Json json = Json::object();
  for (const NamedColumn& key : request.entities) json[key.name] = cli::ToJson(key.values, row);
  for (const FeatureColumn& column : response.features) json[column.name] = CellToJson(column, row);
  for (const SourceAsOf& as_of : response.as_of)
    json["as_of_ms"][as_of.source] =
        as_of.as_of_ms == kNoEventTimeMs ? Json() : Json(as_of.as_of_ms);
  if (response.phases.has_value())
    json["phases"] = {{"prepare_ns", response.phases->prepare_ns},
                      {"wait_ns", response.phases->wait_ns},
                      {"lookup_ns", response.phases->lookup_ns},
                      {"derive_ns", response.phases->derive_ns}};
  return json;
}

}  // namespace

std::string RenderTable(const FeatureRequest& request, const FeatureResponse& response) {
  std::vector<Table::Heading> headings;
  for (const NamedColumn& key : request.entities) headings.push_back({key.name});
  for (const char* title : {"feature", "value", "status"}) headings.push_back({title});
  if (request.include_event_times) headings.push_back({"event time"});
  Table table(std::move(headings));
  for (size_t row = 0; row < response.row_count; ++row) {
    for (const FeatureColumn& column : response.features) {
      const bool first = &column == &response.features.front();
      std::vector<std::string> cells;
      for (const NamedColumn& key : request.entities)
        cells.push_back(first ? TextOf(key.values, row) : "");
      cells.push_back(column.name);
      cells.push_back(TextOf(column.values, row));
      cells.push_back(StatusText(column, row));
      if (request.include_event_times) cells.push_back(TimeOf(column, row));
      table.Add(std::move(cells));
    }
  }
  return table.Render() + RenderAsOf(response) + RenderPhases(response);
}

std::string RenderJson(const FeatureRequest& request, const FeatureResponse& response) {
  std::string text;
  for (size_t row = 0; row < response.row_count; ++row)
    text += RowToJson(request, response, row).dump(-1, ' ', false, Json::error_handler_t::replace) +
            "\n";
  return text;
}

}  // namespace freshet::cli
