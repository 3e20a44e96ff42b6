// What most keys are told apart by.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/coding.h"

namespace freshet::store {

// The key's first 8 bytes as a big-endian number, zeros for those that it lacks: of two keys the less has no
// greater one.
inline uint64_t KeyPrefix(std::string_view key) {
  if (key.size() >= sizeof(uint64_t)) return LoadBigEndian64(key.data());
  char bytes[sizeof(uint64_t)] = {};
  std::copy_n(key.data(), key.size(), bytes);
  return LoadBigEndian64(bytes);
}

}  // namespace freshet::store
