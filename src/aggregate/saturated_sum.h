// Counts that stop at their end instead of wrapping around: bytes from elsewhere may be as large as
// they can be.
#pragma once

#include <cstdint>

namespace freshet::aggregate {

inline uint64_t SaturatedSum(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

}  // namespace freshet::aggregate
