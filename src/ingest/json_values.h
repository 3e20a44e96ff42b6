// JSON values as fields of a type. Private to the module; here, since events are decoded millions of
// times a second.
#pragma once

#include <cmath>
#include <limits>
#include <simdjson.h>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/datum.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "ingest/decoder.h"
#include "registry/event_time.h"

namespace freshet::ingest {

using simdjson::ondemand::json_type;

// Each sets *detail when it refuses. Texts borrow from the parser of the value, bytes from *decoded.

inline std::string_view Describe(json_type type) {
  switch (type) {
    case json_type::array:
      return "a list";
    case json_type::object:
      return "an object";
    case json_type::number:
      return "a number";
    case json_type::string:
      return "a text";
    case json_type::boolean:
      return "true or false";
    case json_type::null:
      return "null";
  }
  return "something else";
}

inline Refusal ToRefusal(registry::TimeProblem problem) {
  switch (problem) {
    case registry::TimeProblem::kNone:
      return Refusal::kNone;
    case registry::TimeProblem::kWrongType:
      return Refusal::kWrongType;
    case registry::TimeProblem::kOutOfRange:
      return Refusal::kTimeOutOfRange;
  }
  return Refusal::kWrongType;
}

inline Refusal NotJson(simdjson::error_code error, std::string* detail) {
  *detail =
      error == simdjson::INCORRECT_TYPE ? "not a JSON object" : simdjson::error_message(error);
  return Refusal::kNotJson;
}

inline Refusal WrongType(std::string_view name, std::string_view wanted, std::string_view found,
                         std::string* detail) {
  *detail = fmt::format("field '{}' is declared {} and cannot be {}", name, wanted, found);
  return Refusal::kWrongType;
}

inline Refusal TooLarge(std::string_view name, size_t bytes, std::string* detail) {
  *detail = fmt::format("field '{}' has {} bytes; at most {} are allowed", name, bytes,
                        limits::kStringValueBytesMax);
  return Refusal::kTooLarge;
}

inline Refusal ReadText(simdjson::ondemand::value value, std::string_view name, Datum* datum,
                        std::string* detail) {
  std::string_view text;
  if (auto error = value.get_string().get(text)) return NotJson(error, detail);
  if (text.size() > limits::kStringValueBytesMax) return TooLarge(name, text.size(), detail);
  *datum = Datum::String(text);
  return Refusal::kNone;
}

inline Refusal ReadNatural(simdjson::ondemand::value value, json_type json, std::string_view name,
                           Datum* datum, std::string* detail) {
  if (json == json_type::string) return ReadText(value, name, datum, detail);
  if (json != json_type::number) return WrongType(name, "timestamp", Describe(json), detail);
  simdjson::ondemand::number number;
  if (value.get_number().get(number)) return WrongType(name, "timestamp", Describe(json), detail);
  *datum = number.is_int64() ? Datum::Int(number.get_int64()) : Datum::Double(number.as_double());
  return Refusal::kNone;
}

inline Refusal ReadBytes(simdjson::ondemand::value value, std::string_view name, Datum* datum,
                         std::string* decoded, std::string* detail) {
  std::string_view text;
  if (auto error = value.get_string().get(text)) return NotJson(error, detail);
  if (!DecodeBase64(text, decoded))
    return WrongType(name, "bytes", "text that is no base64", detail);
  if (decoded->size() > limits::kStringValueBytesMax)
    return TooLarge(name, decoded->size(), detail);
  *datum = Datum::String(*decoded);
  return Refusal::kNone;
}

// A number by its text, so that no digit is lost.
inline Refusal ReadExact(simdjson::ondemand::value value, json_type json, Type type,
                         std::string_view name, Datum* datum, std::string* detail) {
  std::string_view text;
  if (json == json_type::string) {
    if (auto error = value.get_string().get(text)) return NotJson(error, detail);
  } else if (json == json_type::number) {
    text = value.raw_json_token();
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (!IsJsonNumber(text)) return NotJson(simdjson::NUMBER_ERROR, detail);
  } else {
    return WrongType(name, TypeName(type), Describe(json), detail);
  }
  int64_t unscaled = 0;
  const DecimalProblem problem = ReadDecimal(text, type.scale, &unscaled);
  if (problem != DecimalProblem::kNone)
    return WrongType(name, TypeName(type),
                     fmt::format("{}: {}", ToUtf8(text.substr(0, limits::kNameBytesMax)),
                                 freshet::Describe(problem, type.scale)),
                     detail);
  *datum = Datum::Int(unscaled);
  return Refusal::kNone;
}

inline Refusal ReadInstant(simdjson::ondemand::value value, json_type json, std::string_view name,
                           Datum* datum, std::string* detail) {
  Refusal refusal = ReadNatural(value, json, name, datum, detail);
  if (refusal != Refusal::kNone) return refusal;
  const auto unit = datum->kind() == Datum::Kind::kString ? registry::TimestampUnit::kRfc3339
                                                          : registry::TimestampUnit::kMilliseconds;
  int64_t time_ms = 0;
  refusal = ToRefusal(registry::ToEventTimeMs(unit, *datum, &time_ms));
  if (refusal == Refusal::kNone) {
    *datum = Datum::Int(time_ms);
  } else {
    *detail = fmt::format("field '{}' is no timestamp: {}", name, ToString(*datum));
  }
  return refusal;
}

inline Refusal ReadTyped(simdjson::ondemand::value value, json_type json, Type type,
                         std::string_view name, Datum* datum, std::string* decoded,
                         std::string* detail) {
  switch (type) {
    case Type::kBool: {
      bool flag = false;
      if (value.get_bool().get(flag)) return WrongType(name, "bool", Describe(json), detail);
      *datum = Datum::Bool(flag);
      return Refusal::kNone;
    }
    case Type::kInt32:
    case Type::kInt64: {
      int64_t integer = 0;
      if (value.get_int64().get(integer))
        return WrongType(name, TypeName(type), Describe(json), detail);
      if (type == Type::kInt32 && integer != static_cast<int32_t>(integer)) {
        return WrongType(name, "int32", fmt::format("{}", integer), detail);
      }
      *datum = Datum::Int(integer);
      return Refusal::kNone;
    }
    case Type::kFloat:
    case Type::kDouble: {
      double number = 0;
      if (value.get_double().get(number))
        return WrongType(name, TypeName(type), Describe(json), detail);
      if (type == Type::kFloat) {
        if (std::abs(number) > std::numeric_limits<float>::max()) {
          return WrongType(name, "float", fmt::format("{}", number), detail);
        }
        number = static_cast<float>(number);
      }
      *datum = Datum::Double(number);
      return Refusal::kNone;
    }
    case Type::kString:
      if (json != json_type::string) return WrongType(name, "string", Describe(json), detail);
      return ReadText(value, name, datum, detail);
    case Type::kBytes:
      if (json != json_type::string) return WrongType(name, "bytes", Describe(json), detail);
      return ReadBytes(value, name, datum, decoded, detail);
    case Type::kDecimal:
      return ReadExact(value, json, type, name, datum, detail);
    case Type::kTimestamp:
      return ReadInstant(value, json, name, datum, detail);
  }
  return Refusal::kWrongType;
}

}  // namespace freshet::ingest
