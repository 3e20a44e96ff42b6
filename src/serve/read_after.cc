#include "serve/read_after.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"

namespace freshet::serve {
namespace {

// How long a wait may go on after its caller gave up.
constexpr auto kCancelCheckInterval = std::chrono::milliseconds(20);

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
  if (std::holds_alternative<registry::PushLog>(source->kind) && event.partition != 0) {
    return Status::InvalidArgument(
        fmt::format("read_after[{}].partition: push source '{}' has partition 0 alone, not {}",
                    index, event.source, event.partition));
  }
  if (event.partition < 0 || event.offset < 0) {
    return Status::InvalidArgument(
        fmt::format("read_after[{}]: partition {} and offset {} must not be negative", index,
                    event.partition, event.offset));
  }
  return Status::Ok();
}

// Until it is known whether the event comes in time.
Result<bool> WaitForEvent(const AwaitedEvent& event, std::chrono::steady_clock::time_point deadline,
                          const std::function<bool()>& is_cancelled,
                          const StreamStanding& streams) {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    switch (streams.wait_until_in(event.table, event.partition, event.offset,
                                  std::min(deadline, now + kCancelCheckInterval))) {
      case Arrival::kIn:
        return true;
      case Arrival::kNever:
        return false;
      case Arrival::kNotYet:
        break;
    }
    if (now >= deadline) return false;
    if (is_cancelled && is_cancelled())
      return Status::Cancelled("the caller gave up while the request waited for its events");
  }
}

}  // namespace

Result<std::vector<AwaitedEvent>> FindAwaited(const Plan& plan,
                                              std::span<const StreamPosition> events) {
  if (events.size() > limits::kReadAfterMax) {
    return Status::InvalidArgument(
        fmt::format("read_after: {} events are more than the {} that one request may wait for",
                    events.size(), limits::kReadAfterMax));
  }
  std::vector<AwaitedEvent> awaited;
  for (size_t i = 0; i < events.size(); ++i) {
    const StreamPosition& event = events[i];
    FRESHET_RETURN_IF_ERROR(CheckEvent(*plan.registry, event, i));
    for (const StreamRead& read : plan.streams) {
      if (event.source == plan.sources[read.source])
        awaited.push_back({read.table, event.partition, event.offset});
    }
  }
  return awaited;
}

Result<std::vector<registry::TableId>> WaitForEvents(std::span<const AwaitedEvent> events,
                                                     const store::Store::Deadline& deadline,
                                                     const std::function<bool()>& is_cancelled,
                                                     const StreamStanding& streams) {
  const auto latest =
      std::chrono::steady_clock::now() + std::chrono::microseconds(limits::kReadWaitUsMax);
  std::vector<registry::TableId> late;
  for (const AwaitedEvent& event : events) {
    FRESHET_ASSIGN_OR_RETURN(
        const bool is_in,
        WaitForEvent(event, std::min(deadline.value_or(latest), latest), is_cancelled, streams));
    if (!is_in) late.push_back(event.table);
  }
  return late;
}

}  // namespace freshet::serve
