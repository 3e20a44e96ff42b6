// What GET /metrics tells, in Prometheus' text format.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include "freshet/engine.h"

#include "http/process_figures.h"

namespace freshet::http {

// The HTTP server's own requests. Any thread.
class HttpMetrics {
 public:
  HttpMetrics();

  // `route` and `method` are among few, whatever was asked for: each makes a time series.
  void Count(std::string_view method, std::string_view route, int status, double seconds);
  std::vector<prometheus::MetricFamily> Collect() const { return registry_.Collect(); }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
};

std::string RenderMetrics(const ServerStatus& status, const std::optional<ProcessFigures>& process,
                          const std::vector<prometheus::MetricFamily>& http);

}  // namespace freshet::http
