// The definitions that a data folder was served with last.
#pragma once

#include <memory>
#include <string>

#include "freshet/status.h"

#include "engine/definitions_record.h"
#include "registry/registry.h"
#include "store/store.h"

namespace freshet::engine {

// Without any definitions when none were ever applied. `data_folder` is for messages.
Result<DefinitionsRecord> ReadStored(store::Store& store, const std::string& data_folder);

// FailedPrecondition when this version of Freshet cannot use them, or lays out their state otherwise.
Result<std::shared_ptr<const registry::Registry>> BuildStored(const DefinitionsRecord& record,
                                                              const std::string& data_folder);

}  // namespace freshet::engine
