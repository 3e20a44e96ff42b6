// A value as the slots of lists keep it: strings as u32 size and bytes, all others as i64 ordered bits
// (scalar.h).
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "aggregate/aggregate.h"
#include "aggregate/scalar.h"
#include "base/coding.h"
#include "base/limits.h"

namespace freshet::aggregate {

template <Type kType>
struct StoredValue {
  using Ordered = int64_t;

  static Ordered Of(const Datum& value) { return Scalar<kType>::ToBits(value); }
  static Ordered Read(ByteReader& reader) { return reader.Read<int64_t>(); }
  static void Write(std::string& to, Ordered value) { Append(to, value); }
  static Datum ToDatum(Ordered value) { return Scalar<kType>::FromBits(value); }
  static bool IsValid(Ordered value) { return Scalar<kType>::IsValid(value); }
  static size_t BytesOf(Ordered) { return sizeof(int64_t); }
  static size_t BytesMax(const Fill&) { return sizeof(int64_t); }
  // At most so many of `events` values are different ones.
  static size_t DifferentMax(size_t events) {
    return kType == Type::kBool ? std::min<size_t>(events, 2) : events;
  }
  // For what tells values apart, 0.0 and -0.0 are one.
  static Ordered Distinct(Ordered value) {
    return Scalar<kType>::kIsNumber && value == OrderedBits(-0.0) ? OrderedBits(0.0) : value;
  }
};

template <>
struct StoredValue<Type::kString> {
  using Ordered = std::string_view;

  static Ordered Of(const Datum& value) { return value.as_string(); }
  static Ordered Read(ByteReader& reader) { return reader.ReadSized(); }
  static void Write(std::string& to, Ordered value) { AppendSized(to, value); }
  static Datum ToDatum(Ordered value) { return Datum::String(value); }
  static bool IsValid(Ordered value) { return value.size() <= limits::kExpressionStringBytesMax; }
  static size_t BytesOf(Ordered value) { return sizeof(uint32_t) + value.size(); }
  static size_t BytesMax(const Fill& fill) { return sizeof(uint32_t) + fill.text_bytes; }
  static size_t DifferentMax(size_t events) { return events; }
  static Ordered Distinct(Ordered value) { return value; }
};

}  // namespace freshet::aggregate
