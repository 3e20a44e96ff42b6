// The composition root: which parts an engine has, in what order they begin and end, and how
// definitions change.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "freshet/engine.h"
#include "freshet/options.h"
#include "freshet/status.h"

#include "base/clock.h"
#include "base/swapped.h"
#include "engine/definitions_record.h"
#include "engine/timeline_guard.h"
#include "ingest/ingestor.h"
#include "registry/registry.h"
#include "serve/server.h"
#include "store/store.h"

namespace freshet::engine {

class EngineImpl final : public Engine {
 public:
  // The clock must outlive it.
  explicit EngineImpl(const Options& options, const Clock& clock = Clock::System());
  ~EngineImpl() override;

  // Once, before everything else.
  Status Start();

  Result<PlanOutcome> Plan(const std::vector<DefinitionText>& files) override;
  Result<PlanOutcome> Apply(const std::vector<DefinitionText>& files) override;
  using Engine::GetFeatures;
  Status GetFeatures(const FeatureRequest& request, FeatureBlock* answer) override;
  Result<Explanation> Explain(const FeatureRequest& request) override;
  RequestGate& gate() override { return gate_; }
  Result<int64_t> Push(std::string_view source,
                       const std::vector<std::string_view>& records) override;
  Result<std::unique_ptr<LoadSession>> Load(const LoadRequest& request) override;
  Result<ForgetReceipt> Forget(const std::map<std::string, std::string>& join_keys) override;
  Result<RollbackOutcome> Rollback(std::string_view view) override;
  Status DiscardLoad(uint64_t id) override;
  Result<ServiceDescription> DescribeService(std::string_view service,
                                             const std::vector<std::string>& features) override;
  ServerStatus GetStatus() override;
  bool Ready() const override;
  Status Stop() override;

 private:
  // What requests that change state work on. Holding it keeps what its registry defines from being
  // removed.
  struct Live {
    std::shared_ptr<const registry::Registry> registry;
  };
  // Definitions that were looked at, and what putting them to use would do.
  struct Draft {
    PlanOutcome outcome;
    std::shared_ptr<const registry::Registry> registry;  // null when there are errors
  };

  Status OpenStore();
  Status StartServing(DefinitionsRecord record);

  Draft Consider(const std::vector<DefinitionText>& files) const;
  void RefuseKafkaWithoutBrokers(Draft& draft) const;
  // The steps of a change, each safe to be the last before a crash.
  Status Install(std::shared_ptr<const registry::Registry> next);
  // Lets the rows of batch views go when they are past their retention.
  void ApplyRetention(const registry::Registry& registry);
  Status WriteRecord(const registry::Registry& registry);
  // Removes what no definition needs any more: what leftovers_ names, and unfinished loads of views that
  // are not what they were. The error says what is still there, and why.
  Status DropUnneeded(const registry::Registry& registry);
  void DropUnneededOrWarn(const registry::Registry& registry);
  // Likewise for an erasure, while a change may not have come to its end.
  Status DropUnneededFirst(const registry::Registry& registry);
  // Removes what leftovers_ names, and forgets it. What cannot be removed yet stays named.
  Status DropLeftovers(const registry::Registry& registry);
  Status DropStored() const;

  const Options options_;
  const Clock& clock_;
  const int64_t started_at_ms_;
  RequestGate gate_;
  TimelineGuard guard_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ingest::Ingestor> ingestor_;
  std::unique_ptr<serve::FeatureServer> server_;
  Swapped<const Live> live_;

  std::mutex change_mutex_;        // one change of definitions at a time, and none after Stop
  Leftovers leftovers_;            // as the stored record has them
  bool ingest_is_behind_ = false;  // the last change is stored, but ingest did not take it
  bool is_stopped_ = false;
  Status stop_status_;
  std::atomic<bool> takes_pushes_{false};
  // Stays true: streams of views that are added later show in the status and their as-of.
  mutable std::atomic<bool> was_ready_{false};
};

}  // namespace freshet::engine
