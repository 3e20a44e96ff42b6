#include "serve/query.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "serve/derive.h"
#include "serve/explain.h"
#include "serve/lookup.h"
#include "serve/request.h"
#include "serve/staleness.h"
#include "serve/stopwatch.h"

namespace freshet::serve {

Status Query::Run(const FeatureRequest& request, const QueryContext& context,
                  FeatureBlock* answer) {
  std::unique_ptr<Scratch> scratch = scratches_.Take(plan_);
  Status status = RunWith(request, context, *scratch, answer);
  scratches_.Give(std::move(scratch));
  return status;
}

Status Query::RunWith(const FeatureRequest& request, const QueryContext& context, Scratch& scratch,
                      FeatureBlock* answer) {
  Stopwatch stopwatch(context.phases);
  FRESHET_ASSIGN_OR_RETURN(const uint32_t row_count, BindColumns(plan_, request, scratch));
  FRESHET_RETURN_IF_ERROR(EncodeKeys(plan_, row_count, scratch));
  MarkLate(context.late_tables, scratch);
  stopwatch.Lap(&PhaseTimes::prepare_ns);

  FRESHET_RETURN_IF_ERROR(Read(request, context, row_count, scratch, answer));
  stopwatch.Lap(&PhaseTimes::lookup_ns);

  const Terms& terms = context.terms;
  DeriveAll(plan_, row_count, answer->read_time_ms, terms.deadline, scratch);
  if (scratch.has_stale && terms.stale_action == StaleAction::kServe) FlagStale(plan_, scratch);
  scratch.writer.Finish();
  answer->as_of.clear();
  if (request.include_as_of) AnswerAsOf(scratch, answer);
  stopwatch.Lap(&PhaseTimes::derive_ns);
  return Status::Ok();
}

Status Query::Explain(const FeatureRequest& request, const QueryContext& context,
                      Explanation* explanation) {
  std::unique_ptr<Scratch> scratch = scratches_.Take(plan_);
  Status status = ExplainWith(request, context, *scratch, explanation);
  scratches_.Give(std::move(scratch));
  return status;
}

Status Query::ExplainWith(const FeatureRequest& request, const QueryContext& context,
                          Scratch& scratch, Explanation* explanation) {
  FRESHET_ASSIGN_OR_RETURN(const uint32_t row_count, BindColumns(plan_, request, scratch));
  if (row_count != 1) {
    return Status::InvalidArgument(fmt::format(
        "entities: an explanation is of one row, and these are {}; ask for one at a time",
        row_count));
  }
  FRESHET_RETURN_IF_ERROR(EncodeKeys(plan_, row_count, scratch));
  MarkLate({}, scratch);
  std::vector<std::vector<StreamPosition>> positions;
  for (const StreamRead& read : plan_.streams)
    positions.push_back(context.streams.positions(read.table));
  std::vector<std::string> copies;
  QueryContext copying = context;
  copying.copies = &copies;
  FeatureBlock answer;
  FRESHET_RETURN_IF_ERROR(Read(request, copying, row_count, scratch, &answer));
  DeriveAll(plan_, row_count, answer.read_time_ms, context.terms.deadline, scratch);
  ExplainDerived(plan_, answer.read_time_ms, scratch, explanation);
  if (scratch.has_stale && context.terms.stale_action == StaleAction::kServe)
    FlagStale(plan_, scratch);
  ExplainStored(plan_, answer.read_time_ms, scratch, {copies, positions}, context.store,
                explanation);
  return Status::Ok();
}

Status Query::Read(const FeatureRequest& request, const QueryContext& context, uint32_t row_count,
                   Scratch& scratch, FeatureBlock* answer) const {
  bool is_too_early = false;
  FRESHET_RETURN_IF_ERROR(Attempt(request, context, row_count, scratch, answer, &is_too_early));
  // Between taking the time of a live read and reading a timeline, a newer event may have been let
  // in. It is answered as of the time it is now.
  if (!is_too_early || request.read_time_ms.has_value()) return Status::Ok();
  return Attempt(request, context, row_count, scratch, answer, &is_too_early);
}

void Query::MarkLate(std::span<const registry::TableId> late_tables, Scratch& scratch) const {
  for (size_t i = 0; i < plan_.streams.size(); ++i) {
    const bool is_late = std::find(late_tables.begin(), late_tables.end(),
                                   plan_.streams[i].table) != late_tables.end();
    scratch.is_late[i] = is_late ? 1 : 0;
  }
}

Status Query::Attempt(const FeatureRequest& request, const QueryContext& context,
                      uint32_t row_count, Scratch& scratch, FeatureBlock* answer,
                      bool* is_too_early) const {
  const Terms& terms = context.terms;
  const int64_t now_ms = request.read_time_ms.value_or(context.clock.NowMs());
  answer->read_time_ms = now_ms;
  scratch.has_stale = false;
  // Before the look-up: what a stream is complete up to now is in what is read after.
  const bool is_bounded = terms.max_staleness_ms.has_value() || plan_.has_staleness_bounds;
  if (is_bounded || request.include_as_of) ReadAsOf(context, scratch);
  if (is_bounded) {
    FRESHET_ASSIGN_OR_RETURN(scratch.has_stale, FindStale(plan_, terms, now_ms, scratch));
  }
  BeginAnswer(request, row_count, scratch, answer);
  const bool replaces_stale = scratch.has_stale && terms.stale_action != StaleAction::kServe;
  // Who asks how values come about wants to see those that are replaced, too.
  const bool skips_stale = replaces_stale && context.copies == nullptr;
  FRESHET_RETURN_IF_ERROR(LookupAll(plan_, {now_ms, terms.deadline, skips_stale, context.copies},
                                    row_count, context.store, scratch, is_too_early));
  if (replaces_stale) ReplaceStale(plan_, terms.stale_action, scratch);
  return Status::Ok();
}

void Query::ReadAsOf(const QueryContext& context, Scratch& scratch) const {
  for (size_t i = 0; i < plan_.streams.size(); ++i)
    scratch.as_of_ms[i] = context.streams.as_of_ms(plan_.streams[i].table);
}

void Query::BeginAnswer(const FeatureRequest& request, uint32_t row_count, Scratch& scratch,
                        FeatureBlock* answer) const {
  scratch.value_count = std::max(scratch.value_count, size_t{row_count} * plan_.slots.size());
  scratch.writer.Begin(row_count, request.include_event_times, answer);
}

void Query::AnswerAsOf(const Scratch& scratch, FeatureBlock* answer) const {
  for (const std::string& source : plan_.sources) answer->as_of.push_back({source, INT64_MAX});
  for (size_t i = 0; i < plan_.streams.size(); ++i) {
    int64_t& as_of_ms = answer->as_of[plan_.streams[i].source].as_of_ms;
    as_of_ms = std::min(as_of_ms, scratch.as_of_ms[i]);
  }
}

}  // namespace freshet::serve
