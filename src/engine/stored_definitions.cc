#include "engine/stored_definitions.h"

#include <optional>

#include <fmt/format.h>

namespace freshet::engine {

Result<DefinitionsRecord> ReadStored(store::Store& store, const std::string& data_folder) {
  FRESHET_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store.ReadDefinitions());
  if (!bytes.has_value()) return DefinitionsRecord{};
  Result<DefinitionsRecord> record = DecodeDefinitions(*bytes);
  if (!record.ok()) return record.status().Prefixed(data_folder);
  return record;
}

Result<std::shared_ptr<const registry::Registry>> BuildStored(const DefinitionsRecord& record,
                                                              const std::string& data_folder) {
  yaml::Diagnostics diagnostics;
  std::shared_ptr<const registry::Registry> registry =
      registry::Registry::Build(record.files, record.catalog, &diagnostics);
  if (registry == nullptr) {
    return Status::FailedPrecondition(
        fmt::format("{}: the definitions that were applied before are not valid for this version "
                    "of Freshet; go back to the "
                    "version that applied them and change them there:\n{}",
                    data_folder, diagnostics.ToString()));
  }
  // The stored timelines are read by the layouts that the catalog spells out; another layout would misread them.
  if (registry->catalog() != record.catalog) {
    return Status::FailedPrecondition(fmt::format(
        "{}: this version of Freshet would lay out the stored state otherwise than the "
        "version that wrote it; go back to that one, or start with an empty data folder "
        "and let the streams be read again",
        data_folder));
  }
  return registry;
}

}  // namespace freshet::engine
