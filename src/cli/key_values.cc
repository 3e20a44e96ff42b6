#include "cli/key_values.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "base/nearest.h"
#include "base/time.h"

namespace freshet::cli {
namespace {

using ValuesByKey = std::map<std::string, std::vector<std::string>, std::less<>>;

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stopped == end;
}

Status NoValueOf(std::string_view text, std::string_view expected) {
  return Status::InvalidArgument(fmt::format("'{}' is no {}", text, expected));
}

Status AppendInteger(std::string_view text, int64_t least, int64_t greatest, Column* column) {
  int64_t value = 0;
  if (!ParseWhole(text, &value) || value < least || value > greatest)
    return NoValueOf(text, fmt::format("{}: it must be a whole number from {} to {}",
                                       TypeName(column->type), least, greatest));
  column->integers.push_back(value);
  return {};
}

Status AppendNumber(std::string_view text, Column* column) {
  double value = 0;
  if (!ParseWhole(text, &value)) return NoValueOf(text, "number");
  column->numbers.push_back(value);
  return {};
}

Status AppendDecimal(std::string_view text, Column* column) {
  int64_t unscaled = 0;
  const uint8_t scale = column->type.scale;
  const DecimalProblem problem = ReadDecimal(text, scale, &unscaled);
  if (problem != DecimalProblem::kNone)
    return NoValueOf(text, fmt::format("{}: {}", TypeName(column->type), Describe(problem, scale)));
  column->integers.push_back(unscaled);
  return {};
}

Status AppendBool(std::string_view text, Column* column) {
  if (text != "true" && text != "false") return NoValueOf(text, "bool: it must be true or false");
  column->integers.push_back(text == "true" ? 1 : 0);
  return {};
}

Status AppendTimestamp(std::string_view text, Column* column) {
  int64_t time_ms = 0;
  if (!ParseWhole(text, &time_ms)) {
    const auto parsed = ParseRfc3339Ms(text);
    if (!parsed.ok())
      return NoValueOf(text, "timestamp: it must be like 2026-01-31T12:00:00Z, or milliseconds");
    time_ms = *parsed;
  }
  column->integers.push_back(time_ms);
  return {};
}

Status AppendBytes(std::string_view text, Column* column) {
  if (!DecodeBase64(text, &column->texts.emplace_back()))
    return NoValueOf(text, "bytes: they are written in base64, such as 3q2+7w==");
  return {};
}

void Split(std::string_view values, std::vector<std::string>* list) {
  while (true) {
    const size_t comma = values.find(',');
    list->emplace_back(values.substr(0, comma));
    if (comma == std::string_view::npos) return;
    values.remove_prefix(comma + 1);
  }
}

Status Gather(std::string_view argument, ValuesByKey* by_key) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return Status::InvalidArgument(
        fmt::format("'{}' is not KEY=VALUE, such as user_id=42", argument));
  std::string_view value = argument.substr(equals + 1);
  std::vector<std::string>& values = (*by_key)[std::string(argument.substr(0, equals))];
  if (!value.empty() && value.front() == '=')
    values.emplace_back(value.substr(1));
  else
    Split(value, &values);
  return {};
}

const ServiceColumn* Find(const std::vector<ServiceColumn>& columns, std::string_view name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ServiceColumn& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

Status UnknownKey(std::string_view key, const ServiceDescription& description) {
  std::vector<std::string> known;
  for (const ServiceColumn& column : description.entities) known.push_back(column.name);
  for (const ServiceColumn& column : description.inputs) known.push_back(column.name);
  return Status::InvalidArgument(
      fmt::format("'{}' is neither a join key nor an input of {}{}", key,
                  description.name.empty() ? "these features" : "'" + description.name + "'",
                  Suggestion(key, known)));
}

Result<NamedColumn> ToColumn(const ServiceColumn& described, const std::vector<std::string>& texts,
                             size_t row_count) {
  NamedColumn column;
  column.name = described.name;
  column.values.type = described.type;
  if (texts.size() != row_count && texts.size() != 1)
    return Status::InvalidArgument(fmt::format(
        "{} has {} values, but another key has {}: give as many of each, or one for all rows",
        described.name, texts.size(), row_count));
  for (size_t row = 0; row < row_count; ++row) {
    const std::string& text = texts.size() == 1 ? texts.front() : texts[row];
    FRESHET_RETURN_IF_ERROR(AppendValue(text, &column.values).Prefixed(described.name));
  }
  return column;
}

}  // namespace

Status AppendValue(std::string_view text, Column* column) {
  switch (column->type) {
    case Type::kBool:
      return AppendBool(text, column);
    case Type::kInt32:
      return AppendInteger(text, std::numeric_limits<int32_t>::min(),
                           std::numeric_limits<int32_t>::max(), column);
    case Type::kInt64:
      return AppendInteger(text, std::numeric_limits<int64_t>::min(),
                           std::numeric_limits<int64_t>::max(), column);
    case Type::kFloat:
    case Type::kDouble:
      return AppendNumber(text, column);
    case Type::kString:
      column->texts.emplace_back(text);
      return {};
    case Type::kBytes:
      return AppendBytes(text, column);
    case Type::kTimestamp:
      return AppendTimestamp(text, column);
    case Type::kDecimal:
      return AppendDecimal(text, column);
  }
  return Status::Internal("a type that nothing is known of");
}

Status ReadKeyValues(const std::vector<std::string>& arguments,
                     const ServiceDescription& description, FeatureRequest* request) {
  ValuesByKey by_key;
  for (const std::string& argument : arguments) FRESHET_RETURN_IF_ERROR(Gather(argument, &by_key));
  size_t row_count = 1;
  for (const auto& [key, values] : by_key) row_count = std::max(row_count, values.size());
  for (const auto& [key, values] : by_key) {
    const ServiceColumn* entity = Find(description.entities, key);
    const ServiceColumn* input = Find(description.inputs, key);
    if (entity == nullptr && input == nullptr) return UnknownKey(key, description);
    FRESHET_ASSIGN_OR_RETURN(NamedColumn column,
                             ToColumn(entity != nullptr ? *entity : *input, values, row_count));
    (entity != nullptr ? request->entities : request->inputs).push_back(std::move(column));
  }
  return {};
}

}  // namespace freshet::cli
