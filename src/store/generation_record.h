// The stored form of what is served of a batch view. Specified in docs/formats.md.
#pragma once

#include <string>
#include <string_view>

#include "freshet/status.h"

#include "store/store.h"

namespace freshet::store {

std::string EncodeGeneration(const Generation& generation);
Result<Generation> DecodeGeneration(std::string_view bytes);

// An upsert brings this row into its table, under an entity key that no entity has: how many rows
// are served with it, and when it was loaded, which stand before what the generation's record says.
inline constexpr std::string_view kSummaryEntityKey = "";
std::string EncodeSummary(const Generation& generation);
Status DecodeSummary(std::string_view bytes, Generation* generation);

std::string EncodeRowTable(TableId table);
Result<TableId> DecodeRowTable(std::string_view bytes);

}  // namespace freshet::store
