// Adoptions: a folder of rows that was built elsewhere becomes the served generation of a batch view.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "load/loader.h"
#include "registry/registry.h"
#include "store/row_folder.h"
#include "store/store.h"

namespace freshet::load {

// FailedPrecondition unless the folder was built for the view as it is defined now; says what differs.
Status CheckFits(const store::RowFolder& folder, const registry::FeatureView& view);

// A load of the folder's rows: it takes no files, and its Finish reads them, checks them and what the view
// expects, and publishes them. The folder stays as it is. Errors as Load::Start and store::RowFolder::Open
// have them, InvalidArgument for an upsert. Of the options `memory_bytes` and `is_dry_run` count.
Result<std::unique_ptr<Load>> StartAdoption(std::shared_ptr<const registry::Registry> registry,
                                            std::string_view view, const LoadOptions& options,
                                            const std::string& folder, store::Store& store);

}  // namespace freshet::load
