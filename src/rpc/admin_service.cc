#include "rpc/admin_service.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "rpc/convert.h"
#include "rpc/load_call.h"

namespace freshet::rpc {
namespace {

// Runs a call on a thread of the workers, or refuses it because too much waits for one.
grpc::ServerUnaryReactor* RunOn(Workers& workers, grpc::CallbackServerContext* context,
                                size_t request_bytes, std::string_view refusal,
                                std::function<Status()> run) {
  auto* reactor = context->DefaultReactor();
  const auto answer = [context, reactor, run = std::move(run)] {
    reactor->Finish(ToGrpc(run(), context));
  };
  if (!workers.Submit(request_bytes, answer))
    reactor->Finish(ToGrpc(Status::ResourceExhausted(std::string(refusal)), context));
  return reactor;
}

constexpr std::string_view kBusyWithDefinitions =
    "the server is busy with definitions: nothing was changed, try again a little later";

}  // namespace

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
  return RunOn(threads_.plans, context, request->ByteSizeLong(),
               "too many definitions wait to be planned or applied: nothing was changed, try again "
               "when the others are done",
               [this, method, context, request, response]() -> Status {
                 if (context->IsCancelled())
                   return Status::Cancelled("the caller gave up before its turn came");
                 const auto outcome = (engine_.*method)(FromWire(*request));
                 if (outcome.ok()) ToWire(*outcome, response);
                 return outcome.status();
               });
}

grpc::ServerBidiReactor<v1::LoadRequest, v1::LoadProgress>* AdminService::Load(
    grpc::CallbackServerContext* context) {
  auto* call = new LoadCall(engine_, context, loads_);
  if (loads_.fetch_add(1) >= limits::kLoadsMax) {
    call->End(Status::ResourceExhausted(fmt::format(
        "{} loads are under way, and no more may be at once: try again when one of them is done",
        limits::kLoadsMax)));
  } else if (!threads_.loads.Submit(1, [call] { call->Run(); })) {
    call->End(Status::Unavailable("the server is stopping"));
  }
  return call;
}

grpc::ServerUnaryReactor* AdminService::Rollback(grpc::CallbackServerContext* context,
                                                 const v1::RollbackRequest* request,
                                                 v1::RollbackResponse* response) {
  return RunOn(threads_.plans, context, request->ByteSizeLong(), kBusyWithDefinitions,
               [this, request, response] {
                 const auto outcome = engine_.Rollback(request->view());
                 if (outcome.ok()) {
                   response->set_loaded_at_ms(outcome->loaded_at_ms);
                   response->set_rows(outcome->rows);
                 }
                 return outcome.status();
               });
}

grpc::ServerUnaryReactor* AdminService::DiscardLoad(grpc::CallbackServerContext* context,
                                                    const v1::DiscardLoadRequest* request,
                                                    v1::DiscardLoadResponse*) {
  return RunOn(threads_.plans, context, request->ByteSizeLong(), kBusyWithDefinitions,
               [this, request] { return engine_.DiscardLoad(request->load_id()); });
}

grpc::ServerUnaryReactor* AdminService::Forget(grpc::CallbackServerContext* context,
                                               const v1::ForgetRequest* request,
                                               v1::ForgetResponse* response) {
  return RunOn(threads_.plans, context, request->ByteSizeLong(), kBusyWithDefinitions,
               [this, request, response] {
                 const auto receipt =
                     engine_.Forget({request->join_keys().begin(), request->join_keys().end()});
                 if (receipt.ok()) ToWire(*receipt, response);
                 return receipt.status();
               });
}

grpc::ServerUnaryReactor* AdminService::GetStatus(grpc::CallbackServerContext* context,
                                                  const v1::GetStatusRequest* request,
                                                  v1::GetStatusResponse* response) {
  return RunOn(threads_.short_calls, context, request->ByteSizeLong(),
               "the server is busy with pushes: ask again a little later", [this, response] {
                 ToWire(engine_.GetStatus(), response);
                 return Status::Ok();
               });
}

}  // namespace freshet::rpc
