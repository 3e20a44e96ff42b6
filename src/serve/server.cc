#include "serve/server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/swapped.h"
#include "serve/plan_set.h"
#include "serve/query.h"
#include "serve/read_after.h"
#include "serve/request.h"
#include "serve/stopwatch.h"

namespace freshet::serve {
namespace {

std::vector<ColumnDescription> Describe(const std::vector<RequestColumn>& columns) {
  std::vector<ColumnDescription> described;
  described.reserve(columns.size());
  for (const RequestColumn& column : columns) described.push_back({column.name, column.type});
  return described;
}

Status NothingServed() {
  return Status::FailedPrecondition("no definitions are served yet");
}

class FeatureServerImpl : public FeatureServer {
 public:
  FeatureServerImpl(const ServeOptions& options, store::Store& store, const Clock& clock,
                    StreamStanding streams)
      : options_(options), store_(store), clock_(clock), streams_(std::move(streams)) {}

  Status Apply(std::shared_ptr<const registry::Registry> registry) override {
    plans_.Swap(std::make_unique<PlanSet>(std::move(registry)));
    return Status::Ok();
  }

  Status GetFeatures(const FeatureRequest& request, FeatureBlock* answer) override {
    Status status = Answer(request, answer);
    requests_.fetch_add(1, std::memory_order_relaxed);
    if (status.ok()) {
      CountValues(*answer);
    } else {
      requests_failed_.fetch_add(1, std::memory_order_relaxed);
    }
    return status;
  }

  Result<Explanation> Explain(const FeatureRequest& asked) override {
    FRESHET_RETURN_IF_ERROR(CheckRequest(asked, options_.allow_read_time));
    if (!asked.read_after.empty()) {
      return Status::InvalidArgument(
          "read_after: an explanation is of what is in now; leave it out, or get the features "
          "first");
    }
    FeatureRequest request = asked;
    request.include_event_times = true;
    request.include_as_of = true;
    const std::shared_ptr<PlanSet> plans = plans_.Get();
    FRESHET_ASSIGN_OR_RETURN(const std::shared_ptr<Query> query, FindQuery(plans.get(), request));
    FRESHET_ASSIGN_OR_RETURN(const Terms terms,
                             MakeTerms(query->plan(), request, std::chrono::steady_clock::now()));
    Explanation explanation;
    FRESHET_RETURN_IF_ERROR(
        query->Explain(request, {store_, clock_, streams_, terms, {}}, &explanation));
    return explanation;
  }

  Result<ServiceColumns> DescribeService(std::string_view service,
                                         std::span<const std::string> features) const override {
    FRESHET_RETURN_IF_ERROR(CheckSelection(service, features));
    const std::shared_ptr<PlanSet> plans = plans_.Get();
    if (plans == nullptr) return NothingServed();
    FRESHET_ASSIGN_OR_RETURN(const std::shared_ptr<Query> query, plans->Find(service, features));
    const Plan& plan = query->plan();
    ServiceColumns columns{Describe(plan.entity_columns), Describe(plan.input_columns), {}};
    for (uint32_t slot = 0; slot < plan.output_count; ++slot) {
      const registry::Feature& feature = *plan.slots[slot].feature;
      columns.features.push_back({plan.slots[slot].name, feature.type, feature.is_list});
    }
    return columns;
  }

  ServeStats Stats() const override {
    ServeStats stats;
    stats.requests = requests_.load(std::memory_order_relaxed);
    stats.requests_failed = requests_failed_.load(std::memory_order_relaxed);
    stats.values = values_.load(std::memory_order_relaxed);
    stats.values_failed = values_failed_.load(std::memory_order_relaxed);
    return stats;
  }

 private:
  Status Answer(const FeatureRequest& request, FeatureBlock* answer) {
    FRESHET_RETURN_IF_ERROR(CheckRequest(request, options_.allow_read_time));
    answer->phases.reset();
    PhaseTimes* phases = request.include_phases ? &answer->phases.emplace() : nullptr;
    Stopwatch stopwatch(phases);
    std::shared_ptr<PlanSet> plans = plans_.Get();
    FRESHET_ASSIGN_OR_RETURN(std::shared_ptr<Query> query, FindQuery(plans.get(), request));
    FRESHET_ASSIGN_OR_RETURN(const Terms terms,
                             MakeTerms(query->plan(), request, std::chrono::steady_clock::now()));
    std::vector<registry::TableId> late_tables;
    stopwatch.Lap(&PhaseTimes::prepare_ns);
    if (!request.read_after.empty()) {
      FRESHET_ASSIGN_OR_RETURN(const std::vector<AwaitedEvent> awaited,
                               FindAwaited(query->plan(), request.read_after));
      // A change of definitions waits for those who hold plans, so a wait holds none.
      query.reset();
      plans.reset();
      FRESHET_ASSIGN_OR_RETURN(
          late_tables, WaitForEvents(awaited, terms.wait_deadline, request.is_cancelled, streams_));
      plans = plans_.Get();
      FRESHET_ASSIGN_OR_RETURN(query, FindQuery(plans.get(), request));
      stopwatch.Lap(&PhaseTimes::wait_ns);
    }
    return query->Run(request, {store_, clock_, streams_, terms, late_tables, phases}, answer);
  }

  static Result<std::shared_ptr<Query>> FindQuery(PlanSet* plans, const FeatureRequest& request) {
    if (plans == nullptr) return NothingServed();
    Result<std::shared_ptr<Query>> query = plans->Find(request.feature_service, request.features);
    // A name that nothing carries is a field of the request that is wrong.
    if (!query.ok()) return Status::InvalidArgument(std::string(query.status().message()));
    return query;
  }

  void CountValues(const FeatureBlock& answer) {
    const size_t feature_count = answer.feature_count();
    uint64_t failed = 0;
    // What failed has a reason.
    for (size_t feature = 0; !answer.failures.empty() && feature < feature_count; ++feature) {
      if (answer.absent_counts[feature] == 0) continue;
      const FeatureStatus* statuses = &answer.statuses[feature * answer.row_count];
      failed += static_cast<uint64_t>(
          std::count(statuses, statuses + answer.row_count, FeatureStatus::kFailed));
    }
    values_.fetch_add(uint64_t{answer.row_count} * feature_count, std::memory_order_relaxed);
    if (failed != 0) values_failed_.fetch_add(failed, std::memory_order_relaxed);
  }

  const ServeOptions options_;
  store::Store& store_;
  const Clock& clock_;
  const StreamStanding streams_;
  Swapped<PlanSet> plans_;

  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> requests_failed_{0};
  std::atomic<uint64_t> values_{0};
  std::atomic<uint64_t> values_failed_{0};
};

}  // namespace

std::unique_ptr<FeatureServer> FeatureServer::New(const ServeOptions& options, store::Store& store,
                                                  const Clock& clock, StreamStanding streams) {
  return std::make_unique<FeatureServerImpl>(options, store, clock, std::move(streams));
}

}  // namespace freshet::serve
