// Datum: a nullable scalar that borrows its string. It is what flows through decoding, expressions
// and aggregation, where an owned Value would allocate. The bytes of a string outlive the Datum by
// the contract of whoever hands it over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/value.h"

#include "base/check.h"

namespace freshet {

class Datum {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt, kDouble, kString };

  constexpr Datum() : integer_(0) {}
  static constexpr Datum Null() { return {}; }
  static constexpr Datum Bool(bool v) { return Datum(Kind::kBool, static_cast<int64_t>(v)); }
  static constexpr Datum Int(int64_t v) { return Datum(Kind::kInt, v); }
  static constexpr Datum Double(double v) { return Datum(v); }
  static constexpr Datum String(std::string_view v) { return Datum(v); }

  constexpr Kind kind() const { return kind_; }
  constexpr bool is_null() const { return kind_ == Kind::kNull; }
  // Each is valid only for its own kind.
  constexpr bool as_bool() const { return integer_ != 0; }
  constexpr int64_t as_int() const { return integer_; }
  constexpr double as_double() const { return number_; }
  constexpr std::string_view as_string() const { return {text_, size_}; }

  // Equal kinds and equal values; doubles by their bits, so that NaN equals itself and -0.0 differs
  // from 0.0.
  friend bool operator==(const Datum& a, const Datum& b);

 private:
  constexpr Datum(Kind kind, int64_t v) : integer_(v), kind_(kind) {}
  constexpr explicit Datum(double v) : number_(v), kind_(Kind::kDouble) {}
  constexpr explicit Datum(std::string_view v)
      : text_(v.data()), size_(static_cast<uint32_t>(v.size())), kind_(Kind::kString) {}

  union {
    int64_t integer_;
    double number_;
    const char* text_;
  };
  uint32_t size_ = 0;
  Kind kind_ = Kind::kNull;
};
static_assert(sizeof(Datum) == 16);

// The kind that values of a type have in memory.
constexpr Datum::Kind KindOf(Type type) {
  switch (type) {
    case Type::kBool:
      return Datum::Kind::kBool;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return Datum::Kind::kInt;
    case Type::kFloat:
    case Type::kDouble:
      return Datum::Kind::kDouble;
    case Type::kString:
    case Type::kBytes:
      return Datum::Kind::kString;
  }
  CheckFailed(__FILE__, __LINE__, "a type that exists");
}

Value ToValue(const Datum& datum);
// Borrows from `value`.
Datum ToDatum(const Value& value);
// For messages: null, true, 12, 1.5, "text".
std::string ToString(const Datum& datum);
// The same of a value of that type: a decimal with its point.
std::string ToString(Type type, const Datum& datum);
// The same value, but of a decimal its text.
Value ToReadable(Type type, const Datum& datum);

// Appends a non-null datum of the column's kind. False, and nothing appended, when the kind does
// not fit.
bool AppendTo(Column& column, const Datum& datum);
// Whether `a` comes before `b`, which is of its kind, in the order of the kind: false before true,
// numbers by size, strings by their bytes.
bool IsLess(const Datum& a, const Datum& b);
// What a slot holds when nothing else is known: false, 0, 0.0, "".
Datum ZeroOf(Type type);

}  // namespace freshet
