// freshet.v1.Admin: definitions, loads and the state of the server. Nothing here runs on the
// threads that answer GetFeatures.
#pragma once

#include <atomic>
#include <cstddef>

#include <grpcpp/grpcpp.h>

#include "freshet/engine.h"
#include "freshet/v1/admin.grpc.pb.h"

#include "rpc/workers.h"

namespace freshet::rpc {

class AdminService final : public v1::Admin::CallbackService {
 public:
  // Where the calls run: a plan may take long, a load a great while, and a look at the state must
  // wait for neither.
  struct Threads {
    Workers& plans;
    Workers& loads;
    Workers& short_calls;
  };
  // All must outlive it.
  AdminService(Engine& engine, const Threads& threads) : engine_(engine), threads_(threads) {}

  grpc::ServerUnaryReactor* Plan(grpc::CallbackServerContext* context,
                                 const v1::PlanRequest* request,
                                 v1::PlanResponse* response) override;
  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context,
                                  const v1::PlanRequest* request,
                                  v1::PlanResponse* response) override;
  grpc::ServerBidiReactor<v1::LoadRequest, v1::LoadProgress>* Load(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Rollback(grpc::CallbackServerContext* context,
                                     const v1::RollbackRequest* request,
                                     v1::RollbackResponse* response) override;
  grpc::ServerUnaryReactor* DiscardLoad(grpc::CallbackServerContext* context,
                                        const v1::DiscardLoadRequest* request,
                                        v1::DiscardLoadResponse* response) override;
  grpc::ServerUnaryReactor* Forget(grpc::CallbackServerContext* context,
                                   const v1::ForgetRequest* request,
                                   v1::ForgetResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;

 private:
  using PlanMethod = Result<PlanOutcome> (Engine::*)(const std::vector<DefinitionText>&);

  grpc::ServerUnaryReactor* RunPlan(PlanMethod method, grpc::CallbackServerContext* context,
                                    const v1::PlanRequest* request, v1::PlanResponse* response);

  Engine& engine_;
  Threads threads_;
  std::atomic<size_t> loads_{0};  // under way
};

}  // namespace freshet::rpc
