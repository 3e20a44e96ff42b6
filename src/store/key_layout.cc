#include "store/key_layout.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/coding.h"

namespace freshet::store {
namespace {

// First bytes of the keys in `meta`. They are on disk: never change or reuse one.
constexpr char kDefinitions = 'D';
constexpr char kGeneration = 'G';
constexpr char kNextRowTable = 'N';
constexpr char kPosition = 'P';
constexpr char kPreviousGeneration = 'R';
constexpr char kKeptLoad = 'U';
constexpr char kDiscardedTable = 'X';

constexpr size_t kHexBytesMax = 64;

std::string Numbered(char kind, uint32_t number) {
  std::string key(1, kind);
  AppendBigEndian32(key, number);
  return key;
}

KeyRange KindRange(char kind) {
  return {std::string(1, kind), std::string(1, static_cast<char>(kind + 1))};
}

bool ParseNumbered(std::string_view key, uint32_t* number) {
  if (key.size() != 1 + sizeof(uint32_t)) return false;
  *number = LoadBigEndian32(key.data() + 1);
  return true;
}

std::string BigEndian32(uint32_t number) {
  std::string bytes;
  AppendBigEndian32(bytes, number);
  return bytes;
}

KeyRange NumberRange(uint32_t number) {
  FRESHET_CHECK(number < UINT32_MAX);
  return {BigEndian32(number), BigEndian32(number + 1)};
}

}  // namespace

void AppendStateKey(TableId table, std::string_view entity_key, std::string& key) {
  AppendBigEndian32(key, table);
  key.append(entity_key);
}

std::string StateKeyOf(TableId table, std::string_view entity_key) {
  std::string key;
  key.reserve(kTablePrefixBytes + entity_key.size());
  AppendStateKey(table, entity_key, key);
  return key;
}

KeyRange TableRange(TableId table) {
  return NumberRange(table);
}

TableId TableOf(std::string_view state_key) {
  return LoadBigEndian32(state_key.data());
}

std::string_view EntityKeyOf(std::string_view state_key) {
  return state_key.substr(kTablePrefixBytes);
}

std::string DefinitionsKey() {
  return std::string(1, kDefinitions);
}

std::string NextRowTableKey() {
  return std::string(1, kNextRowTable);
}

std::string PositionKey(TableId table, int32_t partition) {
  FRESHET_CHECK(partition >= 0);
  std::string key = Numbered(kPosition, table);
  AppendBigEndian32(key, static_cast<uint32_t>(partition));
  return key;
}

KeyRange PositionRange(TableId table) {
  FRESHET_CHECK(table < UINT32_MAX);
  return {Numbered(kPosition, table), Numbered(kPosition, table + 1)};
}

std::string GenerationKey(uint32_t view_id) {
  return Numbered(kGeneration, view_id);
}

KeyRange GenerationRange() {
  return KindRange(kGeneration);
}

std::string PreviousGenerationKey(uint32_t view_id) {
  return Numbered(kPreviousGeneration, view_id);
}

KeyRange PreviousGenerationRange() {
  return KindRange(kPreviousGeneration);
}

std::string DiscardedTableKey(TableId row_table) {
  return Numbered(kDiscardedTable, row_table);
}

KeyRange DiscardedTableRange() {
  return KindRange(kDiscardedTable);
}

std::string KeptLoadKey(TableId load) {
  return Numbered(kKeptLoad, load);
}

KeyRange KeptLoadRange() {
  return KindRange(kKeptLoad);
}

bool ParsePositionKey(std::string_view key, int32_t* partition) {
  if (key.size() != 1 + 2 * sizeof(uint32_t)) return false;
  *partition = static_cast<int32_t>(LoadBigEndian32(key.data() + 1 + sizeof(uint32_t)));
  return *partition >= 0;
}

bool ParseGenerationKey(std::string_view key, uint32_t* view_id) {
  return ParseNumbered(key, view_id);
}

bool ParseDiscardedTableKey(std::string_view key, TableId* row_table) {
  return ParseNumbered(key, row_table);
}

bool ParseKeptLoadKey(std::string_view key, TableId* load) {
  return ParseNumbered(key, load);
}

std::string LogKey(uint32_t source_id, int64_t offset) {
  FRESHET_CHECK(offset >= 0);
  std::string key = BigEndian32(source_id);
  AppendBigEndian64(key, static_cast<uint64_t>(offset));
  return key;
}

KeyRange LogRange(uint32_t source_id) {
  return NumberRange(source_id);
}

bool ParseLogKey(std::string_view key, uint32_t* source_id, int64_t* offset) {
  if (key.size() != sizeof(uint32_t) + sizeof(uint64_t)) return false;
  *source_id = LoadBigEndian32(key.data());
  *offset = static_cast<int64_t>(LoadBigEndian64(key.data() + sizeof(uint32_t)));
  return *offset >= 0;
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes.substr(0, kHexBytesMax)) text += fmt::format("{:02x}", byte);
  if (bytes.size() > kHexBytesMax) text += fmt::format("... ({} bytes)", bytes.size());
  return text;
}

}  // namespace freshet::store
