// Load sessions of the engine: the public face of load::Load.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freshet/engine.h"
#include "freshet/status.h"

#include "load/loader.h"
#include "registry/registry.h"
#include "store/store.h"

namespace freshet::engine {

// Errors as load::Load::Start and, for a request that adopts, load::StartAdoption have them, and
// InvalidArgument for an unknown format. `store` must outlive the session.
Result<std::unique_ptr<LoadSession>> StartLoad(std::shared_ptr<const registry::Registry> registry,
                                               const LoadRequest& request, size_t memory_bytes,
                                               store::Store& store);

// A load into a folder that is adopted later, as load::Load::StartBuild has it.
Result<std::unique_ptr<LoadSession>> StartBuild(std::shared_ptr<const registry::Registry> registry,
                                                const LoadRequest& request, size_t memory_bytes,
                                                const std::string& folder);

// As Engine::Rollback.
Result<RollbackOutcome> RollBackView(const registry::Registry& registry, std::string_view view,
                                     store::Store& store);

}  // namespace freshet::engine
