// The client's side of one Admin.Load call.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "freshet/client.h"
#include "freshet/status.h"
#include "freshet/v1/admin.grpc.pb.h"

namespace freshet::client {

// See Client::LoadFiles.
Status StreamFiles(v1::Admin::Stub& stub, const std::string& address, const LoadRequest& request,
                   const std::vector<LoadFile*>& files,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome);

// See Client::Load.
Status StreamLoad(v1::Admin::Stub& stub, const std::string& address, const LoadRequest& request,
                  const std::function<Result<std::string>()>& next_chunk,
                  const std::function<void(const LoadProgress&)>& progress,
                  const std::function<bool()>& cancelled, LoadProgress* outcome);

}  // namespace freshet::client
