#include "engine/offline_folder.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "engine/convert.h"
#include "engine/load_session.h"
#include "engine/stored_definitions.h"
#include "load/kept_load.h"

namespace freshet::engine {

Result<std::unique_ptr<OfflineFolder>> OfflineFolder::Open(const Options& options) {
  std::error_code ignored;
  // Opening would make a folder where there is none.
  if (!std::filesystem::is_directory(options.data_folder, ignored)) {
    return Status::NotFound(fmt::format(
        "there is no data folder {}; the first start of `freshet serve` makes it, and applying "
        "definitions says which views it has",
        options.data_folder));
  }
  store::StoreOptions store_options = ToStoreOptions(options);
  // How long that is, the server's configuration says.
  store_options.keep_unfinished_ms = limits::kKeepUnfinishedMsMax;
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::Store::Open(store_options));
  FRESHET_ASSIGN_OR_RETURN(const DefinitionsRecord record, ReadStored(*store, options.data_folder));
  if (record.files.empty()) {
    return Status::FailedPrecondition(
        fmt::format("no definitions were ever applied to {}; apply them to its server once",
                    options.data_folder));
  }
  FRESHET_ASSIGN_OR_RETURN(std::shared_ptr<const registry::Registry> registry,
                           BuildStored(record, options.data_folder));
  return std::unique_ptr<OfflineFolder>(
      new OfflineFolder(std::move(store), std::move(registry), options.load_memory_bytes));
}

Result<std::unique_ptr<LoadSession>> OfflineFolder::Load(const LoadRequest& request) {
  return StartLoad(registry_, request, load_memory_bytes_, *store_);
}

Result<RollbackOutcome> OfflineFolder::Rollback(std::string_view view) {
  return RollBackView(*registry_, view, *store_);
}

std::vector<UnfinishedLoad> OfflineFolder::UnfinishedLoads() {
  return load::ListUnfinished(*registry_, *store_);
}

Status OfflineFolder::DiscardLoad(uint64_t id) {
  return store_->DiscardLoad(id);
}

}  // namespace freshet::engine
