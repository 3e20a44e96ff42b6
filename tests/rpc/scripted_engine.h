// An Engine that answers what a test sets, for what a real one cannot be made to say at will: every
// status code, not being ready, a load that stands still.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freshet/engine.h"

#include "support/feature_block.h"

namespace freshet::testing {

class ScriptedLoad : public LoadSession {
 public:
  struct Script {
    std::function<Status(std::string_view)> feed = [](std::string_view) { return Status::Ok(); };
    std::function<Status(const std::function<void(const LoadProgress&)>&)> finish =
        [](const auto&) { return Status::Ok(); };
    std::function<Status(LoadFile&)> read_file = [](LoadFile&) { return Status::Ok(); };
    LoadProgress progress;
    std::atomic<int> finished = 0;
    std::atomic<int> dropped = 0;
    std::atomic<int> cancelled = 0;
  };
  explicit ScriptedLoad(Script& script) : script_(script) {}
  ~ScriptedLoad() override { ++script_.dropped; }
  Status Feed(std::string_view bytes) override { return script_.feed(bytes); }
  Status ReadFile(LoadFile& file,
                  const std::function<void(const LoadProgress&)>& progress) override {
    if (progress) progress(script_.progress);
    return script_.read_file(file);
  }
  Status Finish(const std::function<void(const LoadProgress&)>& progress) override {
    ++script_.finished;
    return script_.finish(progress);
  }
  void Cancel() override { ++script_.cancelled; }
  LoadProgress Progress() const override { return script_.progress; }

 private:
  Script& script_;
};

class ScriptedEngine : public Engine {
 public:
  static constexpr size_t kInFlightMax = 128;
  std::function<Status(const FeatureRequest&, FeatureResponse*)> get_features =
      [](const FeatureRequest&, FeatureResponse*) { return Status::Ok(); };
  std::function<Result<int64_t>(std::string_view, const std::vector<std::string_view>&)> push =
      [](std::string_view, const std::vector<std::string_view>& records) {
        return Result<int64_t>(static_cast<int64_t>(records.size()) - 1);
      };
  std::function<Result<PlanOutcome>(const std::vector<DefinitionText>&)> plan =
      [](const std::vector<DefinitionText>&) { return Result<PlanOutcome>(PlanOutcome{}); };
  std::function<Result<ServiceDescription>(std::string_view, const std::vector<std::string>&)>
      describe = [](std::string_view, const std::vector<std::string>&) {
        return Result<ServiceDescription>(ServiceDescription{});
      };
  std::function<Result<RollbackOutcome>(std::string_view)> rollback = [](std::string_view) {
    return Result<RollbackOutcome>(RollbackOutcome{});
  };
  uint64_t discarded_load = 0;
  std::map<std::string, std::string> forgotten;
  std::function<Result<Explanation>(const FeatureRequest&)> explain = [](const FeatureRequest&) {
    return Result<Explanation>(Explanation{});
  };
  RequestGate request_gate{{.in_flight_max = kInFlightMax}};
  ScriptedLoad::Script load;
  LoadRequest load_request;
  Status load_status;
  ServerStatus status;
  std::atomic<bool> ready = true;

  Result<PlanOutcome> Plan(const std::vector<DefinitionText>& files) override {
    return plan(files);
  }
  Result<PlanOutcome> Apply(const std::vector<DefinitionText>& files) override {
    return plan(files);
  }
  using Engine::GetFeatures;
  Status GetFeatures(const FeatureRequest& request, FeatureBlock* answer) override {
    FeatureResponse response;
    Status status = get_features(request, &response);
    if (status.ok()) *answer = ToBlock(response);
    return status;
  }
  Result<Explanation> Explain(const FeatureRequest& request) override { return explain(request); }
  RequestGate& gate() override { return request_gate; }
  Result<int64_t> Push(std::string_view source,
                       const std::vector<std::string_view>& records) override {
    return push(source, records);
  }
  Result<std::unique_ptr<LoadSession>> Load(const LoadRequest& request) override {
    load_request = request;
    if (!load_status.ok()) return load_status;
    return std::unique_ptr<LoadSession>(std::make_unique<ScriptedLoad>(load));
  }
  Status DiscardLoad(uint64_t id) override {
    discarded_load = id;
    return Status::Ok();
  }
  Result<RollbackOutcome> Rollback(std::string_view view) override { return rollback(view); }
  Result<ForgetReceipt> Forget(const std::map<std::string, std::string>& join_keys) override {
    forgotten = join_keys;
    return ForgetReceipt{};
  }
  Result<ServiceDescription> DescribeService(std::string_view service,
                                             const std::vector<std::string>& features) override {
    return describe(service, features);
  }
  ServerStatus GetStatus() override { return status; }
  bool Ready() const override { return ready; }
  Status Stop() override { return {}; }
};

}  // namespace freshet::testing
