#include "serve/query.h"

#include <algorithm>
#include <memory>

#include "serve/derive.h"
#include "serve/finalize.h"
#include "serve/lookup.h"
#include "serve/request.h"

namespace freshet::serve {

Status Query::Run(const FeatureRequest& request, const QueryContext& context,
                  FeatureResponse* response) {
  std::unique_ptr<Scratch> scratch = scratches_.Take(plan_);
  Status status = RunWith(request, context, *scratch, response);
  scratches_.Give(std::move(scratch));
  return status;
}

Status Query::RunWith(const FeatureRequest& request, const QueryContext& context, Scratch& scratch,
                      FeatureResponse* response) {
  FRESHET_ASSIGN_OR_RETURN(const uint32_t row_count, BindColumns(plan_, request, scratch));
  FRESHET_RETURN_IF_ERROR(EncodeKeys(plan_, row_count, scratch));
  bool is_too_early = false;
  FRESHET_RETURN_IF_ERROR(Attempt(request, context, row_count, scratch, response, &is_too_early));
  // Between taking the time of a live read and reading a timeline, a newer event may have been let
  // in. It is answered as of the time it is now.
  if (is_too_early && !request.read_time_ms.has_value()) {
    FRESHET_RETURN_IF_ERROR(Attempt(request, context, row_count, scratch, response, &is_too_early));
  }
  return Status::Ok();
}

Status Query::Attempt(const FeatureRequest& request, const QueryContext& context,
                      uint32_t row_count, Scratch& scratch, FeatureResponse* response,
                      bool* is_too_early) const {
  LookupOptions options;
  options.now_ms = request.read_time_ms.value_or(context.clock.NowMs());
  if (request.max_staleness_ms.has_value())
    options.complete_until_ms = options.now_ms - *request.max_staleness_ms;
  response->read_time_ms = options.now_ms;
  // Before the look-up: what a stream is complete up to now is in what is read after.
  if (request.max_staleness_ms.has_value() || request.include_as_of) {
    ReadAsOf(context, scratch);
  } else {
    std::fill(scratch.as_of_ms.begin(), scratch.as_of_ms.end(), kNoEventTimeMs);
  }
  BeginAnswer(request, row_count, scratch, response);
  FRESHET_RETURN_IF_ERROR(
      LookupAll(plan_, options, row_count, context.store, scratch, is_too_early));
  DeriveAll(plan_, row_count, scratch);
  for (SlotWriter& writer : scratch.writers) Finish(writer);
  response->as_of.clear();
  if (request.include_as_of) AnswerAsOf(scratch, response);
  return Status::Ok();
}

void Query::ReadAsOf(const QueryContext& context, Scratch& scratch) const {
  for (size_t i = 0; i < plan_.timelines.size(); ++i)
    scratch.as_of_ms[i] = context.as_of(plan_.timelines[i].table);
}

void Query::BeginAnswer(const FeatureRequest& request, uint32_t row_count, Scratch& scratch,
                        FeatureResponse* response) const {
  response->row_count = row_count;
  response->features.resize(plan_.output_count);
  for (uint32_t slot = 0; slot < plan_.slots.size(); ++slot) {
    SlotWriter& writer = scratch.writers[slot];
    writer.slot = &plan_.slots[slot];
    const bool is_output = slot < plan_.output_count;
    writer.column =
        is_output ? &response->features[slot] : &scratch.hidden[slot - plan_.output_count];
    writer.column->name.assign(writer.slot->name);
    Begin(writer, row_count, request.include_event_times);
  }
}

void Query::AnswerAsOf(const Scratch& scratch, FeatureResponse* response) const {
  for (const std::string& source : plan_.sources) response->as_of.push_back({source, INT64_MAX});
  for (size_t i = 0; i < plan_.timelines.size(); ++i) {
    int64_t& as_of_ms = response->as_of[plan_.timelines[i].source].as_of_ms;
    as_of_ms = std::min(as_of_ms, scratch.as_of_ms[i]);
  }
}

}  // namespace freshet::serve
