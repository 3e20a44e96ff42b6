#include "http/metrics.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

namespace freshet::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// The families of one answer, in the order in which they were begun.
class Families {
 public:
  // What Add adds belongs to it from now on.
  void Begin(std::string name, MetricType type, std::string help) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }
  void Add(double value, Labels labels = {}) {
    MetricFamily& family = families_.back();
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    metric.untyped.value = value;
    family.metric.push_back(std::move(metric));
  }
  void Add(ClientMetric::Histogram histogram, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(histogram);
    families_.back().metric.push_back(std::move(metric));
  }
  void AddFamily(std::string name, MetricType type, std::string help, double value) {
    Begin(std::move(name), type, std::move(help));
    Add(value);
  }
  // Families that got no metric are left out.
  std::vector<MetricFamily> Take() {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

struct CounterName {
  const char* counter;  // as ServerStatus::counters has it
  const char* metric;
  MetricType type;
  const char* help;
};

constexpr CounterName kCounterNames[] = {
    {"serve_requests", "freshet_requests_total", MetricType::Counter,
     "GetFeatures requests that were answered or refused, over gRPC and HTTP."},
    {"serve_requests_failed", "freshet_requests_failed_total", MetricType::Counter,
     "GetFeatures requests that were refused."},
    {"serve_requests_refused", "freshet_requests_overload_total", MetricType::Counter,
     "GetFeatures requests that were refused at once, since as many as may be were in flight."},
    {"serve_requests_expired", "freshet_requests_expired_total", MetricType::Counter,
     "GetFeatures requests that were dropped before any work, since nobody waited any more."},
    {"serve_in_flight", "freshet_requests_in_flight", MetricType::Gauge,
     "GetFeatures requests that were taken on and not answered yet."},
    {"serve_values", "freshet_values_total", MetricType::Counter, "Feature values answered."},
    {"serve_values_failed", "freshet_values_failed_total", MetricType::Counter,
     "Feature values answered that are FAILED."},
    {"store_cache_hits", "freshet_cache_hits_total", MetricType::Counter,
     "Look-ups of state that the cache answered."},
    {"store_cache_misses", "freshet_cache_misses_total", MetricType::Counter,
     "Look-ups of state that went to disk."},
    {"store_cache_entries", "freshet_cache_entries", MetricType::Gauge,
     "Timelines and rows in the cache."},
    {"store_cache_bytes", "freshet_cache_bytes", MetricType::Gauge, "Bytes in the cache."},
    {"store_checkpoints", "freshet_checkpoints_total", MetricType::Counter, "Checkpoints written."},
    {"store_dirty_bytes", "freshet_checkpoint_dirty_bytes", MetricType::Gauge,
     "Bytes of state that no checkpoint covers yet."},
    {"store_disk_bytes", "freshet_disk_bytes", MetricType::Gauge,
     "Bytes of the state on disk, as estimated."},
    {"store_rows_expired", "freshet_rows_expired_total", MetricType::Counter,
     "Rows and tombstones dropped past their retention."},
    {"store_generations_to_remove", "freshet_generations_to_remove", MetricType::Gauge,
     "Loads of batch views that went out and whose rows are not removed yet."},
};

void AddServer(const ServerStatus& status, Families* families) {
  families->Begin("freshet_build_info", MetricType::Gauge, "1; the label says which version.");
  families->Add(1, {{"version", status.version}});
  families->AddFamily("freshet_ready", MetricType::Gauge,
                      "1 once every stream has caught up to where it stood at the start.",
                      status.ready ? 1 : 0);
}

void AddCounters(const ServerStatus& status, Families* families) {
  for (const auto& [counter, value] : status.counters) {
    const auto* known = std::find_if(
        std::begin(kCounterNames), std::end(kCounterNames),
        [&counter = counter](const CounterName& name) { return name.counter == counter; });
    if (known != std::end(kCounterNames))
      families->AddFamily(known->metric, known->type, known->help, static_cast<double>(value));
    else
      families->AddFamily("freshet_" + counter, MetricType::Untyped,
                          "As `freshet status` counts it.", static_cast<double>(value));
  }
}

struct SourceFigure {
  const char* metric;
  const char* help;
  uint64_t ServerStatus::Source::*count;
};

constexpr SourceFigure kSourceFigures[] = {
    {"freshet_source_events_total", "Records read from the source's log.",
     &ServerStatus::Source::events},
    {"freshet_source_applied_total", "Events folded into at least one timeline or row.",
     &ServerStatus::Source::applied},
    {"freshet_source_too_old_total",
     "Events of a view that are before every window of it, or older than the entity's row.",
     &ServerStatus::Source::too_old},
    {"freshet_source_truncated_total", "Events of a view that their full timeline could not take.",
     &ServerStatus::Source::truncated},
    {"freshet_source_repeated_total", "Events of a view that repeat one of the same entity.",
     &ServerStatus::Source::repeated},
    {"freshet_source_filter_failures_total", "Times that `where` or `of` failed on an event.",
     &ServerStatus::Source::filter_failures},
    {"freshet_source_lost_total", "Records that Kafka deleted before they were read.",
     &ServerStatus::Source::lost},
};

void AddSources(const ServerStatus& status, Families* families) {
  for (const SourceFigure& figure : kSourceFigures) {
    families->Begin(figure.metric, MetricType::Counter, figure.help);
    for (const auto& source : status.sources)
      if (source.kind != "file")
        families->Add(static_cast<double>(source.*figure.count), {{"source", source.name}});
  }
  families->Begin("freshet_source_refused_total", MetricType::Counter,
                  "Records that could not be used, by reason.");
  for (const auto& source : status.sources)
    for (const auto& [reason, count] : source.refused)
      families->Add(static_cast<double>(count), {{"source", source.name}, {"reason", reason}});
}

ClientMetric::Histogram HistogramOf(const EventDelays& delays) {
  ClientMetric::Histogram histogram;
  for (size_t i = 0; i < delays.counts.size(); ++i) {
    histogram.sample_count += delays.counts[i];
    const double bound_seconds = i < EventDelays::kBoundsMs.size()
                                     ? static_cast<double>(EventDelays::kBoundsMs[i]) / 1e3
                                     : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound_seconds});
  }
  histogram.sample_sum = static_cast<double>(delays.sum_ms) / 1e3;
  return histogram;
}

void AddDelays(const ServerStatus& status, Families* families) {
  families->Begin("freshet_source_event_delay_seconds", MetricType::Histogram,
                  "How long after its own time an event came to its log.");
  for (const auto& source : status.sources)
    if (source.kind != "file") families->Add(HistogramOf(source.delays), {{"source", source.name}});
}

Labels LabelsOf(const ServerStatus::Stream& stream) {
  return {{"source", stream.source}, {"views", fmt::format("{}", fmt::join(stream.views, ","))}};
}

Labels LabelsOf(const ServerStatus::Stream& stream, const ServerStatus::Partition& partition) {
  Labels labels = LabelsOf(stream);
  labels.push_back({"partition", std::to_string(partition.partition)});
  return labels;
}

void AddStreams(const ServerStatus& status, Families* families) {
  families->Begin("freshet_stream_failed", MetricType::Gauge,
                  "1 while the reader has stopped over an error.");
  for (const auto& stream : status.streams) families->Add(stream.failed ? 1 : 0, LabelsOf(stream));
  families->Begin("freshet_stream_as_of_age_seconds", MetricType::Gauge,
                  "How long ago the moment is up to which the stream is complete; absent while "
                  "unknown.");
  for (const auto& stream : status.streams)
    if (stream.as_of_ms != kNoEventTimeMs)
      families->Add(static_cast<double>(status.now_ms - stream.as_of_ms) / 1e3, LabelsOf(stream));
  families->Begin("freshet_stream_position", MetricType::Gauge,
                  "The next record that will be read.");
  for (const auto& stream : status.streams)
    for (const auto& partition : stream.partitions)
      families->Add(static_cast<double>(partition.next_offset), LabelsOf(stream, partition));
  families->Begin("freshet_stream_checkpointed_position", MetricType::Gauge,
                  "The record from which reading would go on after a crash.");
  for (const auto& stream : status.streams)
    for (const auto& partition : stream.partitions)
      families->Add(static_cast<double>(partition.checkpointed_offset),
                    LabelsOf(stream, partition));
  families->Begin("freshet_stream_lag_records", MetricType::Gauge,
                  "Records of the log beyond the position; absent while its end is unknown.");
  for (const auto& stream : status.streams)
    for (const auto& partition : stream.partitions)
      if (partition.end_offset >= 0)
        // The end is asked for now and then, and reading may have gone beyond it since.
        families->Add(
            static_cast<double>(std::max<int64_t>(0, partition.end_offset - partition.next_offset)),
            LabelsOf(stream, partition));
}

void AddViews(const ServerStatus& status, Families* families) {
  families->Begin("freshet_view_rows", MetricType::Gauge,
                  "Rows of the load that a batch view serves.");
  for (const auto& view : status.views)
    if (view.kind == "batch") families->Add(static_cast<double>(view.rows), {{"view", view.name}});
  families->Begin("freshet_view_loaded_timestamp_seconds", MetricType::Gauge,
                  "When the load that a batch view serves was published; absent before the first.");
  for (const auto& view : status.views)
    if (view.loaded_at_ms != kNoEventTimeMs)
      families->Add(static_cast<double>(view.loaded_at_ms) / 1e3, {{"view", view.name}});
}

// The names that Prometheus' client libraries agree on.
void AddProcess(const ProcessFigures& process, Families* families) {
  families->AddFamily("process_cpu_seconds_total", MetricType::Counter,
                      "Processor time of the process, user and system.", process.cpu_seconds);
  families->AddFamily("process_start_time_seconds", MetricType::Gauge,
                      "When the process started, since the epoch.", process.started_at_seconds);
  families->AddFamily("process_resident_memory_bytes", MetricType::Gauge,
                      "Memory of the process that is in RAM.",
                      static_cast<double>(process.resident_bytes));
  families->AddFamily("process_virtual_memory_bytes", MetricType::Gauge,
                      "Address space of the process.", static_cast<double>(process.virtual_bytes));
  families->AddFamily("process_threads", MetricType::Gauge, "Threads of the process.",
                      static_cast<double>(process.threads));
  families->AddFamily("process_open_fds", MetricType::Gauge, "Open file descriptors.",
                      static_cast<double>(process.open_files));
  families->AddFamily("process_max_fds", MetricType::Gauge,
                      "How many file descriptors may be open.",
                      static_cast<double>(process.open_files_max));
}

}  // namespace

HttpMetrics::HttpMetrics()
    : requests_(prometheus::BuildCounter()
                    .Name("freshet_http_requests_total")
                    .Help("HTTP requests answered.")
                    .Register(registry_)),
      durations_(prometheus::BuildHistogram()
                     .Name("freshet_http_request_duration_seconds")
                     .Help("From the head of a request to its answer, without the way back.")
                     .Register(registry_)) {}

void HttpMetrics::Count(std::string_view method, std::string_view route, int status,
                        double seconds) {
  const std::string path(route);
  requests_.Add({{"method", std::string(method)}, {"path", path}, {"code", std::to_string(status)}})
      .Increment();
  durations_
      .Add({{"path", path}},
           prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                   0.1, 0.25, 0.5, 1, 2.5, 5, 10})
      .Observe(seconds);
}

std::string RenderMetrics(const ServerStatus& status, const std::optional<ProcessFigures>& process,
                          const std::vector<MetricFamily>& http) {
  Families families;
  AddServer(status, &families);
  AddCounters(status, &families);
  AddSources(status, &families);
  AddDelays(status, &families);
  AddStreams(status, &families);
  AddViews(status, &families);
  if (process.has_value()) AddProcess(*process, &families);
  std::vector<MetricFamily> all = families.Take();
  all.insert(all.end(), http.begin(), http.end());
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace freshet::http
