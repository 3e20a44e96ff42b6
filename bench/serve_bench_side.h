// One of the servers that are compared, with its caller and what was measured of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/status.h"

#include "serve_bench_case.h"
#include "serve_bench_client.h"
#include "serve_bench_server.h"

namespace freshet::serve_bench {

struct Side {
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<Caller> caller;
  size_t concurrency = 0;  // of the closed loop
  bool is_busy = false;    // while it is measured, and only then
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  uint64_t requests = 0;
  int64_t cpu_ns = 0;
  uint64_t refused = 0;  // in the open loop, which offers half of what can be answered
  // One a round.
  std::vector<double> requests_per_s;
  std::vector<double> p50_us;
  std::vector<double> p99_us;

  double cpu_us() const {
    return static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(requests);
  }
};

// A Freshet with the data of a case, warm; every answer of one round of requests is found right.
Status StartFreshet(const Case& shape, Side* side);
// A server that answers the requests of `like` with as many bytes; `arguments` say which.
Status StartBare(std::vector<std::string> arguments, const Case& shape, const Side& like,
                 Side* side);

Status RunClosedRound(int64_t duration_ns, Side& side);
// Of the same load on all sides.
Status RunOpenRound(double requests_per_s, int64_t duration_ns, Side& side);

double Median(std::vector<double> figures);
double MedianRatio(const std::vector<double>& above, const std::vector<double>& below);
double PercentileUs(const std::vector<int64_t>& sorted_ns, double share);

}  // namespace freshet::serve_bench
