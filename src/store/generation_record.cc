#include "store/generation_record.h"

#include <algorithm>

namespace freshet::store {
namespace {

constexpr uint8_t kGenerationVersion = 1;
constexpr uint8_t kSummaryVersion = 2;
constexpr uint8_t kSummaryVersionWithoutLoad = 1;

// Decimals of the scale 0 and of those after it.
constexpr uint8_t kDecimals = 32;

uint8_t NumberOf(Type type) {
  if (type == Type::kDecimal) return kDecimals + type.scale;
  return static_cast<uint8_t>(type.kind);
}

bool FindType(uint8_t number, Type* type) {
  const bool is_decimal = number >= kDecimals && number <= kDecimals + kDecimalScaleMax;
  const bool is_other =
      number >= static_cast<uint8_t>(Type::kBool) && number <= static_cast<uint8_t>(Type::kBytes);
  *type = is_decimal ? Type::Decimal(number - kDecimals) : Type(static_cast<Type::Kind>(number));
  return is_decimal || is_other;
}

}  // namespace

void AppendColumns(std::string& bytes, const std::vector<std::string>& names,
                   const std::vector<Type>& types) {
  Append(bytes, static_cast<uint32_t>(types.size()));
  for (size_t i = 0; i < types.size(); ++i) {
    Append(bytes, NumberOf(types[i]));
    AppendSized(bytes, names[i]);
  }
}

bool ReadColumns(ByteReader& reader, std::vector<std::string>* names, std::vector<Type>* types) {
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    if (!FindType(reader.Read<uint8_t>(), &types->emplace_back())) return false;
    names->emplace_back(reader.ReadSized());
    if (!reader.ok()) return false;
  }
  return reader.ok();
}

std::string EncodeGeneration(const Generation& generation) {
  std::string bytes;
  Append(bytes, kGenerationVersion);
  Append(bytes, generation.table);
  Append(bytes, generation.loaded_at_ms);
  Append(bytes, generation.row_count);
  AppendColumns(bytes, generation.column_names, generation.column_types);
  return bytes;
}

Result<Generation> DecodeGeneration(std::string_view bytes) {
  ByteReader reader(bytes);
  auto version = reader.Read<uint8_t>();
  Generation generation;
  generation.table = reader.Read<TableId>();
  generation.loaded_at_ms = reader.Read<int64_t>();
  generation.row_count = reader.Read<uint64_t>();
  const std::vector<Type>& types = generation.column_types;
  const bool is_sound = version == kGenerationVersion &&
                        ReadColumns(reader, &generation.column_names, &generation.column_types) &&
                        std::find(types.begin(), types.end(), Type(Type::kBytes)) == types.end();
  if (!is_sound || !reader.done())
    return Status::Corruption("the record of a batch view's generation cannot be read");
  return generation;
}

std::string EncodeSummary(const Generation& generation) {
  std::string bytes;
  Append(bytes, kSummaryVersion);
  Append(bytes, generation.loaded_at_ms);
  Append(bytes, generation.row_count);
  Append(bytes, generation.last_upsert);
  return bytes;
}

Status DecodeSummary(std::string_view bytes, Generation* generation) {
  ByteReader reader(bytes);
  const auto version = reader.Read<uint8_t>();
  generation->loaded_at_ms = reader.Read<int64_t>();
  generation->row_count = reader.Read<uint64_t>();
  generation->last_upsert = version == kSummaryVersionWithoutLoad ? 0 : reader.Read<TableId>();
  const bool is_known = version == kSummaryVersion || version == kSummaryVersionWithoutLoad;
  if (is_known && reader.done()) return Status::Ok();
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
