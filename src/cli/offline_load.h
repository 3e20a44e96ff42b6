// Loads into a data folder that no server has open, called as those of the client are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

#include "engine/offline_folder.h"

namespace freshet::cli {

// As Client::LoadFiles and Client::Load, but in this process and on this thread: `progress` and
// `cancelled` are called from it.
Status LoadFilesOffline(engine::OfflineFolder& folder, const LoadRequest& request,
                        const std::vector<LoadFile*>& files,
                        const std::function<void(const LoadProgress&)>& progress,
                        const std::function<bool()>& cancelled, LoadProgress* outcome);
Status LoadOffline(engine::OfflineFolder& folder, const LoadRequest& request,
                   const std::function<Result<std::string>()>& next_chunk,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome);

}  // namespace freshet::cli
