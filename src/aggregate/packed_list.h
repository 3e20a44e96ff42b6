// The elements of a list, one after the other: how an aggregate hands over a value that is a list, and
// how slots keep values. A string is u32 size and bytes; any other value is 8 bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/datum.h"

namespace freshet::aggregate {

inline void AppendPacked(std::string& list, const Datum& element) {
  switch (element.kind()) {
    case Datum::Kind::kNull:
      return;
    case Datum::Kind::kBool:
      return Append(list, int64_t{element.as_bool() ? 1 : 0});
    case Datum::Kind::kInt:
      return Append(list, element.as_int());
    case Datum::Kind::kDouble:
      return Append(list, element.as_double());
    case Datum::Kind::kString:
      return AppendSized(list, element.as_string());
  }
}

// Takes the first element off `list`, which must be one of a list of that type.
inline Datum TakePacked(Type type, std::string_view& list) {
  ByteReader reader(list);
  Datum element;
  switch (KindOf(type)) {
    case Datum::Kind::kString:
      element = Datum::String(reader.ReadSized());
      break;
    case Datum::Kind::kDouble:
      element = Datum::Double(reader.Read<double>());
      break;
    case Datum::Kind::kBool:
      element = Datum::Bool(reader.Read<int64_t>() != 0);
      break;
    default:
      element = Datum::Int(reader.Read<int64_t>());
  }
  list = reader.ok() ? reader.rest() : std::string_view();
  return element;
}

}  // namespace freshet::aggregate
