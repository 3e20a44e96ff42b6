// The stored form of what is served of a batch view. Specified in docs/formats.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/coding.h"
#include "store/store.h"

namespace freshet::store {

// What a table's columns are, as part of a record: u32 number, then for each u8 type and its name. Join
// keys are written alike, and may be of bytes.
void AppendColumns(std::string& bytes, const std::vector<std::string>& names,
                   const std::vector<Type>& types);
// False when they cannot be read.
bool ReadColumns(ByteReader& reader, std::vector<std::string>* names, std::vector<Type>* types);

std::string EncodeGeneration(const Generation& generation);
Result<Generation> DecodeGeneration(std::string_view bytes);

// An upsert brings this row into its table, under an entity key that no entity has: how many rows
// are served with it, and when it was loaded, which stand before what the generation's record says.
inline constexpr std::string_view kSummaryEntityKey = "";
std::string EncodeSummary(const Generation& generation);
Status DecodeSummary(std::string_view bytes, Generation* generation);

// What a table's columns are, as part of a record: u32 number, then for each u8 type and its name.
void AppendColumns(std::string& bytes, const std::vector<std::string>& names,
                   const std::vector<Type>& types);
// False when they cannot be read.
bool ReadColumns(ByteReader& reader, std::vector<std::string>* names, std::vector<Type>* types);

std::string EncodeRowTable(TableId table);
Result<TableId> DecodeRowTable(std::string_view bytes);

}  // namespace freshet::store
