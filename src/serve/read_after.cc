#include "serve/read_after.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"

namespace freshet::serve {
namespace {

Status CheckEvent(const registry::Registry& registry, const StreamPosition& event, size_t index) {
  const registry::Source* source = registry.FindSource(event.source);
  if (source == nullptr) {
    std::vector<std::string> known;
    for (const auto& candidate : registry.sources()) known.push_back(candidate->name);
    return Status::InvalidArgument(fmt::format("read_after[{}].source: there is no source '{}'{}",
                                               index, event.source,
                                               Suggestion(event.source, known)));
  }
  if (!source->is_stream()) {
    return Status::InvalidArgument(
        fmt::format("read_after[{}].source: '{}' is a file, which has no events to wait for", index,
                    event.source));
  }
  if (event.partition < 0 || event.offset < 0) {
    return Status::InvalidArgument(
        fmt::format("read_after[{}]: partition {} and offset {} must not be negative", index,
                    event.partition, event.offset));
  }
  return Status::Ok();
}

}  // namespace

Status WaitForEvents(const Plan& plan, std::span<const StreamPosition> events, const Terms& terms,
                     const StreamStanding& streams, Scratch& scratch) {
  std::fill(scratch.is_late.begin(), scratch.is_late.end(), 0);
  if (events.empty()) return Status::Ok();
  if (events.size() > limits::kReadAfterMax) {
    return Status::InvalidArgument(
        fmt::format("read_after: {} events are more than the {} that one request may wait for",
                    events.size(), limits::kReadAfterMax));
  }
  for (size_t i = 0; i < events.size(); ++i) {
    FRESHET_RETURN_IF_ERROR(CheckEvent(*plan.registry, events[i], i));
  }
  const auto deadline = terms.deadline.value_or(std::chrono::steady_clock::now() +
                                                std::chrono::microseconds(limits::kReadWaitUsMax));
  for (size_t i = 0; i < plan.timelines.size(); ++i) {
    for (const StreamPosition& event : events) {
      if (event.source != plan.sources[plan.timelines[i].source]) continue;
      const bool is_in =
          streams.wait_until_in(plan.timelines[i].table, event.partition, event.offset, deadline);
      if (!is_in) scratch.is_late[i] = 1;
    }
  }
  return Status::Ok();
}

}  // namespace freshet::serve
