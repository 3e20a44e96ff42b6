// The answer of POST /v1/features.
#pragma once

#include <string>

#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet::http {

// One object, column by column as over gRPC. InvalidArgument when it would be longer than
// limits::kMessageBytesMax.
Result<std::string> WriteFeatures(const FeatureRequest& request, const FeatureResponse& response);

}  // namespace freshet::http
