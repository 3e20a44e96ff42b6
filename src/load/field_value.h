// Text and numbers of a file as values of a field's type.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/value.h"

#include "base/datum.h"
#include "registry/definitions.h"

namespace freshet::load {

// How a timestamp is spelled: in the unit of the source for its event time; a field of type
// timestamp has no unit of its own and is RFC 3339 text or a number of milliseconds.
using TimeUnit = std::optional<registry::TimestampUnit>;

// What can be wrong with a value.
enum class Problem : uint8_t {
  kNone,
  kWrongType,
  kNotATime,
  kOutOfRange,
  kTooManyDigits,  // after the point of a decimal
  kTooLong,
  kNotUtf8,
  kStandsTwice
};

// Text as a value of `type`; a string borrows from `text`, bytes from *decoded, which takes what their
// base64 stands for and may be null for other types.
Problem ReadText(Type type, TimeUnit unit, std::string_view text, Datum* value,
                 std::string* decoded);
Problem ReadBytes(std::string_view base64, Datum* value, std::string* decoded);
// A value that is there already, fitted to what its type, or the unit of timestamps, allows. A time
// comes as an integer, a double or a string; fractions of a millisecond are rounded.
Problem CheckString(std::string_view text);
Problem FitBytes(std::string_view bytes, Datum* value);
inline Problem FitInt(Type type, int64_t number, Datum* value);
inline Problem FitDouble(Type type, double number, Datum* value);
// The decimal that the text spells.
Problem FitDecimal(Type type, std::string_view text, Datum* value);
Problem FitTime(TimeUnit unit, const Datum& time, Datum* value);
// At most some 40 bytes of `text`, cut between characters.
std::string Shortened(std::string_view text);

// Here, since a file has them in millions.
inline Problem FitInt(Type type, int64_t number, Datum* value) {
  using Int32 = std::numeric_limits<int32_t>;
  if (type == Type::kInt32 && (number < Int32::min() || number > Int32::max()))
    return Problem::kOutOfRange;
  *value = Datum::Int(number);
  return Problem::kNone;
}

inline Problem FitDouble(Type type, double number, Datum* value) {
  // Half a step above the largest float: from here on a double rounds to an infinite one.
  constexpr double kFloatEdge = 0x1.ffffffp+127;
  if (!std::isfinite(number)) return Problem::kWrongType;
  if (type == Type::kFloat && std::abs(number) >= kFloatEdge) return Problem::kOutOfRange;
  *value = Datum::Double(type == Type::kFloat ? static_cast<double>(static_cast<float>(number))
                                              : number);
  return Problem::kNone;
}

}  // namespace freshet::load
