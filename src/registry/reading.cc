#include "registry/reading.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/datum.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"

namespace freshet::registry {
namespace {

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsName(std::string_view text) {
  return !text.empty() && IsLower(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLower(c) || IsDigit(c) || c == '_'; });
}

bool IsDataName(std::string_view text) {
  return !text.empty() && !IsDigit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '_'; });
}

bool ReportLongName(const yaml::Node& node, std::string_view what, const std::string& text) {
  if (text.size() <= limits::kNameBytesMax) return false;
  node.Report(fmt::format("the {} is {} bytes long; at most {} are allowed", what, text.size(),
                          limits::kNameBytesMax));
  return true;
}

// The types as other systems call them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kOtherNames = {{
    {"int", "int64"},          {"integer", "int64"},    {"long", "int64"},
    {"bigint", "int64"},       {"text", "string"},      {"str", "string"},
    {"varchar", "string"},     {"boolean", "bool"},     {"number", "double"},
    {"real", "double"},        {"float64", "double"},   {"decimal", "decimal(2)"},
    {"numeric", "decimal(2)"}, {"money", "decimal(2)"}, {"float32", "float"},
    {"datetime", "timestamp"}, {"date", "timestamp"},   {"time", "timestamp"},
    {"unixtime", "timestamp"}, {"binary", "bytes"},     {"blob", "bytes"},
    {"bytea", "bytes"},
}};

std::string MeantType(const std::string& word) {
  if (word.starts_with("decimal(") || word.starts_with("numeric("))
    return fmt::format(
        "; a decimal says how many digits it has after the point, from 0 to {}, as "
        "in decimal(2)",
        kDecimalScaleMax);
  for (const auto& [other, type] : kOtherNames) {
    if (other == word) return fmt::format("; did you mean '{}'?", type);
  }
  static const std::vector<std::string> kKnown = {
      "bool", "int32", "int64", "float", "double", "string", "timestamp", "decimal(2)", "bytes"};
  return Suggestion(word, kKnown);
}

std::optional<Value> ReadInt(const yaml::Node& node, std::string_view what, Type type) {
  std::optional<int64_t> value = node.AsInt(what);
  if (!value.has_value()) return std::nullopt;
  if (type == Type::kInt32 && *value != static_cast<int32_t>(*value)) {
    node.Report(fmt::format("{} {} is beyond the range of int32", what, *value));
    return std::nullopt;
  }
  return Value(*value);
}

std::optional<Value> ReadNumber(const yaml::Node& node, std::string_view what, Type type) {
  std::optional<double> value = node.AsDouble(what);
  if (!value.has_value()) return std::nullopt;
  if (type == Type::kDouble) return Value(*value);
  if (std::abs(*value) > std::numeric_limits<float>::max()) {
    node.Report(fmt::format("{} {} is beyond the range of float", what, *value));
    return std::nullopt;
  }
  return Value(static_cast<double>(static_cast<float>(*value)));
}

std::optional<Value> ReadText(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> text = node.AsString(what);
  if (!text.has_value()) return std::nullopt;
  if (text->size() > limits::kStringValueBytesMax) {
    node.Report(fmt::format("{} is {} bytes long; at most {} are allowed", what, text->size(),
                            limits::kStringValueBytesMax));
    return std::nullopt;
  }
  return Value(std::move(*text));
}

std::optional<Value> ReadExact(const yaml::Node& node, std::string_view what, Type type) {
  std::optional<std::string> text = node.AsString(what);
  if (!text.has_value()) return std::nullopt;
  int64_t unscaled = 0;
  const DecimalProblem problem = ReadDecimal(*text, type.scale, &unscaled);
  if (problem == DecimalProblem::kNone) return Value(unscaled);
  node.Report(fmt::format("{} must be a {}, not '{}': {}", what, TypeName(type), *text,
                          Describe(problem, type.scale)));
  return std::nullopt;
}

std::optional<Value> ReadInstant(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> text = node.AsString(what);
  if (!text.has_value()) return std::nullopt;
  Result<int64_t> time_ms = ParseRfc3339Ms(*text);
  if (time_ms.ok()) return Value(*time_ms);
  node.Report(fmt::format("{}: {}", what, time_ms.status().message()));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> ReadName(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> text = node.AsString(fmt::format("the {}", what));
  if (!text.has_value() || ReportLongName(node, what, *text)) return text;
  if (!IsName(*text)) {
    node.Report(
        fmt::format("the {} '{}' is not allowed; use lower-case letters, digits and underscores, "
                    "starting with a letter",
                    what, *text));
  }
  return text;
}

std::optional<std::string> ReadDataName(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> text = node.AsString(fmt::format("the {}", what));
  if (!text.has_value() || ReportLongName(node, what, *text)) return text;
  if (!IsDataName(*text)) {
    node.Report(
        fmt::format("the {} '{}' is not allowed; use letters, digits and underscores, not starting "
                    "with a digit",
                    what, *text));
  }
  return text;
}

std::optional<Type> ReadType(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> word = node.AsString(what);
  if (!word.has_value()) return std::nullopt;
  Type type = Type::kInt64;
  if (ParseType(*word, &type)) return type;
  node.Report(fmt::format("unknown type '{}'{}", *word, MeantType(*word)));
  return std::nullopt;
}

std::optional<int64_t> ReadMaxStaleness(yaml::MapReader& reader) {
  const std::optional<yaml::Node> node = reader.Optional("max_staleness");
  if (!node.has_value()) return std::nullopt;
  const std::optional<int64_t> staleness_ms = node->AsDurationMs("max_staleness");
  if (!staleness_ms.has_value() || *staleness_ms <= limits::kWindowMsMax) return staleness_ms;
  node->Report(fmt::format("max_staleness is at most {}", FormatDurationMs(limits::kWindowMsMax)));
  return std::nullopt;
}

std::string ReadDescription(yaml::MapReader& reader) {
  std::optional<yaml::Node> node = reader.Optional("description");
  return node.has_value() ? node->AsString("the description").value_or("") : "";
}

std::optional<Value> ReadTyped(const yaml::Node& node, std::string_view what, Type type) {
  switch (type) {
    case Type::kBool: {
      std::optional<bool> value = node.AsBool(what);
      return value.has_value() ? std::optional<Value>(*value) : std::nullopt;
    }
    case Type::kInt32:
    case Type::kInt64:
      return ReadInt(node, what, type);
    case Type::kFloat:
    case Type::kDouble:
      return ReadNumber(node, what, type);
    case Type::kString:
      return ReadText(node, what);
    case Type::kBytes:
      break;
    case Type::kDecimal:
      return ReadExact(node, what, type);
    case Type::kTimestamp:
      return ReadInstant(node, what);
  }
  return std::nullopt;
}

std::optional<Value> ReadDefault(const yaml::Node& node, Type type) {
  if (!node.is_null()) return ReadTyped(node, "the default", type);
  node.Report("the default has no value; leave it out for the zero of the feature's type");
  return std::nullopt;
}

Value ZeroValue(Type type) {
  return ToValue(ZeroOf(type));
}

std::vector<yaml::Node> ReadItems(const yaml::Node& node, std::string_view what, size_t items_max) {
  std::vector<yaml::Node> items = node.AsList(what);
  if (node.is_list() && items.empty()) node.Report(fmt::format("{}: the list is empty", what));
  if (items.size() > items_max) {
    node.Report(
        fmt::format("{}: {} of them; at most {} are allowed", what, items.size(), items_max));
    items.resize(items_max);
  }
  return items;
}

std::vector<Field> ReadFields(const yaml::Node& node, std::string_view what, size_t fields_max) {
  std::vector<Field> fields;
  auto entries = node.AsMap(what);
  if (node.is_map() && entries.empty()) node.Report(fmt::format("{}: there is none", what));
  if (entries.size() > fields_max) {
    node.Report(
        fmt::format("{}: {} of them; at most {} are allowed", what, entries.size(), fields_max));
    entries.resize(fields_max);
  }
  for (const auto& [key, value] : entries) {
    std::optional<std::string> name = ReadDataName(key, "name");
    std::optional<Type> type = ReadType(value, fmt::format("the type of '{}'", name.value_or("?")));
    if (name.has_value() && type.has_value()) fields.push_back({*name, *type});
  }
  return fields;
}

void RefuseKey(yaml::MapReader& reader, std::string_view key, std::string_view reason) {
  // Asked for only where it is there, so that it is not proposed for a mistyped key.
  if (!reader.Has(key)) return;
  reader.Optional(key)->Report(fmt::format("'{}' is not for this: {}", key, reason));
}

std::string Quoted(std::string_view kind, std::string_view name) {
  return fmt::format("{} '{}'", kind, name);
}

}  // namespace freshet::registry
