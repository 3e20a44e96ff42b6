// Between the engine's plain types and the messages of the control calls.
#pragma once

#include <vector>

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "freshet/engine.h"
#include "freshet/status.h"
#include "freshet/v1/admin.pb.h"
#include "freshet/v1/feature_store.pb.h"

namespace freshet::rpc {

// The trailing metadata that carries the exact StatusCode of a failed call; gRPC has fewer.
inline constexpr char kStatusCodeMetadata[] = "freshet-status";

grpc::StatusCode ToGrpcCode(StatusCode code);
// What the call ends with. The message is cut to limits::kErrorBytesMax, since clients bound the
// headers that they accept.
grpc::Status ToGrpc(const Status& status, grpc::ServerContextBase* context);

std::vector<DefinitionText> FromWire(const v1::PlanRequest& wire);
void ToWire(const PlanOutcome& outcome, v1::PlanResponse* wire);
void ToWire(const ServiceDescription& description, v1::DescribeServiceResponse* wire);
void ToWire(const ServerStatus& status, v1::GetStatusResponse* wire);
// All but `error`; FAILED is the caller's to say.
void ToWire(const LoadProgress& progress, v1::LoadProgress* wire);
void ToWire(const BadRowReport& bad, v1::BadRow* wire);
void ToWire(const ForgetReceipt& receipt, v1::ForgetResponse* wire);
void ToWire(const LoadProfile& profile, v1::LoadProfile* wire);
void ToWire(const LoadBuild& build, v1::LoadBuild* wire);

}  // namespace freshet::rpc
