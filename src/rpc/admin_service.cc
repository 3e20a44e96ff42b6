#include "rpc/admin_service.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "rpc/convert.h"
#include "rpc/load_call.h"

namespace freshet::rpc {

grpc::ServerUnaryReactor* AdminService::Plan(grpc::CallbackServerContext* context,
                                             const v1::PlanRequest* request,
                                             v1::PlanResponse* response) {
  return RunPlan(&Engine::Plan, context, request, response);
}

grpc::ServerUnaryReactor* AdminService::Apply(grpc::CallbackServerContext* context,
                                              const v1::PlanRequest* request,
                                              v1::PlanResponse* response) {
  return RunPlan(&Engine::Apply, context, request, response);
}

grpc::ServerUnaryReactor* AdminService::RunPlan(PlanMethod method,
                                                grpc::CallbackServerContext* context,
                                                const v1::PlanRequest* request,
                                                v1::PlanResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, method, context, request, response, reactor] {
    if (context->IsCancelled()) {
      reactor->Finish(grpc::Status::CANCELLED);
      return;
    }
    auto outcome = (engine_.*method)(FromWire(*request));
    if (outcome.ok()) ToWire(*outcome, response);
    reactor->Finish(ToGrpc(outcome.status(), context));
  };
  if (!threads_.plans.Submit(request->ByteSizeLong(), run))
    reactor->Finish(
        ToGrpc(Status::ResourceExhausted(
                   "too many definitions wait to be planned or applied: nothing was changed, try "
                   "again when the others are done"),
               context));
  return reactor;
}

grpc::ServerBidiReactor<v1::LoadRequest, v1::LoadProgress>* AdminService::Load(
    grpc::CallbackServerContext* context) {
  auto* call = new LoadCall(engine_, context);
  if (!threads_.loads.Submit(1, [call] { call->Run(); }))
    call->Refuse(Status::ResourceExhausted(fmt::format(
        "{} loads are under way, and no more may be at once: try again when one of them is done",
        limits::kLoadsMax)));
  return call;
}

grpc::ServerUnaryReactor* AdminService::Rollback(grpc::CallbackServerContext* context,
                                                 const v1::RollbackRequest* request,
                                                 v1::RollbackResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, context, request, response, reactor] {
    const auto outcome = engine_.Rollback(request->view());
    if (outcome.ok()) {
      response->set_loaded_at_ms(outcome->loaded_at_ms);
      response->set_rows(outcome->rows);
    }
    reactor->Finish(ToGrpc(outcome.status(), context));
  };
  if (!threads_.plans.Submit(request->ByteSizeLong(), run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted("the server is busy with definitions: nothing was changed, try "
                                  "again a little later"),
        context));
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Forget(grpc::CallbackServerContext* context,
                                               const v1::ForgetRequest* request,
                                               v1::ForgetResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, context, request, response, reactor] {
    const auto receipt = engine_.Forget({request->join_keys().begin(), request->join_keys().end()});
    if (receipt.ok()) ToWire(*receipt, response);
    reactor->Finish(ToGrpc(receipt.status(), context));
  };
  if (!threads_.plans.Submit(request->ByteSizeLong(), run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted("the server is busy with definitions: nothing was changed, try "
                                  "again a little later"),
        context));
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetStatus(grpc::CallbackServerContext* context,
                                                  const v1::GetStatusRequest* request,
                                                  v1::GetStatusResponse* response) {
  auto* reactor = context->DefaultReactor();
  const auto run = [this, response, reactor] {
    ToWire(engine_.GetStatus(), response);
    reactor->Finish(grpc::Status::OK);
  };
  if (!threads_.short_calls.Submit(request->ByteSizeLong(), run))
    reactor->Finish(ToGrpc(
        Status::ResourceExhausted("the server is busy with pushes: ask again a little later"),
        context));
  return reactor;
}

}  // namespace freshet::rpc
