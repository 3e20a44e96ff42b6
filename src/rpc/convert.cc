#include "rpc/convert.h"

#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/utf8.h"

namespace freshet::rpc {
namespace {

v1::DefinitionChange::Kind ToWire(DefinitionChangeKind kind) {
  switch (kind) {
    case DefinitionChangeKind::kAdd:
      return v1::DefinitionChange::ADD;
    case DefinitionChangeKind::kChange:
      return v1::DefinitionChange::CHANGE;
    case DefinitionChangeKind::kRemove:
      return v1::DefinitionChange::REMOVE;
  }
  return v1::DefinitionChange::KIND_UNSPECIFIED;
}

v1::LoadProgress::Phase ToWire(LoadProgress::Phase phase) {
  switch (phase) {
    case LoadProgress::Phase::kRead:
      return v1::LoadProgress::READ;
    case LoadProgress::Phase::kSort:
      return v1::LoadProgress::SORT;
    case LoadProgress::Phase::kPublish:
      return v1::LoadProgress::PUBLISH;
    case LoadProgress::Phase::kDone:
      return v1::LoadProgress::DONE;
  }
  return v1::LoadProgress::PHASE_UNSPECIFIED;
}

void AddColumn(const ServiceColumn& column, v1::ColumnDescription* wire) {
  wire->set_name(column.name);
  wire->set_type(static_cast<v1::Type>(column.type.kind));
  wire->set_scale(column.type.scale);
  wire->set_is_list(column.is_list);
}

void ToWire(const ServerStatus::Stream& stream, v1::GetStatusResponse::Stream* wire) {
  wire->set_source(stream.source);
  for (const std::string& view : stream.views) wire->add_views(view);
  wire->set_state(stream.state);
  wire->set_failed(stream.failed);
  if (stream.as_of_ms != kNoEventTimeMs) wire->set_as_of_ms(stream.as_of_ms);
  for (const ServerStatus::Partition& partition : stream.partitions) {
    auto* out = wire->add_partitions();
    out->set_partition(partition.partition);
    out->set_next_offset(partition.next_offset);
    out->set_checkpointed_offset(partition.checkpointed_offset);
    if (partition.end_offset >= 0) out->set_end_offset(partition.end_offset);
  }
}

void ToWire(const ServerStatus::Source& source, v1::GetStatusResponse::Source* wire) {
  wire->set_name(source.name);
  wire->set_kind(source.kind);
  wire->set_events(source.events);
  wire->set_applied(source.applied);
  wire->set_too_old(source.too_old);
  wire->set_repeated(source.repeated);
  wire->set_truncated(source.truncated);
  wire->set_filter_failures(source.filter_failures);
  wire->set_lost(source.lost);
  wire->mutable_refused()->insert(source.refused.begin(), source.refused.end());
  for (const int64_t bound_ms : EventDelays::kBoundsMs) wire->add_delay_bounds_ms(bound_ms);
  for (const uint64_t count : source.delays.counts) wire->add_delay_counts(count);
  wire->set_delay_sum_ms(source.delays.sum_ms);
}

void ToWire(const ServerStatus::View& view, v1::GetStatusResponse::View* wire) {
  wire->set_name(view.name);
  wire->set_kind(view.kind);
  wire->set_entity(view.entity);
  wire->set_source(view.source);
  wire->set_features(view.features);
  if (view.loaded_at_ms != kNoEventTimeMs) wire->set_loaded_at_ms(view.loaded_at_ms);
  wire->set_rows(view.rows);
  if (view.previous_loaded_at_ms != kNoEventTimeMs)
    wire->set_previous_loaded_at_ms(view.previous_loaded_at_ms);
  wire->set_previous_rows(view.previous_rows);
}

void ToWire(const UnfinishedLoad& load, v1::GetStatusResponse::UnfinishedLoad* wire) {
  wire->set_id(load.id);
  wire->set_view(load.view);
  wire->set_upsert(load.upsert);
  wire->set_is_under_way(load.is_under_way);
  wire->set_began_at_ms(load.began_at_ms);
  wire->set_expires_at_ms(load.expires_at_ms);
  wire->set_rows(load.rows);
  wire->set_bytes(load.bytes);
  wire->set_format(load.format);
  wire->set_path(ToUtf8(load.origin.path));
  wire->set_s3_endpoint(ToUtf8(load.origin.s3_endpoint));
  wire->set_obstacle(load.obstacle);
}

// The whole characters of `text` that fit in `bytes_max`, with a sign that there was more.
std::string Cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  constexpr std::string_view more = "...";
  size_t bytes = bytes_max - more.size();
  const auto continues = [&](size_t at) {
    return (static_cast<uint8_t>(text[at]) & 0xC0u) == 0x80;
  };
  while (bytes > 0 && continues(bytes)) --bytes;
  return std::string(text.substr(0, bytes)).append(more);
}

}  // namespace

grpc::StatusCode ToGrpcCode(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return grpc::StatusCode::OK;
    case StatusCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case StatusCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case StatusCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case StatusCode::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case StatusCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case StatusCode::kCorruption:
      return grpc::StatusCode::DATA_LOSS;
    case StatusCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case StatusCode::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case StatusCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case StatusCode::kIoError:
    case StatusCode::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::Status ToGrpc(const Status& status, grpc::ServerContextBase* context) {
  if (status.ok()) return grpc::Status::OK;
  context->AddTrailingMetadata(kStatusCodeMetadata, std::string(StatusCodeName(status.code())));
  return {ToGrpcCode(status.code()), Cut(status.message(), limits::kErrorBytesMax)};
}

std::vector<DefinitionText> FromWire(const v1::PlanRequest& wire) {
  std::vector<DefinitionText> files;
  files.reserve(static_cast<size_t>(wire.files_size()));
  for (const v1::DefinitionFile& file : wire.files()) files.push_back({file.name(), file.text()});
  return files;
}

void ToWire(const PlanOutcome& outcome, v1::PlanResponse* wire) {
  for (const DefinitionError& error : outcome.errors) {
    auto* out = wire->add_errors();
    out->set_file(error.file);
    out->set_line(error.line);
    out->set_column(error.column);
    out->set_message(error.message);
  }
  for (const DefinitionChange& change : outcome.changes) {
    auto* out = wire->add_changes();
    out->set_kind(ToWire(change.kind));
    out->set_subject(change.subject);
    out->set_detail(change.detail);
    out->set_refused(change.refused);
    out->set_reason(change.reason);
    out->set_way_out(change.way_out);
  }
}

void ToWire(const ServiceDescription& description, v1::DescribeServiceResponse* wire) {
  for (const ServiceColumn& column : description.entities) AddColumn(column, wire->add_entities());
  for (const ServiceColumn& column : description.inputs) AddColumn(column, wire->add_inputs());
  for (const ServiceColumn& column : description.features) AddColumn(column, wire->add_features());
}

void ToWire(const ServerStatus& status, v1::GetStatusResponse* wire) {
  wire->set_ready(status.ready);
  wire->set_version(status.version);
  wire->set_now_ms(status.now_ms);
  wire->set_started_at_ms(status.started_at_ms);
  for (const auto& stream : status.streams) ToWire(stream, wire->add_streams());
  for (const auto& source : status.sources) ToWire(source, wire->add_sources());
  for (const auto& view : status.views) ToWire(view, wire->add_views());
  for (const auto& load : status.unfinished_loads) ToWire(load, wire->add_unfinished_loads());
  for (const std::string& service : status.services) wire->add_services(service);
  wire->mutable_counters()->insert(status.counters.begin(), status.counters.end());
}

void ToWire(const LoadProgress& progress, v1::LoadProgress* wire) {
  wire->set_phase(ToWire(progress.phase));
  wire->set_load_id(progress.load_id);
  wire->set_rows_resumed(progress.rows_resumed);
  wire->set_bytes_read(progress.bytes_read);
  wire->set_rows_read(progress.rows_read);
  wire->set_rows_bad(progress.rows_bad);
  wire->set_rows_written(progress.rows_written);
  wire->set_rows_duplicate(progress.rows_duplicate);
  wire->set_rows_deleted(progress.rows_deleted);
  wire->set_rows_older(progress.rows_older);
  wire->set_rows_unchanged(progress.rows_unchanged);
  wire->set_bytes_written(progress.bytes_written);
  wire->set_read_ms(progress.read_ms);
  wire->set_sort_ms(progress.sort_ms);
  wire->set_publish_ms(progress.publish_ms);
  for (const BadRowReport& bad : progress.bad_rows) ToWire(bad, wire->add_bad_rows());
  for (const auto& [cause, count] : progress.bad_rows_by_cause)
    (*wire->mutable_bad_rows_by_cause())[ToUtf8(cause)] += count;
  for (const std::string& broken : progress.broken_expectations)
    wire->add_broken_expectations(ToUtf8(broken));
  if (progress.profile.has_value()) ToWire(*progress.profile, wire->mutable_profile());
  if (progress.build.has_value()) ToWire(*progress.build, wire->mutable_build());
}

void ToWire(const ForgetReceipt& receipt, v1::ForgetResponse* wire) {
  for (const ForgetReceipt::Part& part : receipt.parts) {
    auto* out = wire->add_parts();
    out->set_name(part.name);
    out->set_what(part.what);
    out->set_count(part.count);
  }
  for (const std::string& sentence : receipt.remaining) wire->add_remaining(sentence);
}

void ToWire(const LoadBuild& build, v1::LoadBuild* wire) {
  wire->set_built_at_ms(build.built_at_ms);
  wire->set_bytes_read(build.bytes_read);
  wire->set_rows_read(build.rows_read);
  wire->set_rows_bad(build.rows_bad);
  wire->set_rows_duplicate(build.rows_duplicate);
  wire->set_rows_deleted(build.rows_deleted);
}

void ToWire(const LoadProfile& profile, v1::LoadProfile* wire) {
  wire->set_keys_distinct(profile.keys_distinct);
  wire->set_keys_served(profile.keys_served);
  wire->set_keys_new(profile.keys_new);
  wire->set_keys_gone(profile.keys_gone);
  for (const LoadProfile::Column& column : profile.columns) {
    auto* out = wire->add_columns();
    out->set_name(column.name);
    out->set_type(std::string(TypeName(column.type)));
    out->set_rows(column.rows);
    out->set_nulls(column.nulls);
    out->set_least(ToUtf8(column.least));
    out->set_greatest(ToUtf8(column.greatest));
  }
}

void ToWire(const BadRowReport& bad, v1::BadRow* wire) {
  wire->set_line(bad.line);
  wire->set_reason(ToUtf8(bad.reason));
  wire->set_file(ToUtf8(bad.file));
}

}  // namespace freshet::rpc
