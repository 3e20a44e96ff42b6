#include "base/datum.h"

#include <bit>

#include <fmt/format.h>

#include "base/check.h"

namespace freshet {

bool operator==(const Datum& a, const Datum& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Datum::Kind::kNull:
      return true;
    case Datum::Kind::kBool:
    case Datum::Kind::kInt:
      return a.as_int() == b.as_int();
    case Datum::Kind::kDouble:
      return std::bit_cast<uint64_t>(a.as_double()) == std::bit_cast<uint64_t>(b.as_double());
    case Datum::Kind::kString:
      return a.as_string() == b.as_string();
  }
  return false;
}

Value ToValue(const Datum& datum) {
  switch (datum.kind()) {
    case Datum::Kind::kNull:
      return std::monostate();
    case Datum::Kind::kBool:
      return datum.as_bool();
    case Datum::Kind::kInt:
      return datum.as_int();
    case Datum::Kind::kDouble:
      return datum.as_double();
    case Datum::Kind::kString:
      return std::string(datum.as_string());
  }
  return std::monostate();
}

Datum ToDatum(const Value& value) {
  if (const bool* v = std::get_if<bool>(&value)) return Datum::Bool(*v);
  if (const int64_t* v = std::get_if<int64_t>(&value)) return Datum::Int(*v);
  if (const double* v = std::get_if<double>(&value)) return Datum::Double(*v);
  if (const std::string* v = std::get_if<std::string>(&value)) return Datum::String(*v);
  return Datum::Null();
}

std::string ToString(const Datum& datum) {
  switch (datum.kind()) {
    case Datum::Kind::kNull:
      return "null";
    case Datum::Kind::kBool:
      return datum.as_bool() ? "true" : "false";
    case Datum::Kind::kInt:
      return fmt::format("{}", datum.as_int());
    case Datum::Kind::kDouble:
      return fmt::format("{}", datum.as_double());
    case Datum::Kind::kString:
      return fmt::format("\"{}\"", datum.as_string());
  }
  return {};
}

std::string ToString(Type type, const Datum& datum) {
  const bool is_decimal = type == Type::kDecimal && !datum.is_null();
  return is_decimal ? FormatDecimal(datum.as_int(), type.scale) : ToString(datum);
}

Value ToReadable(Type type, const Datum& datum) {
  const bool is_decimal = type == Type::kDecimal && !datum.is_null();
  return is_decimal ? FormatDecimal(datum.as_int(), type.scale) : ToValue(datum);
}

bool AppendTo(Column& column, const Datum& datum) {
  if (datum.kind() != KindOf(column.type)) return false;
  switch (datum.kind()) {
    case Datum::Kind::kNull:
      return false;
    case Datum::Kind::kBool:
    case Datum::Kind::kInt:
      column.integers.push_back(datum.as_int());
      return true;
    case Datum::Kind::kDouble:
      column.numbers.push_back(datum.as_double());
      return true;
    case Datum::Kind::kString:
      column.texts.emplace_back(datum.as_string());
      return true;
  }
  return false;
}

bool IsLess(const Datum& a, const Datum& b) {
  switch (a.kind()) {
    case Datum::Kind::kNull:
      return false;
    case Datum::Kind::kBool:
      return !a.as_bool() && b.as_bool();
    case Datum::Kind::kInt:
      return a.as_int() < b.as_int();
    case Datum::Kind::kDouble:
      return a.as_double() < b.as_double();
    case Datum::Kind::kString:
      return a.as_string() < b.as_string();
  }
  return false;
}

Datum ZeroOf(Type type) {
  switch (KindOf(type)) {
    case Datum::Kind::kBool:
      return Datum::Bool(false);
    case Datum::Kind::kDouble:
      return Datum::Double(0.0);
    case Datum::Kind::kString:
      return Datum::String("");
    default:
      return Datum::Int(0);
  }
}

}  // namespace freshet
