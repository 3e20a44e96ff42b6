// A GetFeatures request from the wire into the engine's own shape.
#pragma once

#include "freshet/features.h"
#include "freshet/status.h"
#include "freshet/v1/feature_store.pb.h"

namespace freshet::rpc {

// Overwrites *request, whose memory is reused. InvalidArgument names the column that has no values.
Status FromWire(const v1::GetFeaturesRequest& wire, FeatureRequest* request);

}  // namespace freshet::rpc
