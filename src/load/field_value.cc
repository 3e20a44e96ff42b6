#include "load/field_value.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <simdjson.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "registry/event_time.h"

namespace freshet::load {
namespace {

using registry::TimestampUnit;

constexpr size_t kShortTextBytes = 32;
// Of a value that a message shows.
constexpr size_t kShownBytesMax = 40;

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Most texts are, and are told so sooner than a validator is called.
bool IsShortAscii(std::string_view text) {
  if (text.size() > kShortTextBytes) return false;
  unsigned char seen = 0;
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return seen < 0x80;
}

Problem ReadBool(std::string_view text, Datum* value) {
  const bool yes = text == "1" || EqualsIgnoringCase(text, "true");
  if (!yes && text != "0" && !EqualsIgnoringCase(text, "false")) return Problem::kWrongType;
  *value = Datum::Bool(yes);
  return Problem::kNone;
}

Problem ReadInt64(std::string_view text, int64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (end != text.data() + text.size()) return Problem::kWrongType;
  if (error == std::errc::result_out_of_range) return Problem::kOutOfRange;
  return error == std::errc() ? Problem::kNone : Problem::kWrongType;
}

Problem ReadDouble(std::string_view text, double* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (end != text.data() + text.size()) return Problem::kWrongType;
  if (error == std::errc()) return Problem::kNone;
  if (error != std::errc::result_out_of_range) return Problem::kWrongType;
  // from_chars calls a number that is too small out of range too, where rounding to zero is right.
  *number = std::strtod(std::string(text).c_str(), nullptr);
  return std::abs(*number) < 1 ? Problem::kNone : Problem::kOutOfRange;
}

Problem ReadTime(TimeUnit unit, std::string_view text, Datum* value) {
  if (unit == TimestampUnit::kRfc3339) return FitTime(unit, Datum::String(text), value);
  int64_t integer = 0;
  Problem problem = ReadInt64(text, &integer);
  if (problem == Problem::kNone) return FitTime(unit, Datum::Int(integer), value);
  double number = 0;
  if (problem == Problem::kWrongType) problem = ReadDouble(text, &number);
  if (problem == Problem::kNone) return FitTime(unit, Datum::Double(number), value);
  const bool may_be_text = problem == Problem::kWrongType && !unit.has_value();
  return may_be_text ? FitTime(unit, Datum::String(text), value) : problem;
}

}  // namespace

Problem CheckString(std::string_view text) {
  if (text.size() > limits::kStringValueBytesMax) return Problem::kTooLong;
  const bool is_utf8 = IsShortAscii(text) || simdjson::validate_utf8(text.data(), text.size());
  return is_utf8 ? Problem::kNone : Problem::kNotUtf8;
}

Problem FitDecimal(Type type, std::string_view text, Datum* value) {
  int64_t unscaled = 0;
  switch (ReadDecimal(text, type.scale, &unscaled)) {
    case DecimalProblem::kNone:
      *value = Datum::Int(unscaled);
      return Problem::kNone;
    case DecimalProblem::kNotANumber:
      return Problem::kWrongType;
    case DecimalProblem::kTooManyDigits:
      return Problem::kTooManyDigits;
    case DecimalProblem::kOutOfRange:
      return Problem::kOutOfRange;
  }
  return Problem::kWrongType;
}

Problem FitTime(TimeUnit unit, const Datum& time, Datum* value) {
  const bool is_text = time.kind() == Datum::Kind::kString;
  int64_t time_ms = 0;
  switch (registry::ToEventTimeMs(
      unit.value_or(is_text ? TimestampUnit::kRfc3339 : TimestampUnit::kMilliseconds), time,
      &time_ms)) {
    case registry::TimeProblem::kNone:
      *value = Datum::Int(time_ms);
      return Problem::kNone;
    case registry::TimeProblem::kWrongType:
      return Problem::kWrongType;
    case registry::TimeProblem::kOutOfRange:
      return Problem::kOutOfRange;
  }
  return Problem::kWrongType;
}

Problem FitBytes(std::string_view bytes, Datum* value) {
  if (bytes.size() > limits::kStringValueBytesMax) return Problem::kTooLong;
  *value = Datum::String(bytes);
  return Problem::kNone;
}

Problem ReadBytes(std::string_view base64, Datum* value, std::string* decoded) {
  return DecodeBase64(base64, decoded) ? FitBytes(*decoded, value) : Problem::kWrongType;
}

Problem ReadText(Type type, TimeUnit unit, std::string_view text, Datum* value,
                 std::string* decoded) {
  Problem problem = Problem::kNone;
  switch (type) {
    case Type::kBool:
      return ReadBool(text, value);
    case Type::kInt32:
    case Type::kInt64: {
      int64_t number = 0;
      problem = ReadInt64(text, &number);
      return problem == Problem::kNone ? FitInt(type, number, value) : problem;
    }
    case Type::kFloat:
    case Type::kDouble: {
      double number = 0;
      problem = ReadDouble(text, &number);
      return problem == Problem::kNone ? FitDouble(type, number, value) : problem;
    }
    case Type::kString:
      problem = CheckString(text);
      if (problem == Problem::kNone) *value = Datum::String(text);
      return problem;
    case Type::kBytes:
      return ReadBytes(text, value, decoded);
    case Type::kDecimal:
      return FitDecimal(type, text, value);
    case Type::kTimestamp:
      return ReadTime(unit, text, value);
  }
  return Problem::kWrongType;
}

std::string Shortened(std::string_view text) {
  if (text.size() <= kShownBytesMax) return std::string(text);
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace freshet::load
