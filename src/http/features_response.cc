#include "http/features_response.h"

#include <iterator>

#include <fmt/format.h>

#include "base/limits.h"
#include "http/json_text.h"

namespace freshet::http {
namespace {

Status CheckSize(const std::string& json) {
  if (json.size() <= limits::kMessageBytesMax) return {};
  return Status::InvalidArgument(
      fmt::format("the answer would be longer than the {} bytes that one may have: ask for fewer "
                  "entities or features",
                  limits::kMessageBytesMax));
}

// Calls append(row) with a comma between two rows. The size is looked at as the text grows, so that
// an answer that is refused has not cost many times its limit.
template <typename Append>
Status AppendArray(size_t row_count, std::string* json, const Append& append) {
  *json += '[';
  for (size_t row = 0; row < row_count; ++row) {
    if (row > 0) *json += ',';
    append(row);
    FRESHET_RETURN_IF_ERROR(CheckSize(*json));
  }
  *json += ']';
  return {};
}

Status AppendValues(const Column& values, size_t row_count, std::string* json) {
  if (!values.is_list)
    return AppendArray(row_count, json, [&](size_t row) { AppendValue(values, row, json); });
  size_t element = 0;
  return AppendArray(row_count, json, [&](size_t row) {
    *json += '[';
    for (uint32_t i = 0; i < values.lengths.at(row); ++i) {
      if (i > 0) *json += ',';
      AppendValue(values, element++, json);
    }
    *json += ']';
  });
}

Status AppendFeature(const FeatureColumn& column, size_t row_count, std::string* json) {
  *json += "{\"name\":";
  AppendText(column.name, json);
  fmt::format_to(std::back_inserter(*json),
                 ",\"type\":\"{}\",{}\"values\":", TypeName(column.values.type),
                 column.values.is_list ? "\"is_list\":true," : "");
  FRESHET_RETURN_IF_ERROR(AppendValues(column.values, row_count, json));
  *json += ",\"statuses\":";
  FRESHET_RETURN_IF_ERROR(AppendArray(row_count, json, [&](size_t row) {
    const FeatureStatus status =
        column.statuses.empty() ? FeatureStatus::kPresent : column.statuses.at(row);
    fmt::format_to(std::back_inserter(*json), "\"{}\"", FeatureStatusName(status));
  }));
  if (!column.event_times_ms.empty()) {
    *json += ",\"event_times_ms\":";
    FRESHET_RETURN_IF_ERROR(AppendArray(
        row_count, json, [&](size_t row) { AppendTime(column.event_times_ms.at(row), json); }));
  }
  if (!column.failures.empty()) {
    *json += ",\"failures\":";
    FRESHET_RETURN_IF_ERROR(AppendArray(column.failures.size(), json, [&](size_t i) {
      fmt::format_to(std::back_inserter(*json), "{{\"row\":{},\"reason\":", column.failures[i].row);
      AppendText(column.failures[i].reason, json);
      *json += '}';
    }));
  }
  *json += '}';
  return {};
}

void AppendAsOf(const FeatureResponse& response, std::string* json) {
  *json += ",\"as_of_ms\":{";
  for (const SourceAsOf& as_of : response.as_of) {
    if (&as_of != &response.as_of.front()) *json += ',';
    AppendText(as_of.source, json);
    *json += ':';
    AppendTime(as_of.as_of_ms, json);
  }
  *json += '}';
}

void AppendPhases(const PhaseTimes& phases, std::string* json) {
  fmt::format_to(
      std::back_inserter(*json),
      ",\"phases\":{{\"prepare_ns\":{},\"wait_ns\":{},\"lookup_ns\":{},\"derive_ns\":{}}}",
      phases.prepare_ns, phases.wait_ns, phases.lookup_ns, phases.derive_ns);
}

}  // namespace

Result<std::string> WriteFeatures(const FeatureRequest& request, const FeatureResponse& response) {
  std::string json = fmt::format("{{\"read_time_ms\":{},\"row_count\":{},\"features\":[",
                                 response.read_time_ms, response.row_count);
  for (const FeatureColumn& column : response.features) {
    if (&column != &response.features.front()) json += ',';
    FRESHET_RETURN_IF_ERROR(AppendFeature(column, response.row_count, &json));
  }
  json += ']';
  if (request.include_as_of) AppendAsOf(response, &json);
  if (response.phases.has_value()) AppendPhases(*response.phases, &json);
  json += "}\n";
  FRESHET_RETURN_IF_ERROR(CheckSize(json));
  return json;
}

}  // namespace freshet::http
