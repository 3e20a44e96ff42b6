// freshet.v1.FeatureStore: GetFeatures on gRPC's own threads and raw bytes, the rest beside it.
#pragma once

#include <grpcpp/grpcpp.h>

#include "freshet/engine.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "rpc/workers.h"

namespace freshet::rpc {

using FeatureStoreBase =
    v1::FeatureStore::WithRawCallbackMethod_GetFeatures<v1::FeatureStore::WithCallbackMethod_Push<
        v1::FeatureStore::WithCallbackMethod_DescribeService<v1::FeatureStore::Service>>>;

class FeatureStoreService final : public FeatureStoreBase {
 public:
  // Both must outlive it. Pushes, which wait for the disk, go to `workers`.
  FeatureStoreService(Engine& engine, Workers& workers) : engine_(engine), workers_(workers) {}

  grpc::ServerUnaryReactor* GetFeatures(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext* context,
                                 const v1::PushRequest* request,
                                 v1::PushResponse* response) override;
  grpc::ServerUnaryReactor* DescribeService(grpc::CallbackServerContext* context,
                                            const v1::DescribeServiceRequest* request,
                                            v1::DescribeServiceResponse* response) override;

 private:
  Engine& engine_;
  Workers& workers_;
};

}  // namespace freshet::rpc
