// Reading one's own events: an answer that waits until they are in.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "freshet/features.h"
#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/server.h"

namespace freshet::serve {

// An event that a table is to have.
struct AwaitedEvent {
  registry::TableId table = 0;
  int32_t partition = 0;
  int64_t offset = 0;
};

// What the request waits for: its events, for every table that the plan reads from their sources.
// Sources that the plan does not read are left out. InvalidArgument for a source that does not exist
// or is no stream, and for a place that no event can have.
Result<std::vector<AwaitedEvent>> FindAwaited(const Plan& plan,
                                              std::span<const StreamPosition> events);

// Blocks until the events are in, or until `deadline` or limits::kReadWaitUsMax. Answers the tables
// that lack some. Cancelled as soon as `is_cancelled`, which may be empty, says so. Holds nothing
// that a change of definitions waits for.
Result<std::vector<registry::TableId>> WaitForEvents(std::span<const AwaitedEvent> events,
                                                     const store::Store::Deadline& deadline,
                                                     const std::function<bool()>& is_cancelled,
                                                     const StreamStanding& streams);

}  // namespace freshet::serve
