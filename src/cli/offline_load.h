// Loads in this process, called as those of the client are: into a data folder that no server has open, or
// into a folder that a server adopts later.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

namespace freshet::cli {

// Begins a load; what it needs lives as long as the function does.
using StartSession =
    std::function<Result<std::unique_ptr<LoadSession>>(const LoadRequest& request)>;

// As Client::LoadFiles and Client::Load, but in this process and on this thread: `progress` and
// `cancelled` are called from it.
Status LoadFilesOffline(const StartSession& start, const LoadRequest& request,
                        const std::vector<LoadFile*>& files,
                        const std::function<void(const LoadProgress&)>& progress,
                        const std::function<bool()>& cancelled, LoadProgress* outcome);
Status LoadOffline(const StartSession& start, const LoadRequest& request,
                   const std::function<Result<std::string>()>& next_chunk,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome);

}  // namespace freshet::cli
