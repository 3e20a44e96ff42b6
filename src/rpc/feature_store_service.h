// freshet.v1.FeatureStore: GetFeatures on gRPC's own threads and raw bytes, the rest beside it.
#pragma once

#include <atomic>
#include <cstddef>

#include <grpcpp/grpcpp.h>

#include "freshet/engine.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "rpc/workers.h"

namespace freshet::rpc {

using FeatureStoreBase = v1::FeatureStore::WithRawCallbackMethod_GetFeatures<
    v1::FeatureStore::WithCallbackMethod_Push<v1::FeatureStore::WithCallbackMethod_DescribeService<
        v1::FeatureStore::WithCallbackMethod_Explain<v1::FeatureStore::Service>>>>;

class FeatureStoreService final : public FeatureStoreBase {
 public:
  struct Threads {
    Workers& pushes;         // which wait for the disk, and explanations, which take their time
    Workers& reads;          // that come while gRPC's own threads are busy
    Workers& waiting_reads;  // for events
  };
  // All must outlive it.
  FeatureStoreService(Engine& engine, const Threads& threads);

  // Ends the waits of reads, now and from now on.
  void StopWaiting() { waits_.store(false); }

  grpc::ServerUnaryReactor* GetFeatures(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext* context,
                                 const v1::PushRequest* request,
                                 v1::PushResponse* response) override;
  grpc::ServerUnaryReactor* DescribeService(grpc::CallbackServerContext* context,
                                            const v1::DescribeServiceRequest* request,
                                            v1::DescribeServiceResponse* response) override;

 private:
  // The reactor is asked of the context once: it is made anew each time.
  struct Call {
    grpc::CallbackServerContext* context;
    grpc::ServerUnaryReactor* reactor;
    const grpc::ByteBuffer* request;
    grpc::ByteBuffer* response;
  };

  // Whether the calling thread, which is gRPC's, may answer itself; EndTurn must follow then.
  bool TakeTurn();
  void EndTurn() { answering_here_.fetch_sub(1, std::memory_order_relaxed); }
  // Answers a request that the gate has let in.
  void Answer(const Call& call);
  // On a thread that may block.
  void AnswerLater(const Call& call, FeatureRequest request);

  Engine& engine_;
  RequestGate& gate_;
  const Threads threads_;
  const size_t answering_here_max_;
  std::atomic<size_t> answering_here_{0};
  std::atomic<bool> waits_{true};
};

}  // namespace freshet::rpc
