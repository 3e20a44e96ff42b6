// A data folder that no server has open: its batch views can be loaded all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/load.h"
#include "freshet/options.h"
#include "freshet/status.h"

#include "registry/registry.h"
#include "store/store.h"

namespace freshet::engine {

// Holds the folder's lock while it lives. What it does is what the engine does; streams stand still.
class OfflineFolder {
 public:
  // NotFound when there is no such folder, FailedPrecondition when a server has it open, when nothing
  // was ever applied to it, or when another version of Freshet made it. Of the options those of the
  // store and of loads count.
  static Result<std::unique_ptr<OfflineFolder>> Open(const Options& options);

  // As Engine has them; a session must go before the folder does.
  Result<std::unique_ptr<LoadSession>> Load(const LoadRequest& request);
  Result<RollbackOutcome> Rollback(std::string_view view);
  // The oldest first.
  std::vector<UnfinishedLoad> UnfinishedLoads();
  Status DiscardLoad(uint64_t id);

 private:
  OfflineFolder(std::unique_ptr<store::Store> store,
                std::shared_ptr<const registry::Registry> registry, size_t load_memory_bytes)
      : store_(std::move(store)),
        registry_(std::move(registry)),
        load_memory_bytes_(load_memory_bytes) {}

  const std::unique_ptr<store::Store> store_;
  const std::shared_ptr<const registry::Registry> registry_;
  const size_t load_memory_bytes_;
};

}  // namespace freshet::engine
