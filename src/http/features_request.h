// The body of POST /v1/features.
#pragma once

#include <string>
#include <string_view>

#include "freshet/engine.h"
#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet::http {

// Reads a body into the engine's own shape; columns take the types that the engine says the
// features need. InvalidArgument says what is wrong, and *pointer where in the body, as Problem
// wants it.
Status ReadFeaturesRequest(std::string_view body, Engine& engine, FeatureRequest* request,
                           std::string* pointer);

}  // namespace freshet::http
