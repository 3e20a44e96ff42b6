// Between the public words and those of the modules below.
#pragma once

#include <string_view>
#include <vector>

#include "freshet/engine.h"
#include "freshet/options.h"

#include "registry/change.h"
#include "registry/registry.h"
#include "store/store.h"
#include "yaml/document.h"

namespace freshet::engine {

std::vector<registry::DefinitionFile> ToFiles(const std::vector<DefinitionText>& texts);
std::vector<DefinitionError> ToErrors(const yaml::Diagnostics& diagnostics);
std::vector<DefinitionChange> ToChanges(std::vector<registry::Change> changes);

store::StoreOptions ToStoreOptions(const Options& options);

// "kafka", "push" or "file".
std::string_view SourceKindName(const registry::Source& source);
// Null when no source reads Kafka.
const registry::Source* FirstKafkaSource(const registry::Registry& registry);

}  // namespace freshet::engine
