// Values of the request's columns as datums, and the conversions between types that requests are
// allowed.
#pragma once

#include <cstdint>

#include "freshet/value.h"

#include "base/datum.h"

namespace freshet::serve {

// The value of one row; borrows its text from the column.
inline Datum DatumAt(const Column& column, size_t row) {
  switch (column.type) {
    case Type::kBool:
      return Datum::Bool(column.integers[row] != 0);
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return Datum::Int(column.integers[row]);
    case Type::kFloat:
    case Type::kDouble:
      return Datum::Double(column.numbers[row]);
    case Type::kString:
    case Type::kBytes:
      return Datum::String(column.texts[row]);
  }
  return Datum::Null();
}

// Either a value of the declared type, null, or why the value is none.
struct Narrowed {
  Datum value;
  const char* error = nullptr;
};

// A value of the type `given` as one of the declared type: an int becomes a double where one is declared, a
// double is rounded where a float is, a decimal gets the declared scale, and NaN counts as null.
Narrowed NarrowTo(Type declared, Type given, const Datum& value);

// Whether a column of type `given` may stand for one that is declared as `declared`: the same type,
// int32 for int64 and back, an integer or the other width for a float or double, a timestamp for
// int64 and back, and an integer, text or another scale for a decimal.
bool IsAccepted(Type declared, Type given);

}  // namespace freshet::serve
