#include "aggregate/stable_hash.h"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace freshet::aggregate {

namespace {

int64_t BitsOf(const Datum& value) {
  if (value.kind() != Datum::Kind::kDouble) return value.as_int();
  return std::bit_cast<int64_t>(value.as_double() == 0 ? 0.0 : value.as_double());
}

}  // namespace

uint64_t StableHash(const Datum& value) {
  if (value.kind() == Datum::Kind::kString)
    return XXH64(value.as_string().data(), value.as_string().size(), 0);
  const int64_t bits = BitsOf(value);
  return XXH64(&bits, sizeof(bits), 0);
}

Hash128 StableHash128(const Datum& value) {
  const int64_t bits = value.kind() == Datum::Kind::kString ? 0 : BitsOf(value);
  const XXH128_hash_t hash = value.kind() == Datum::Kind::kString
                                 ? XXH3_128bits(value.as_string().data(), value.as_string().size())
                                 : XXH3_128bits(&bits, sizeof(bits));
  return {hash.high64, hash.low64};
}

}  // namespace freshet::aggregate
