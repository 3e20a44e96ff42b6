#include "store/kept_load.h"

#include "base/coding.h"
#include "base/limits.h"
#include "store/generation_record.h"
#include "store/row.h"

namespace freshet::store {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kReplaces = 0;
constexpr uint8_t kUpserts = 1;

void AppendParts(std::string& bytes, const SortedParts& parts) {
  Append(bytes, static_cast<uint8_t>(parts.in_order ? 1 : 0));
  Append(bytes, parts.rows_added);
  Append(bytes, parts.rows_written);
  Append(bytes, parts.next_file);
  Append(bytes, static_cast<uint32_t>(parts.files.size()));
  for (const SortedParts::File& file : parts.files) {
    AppendSized(bytes, file.name);
    Append(bytes, file.bytes);
  }
  AppendSized(bytes, parts.held_key);
  AppendSized(bytes, parts.held_row);
}

bool IsFileName(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool ReadParts(ByteReader& reader, SortedParts* parts) {
  const auto in_order = reader.Read<uint8_t>();
  parts->in_order = in_order == 1;
  parts->rows_added = reader.Read<uint64_t>();
  parts->rows_written = reader.Read<uint64_t>();
  parts->next_file = reader.Read<uint64_t>();
  const auto files = reader.Read<uint32_t>();
  bool sound = reader.ok() && in_order <= 1 && files > 0 && files <= parts->next_file;
  for (uint32_t i = 0; i < files && sound; ++i) {
    SortedParts::File& file = parts->files.emplace_back();
    file.name = reader.ReadSized();
    file.bytes = reader.Read<uint64_t>();
    sound = reader.ok() && IsFileName(file.name);
  }
  parts->held_key = reader.ReadSized();
  parts->held_row = reader.ReadSized();
  return sound && reader.ok();
}

// Whether the numbers go together, and what is held back is a row.
bool IsSound(const SortedParts& parts, const std::vector<Type>& types) {
  const uint64_t held = parts.held_key.empty() ? 0 : 1;
  if (!parts.in_order) return parts.rows_written == 0 && held == 0 && parts.held_row.empty();
  if (parts.rows_added < parts.rows_written + held) return false;
  if (held == 0) return parts.held_row.empty();
  return !parts.held_row.empty() && parts.held_key.size() <= limits::kEntityKeyBytesMax &&
         RowLayout(types).Validate(parts.held_row).ok() && !RowLayout::IsTombstone(parts.held_row);
}

}  // namespace

uint64_t SortedParts::bytes() const {
  uint64_t bytes = 0;
  for (const File& file : files) bytes += file.bytes;
  return bytes;
}

std::string EncodeLoadRecord(const LoadRecord& record) {
  std::string bytes;
  Append(bytes, kVersion);
  Append(bytes, record.view_id);
  Append(bytes, record.kind == LoadKind::kUpsert ? kUpserts : kReplaces);
  Append(bytes, record.began_at_ms);
  Append(bytes, record.kept_at_ms);
  AppendColumns(bytes, record.column_names, record.column_types);
  AppendParts(bytes, record.parts);
  AppendSized(bytes, record.state);
  return bytes;
}

Result<LoadRecord> DecodeLoadRecord(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.Read<uint8_t>();
  LoadRecord record;
  record.view_id = reader.Read<uint32_t>();
  const auto kind = reader.Read<uint8_t>();
  record.kind = kind == kUpserts ? LoadKind::kUpsert : LoadKind::kReplace;
  record.began_at_ms = reader.Read<int64_t>();
  record.kept_at_ms = reader.Read<int64_t>();
  const bool sound = version == kVersion && kind <= kUpserts &&
                     ReadColumns(reader, &record.column_names, &record.column_types) &&
                     ReadParts(reader, &record.parts) && IsSound(record.parts, record.column_types);
  record.state = reader.ReadSized();
  if (!sound || !reader.done())
    return Status::Corruption("the record of an unfinished load cannot be read");
  return record;
}

}  // namespace freshet::store
