// The stored form of a position. Specified in docs/formats.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet::store {

std::string EncodePosition(int64_t next_offset);
Result<int64_t> DecodePosition(std::string_view bytes);

}  // namespace freshet::store
