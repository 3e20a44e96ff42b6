// Hashes of values that are stored: XXH64 and XXH3 of 128 bits, with seed 0, which are specified and do
// not change.
#pragma once

#include <cstdint>

#include "base/datum.h"

namespace freshet::aggregate {

// Of a value that is not null. 0.0 and -0.0 are one value.
uint64_t StableHash(const Datum& value);

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
};
// The same, wide enough to stand for the value.
Hash128 StableHash128(const Datum& value);

}  // namespace freshet::aggregate
