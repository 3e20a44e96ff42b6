#include "http/json_text.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "freshet/features.h"

#include "base/base64.h"

namespace freshet::http {
namespace {

template <typename Number>
void AppendNumber(Number number, std::string* json) {
  if (std::isnan(number))
    *json += "\"NaN\"";
  else if (std::isinf(number))
    *json += number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  else
    fmt::format_to(std::back_inserter(*json), "{}", number);
}

}  // namespace

void AppendText(std::string_view text, std::string* json) {
  *json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AppendTime(int64_t time_ms, std::string* json) {
  if (time_ms == kNoEventTimeMs)
    *json += "null";
  else
    fmt::format_to(std::back_inserter(*json), "{}", time_ms);
}

void AppendValue(const Column& column, size_t row, std::string* json) {
  switch (column.type) {
    case Type::kBool:
      *json += column.integers.at(row) != 0 ? "true" : "false";
      return;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
      fmt::format_to(std::back_inserter(*json), "{}", column.integers.at(row));
      return;
    case Type::kFloat:
      AppendNumber(static_cast<float>(column.numbers.at(row)), json);
      return;
    case Type::kDouble:
      AppendNumber(column.numbers.at(row), json);
      return;
    case Type::kString:
      AppendText(column.texts.at(row), json);
      return;
    case Type::kBytes:
      AppendText(EncodeBase64(column.texts.at(row)), json);
      return;
    case Type::kDecimal:
      fmt::format_to(std::back_inserter(*json), "\"{}\"",
                     FormatDecimal(column.integers.at(row), column.type.scale));
      return;
  }
}

}  // namespace freshet::http
