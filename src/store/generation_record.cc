#include "store/generation_record.h"

#include "base/coding.h"

namespace freshet::store {
namespace {

constexpr uint8_t kGenerationVersion = 1;
constexpr uint8_t kSummaryVersion = 1;

bool IsType(uint8_t number) {
  return number >= static_cast<uint8_t>(Type::kBool) &&
         number <= static_cast<uint8_t>(Type::kTimestamp);
}

}  // namespace

std::string EncodeGeneration(const Generation& generation) {
  std::string bytes;
  Append(bytes, kGenerationVersion);
  Append(bytes, generation.table);
  Append(bytes, generation.loaded_at_ms);
  Append(bytes, generation.row_count);
  Append(bytes, static_cast<uint32_t>(generation.column_types.size()));
  for (size_t i = 0; i < generation.column_types.size(); ++i) {
    Append(bytes, static_cast<uint8_t>(generation.column_types[i]));
    AppendSized(bytes, generation.column_names[i]);
  }
  return bytes;
}

Result<Generation> DecodeGeneration(std::string_view bytes) {
  ByteReader reader(bytes);
  auto version = reader.Read<uint8_t>();
  Generation generation;
  generation.table = reader.Read<TableId>();
  generation.loaded_at_ms = reader.Read<int64_t>();
  generation.row_count = reader.Read<uint64_t>();
  auto columns = reader.Read<uint32_t>();
  bool sound = version == kGenerationVersion;
  for (uint32_t i = 0; i < columns && sound; ++i) {
    auto type = reader.Read<uint8_t>();
    generation.column_types.push_back(static_cast<Type>(type));
    generation.column_names.emplace_back(reader.ReadSized());
    sound = reader.ok() && IsType(type);
  }
  if (!sound || !reader.done())
    return Status::Corruption("the record of a batch view's generation cannot be read");
  return generation;
}

std::string EncodeSummary(const Generation& generation) {
  std::string bytes;
  Append(bytes, kSummaryVersion);
  Append(bytes, generation.loaded_at_ms);
  Append(bytes, generation.row_count);
  return bytes;
}

Status DecodeSummary(std::string_view bytes, Generation* generation) {
  ByteReader reader(bytes);
  const auto version = reader.Read<uint8_t>();
  generation->loaded_at_ms = reader.Read<int64_t>();
  generation->row_count = reader.Read<uint64_t>();
  if (version == kSummaryVersion && reader.done()) return Status::Ok();
  return Status::Corruption("the summary of a row table cannot be read");
}

std::string EncodeRowTable(TableId table) {
  std::string bytes;
  Append(bytes, table);
  return bytes;
}

Result<TableId> DecodeRowTable(std::string_view bytes) {
  ByteReader reader(bytes);
  auto table = reader.Read<TableId>();
  if (!reader.done()) return Status::Corruption("the number of the next row table cannot be read");
  return table;
}

}  // namespace freshet::store
