#include "store/manifest.h"

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"
#include "store/file_checksum.h"
#include "store/generation_record.h"

namespace freshet::store {
namespace {

constexpr std::string_view kFormatWord = "freshet-rows ";
constexpr std::string_view kFormat = "freshet-rows 1\n";

void AppendList(const NamedTypes& list, std::string& bytes) {
  AppendColumns(bytes, list.names, list.types);
}

bool ReadList(ByteReader& reader, NamedTypes* list) {
  return ReadColumns(reader, &list->names, &list->types);
}

void AppendFile(const Manifest::File& file, std::string& bytes) {
  AppendSized(bytes, file.name);
  Append(bytes, file.bytes);
  Append(bytes, file.checksum);
  Append(bytes, file.rows);
  AppendSized(bytes, file.first_key);
  AppendSized(bytes, file.last_key);
}

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= limits::kEntityKeyBytesMax;
}

// A file of the folder itself, with rows in order.
bool IsSound(const Manifest::File& file) {
  const bool is_name = !file.name.empty() && file.name[0] != '.' &&
                       file.name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  return is_name && file.rows > 0 && IsKey(file.first_key) && IsKey(file.last_key) &&
         file.first_key <= file.last_key;
}

bool ReadFile(ByteReader& reader, Manifest::File* file) {
  file->name = reader.ReadSized();
  file->bytes = reader.Read<uint64_t>();
  file->checksum = reader.Read<uint64_t>();
  file->rows = reader.Read<uint64_t>();
  file->first_key = reader.ReadSized();
  file->last_key = reader.ReadSized();
  return reader.ok() && IsSound(*file);
}

bool ReadFiles(ByteReader& reader, std::vector<Manifest::File>* files) {
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    Manifest::File file;
    if (!ReadFile(reader, &file)) return false;
    if (!files->empty() && file.first_key <= files->back().last_key) return false;
    files->push_back(std::move(file));
  }
  return true;
}

bool ReadBody(std::string_view body, Manifest* manifest) {
  ByteReader reader(body);
  manifest->shape.view = reader.ReadSized();
  if (!ReadList(reader, &manifest->shape.join_keys) || !ReadList(reader, &manifest->shape.columns))
    return false;
  manifest->built_at_ms = reader.Read<int64_t>();
  manifest->read.bytes_read = reader.Read<uint64_t>();
  manifest->read.rows_read = reader.Read<uint64_t>();
  manifest->read.rows_bad = reader.Read<uint64_t>();
  manifest->rows_duplicate = reader.Read<uint64_t>();
  manifest->rows_deleted = reader.Read<uint64_t>();
  return ReadFiles(reader, &manifest->files) && reader.done();
}

Status CheckFormat(std::string_view bytes) {
  if (bytes.starts_with(kFormat)) return Status::Ok();
  const size_t end = bytes.substr(0, 100).find('\n');
  if (!bytes.starts_with(kFormatWord) || end == std::string_view::npos)
    return Status::Corruption("it is no manifest of built rows");
  return Status::FailedPrecondition(fmt::format(
      "it has the format '{}'; this program reads '{}'. Build the rows with the version of "
      "Freshet that is to serve them",
      bytes.substr(0, end), kFormat.substr(0, kFormat.size() - 1)));
}

}  // namespace

uint64_t Manifest::row_count() const {
  uint64_t count = 0;
  for (const File& file : files) count += file.rows;
  return count;
}

uint64_t Manifest::byte_count() const {
  uint64_t count = 0;
  for (const File& file : files) count += file.bytes;
  return count;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string bytes(kFormat);
  AppendSized(bytes, manifest.shape.view);
  AppendList(manifest.shape.join_keys, bytes);
  AppendList(manifest.shape.columns, bytes);
  Append(bytes, manifest.built_at_ms);
  Append(bytes, manifest.read.bytes_read);
  Append(bytes, manifest.read.rows_read);
  Append(bytes, manifest.read.rows_bad);
  Append(bytes, manifest.rows_duplicate);
  Append(bytes, manifest.rows_deleted);
  Append(bytes, static_cast<uint32_t>(manifest.files.size()));
  for (const Manifest::File& file : manifest.files) AppendFile(file, bytes);
  Append(bytes, ChecksumOfBytes(bytes));
  return bytes;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  FRESHET_RETURN_IF_ERROR(CheckFormat(bytes));
  Manifest manifest;
  const size_t size = bytes.size();
  const bool is_sound =
      size >= kFormat.size() + sizeof(uint64_t) &&
      Load<uint64_t>(bytes.data() + size - sizeof(uint64_t)) ==
          ChecksumOfBytes(bytes.substr(0, size - sizeof(uint64_t))) &&
      ReadBody(bytes.substr(kFormat.size(), size - kFormat.size() - sizeof(uint64_t)), &manifest);
  if (is_sound) return manifest;
  return Status::Corruption("it is damaged or cut off");
}

}  // namespace freshet::store
