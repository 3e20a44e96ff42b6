// From the message of an explanation to the public type.
#pragma once

#include "freshet/explain.h"
#include "freshet/status.h"
#include "freshet/v1/feature_store.pb.h"

namespace freshet::client {

// Internal when the answer contradicts itself.
Result<Explanation> FromWire(const v1::ExplainResponse& wire);

}  // namespace freshet::client
