// The stored form of what is served of a batch view. Specified in docs/formats.md.
#pragma once

#include <string>
#include <string_view>

#include "freshet/status.h"

#include "store/store.h"

namespace freshet::store {

std::string EncodeGeneration(const Generation& generation);
Result<Generation> DecodeGeneration(std::string_view bytes);

std::string EncodeRowTable(TableId table);
Result<TableId> DecodeRowTable(std::string_view bytes);

}  // namespace freshet::store
