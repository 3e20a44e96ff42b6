// From the engine's explanation to its message.
#pragma once

#include "freshet/explain.h"
#include "freshet/v1/feature_store.pb.h"

namespace freshet::rpc {

void ToWire(const Explanation& explanation, v1::ExplainResponse* wire);

}  // namespace freshet::rpc
