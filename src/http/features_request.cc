#include "http/features_request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "http/json_check.h"

namespace freshet::http {
namespace {

using Node = nlohmann::json;

constexpr int64_t kWaitMsMax = limits::kReadWaitUsMax / 1'000;

// For messages: the value as it was written, unless that is long.
std::string Shown(const Node& value) {
  constexpr size_t shown_bytes_max = 64;
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  std::string text = value.dump(-1, ' ', true, Node::error_handler_t::replace);
  if (text.size() > shown_bytes_max) text = text.substr(0, shown_bytes_max) + "...";
  return text;
}

// One step of a JSON pointer.
std::string Escaped(std::string_view name) {
  std::string escaped;
  for (char byte : name) {
    if (byte == '~')
      escaped += "~0";
    else if (byte == '/')
      escaped += "~1";
    else
      escaped += byte;
  }
  return escaped;
}

std::optional<int64_t> IntegerOf(const Node& value) {
  // An unsigned one is larger than what parses as signed only beyond the greatest int64.
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_string()) return std::nullopt;
  // Callers whose numbers are all doubles write large ones as text.
  const auto& text = value.get_ref<const std::string&>();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> NumberOf(const Node& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

std::optional<int64_t> TimeOf(const Node& value) {
  if (!value.is_string()) return IntegerOf(value);
  const Result<int64_t> time_ms = ParseRfc3339Ms(value.get_ref<const std::string&>());
  return time_ms.ok() ? std::optional(*time_ms) : IntegerOf(value);
}

// A number with a point has become a double by now.
std::optional<int64_t> DecimalOf(const Node& value, uint8_t scale) {
  if (value.is_string()) return ParseDecimal(value.get_ref<const std::string&>(), scale);
  const std::optional<int64_t> whole = IntegerOf(value);
  return whole.has_value() ? Rescale(*whole, 0, scale) : std::nullopt;
}

// The engine checks ranges: int32 goes to it as int64, float as double.
Type CarrierOf(Type type) {
  if (type == Type::kInt32) return Type::kInt64;
  if (type == Type::kFloat) return Type::kDouble;
  return type;
}

std::string_view ExpectedOf(Type type) {
  switch (type) {
    case Type::kBool:
      return "true or false";
    case Type::kInt32:
    case Type::kInt64:
      return "a whole number, as a number or as text of digits";
    case Type::kFloat:
    case Type::kDouble:
      return "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";
    case Type::kString:
      return "text";
    case Type::kBytes:
      return "text in base64";
    case Type::kDecimal:
      return "text such as \"12.34\", or a whole number; other numbers would be rounded to doubles";
    case Type::kTimestamp:
      return "milliseconds since the epoch, or text like 2026-01-31T12:00:00Z";
  }
  return "";
}

template <typename T, typename Array>
bool TakeIf(const std::optional<T>& value, Array* array) {
  if (value.has_value()) array->push_back(*value);
  return value.has_value();
}

bool TakeValue(const Node& value, Type type, Column* column) {
  switch (type) {
    case Type::kBool:
      if (!value.is_boolean()) return false;
      column->integers.push_back(value.get<bool>() ? 1 : 0);
      return true;
    case Type::kInt32:
    case Type::kInt64:
      return TakeIf(IntegerOf(value), &column->integers);
    case Type::kFloat:
    case Type::kDouble:
      return TakeIf(NumberOf(value), &column->numbers);
    case Type::kString:
      if (!value.is_string()) return false;
      column->texts.push_back(value.get_ref<const std::string&>());
      return true;
    case Type::kBytes:
      return value.is_string() &&
             DecodeBase64(value.get_ref<const std::string&>(), &column->texts.emplace_back());
    case Type::kDecimal:
      return TakeIf(DecimalOf(value, type.scale), &column->integers);
    case Type::kTimestamp:
      return TakeIf(TimeOf(value), &column->integers);
  }
  return false;
}

// Reads the fields of one body; pointer() says where it stopped.
class Reader {
 public:
  Reader(Engine& engine, FeatureRequest* request) : engine_(engine), request_(*request) {}

  Status Read(const Node& body);
  const std::string& pointer() const { return pointer_; }

 private:
  Status Wrong(std::string pointer, std::string message) {
    pointer_ = std::move(pointer);
    return Status::InvalidArgument(std::move(message));
  }
  Status CheckKeys(const Node& body);
  Status ReadService(const Node& body);
  Status ReadFeatures(const Node& body);
  Status ReadFlag(const Node& body, const char* name, bool* flag);
  Status ReadInteger(const Node& body, const char* name, std::optional<int64_t>* number);
  Status ReadTimeout(const Node& body);
  Status ReadStaleAction(const Node& body);
  Status ReadReadAfter(const Node& body);
  Status ReadEvent(const Node& event, const std::string& pointer);
  Status ReadColumns(const Node& body, const std::string& field,
                     const std::vector<ServiceColumn>& described,
                     std::vector<NamedColumn>* columns);
  Status ReadColumn(const std::string& field, const std::string& name, const Node& values,
                    Type type, Column* column);

  Engine& engine_;
  FeatureRequest& request_;
  std::string pointer_;
};

Status Reader::Read(const Node& body) {
  FRESHET_RETURN_IF_ERROR(CheckKeys(body));
  FRESHET_RETURN_IF_ERROR(ReadService(body));
  FRESHET_RETURN_IF_ERROR(ReadFeatures(body));
  FRESHET_RETURN_IF_ERROR(ReadFlag(body, "include_event_times", &request_.include_event_times));
  FRESHET_RETURN_IF_ERROR(ReadFlag(body, "include_as_of", &request_.include_as_of));
  FRESHET_RETURN_IF_ERROR(ReadInteger(body, "read_time_ms", &request_.read_time_ms));
  FRESHET_RETURN_IF_ERROR(ReadInteger(body, "max_staleness_ms", &request_.max_staleness_ms));
  FRESHET_RETURN_IF_ERROR(ReadFlag(body, "include_phases", &request_.include_phases));
  FRESHET_RETURN_IF_ERROR(ReadTimeout(body));
  FRESHET_RETURN_IF_ERROR(ReadStaleAction(body));
  FRESHET_RETURN_IF_ERROR(ReadReadAfter(body));
  const auto description = engine_.DescribeService(request_.feature_service, request_.features);
  if (!description.ok()) {
    const Status& status = description.status();
    // In a request, a name that nothing carries is a field that is wrong.
    if (status.code() != StatusCode::kNotFound) return status;
    const bool by_service = request_.features.empty();
    return Wrong(by_service ? "#/feature_service" : "#/features", std::string(status.message()));
  }
  FRESHET_RETURN_IF_ERROR(ReadColumns(body, "entities", description->entities, &request_.entities));
  return ReadColumns(body, "inputs", description->inputs, &request_.inputs);
}

Status Reader::CheckKeys(const Node& body) {
  static const std::vector<std::string> known = {
      "feature_service",     "features",      "entities",     "inputs",
      "include_event_times", "include_as_of", "read_time_ms", "max_staleness_ms",
      "timeout_ms",          "stale_action",  "read_after",   "include_phases"};
  if (!body.is_object())
    return Wrong("#", fmt::format("the body is {}; it must be an object, such as "
                                  "{{\"feature_service\": \"ranking\", \"entities\": "
                                  "{{\"user_id\": [42]}}}}",
                                  Shown(body)));
  for (const auto& [key, value] : body.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return Wrong("#/" + Escaped(key),
                   fmt::format("{}: there is no such field{}", key, Suggestion(key, known)));
  }
  return {};
}

Status Reader::ReadService(const Node& body) {
  const auto found = body.find("feature_service");
  if (found == body.end()) return {};
  if (!found->is_string())
    return Wrong("#/feature_service",
                 fmt::format("feature_service: {} is no name of a service", Shown(*found)));
  request_.feature_service = found->get_ref<const std::string&>();
  return {};
}

Status Reader::ReadFeatures(const Node& body) {
  const auto found = body.find("features");
  if (found == body.end()) return {};
  if (!found->is_array())
    return Wrong("#/features",
                 fmt::format("features: {} is no array of \"view.feature\"", Shown(*found)));
  for (const Node& name : *found) {
    if (!name.is_string())
      return Wrong(fmt::format("#/features/{}", request_.features.size()),
                   fmt::format("features: {} is no \"view.feature\"", Shown(name)));
    request_.features.push_back(name.get_ref<const std::string&>());
  }
  return {};
}

Status Reader::ReadFlag(const Node& body, const char* name, bool* flag) {
  const auto found = body.find(name);
  if (found == body.end()) return {};
  if (!found->is_boolean())
    return Wrong(fmt::format("#/{}", name),
                 fmt::format("{}: {} is neither true nor false", name, Shown(*found)));
  *flag = found->get<bool>();
  return {};
}

Status Reader::ReadInteger(const Node& body, const char* name, std::optional<int64_t>* number) {
  const auto found = body.find(name);
  if (found == body.end()) return {};
  *number = IntegerOf(*found);
  if (!number->has_value())
    return Wrong(fmt::format("#/{}", name),
                 fmt::format("{}: {} is no whole number of milliseconds", name, Shown(*found)));
  return {};
}

Status Reader::ReadTimeout(const Node& body) {
  std::optional<int64_t> timeout_ms;
  FRESHET_RETURN_IF_ERROR(ReadInteger(body, "timeout_ms", &timeout_ms));
  if (!timeout_ms.has_value()) return {};
  if (*timeout_ms < 1 || *timeout_ms > kWaitMsMax)
    return Wrong("#/timeout_ms",
                 fmt::format("timeout_ms: {} is not within 1 and {}", *timeout_ms, kWaitMsMax));
  request_.timeout_us = *timeout_ms * 1'000;
  return {};
}

Status Reader::ReadStaleAction(const Node& body) {
  const auto found = body.find("stale_action");
  if (found == body.end()) return {};
  if (found->is_string()) {
    std::string word = found->get<std::string>();
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
    request_.stale_action = FindStaleAction(word);
  }
  if (!request_.stale_action.has_value())
    return Wrong("#/stale_action", fmt::format("stale_action: {} is none of \"USE_DEFAULT\", "
                                               "\"SERVE\", \"NULL\", \"FAIL\"",
                                               Shown(*found)));
  return {};
}

Status Reader::ReadReadAfter(const Node& body) {
  const auto found = body.find("read_after");
  if (found == body.end()) return {};
  if (!found->is_array())
    return Wrong("#/read_after", fmt::format("read_after: {} is no array of events; each is "
                                             "{{\"source\": \"clicks\", \"offset\": 1234}}",
                                             Shown(*found)));
  for (const Node& event : *found)
    FRESHET_RETURN_IF_ERROR(
        ReadEvent(event, fmt::format("#/read_after/{}", request_.read_after.size())));
  return {};
}

Status Reader::ReadEvent(const Node& event, const std::string& pointer) {
  if (!event.is_object())
    return Wrong(pointer, fmt::format("read_after: {} is no object with \"source\", \"offset\" "
                                      "and, unless it is 0, \"partition\"",
                                      Shown(event)));
  StreamPosition position;
  bool has_source = false;
  bool has_offset = false;
  for (const auto& [key, value] : event.items()) {
    const std::optional<int64_t> number = IntegerOf(value);
    if (key == "source" && value.is_string()) {
      position.source = value.get_ref<const std::string&>();
      has_source = true;
    } else if (key == "offset" && number.has_value()) {
      position.offset = *number;
      has_offset = true;
    } else if (key == "partition" && number.has_value() &&
               *number <= std::numeric_limits<int32_t>::max() && *number >= 0) {
      position.partition = static_cast<int32_t>(*number);
    } else {
      return Wrong(pointer + "/" + Escaped(key),
                   fmt::format("read_after: '{}' is {}; an event has \"source\" (text), \"offset\" "
                               "and \"partition\" (whole numbers)",
                               key, Shown(value)));
    }
  }
  if (!has_source || !has_offset)
    return Wrong(pointer, "read_after: an event needs \"source\" and \"offset\"");
  request_.read_after.push_back(std::move(position));
  return {};
}

Status Reader::ReadColumns(const Node& body, const std::string& field,
                           const std::vector<ServiceColumn>& described,
                           std::vector<NamedColumn>* columns) {
  const auto found = body.find(field);
  if (found == body.end()) return {};
  if (!found->is_object())
    return Wrong("#/" + field,
                 fmt::format("{}: {} is no object with an array of values for each name", field,
                             Shown(*found)));
  for (const auto& [name, values] : found->items()) {
    columns->push_back({name, {}});
    const auto column =
        std::find_if(described.begin(), described.end(),
                     [&name = name](const ServiceColumn& known) { return known.name == name; });
    // The engine knows best what to say of a name that is not asked for: it may stand for another.
    if (column == described.end()) continue;
    FRESHET_RETURN_IF_ERROR(ReadColumn(field, name, values, column->type, &columns->back().values));
  }
  return {};
}

Status Reader::ReadColumn(const std::string& field, const std::string& name, const Node& values,
                          Type type, Column* column) {
  column->type = CarrierOf(type);
  const std::string pointer = fmt::format("#/{}/{}", field, Escaped(name));
  if (values.is_object())
    return Wrong(pointer, fmt::format("{}: '{}' is an object; it must be an array of {}", field,
                                      name, TypeName(type)));
  if (!values.is_array()) {
    if (TakeValue(values, type, column)) return {};
    return Wrong(pointer, fmt::format("{}: '{}' is {}; {} is {}", field, name, Shown(values),
                                      TypeName(type), ExpectedOf(type)));
  }
  size_t row = 0;
  for (const Node& value : values) {
    if (!TakeValue(value, type, column))
      return Wrong(fmt::format("{}/{}", pointer, row),
                   fmt::format("{}: '{}' row {} is {}; {} is {}", field, name, row, Shown(value),
                               TypeName(type), ExpectedOf(type)));
    ++row;
  }
  return {};
}

}  // namespace

Status ReadFeaturesRequest(std::string_view body, Engine& engine, FeatureRequest* request,
                           std::string* pointer) {
  FRESHET_RETURN_IF_ERROR(CheckJson(body));
  Reader reader(engine, request);
  Status status = reader.Read(Node::parse(body, nullptr, false));
  *pointer = reader.pointer();
  return status;
}

}  // namespace freshet::http
