// How min, max, first and last keep one value of a type in 8 bytes of a slot: as a signed number
// whose order is the order of the values. Integers and timestamps are themselves, bools are 0
// and 1. A double's bits as a signed number are in order for positive ones; for negative ones all
// but the sign are turned over, so that -0.0 comes just before 0.0.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/datum.h"

namespace freshet::aggregate {

inline int64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<int64_t>(value);
  return bits < 0 ? bits ^ std::numeric_limits<int64_t>::max() : bits;
}

inline double FromOrderedBits(int64_t bits) {
  return std::bit_cast<double>(bits < 0 ? bits ^ std::numeric_limits<int64_t>::max() : bits);
}

template <Type kType>
struct Scalar {
  static constexpr bool kIsNumber = kType == Type::kFloat || kType == Type::kDouble;
  static constexpr Datum::Kind kKind = kType == Type::kBool ? Datum::Kind::kBool
                                       : kIsNumber          ? Datum::Kind::kDouble
                                                            : Datum::Kind::kInt;

  static int64_t ToBits(const Datum& value) {
    if constexpr (kIsNumber) return OrderedBits(value.as_double());
    if constexpr (kType == Type::kBool) return value.as_bool() ? 1 : 0;
    return value.as_int();
  }

  static Datum FromBits(int64_t bits) {
    if constexpr (kIsNumber) return Datum::Double(FromOrderedBits(bits));
    if constexpr (kType == Type::kBool) return Datum::Bool(bits != 0);
    return Datum::Int(bits);
  }

  // Whether the bits are a value of the type; NaN never gets in.
  static bool IsValid(int64_t bits) {
    if constexpr (kType == Type::kBool) return bits == 0 || bits == 1;
    if constexpr (kType == Type::kInt32)
      return bits >= std::numeric_limits<int32_t>::min() &&
             bits <= std::numeric_limits<int32_t>::max();
    if constexpr (kType == Type::kFloat) {
      const double value = FromOrderedBits(bits);
      return std::isinf(value) || std::fabs(value) <= std::numeric_limits<float>::max();
    }
    if constexpr (kType == Type::kDouble) return !std::isnan(FromOrderedBits(bits));
    return true;
  }
};

}  // namespace freshet::aggregate
