#include <map>
#include <string>
#include <utility>

#include "engine/convert.h"
#include "engine/engine_impl.h"
#include "load/kept_load.h"

namespace freshet::engine {
namespace {

std::vector<ServerStatus::Stream> ToStreams(std::vector<ingest::LaneStatus> lanes) {
  std::vector<ServerStatus::Stream> streams;
  for (ingest::LaneStatus& lane : lanes) {
    ServerStatus::Stream stream;
    stream.source = std::move(lane.source);
    stream.views = std::move(lane.views);
    stream.state = std::move(lane.state);
    stream.failed = lane.failed;
    stream.as_of_ms = lane.as_of_ms;
    for (const ingest::PartitionStatus& partition : lane.partitions) {
      stream.partitions.push_back({partition.partition, partition.next_offset,
                                   partition.checkpointed_offset, partition.end_offset});
    }
    streams.push_back(std::move(stream));
  }
  return streams;
}

std::vector<ServerStatus::Source> ToSources(const registry::Registry& registry,
                                            std::vector<ingest::SourceCounters> counters) {
  std::map<std::string, ingest::SourceCounters> by_name;
  for (ingest::SourceCounters& counter : counters) {
    std::string name = counter.source;
    by_name[std::move(name)] = std::move(counter);
  }
  std::vector<ServerStatus::Source> sources;
  for (const auto& source : registry.sources()) {
    const ingest::SourceCounters& counter = by_name[source->name];
    sources.push_back({source->name, std::string(SourceKindName(*source)), counter.events,
                       counter.applied, counter.too_old, counter.truncated, counter.repeated,
                       counter.filter_failures, counter.lost, counter.refused, counter.delays});
  }
  return sources;
}

ServerStatus::View ToView(const registry::FeatureView& view, store::Store& store) {
  ServerStatus::View status;
  status.name = view.name;
  status.features = static_cast<uint32_t>(view.features.size());
  if (view.entity != nullptr) status.entity = view.entity->name;
  if (const registry::StreamView* stream = view.stream()) {
    status.kind = "stream";
    status.source = stream->source->name;
  } else if (const registry::BatchView* batch = view.batch()) {
    status.kind = view.fed_by() != nullptr ? "row" : "batch";
    status.source = batch->source->name;
    if (const std::shared_ptr<const store::Generation> generation = store.FindGeneration(view.id)) {
      status.loaded_at_ms = generation->loaded_at_ms;
      status.rows = generation->row_count;
    }
    if (const auto previous = store.FindPreviousGeneration(view.id)) {
      status.previous_loaded_at_ms = previous->loaded_at_ms;
      status.previous_rows = previous->row_count;
    }
  } else {
    status.kind = "on-demand";
  }
  return status;
}

std::map<std::string, uint64_t> ToCounters(const serve::ServeStats& serve,
                                           const store::StoreStats& store,
                                           const RequestGate& gate) {
  return {{"serve_in_flight", gate.in_flight()},
          {"serve_requests_expired", gate.expired()},
          {"serve_requests_refused", gate.refused()},
          {"serve_requests", serve.requests},
          {"serve_requests_failed", serve.requests_failed},
          {"serve_values", serve.values},
          {"serve_values_failed", serve.values_failed},
          {"store_cache_bytes", store.cache_bytes},
          {"store_cache_entries", store.cache_entries},
          {"store_cache_hits", store.cache_hits},
          {"store_cache_misses", store.cache_misses},
          {"store_checkpoints", store.checkpoints},
          {"store_dirty_bytes", store.dirty_bytes},
          {"store_disk_bytes", store.disk_bytes},
          {"store_generations_to_remove", store.generations_to_remove},
          {"store_rows_expired", store.rows_expired}};
}

std::vector<ServiceColumn> ToColumns(std::vector<serve::ColumnDescription> columns) {
  std::vector<ServiceColumn> converted;
  converted.reserve(columns.size());
  for (serve::ColumnDescription& column : columns)
    converted.push_back({std::move(column.name), column.type, column.is_list});
  return converted;
}

}  // namespace

ServerStatus EngineImpl::GetStatus() {
  const std::shared_ptr<const Live> live = live_.Get();
  ServerStatus status;
  status.ready = Ready();
  status.version = FRESHET_VERSION;
  status.now_ms = clock_.NowMs();
  status.started_at_ms = started_at_ms_;
  status.streams = ToStreams(ingestor_->Lanes());
  status.sources = ToSources(*live->registry, ingestor_->Counters());
  for (const auto& view : live->registry->feature_views())
    status.views.push_back(ToView(*view, *store_));
  status.unfinished_loads = load::ListUnfinished(*live->registry, *store_);
  for (const auto& service : live->registry->feature_services())
    status.services.push_back(service->name);
  status.counters = ToCounters(server_->Stats(), store_->Stats(), gate_);
  return status;
}

Result<ServiceDescription> EngineImpl::DescribeService(std::string_view service,
                                                       const std::vector<std::string>& features) {
  FRESHET_ASSIGN_OR_RETURN(serve::ServiceColumns columns,
                           server_->DescribeService(service, features));
  return ServiceDescription{std::string(service), ToColumns(std::move(columns.entities)),
                            ToColumns(std::move(columns.inputs)),
                            ToColumns(std::move(columns.features))};
}

}  // namespace freshet::engine
