#include "engine/definitions_record.h"

#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/coding.h"

namespace freshet::engine {
namespace {

constexpr uint8_t kVersion = 1;

void AppendIds(std::string& to, const std::vector<uint32_t>& ids) {
  Append(to, static_cast<uint32_t>(ids.size()));
  for (uint32_t id : ids) Append(to, id);
}

std::vector<uint32_t> ReadIds(ByteReader& reader) {
  std::vector<uint32_t> ids;
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) ids.push_back(reader.Read<uint32_t>());
  return ids;
}

std::vector<registry::DefinitionFile> ReadFiles(ByteReader& reader) {
  std::vector<registry::DefinitionFile> files;
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    std::string name(reader.ReadSized());
    std::string text(reader.ReadSized());
    files.push_back({std::move(name), std::move(text)});
  }
  return files;
}

struct Stored {
  std::set<uint32_t> tables;
  std::set<uint32_t> views;
  std::set<uint32_t> sources;
};

Stored StoredUnder(const registry::Registry& registry) {
  Stored stored;
  for (const auto& view : registry.feature_views()) {
    const bool is_loaded = view->batch() != nullptr && view->fed_by() == nullptr;
    if (is_loaded) stored.views.insert(view->id);
    for (const registry::TableId table : view->fed_tables()) stored.tables.insert(table);
  }
  for (const auto& source : registry.sources()) {
    if (std::holds_alternative<registry::PushLog>(source->kind)) stored.sources.insert(source->id);
  }
  return stored;
}

std::vector<uint32_t> Without(const std::set<uint32_t>& live, const std::set<uint32_t>& next) {
  std::vector<uint32_t> gone;
  for (uint32_t id : live) {
    if (!next.contains(id)) gone.push_back(id);
  }
  return gone;
}

}  // namespace

std::string EncodeDefinitions(const DefinitionsRecord& record) {
  std::string bytes;
  Append(bytes, kVersion);
  Append(bytes, static_cast<uint32_t>(record.files.size()));
  for (const registry::DefinitionFile& file : record.files) {
    AppendSized(bytes, file.name);
    AppendSized(bytes, file.text);
  }
  AppendSized(bytes, record.catalog.Encode());
  AppendIds(bytes, record.leftovers.tables);
  AppendIds(bytes, record.leftovers.views);
  AppendIds(bytes, record.leftovers.sources);
  return bytes;
}

Result<DefinitionsRecord> DecodeDefinitions(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.Read<uint8_t>();
  if (!reader.ok() || version != kVersion) {
    return Status::Corruption(fmt::format(
        "the definitions record has version {}; this program reads version {}", version, kVersion));
  }
  DefinitionsRecord record;
  record.files = ReadFiles(reader);
  const std::string_view catalog = reader.ReadSized();
  record.leftovers.tables = ReadIds(reader);
  record.leftovers.views = ReadIds(reader);
  record.leftovers.sources = ReadIds(reader);
  if (!reader.done()) return Status::Corruption("the definitions record is cut off or too long");
  FRESHET_ASSIGN_OR_RETURN(record.catalog, registry::Catalog::Decode(catalog));
  return record;
}

Leftovers FindLeftovers(const registry::Registry& live, const registry::Registry& next) {
  const Stored before = StoredUnder(live);
  const Stored after = StoredUnder(next);
  return {Without(before.tables, after.tables), Without(before.views, after.views),
          Without(before.sources, after.sources)};
}

}  // namespace freshet::engine
