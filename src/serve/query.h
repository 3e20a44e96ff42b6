// A plan with what it needs to be run by many threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "freshet/explain.h"
#include "freshet/feature_block.h"
#include "freshet/features.h"
#include "freshet/status.h"

#include "base/clock.h"
#include "serve/plan.h"
#include "serve/scratch.h"
#include "serve/server.h"
#include "serve/terms.h"
#include "store/store.h"

namespace freshet::serve {

// What a query reads from; all of it outlives the query.
struct QueryContext {
  store::Store& store;
  const Clock& clock;
  const StreamStanding& streams;
  // By when the answer is due, and what is known to be missing by then.
  const Terms& terms;
  std::span<const registry::TableId> late_tables;
  // Of the server's time so far; null when nobody asks.
  PhaseTimes* phases = nullptr;
  // As LookupOptions' own.
  std::vector<std::string>* copies = nullptr;
};

// Any thread.
class Query {
 public:
  explicit Query(Plan plan) : plan_(std::move(plan)) {}

  const Plan& plan() const { return plan_; }

  // Answers a request for exactly this plan's features.
  Status Run(const FeatureRequest& request, const QueryContext& context, FeatureBlock* answer);
  // Tells how the values of its answer come about. InvalidArgument when it has not one row.
  Status Explain(const FeatureRequest& request, const QueryContext& context,
                 Explanation* explanation);

 private:
  Status RunWith(const FeatureRequest& request, const QueryContext& context, Scratch& scratch,
                 FeatureBlock* answer);
  Status ExplainWith(const FeatureRequest& request, const QueryContext& context, Scratch& scratch,
                     Explanation* explanation);
  Status Read(const FeatureRequest& request, const QueryContext& context, uint32_t row_count,
              Scratch& scratch, FeatureBlock* answer) const;
  Status Attempt(const FeatureRequest& request, const QueryContext& context, uint32_t row_count,
                 Scratch& scratch, FeatureBlock* answer, bool* is_too_early) const;
  void MarkLate(std::span<const registry::TableId> late_tables, Scratch& scratch) const;
  void ReadAsOf(const QueryContext& context, Scratch& scratch) const;
  void BeginAnswer(const FeatureRequest& request, uint32_t row_count, Scratch& scratch,
                   FeatureBlock* answer) const;
  void AnswerAsOf(const Scratch& scratch, FeatureBlock* answer) const;

  const Plan plan_;
  ScratchPool scratches_;
};

}  // namespace freshet::serve
