// freshet.v1.FeatureStore: GetFeatures on gRPC's own threads and raw bytes, the rest beside it.
#pragma once

#include <atomic>

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
  // All must outlive it. Pushes, which wait for the disk, go to `pushes`, and reads that wait for
  // events to `waiting_reads`.
  FeatureStoreService(Engine& engine, Workers& pushes, Workers& waiting_reads)
      : engine_(engine), pushes_(pushes), waiting_reads_(waiting_reads) {}

  // Ends the waits of reads, now and from now on.
  void StopWaiting() { waits_.store(false); }

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
  // On a thread that may block.
  void AnswerLater(grpc::CallbackServerContext* context, size_t request_bytes,
                   FeatureRequest request, grpc::ByteBuffer* response);

  Engine& engine_;
  Workers& pushes_;
  Workers& waiting_reads_;
  std::atomic<bool> waits_{true};
};

}  // namespace freshet::rpc
