#include "cli/json_value.h"

#include <cmath>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "freshet/features.h"

#include "base/base64.h"

namespace freshet::cli {
namespace {

Json NumberToJson(Type type, double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  if (type != Type::kFloat) return number;
  return std::strtod(fmt::format("{}", static_cast<float>(number)).c_str(), nullptr);
}

}  // namespace

Json ToJson(const Column& column, size_t row) {
  if (column.is_list) {
    const Column list = column.list_at(row);
    Json elements = Json::array();
    for (size_t i = 0; i < list.size(); ++i) elements.push_back(ToJson(list, i));
    return elements;
  }
  switch (column.type) {
    case Type::kBool:
      return column.integers.at(row) != 0;
    case Type::kFloat:
    case Type::kDouble:
      return NumberToJson(column.type, column.numbers.at(row));
    case Type::kString:
      return column.texts.at(row);
    case Type::kBytes:
      return EncodeBase64(column.texts.at(row));
    case Type::kDecimal:
      return FormatDecimal(column.integers.at(row), column.type.scale);
    default:
      return column.integers.at(row);
  }
}

Json TimeToJson(int64_t time_ms) {
  return time_ms == kNoEventTimeMs ? Json() : Json(time_ms);
}

}  // namespace freshet::cli
