// A hash of values that is stored: XXH64 with seed 0, which is specified and does not change.
#pragma once

#include <cstdint>

#include "base/datum.h"

namespace freshet::aggregate {

// Of a value that is not null. 0.0 and -0.0 are one value.
uint64_t StableHash(const Datum& value);

}  // namespace freshet::aggregate
