#include "freshet/engine.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/nearest.h"
#include "engine/adoption_path.h"
#include "engine/convert.h"
#include "engine/engine_impl.h"
#include "engine/load_session.h"
#include "engine/stored_definitions.h"

namespace freshet {

Result<std::unique_ptr<Engine>> Engine::Open(const Options& options) {
  auto engine = std::make_unique<engine::EngineImpl>(options);
  FRESHET_RETURN_IF_ERROR(engine->Start());
  return std::unique_ptr<Engine>(std::move(engine));
}

std::vector<DefinitionError> Engine::Validate(const std::vector<DefinitionText>& files) {
  yaml::Diagnostics diagnostics;
  registry::Registry::Build(engine::ToFiles(files), registry::Catalog{}, &diagnostics);
  return engine::ToErrors(diagnostics);
}

}  // namespace freshet

namespace freshet::engine {
namespace {

ingest::IngestOptions ToIngestOptions(const Options& options) {
  ingest::IngestOptions ingest;
  ingest.kafka.brokers = options.kafka_brokers;
  ingest.kafka.properties = options.kafka_properties;
  ingest.kafka.consumer_group = options.kafka_consumer_group;
  ingest.checkpoint_interval_ms = options.checkpoint_interval_ms;
  ingest.checkpoint_dirty_bytes = options.checkpoint_dirty_bytes;
  ingest.as_of_interval_ms = options.as_of_interval_ms;
  ingest.skip_missing_offsets = options.skip_missing_offsets;
  return ingest;
}

RequestBounds BoundsOf(const Options& options) {
  // 0 where the number of processors is not known.
  const size_t processors = std::max(1u, std::thread::hardware_concurrency());
  const size_t in_flight_max = options.requests_in_flight_max != 0
                                   ? options.requests_in_flight_max
                                   : processors * limits::kRequestsInFlightPerProcessor;
  return {in_flight_max, processors, std::chrono::milliseconds(limits::kOverloadMs),
          std::chrono::milliseconds(limits::kOverloadWaitMs)};
}

Status CheckPush(const std::vector<std::string_view>& records) {
  if (records.empty()) return Status::InvalidArgument("records: there is none; push at least one");
  if (records.size() > limits::kPushRecordsMax) {
    return Status::InvalidArgument(
        fmt::format("records: {} are more than the {} that one push may have; split them",
                    records.size(), limits::kPushRecordsMax));
  }
  size_t bytes = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].size() > limits::kEventBytesMax) {
      return Status::InvalidArgument(
          fmt::format("records: record {} has {} bytes; at most {} are allowed", i,
                      records[i].size(), limits::kEventBytesMax));
    }
    bytes += records[i].size();
  }
  if (bytes > limits::kMessageBytesMax) {
    return Status::InvalidArgument(
        fmt::format("records: {} bytes are more than the {} that one push may have; split them",
                    bytes, limits::kMessageBytesMax));
  }
  return Status::Ok();
}

Result<const registry::Source*> FindPushSource(const registry::Registry& registry,
                                               std::string_view name) {
  const registry::Source* source = registry.FindSource(name);
  if (source == nullptr) {
    std::vector<std::string> known;
    for (const auto& candidate : registry.sources()) known.push_back(candidate->name);
    return Status::NotFound(
        fmt::format("there is no source '{}'{}", name, Suggestion(name, known)));
  }
  if (!std::holds_alternative<registry::PushLog>(source->kind)) {
    return Status::FailedPrecondition(fmt::format(
        "source '{}' is a {} source; events are pushed to sources that are defined with `push:`",
        name, SourceKindName(*source)));
  }
  return source;
}

serve::StreamStanding Standing(const ingest::Ingestor& ingestor) {
  return {.as_of_ms = [&](uint32_t table) { return ingestor.AsOfMs(table); },
          .wait_until_in =
              [&](uint32_t table, int32_t partition, int64_t offset,
                  std::chrono::steady_clock::time_point deadline) {
                switch (ingestor.WaitUntilIn(table, partition, offset, deadline)) {
                  case ingest::Arrival::kIn:
                    return serve::Arrival::kIn;
                  case ingest::Arrival::kNotYet:
                    return serve::Arrival::kNotYet;
                  case ingest::Arrival::kNever:
                    break;
                }
                return serve::Arrival::kNever;
              },
          .positions =
              [&](uint32_t table) {
                std::vector<StreamPosition> positions;
                for (const ingest::PartitionStatus& partition : ingestor.Positions(table))
                  positions.push_back({"", partition.partition, partition.next_offset});
                return positions;
              }};
}

}  // namespace

EngineImpl::EngineImpl(const Options& options, const Clock& clock)
    : options_(options), clock_(clock), started_at_ms_(clock_.NowMs()), gate_(BoundsOf(options)) {}

EngineImpl::~EngineImpl() {
  const Status status = Stop();
  if (!status.ok())
    LogError("the last checkpoint failed; the next start replays what it lacks: {}",
             status.ToString());
}

Status EngineImpl::Start() {
  FRESHET_RETURN_IF_ERROR(OpenStore());
  FRESHET_ASSIGN_OR_RETURN(DefinitionsRecord record, ReadStored(*store_, options_.data_folder));
  return StartServing(std::move(record));
}

Status EngineImpl::OpenStore() {
  store::StoreOptions options = ToStoreOptions(options_);
  options.clock = &clock_;
  FRESHET_ASSIGN_OR_RETURN(store_, store::Store::Open(options));
  store_->SetTimelineGuard(
      [this](uint32_t table, std::string_view bytes) { return guard_.Check(table, bytes); });
  return Status::Ok();
}

Status EngineImpl::StartServing(DefinitionsRecord record) {
  FRESHET_ASSIGN_OR_RETURN(const std::shared_ptr<const registry::Registry> registry,
                           BuildStored(record, options_.data_folder));
  if (options_.kafka_brokers.empty()) {
    if (const registry::Source* source = FirstKafkaSource(*registry)) {
      return Status::FailedPrecondition(fmt::format(
          "source '{}' reads a Kafka topic, but no brokers are given; set kafka.brokers",
          source->name));
    }
  }
  leftovers_ = std::move(record.leftovers);
  guard_.Use({registry});
  DropUnneededOrWarn(*registry);
  ApplyRetention(*registry);

  FRESHET_ASSIGN_OR_RETURN(ingestor_,
                           ingest::Ingestor::New(ToIngestOptions(options_), *store_, clock_));
  server_ =
      serve::FeatureServer::New({options_.allow_read_time}, *store_, clock_, Standing(*ingestor_));
  FRESHET_RETURN_IF_ERROR(server_->Apply(registry));
  FRESHET_RETURN_IF_ERROR(ingestor_->Apply(registry));
  live_.Swap(std::make_unique<const Live>(Live{registry}));
  takes_pushes_.store(true);
  return Status::Ok();
}

Status EngineImpl::GetFeatures(const FeatureRequest& request, FeatureBlock* answer) {
  return server_->GetFeatures(request, answer);
}

Result<Explanation> EngineImpl::Explain(const FeatureRequest& request) {
  return server_->Explain(request);
}

Result<int64_t> EngineImpl::Push(std::string_view source,
                                 const std::vector<std::string_view>& records) {
  const std::shared_ptr<const Live> live = live_.Get();
  FRESHET_ASSIGN_OR_RETURN(const registry::Source* found, FindPushSource(*live->registry, source));
  FRESHET_RETURN_IF_ERROR(CheckPush(records));
  if (!takes_pushes_.load())
    return Status::Unavailable("the engine is stopping; push again to the next one");
  return store_->AppendLog(found->id, records, clock_.NowMs());
}

Result<std::unique_ptr<LoadSession>> EngineImpl::Load(const LoadRequest& request) {
  const std::shared_ptr<const Live> live = live_.Get();
  if (request.adopt_folder.empty())
    return StartLoad(live->registry, request, options_.load_memory_bytes, *store_);
  LoadRequest adoption = request;
  FRESHET_ASSIGN_OR_RETURN(adoption.adopt_folder,
                           ResolveAdoptFolder(options_.load_adopt_from, request.adopt_folder));
  return StartLoad(live->registry, adoption, options_.load_memory_bytes, *store_);
}

Result<RollbackOutcome> EngineImpl::Rollback(std::string_view view_name) {
  return RollBackView(*live_.Get()->registry, view_name, *store_);
}

Status EngineImpl::DiscardLoad(uint64_t id) {
  return store_->DiscardLoad(id);
}

bool EngineImpl::Ready() const {
  if (!was_ready_.load() && ingestor_->CaughtUp()) was_ready_.store(true);
  return was_ready_.load();
}

Status EngineImpl::Stop() {
  std::lock_guard lock(change_mutex_);
  if (is_stopped_) return stop_status_;
  is_stopped_ = true;
  takes_pushes_.store(false);
  if (ingestor_ != nullptr) stop_status_ = ingestor_->Stop();
  return stop_status_;
}

}  // namespace freshet::engine
