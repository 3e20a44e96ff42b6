// A fast 64-bit hash for memory only: its values are never stored, so it may change with any
// release.
#pragma once

#include <cstdint>
#include <string_view>

namespace freshet {

uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace freshet
