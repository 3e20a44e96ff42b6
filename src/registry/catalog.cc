#include "registry/catalog.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"

namespace freshet::registry {
namespace {

constexpr uint8_t kVersion = 1;

Status Corrupt(std::string_view what) {
  return Status::Corruption(fmt::format("the stored catalog is damaged: {}", what));
}

void AppendTable(std::string& to, const CatalogTable& table) {
  Append(to, table.id);
  AppendSized(to, table.layout);
  Append(to, static_cast<uint32_t>(table.features.size()));
  for (const std::string& feature : table.features) AppendSized(to, feature);
}

void AppendView(std::string& to, const std::string& name, const CatalogView& view) {
  AppendSized(to, name);
  Append(to, view.id);
  Append(to, static_cast<uint32_t>(view.tables.size()));
  for (const CatalogTable& table : view.tables) AppendTable(to, table);
}

// Counts bound nothing by themselves: each loop ends with the bytes.
CatalogTable ReadTable(ByteReader& reader) {
  CatalogTable table;
  table.id = reader.Read<uint32_t>();
  table.layout = reader.ReadSized();
  uint32_t features = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < features && reader.ok(); ++i)
    table.features.emplace_back(reader.ReadSized());
  return table;
}

CatalogView ReadView(ByteReader& reader) {
  CatalogView view;
  view.id = reader.Read<uint32_t>();
  uint32_t tables = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < tables && reader.ok(); ++i) view.tables.push_back(ReadTable(reader));
  return view;
}

// Every id once, and below the next one.
class IdCheck {
 public:
  explicit IdCheck(uint32_t next_id) : next_id_(next_id) {}
  Status Add(uint32_t id) {
    if (id == 0 || id >= next_id_) return Corrupt(fmt::format("id {} was never given", id));
    if (!seen_.insert(id).second) return Corrupt(fmt::format("id {} was given twice", id));
    return Status::Ok();
  }

 private:
  const uint32_t next_id_;
  std::set<uint32_t> seen_;
};

Status CheckView(const CatalogView& view, IdCheck& ids) {
  FRESHET_RETURN_IF_ERROR(ids.Add(view.id));
  std::set<std::string_view> features;
  for (const CatalogTable& table : view.tables) {
    FRESHET_RETURN_IF_ERROR(ids.Add(table.id));
    if (table.features.empty()) return Corrupt(fmt::format("table {} has no feature", table.id));
    for (const std::string& feature : table.features) {
      if (!features.insert(feature).second)
        return Corrupt(fmt::format("feature '{}' is in two places", feature));
    }
  }
  return Status::Ok();
}

Status Check(const Catalog& catalog) {
  IdCheck ids(catalog.next_id);
  for (const auto& [name, id] : catalog.sources) FRESHET_RETURN_IF_ERROR(ids.Add(id));
  for (const auto& [name, view] : catalog.views) FRESHET_RETURN_IF_ERROR(CheckView(view, ids));
  return Status::Ok();
}

}  // namespace

std::string Catalog::Encode() const {
  std::string bytes;
  Append(bytes, kVersion);
  Append(bytes, next_id);
  Append(bytes, static_cast<uint32_t>(sources.size()));
  for (const auto& [name, id] : sources) {
    AppendSized(bytes, name);
    Append(bytes, id);
  }
  Append(bytes, static_cast<uint32_t>(views.size()));
  for (const auto& [name, view] : views) AppendView(bytes, name, view);
  return bytes;
}

Result<Catalog> Catalog::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  uint8_t version = reader.Read<uint8_t>();
  if (reader.ok() && version != kVersion) {
    return Corrupt(fmt::format(
        "version {}, of which this Freshet knows nothing; it reads version {}", version, kVersion));
  }
  Catalog catalog;
  catalog.next_id = reader.Read<uint32_t>();
  uint32_t sources = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < sources && reader.ok(); ++i) {
    std::string name(reader.ReadSized());
    if (!catalog.sources.emplace(name, reader.Read<uint32_t>()).second)
      return Corrupt(fmt::format("source '{}' stands twice", name));
  }
  uint32_t views = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < views && reader.ok(); ++i) {
    std::string name(reader.ReadSized());
    if (!catalog.views.emplace(name, ReadView(reader)).second)
      return Corrupt(fmt::format("feature view '{}' stands twice", name));
  }
  if (!reader.done()) return Corrupt("its bytes end too early or too late");
  FRESHET_RETURN_IF_ERROR(Check(catalog));
  return catalog;
}

}  // namespace freshet::registry
