// Between the public plain types and the messages of freshet.v1, as the client needs them.
#pragma once

#include <string_view>

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "freshet/engine.h"
#include "freshet/features.h"
#include "freshet/status.h"
#include "freshet/v1/admin.pb.h"
#include "freshet/v1/feature_store.pb.h"

namespace freshet::client {

// The code as the server named it, or the nearest to gRPC's. A server that did not answer is
// Unavailable, with its address and the way out.
Status FromGrpc(const grpc::Status& status, const grpc::ClientContext& context,
                std::string_view address);

void ToWire(const FeatureRequest& request, v1::GetFeaturesRequest* wire);
// Takes the strings out of *wire. Internal when the answer contradicts itself.
Status FromWire(v1::GetFeaturesResponse* wire, FeatureResponse* response);

PlanOutcome FromWire(const v1::PlanResponse& wire);
LoadProgress FromWire(const v1::LoadProgress& wire);
ForgetReceipt FromWire(const v1::ForgetResponse& wire);
LoadProfile FromWire(const v1::LoadProfile& wire);
LoadBuild FromWire(const v1::LoadBuild& wire);
BadRowReport FromWire(const v1::BadRow& wire);
ServiceDescription FromWire(const v1::DescribeServiceResponse& wire);
ServerStatus FromWire(const v1::GetStatusResponse& wire);

}  // namespace freshet::client
