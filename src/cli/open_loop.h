// Requests at a steady pace, whether or not the answers keep up with it.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "freshet/features.h"
#include "freshet/status.h"

#include "cli/latency_histogram.h"

namespace freshet::cli {

struct OpenLoopOptions {
  std::string address;
  double requests_per_second = 100;
  int64_t duration_ms = 10'000;
  size_t connections = 1;
  int64_t timeout_ms = 10'000;  // of one request
};

// What was measured, up to some moment.
struct OpenLoopFigures {
  uint64_t due = 0;
  uint64_t sent = 0;  // fewer than due when the generator was too slow to the end
  uint64_t answered = 0;
  std::map<StatusCode, uint64_t> errors;
  Status last_error;
  // Of what was answered, from the moment at which each request was due: a request that had to wait
  // for its turn has waited.
  LatencyHistogram latency;
  // How much later than due each request was sent. When this is large the generator was too slow.
  LatencyHistogram send_delay;
  double elapsed_seconds = 0;

  uint64_t failed() const;
  double answered_per_second() const;
};

// Sends request(0), request(1), ... when they are due, one connection after the other, and waits for
// all answers. What could not be sent within a
// second of the end is not sent. Ends early when *interrupted becomes other than 0. `progress` gets, about every
// second, the figures of that second alone.
OpenLoopFigures RunOpenLoop(const OpenLoopOptions& options,
                            const std::function<FeatureRequest(uint64_t)>& request,
                            const volatile std::sig_atomic_t* interrupted,
                            const std::function<void(const OpenLoopFigures&)>& progress);

}  // namespace freshet::cli
