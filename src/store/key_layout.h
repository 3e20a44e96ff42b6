// The one owner of stored keys: no other file puts their bytes together. Specified in
// docs/formats.md. All numbers in keys are big-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/store.h"

namespace freshet::store {

// Keys k with begin <= k < end.
struct KeyRange {
  std::string begin;
  std::string end;
};

// Rows that are built outside of a data folder are under this number, which no table has.
inline constexpr TableId kBuiltTable = 0;

// Column families `timelines` and `rows`.
inline constexpr size_t kTablePrefixBytes = sizeof(TableId);
void AppendStateKey(TableId table, std::string_view entity_key, std::string& key);
std::string StateKeyOf(TableId table, std::string_view entity_key);
KeyRange TableRange(TableId table);
// The two parts of a stored key, which has at least kTablePrefixBytes.
TableId TableOf(std::string_view state_key);
std::string_view EntityKeyOf(std::string_view state_key);

// Column family `meta`.
std::string DefinitionsKey();
std::string NextRowTableKey();
std::string PositionKey(TableId table, int32_t partition);
KeyRange PositionRange(TableId table);
std::string GenerationKey(uint32_t view_id);
KeyRange GenerationRange();
std::string PreviousGenerationKey(uint32_t view_id);
KeyRange PreviousGenerationRange();
std::string DiscardedTableKey(TableId row_table);
KeyRange DiscardedTableRange();
std::string KeptLoadKey(TableId load);
KeyRange KeptLoadRange();
// Take numbers back out of a key of the kind; false when it has another length.
bool ParsePositionKey(std::string_view key, int32_t* partition);
bool ParseGenerationKey(std::string_view key, uint32_t* view_id);  // a previous one's too
bool ParseDiscardedTableKey(std::string_view key, TableId* row_table);
bool ParseKeptLoadKey(std::string_view key, TableId* load);

// Column family `log`.
std::string LogKey(uint32_t source_id, int64_t offset);
KeyRange LogRange(uint32_t source_id);
bool ParseLogKey(std::string_view key, uint32_t* source_id, int64_t* offset);

// For messages.
std::string Hex(std::string_view bytes);

}  // namespace freshet::store
