#include "aggregate/stable_hash.h"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace freshet::aggregate {

uint64_t StableHash(const Datum& value) {
  if (value.kind() == Datum::Kind::kString)
    return XXH64(value.as_string().data(), value.as_string().size(), 0);
  int64_t bits = value.as_int();
  if (value.kind() == Datum::Kind::kDouble)
    bits = std::bit_cast<int64_t>(value.as_double() == 0 ? 0.0 : value.as_double());
  return XXH64(&bits, sizeof(bits), 0);
}

}  // namespace freshet::aggregate
