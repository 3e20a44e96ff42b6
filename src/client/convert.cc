#include "client/convert.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace freshet::client {
namespace {

constexpr char kStatusCodeMetadata[] = "freshet-status";

constexpr StatusCode kStatusCodes[] = {
    StatusCode::kInvalidArgument,   StatusCode::kNotFound,
    StatusCode::kAlreadyExists,     StatusCode::kFailedPrecondition,
    StatusCode::kResourceExhausted, StatusCode::kCorruption,
    StatusCode::kIoError,           StatusCode::kUnavailable,
    StatusCode::kDeadlineExceeded,  StatusCode::kCancelled,
    StatusCode::kInternal};

// kOk when the server named none: the call failed on its way.
StatusCode NamedCode(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto named = metadata.find(kStatusCodeMetadata);
  if (named == metadata.end()) return StatusCode::kOk;
  const std::string_view name(named->second.data(), named->second.size());
  for (StatusCode code : kStatusCodes) {
    if (StatusCodeName(code) == name) return code;
  }
  return StatusCode::kOk;
}

StatusCode NearestCode(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return StatusCode::kInvalidArgument;
    case grpc::StatusCode::NOT_FOUND:
      return StatusCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return StatusCode::kAlreadyExists;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return StatusCode::kFailedPrecondition;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return StatusCode::kResourceExhausted;
    case grpc::StatusCode::DATA_LOSS:
      return StatusCode::kCorruption;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::ABORTED:
      return StatusCode::kUnavailable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return StatusCode::kDeadlineExceeded;
    case grpc::StatusCode::CANCELLED:
      return StatusCode::kCancelled;
    default:
      return StatusCode::kInternal;
  }
}

template <typename T, typename Array>
void AddAll(const std::vector<T>& values, Array* array) {
  array->mutable_values()->Add(values.begin(), values.end());
}

void ToWire(const NamedColumn& column, v1::Column* wire) {
  wire->set_name(column.name);
  switch (column.values.type) {
    case Type::kBool:
      AddAll(column.values.integers, wire->mutable_bools());
      return;
    case Type::kInt32:
      AddAll(column.values.integers, wire->mutable_int32s());
      return;
    case Type::kInt64:
    case Type::kTimestamp:
      AddAll(column.values.integers, wire->mutable_int64s());
      return;
    case Type::kFloat:
      AddAll(column.values.numbers, wire->mutable_floats());
      return;
    case Type::kDouble:
      AddAll(column.values.numbers, wire->mutable_doubles());
      return;
    case Type::kString:
      AddAll(column.values.texts, wire->mutable_strings());
      return;
    case Type::kBytes:
      AddAll(column.values.texts, wire->mutable_bytes());
      return;
    case Type::kDecimal:
      wire->mutable_decimals()->mutable_unscaled()->Add(column.values.integers.begin(),
                                                        column.values.integers.end());
      wire->mutable_decimals()->set_scale(column.values.type.scale);
      return;
  }
}

// kInt64 for a number, or a scale, that this client does not know.
Type FromWire(v1::Type type, uint32_t scale) {
  const bool known =
      v1::Type_IsValid(type) && type != v1::TYPE_UNSPECIFIED && scale <= kDecimalScaleMax;
  if (!known) return Type::kInt64;
  if (type == v1::DECIMAL) return Type::Decimal(static_cast<uint8_t>(scale));
  return static_cast<Type::Kind>(type);
}

void TakeValues(v1::FeatureColumn* wire, Column* column) {
  const auto integers = [&](const auto& array) {
    column->integers.assign(array.values().begin(), array.values().end());
  };
  const auto numbers = [&](const auto& array) {
    column->numbers.assign(array.values().begin(), array.values().end());
  };
  *column =
      Column{.type = FromWire(wire->type(), wire->decimals().scale()), .is_list = wire->is_list()};
  column->lengths.assign(wire->lengths().begin(), wire->lengths().end());
  switch (wire->values_case()) {
    case v1::FeatureColumn::kBools:
      return integers(wire->bools());
    case v1::FeatureColumn::kInt32S:
      return integers(wire->int32s());
    case v1::FeatureColumn::kInt64S:
      return integers(wire->int64s());
    case v1::FeatureColumn::kFloats:
      return numbers(wire->floats());
    case v1::FeatureColumn::kDoubles:
      return numbers(wire->doubles());
    case v1::FeatureColumn::kStrings:
      for (std::string& text : *wire->mutable_strings()->mutable_values())
        column->texts.push_back(std::move(text));
      return;
    case v1::FeatureColumn::kDecimals:
      column->integers.assign(wire->decimals().unscaled().begin(),
                              wire->decimals().unscaled().end());
      return;
    case v1::FeatureColumn::VALUES_NOT_SET:
      return;
  }
}

// Whether the lists together hold as many elements as there are.
bool ListsFit(const Column& column) {
  uint64_t elements = 0;
  for (const uint32_t length : column.lengths) elements += length;
  return elements == column.integers.size() + column.numbers.size() + column.texts.size();
}

Status TakeColumn(uint32_t row_count, v1::FeatureColumn* wire, FeatureColumn* column) {
  column->name = std::move(*wire->mutable_name());
  TakeValues(wire, &column->values);
  column->statuses.clear();
  for (char status : wire->statuses())
    column->statuses.push_back(static_cast<FeatureStatus>(static_cast<uint8_t>(status)));
  column->event_times_ms.assign(wire->event_times_ms().begin(), wire->event_times_ms().end());
  column->failures.clear();
  for (v1::FeatureFailure& failure : *wire->mutable_failures())
    column->failures.push_back({failure.row(), std::move(*failure.mutable_reason())});
  const auto fits = [&](size_t size) { return size == 0 || size == row_count; };
  if (column->values.size() == row_count && fits(column->statuses.size()) &&
      fits(column->event_times_ms.size()) && (!column->values.is_list || ListsFit(column->values)))
    return {};
  return Status::Internal(fmt::format(
      "the server's answer for {} has not one value for each of the {} rows; are client and server "
      "of the same version?",
      column->name, row_count));
}

ServerStatus::Stream FromWire(const v1::GetStatusResponse::Stream& wire) {
  ServerStatus::Stream stream;
  stream.source = wire.source();
  stream.views.assign(wire.views().begin(), wire.views().end());
  stream.state = wire.state();
  stream.failed = wire.failed();
  if (wire.has_as_of_ms()) stream.as_of_ms = wire.as_of_ms();
  for (const auto& partition : wire.partitions())
    stream.partitions.push_back({partition.partition(), partition.next_offset(),
                                 partition.checkpointed_offset(),
                                 partition.has_end_offset() ? partition.end_offset() : -1});
  return stream;
}

// A server of another version may have other bounds: its counts go where its bounds are.
EventDelays FromWire(const google::protobuf::RepeatedField<int64_t>& bounds_ms,
                     const google::protobuf::RepeatedField<uint64_t>& counts) {
  EventDelays delays;
  for (int i = 0; i < counts.size(); ++i) {
    const size_t bucket =
        i < bounds_ms.size() ? EventDelays::BucketOf(bounds_ms[i]) : EventDelays::kBoundsMs.size();
    delays.counts[bucket] += counts[i];
  }
  return delays;
}

ServerStatus::Source FromWire(const v1::GetStatusResponse::Source& wire) {
  ServerStatus::Source source;
  source.name = wire.name();
  source.kind = wire.kind();
  source.events = wire.events();
  source.applied = wire.applied();
  source.too_old = wire.too_old();
  source.repeated = wire.repeated();
  source.truncated = wire.truncated();
  source.filter_failures = wire.filter_failures();
  source.lost = wire.lost();
  source.refused.insert(wire.refused().begin(), wire.refused().end());
  source.delays = FromWire(wire.delay_bounds_ms(), wire.delay_counts());
  source.delays.sum_ms = wire.delay_sum_ms();
  return source;
}

UnfinishedLoad FromWire(const v1::GetStatusResponse::UnfinishedLoad& wire) {
  UnfinishedLoad load;
  load.id = wire.id();
  load.view = wire.view();
  load.upsert = wire.upsert();
  load.is_under_way = wire.is_under_way();
  load.began_at_ms = wire.began_at_ms();
  load.expires_at_ms = wire.expires_at_ms();
  load.rows = wire.rows();
  load.bytes = wire.bytes();
  load.format = wire.format();
  load.origin = {wire.path(), wire.s3_endpoint()};
  load.obstacle = wire.obstacle();
  return load;
}

ServerStatus::View FromWire(const v1::GetStatusResponse::View& wire) {
  ServerStatus::View view;
  view.name = wire.name();
  view.kind = wire.kind();
  view.entity = wire.entity();
  view.source = wire.source();
  view.features = wire.features();
  if (wire.has_loaded_at_ms()) view.loaded_at_ms = wire.loaded_at_ms();
  view.rows = wire.rows();
  if (wire.has_previous_loaded_at_ms()) view.previous_loaded_at_ms = wire.previous_loaded_at_ms();
  view.previous_rows = wire.previous_rows();
  return view;
}

DefinitionChangeKind FromWire(v1::DefinitionChange::Kind kind) {
  switch (kind) {
    case v1::DefinitionChange::ADD:
      return DefinitionChangeKind::kAdd;
    case v1::DefinitionChange::REMOVE:
      return DefinitionChangeKind::kRemove;
    default:
      return DefinitionChangeKind::kChange;
  }
}

LoadProgress::Phase FromWire(v1::LoadProgress::Phase phase) {
  switch (phase) {
    case v1::LoadProgress::SORT:
      return LoadProgress::Phase::kSort;
    case v1::LoadProgress::PUBLISH:
      return LoadProgress::Phase::kPublish;
    case v1::LoadProgress::DONE:
      return LoadProgress::Phase::kDone;
    default:
      return LoadProgress::Phase::kRead;
  }
}

}  // namespace

Status FromGrpc(const grpc::Status& status, const grpc::ClientContext& context,
                std::string_view address) {
  if (status.ok()) return {};
  const StatusCode named = NamedCode(context);
  if (named != StatusCode::kOk) return {named, status.error_message()};
  const StatusCode code = NearestCode(status.error_code());
  if (code == StatusCode::kUnavailable)
    return {code, fmt::format("cannot reach a server at {}: is `freshet serve` running there? ({})",
                              address, status.error_message())};
  if (code == StatusCode::kDeadlineExceeded)
    return {code, fmt::format("the server at {} did not answer in time", address)};
  return {code, status.error_message()};
}

void ToWire(const FeatureRequest& request, v1::GetFeaturesRequest* wire) {
  wire->set_feature_service(request.feature_service);
  for (const std::string& feature : request.features) wire->add_features(feature);
  for (const NamedColumn& column : request.entities) ToWire(column, wire->add_entities());
  for (const NamedColumn& column : request.inputs) ToWire(column, wire->add_inputs());
  wire->set_include_event_times(request.include_event_times);
  wire->set_include_as_of(request.include_as_of);
  if (request.read_time_ms.has_value()) wire->set_read_time_ms(*request.read_time_ms);
  if (request.max_staleness_ms.has_value()) wire->set_max_staleness_ms(*request.max_staleness_ms);
  if (request.stale_action.has_value())
    wire->set_stale_action(static_cast<v1::StaleAction>(*request.stale_action));
  for (const StreamPosition& event : request.read_after) {
    v1::StreamPosition* position = wire->add_read_after();
    position->set_source(event.source);
    position->set_partition(event.partition);
    position->set_offset(event.offset);
  }
  wire->set_include_phases(request.include_phases);
}

Status FromWire(v1::GetFeaturesResponse* wire, FeatureResponse* response) {
  response->read_time_ms = wire->read_time_ms();
  response->row_count = wire->row_count();
  response->features.resize(static_cast<size_t>(wire->features_size()));
  for (int i = 0; i < wire->features_size(); ++i)
    FRESHET_RETURN_IF_ERROR(TakeColumn(wire->row_count(), wire->mutable_features(i),
                                       &response->features[static_cast<size_t>(i)]));
  response->as_of.clear();
  for (const v1::SourceAsOf& as_of : wire->as_of())
    response->as_of.push_back(
        {as_of.source(), as_of.has_as_of_ms() ? as_of.as_of_ms() : kNoEventTimeMs});
  response->phases.reset();
  if (wire->has_phases()) {
    const v1::PhaseTimes& phases = wire->phases();
    response->phases = {phases.prepare_ns(), phases.wait_ns(), phases.lookup_ns(),
                        phases.derive_ns()};
  }
  return {};
}

PlanOutcome FromWire(const v1::PlanResponse& wire) {
  PlanOutcome outcome;
  for (const auto& error : wire.errors())
    outcome.errors.push_back({error.file(), error.line(), error.column(), error.message()});
  for (const auto& change : wire.changes())
    outcome.changes.push_back({FromWire(change.kind()), change.subject(), change.detail(),
                               change.refused(), change.reason(), change.way_out()});
  return outcome;
}

LoadProgress FromWire(const v1::LoadProgress& wire) {
  LoadProgress progress;
  progress.phase = FromWire(wire.phase());
  progress.load_id = wire.load_id();
  progress.rows_resumed = wire.rows_resumed();
  progress.bytes_read = wire.bytes_read();
  progress.rows_read = wire.rows_read();
  progress.rows_bad = wire.rows_bad();
  progress.rows_written = wire.rows_written();
  progress.rows_duplicate = wire.rows_duplicate();
  progress.rows_deleted = wire.rows_deleted();
  progress.rows_older = wire.rows_older();
  progress.rows_unchanged = wire.rows_unchanged();
  progress.bytes_written = wire.bytes_written();
  progress.read_ms = wire.read_ms();
  progress.sort_ms = wire.sort_ms();
  progress.publish_ms = wire.publish_ms();
  for (const v1::BadRow& bad : wire.bad_rows()) progress.bad_rows.push_back(FromWire(bad));
  progress.bad_rows_by_cause.insert(wire.bad_rows_by_cause().begin(),
                                    wire.bad_rows_by_cause().end());
  progress.broken_expectations.assign(wire.broken_expectations().begin(),
                                      wire.broken_expectations().end());
  if (wire.has_profile()) progress.profile = FromWire(wire.profile());
  if (wire.has_build()) progress.build = FromWire(wire.build());
  return progress;
}

ForgetReceipt FromWire(const v1::ForgetResponse& wire) {
  ForgetReceipt receipt;
  for (const auto& part : wire.parts())
    receipt.parts.push_back({part.name(), part.what(), part.count()});
  receipt.remaining.assign(wire.remaining().begin(), wire.remaining().end());
  return receipt;
}

LoadBuild FromWire(const v1::LoadBuild& wire) {
  return {.built_at_ms = wire.built_at_ms(),
          .bytes_read = wire.bytes_read(),
          .rows_read = wire.rows_read(),
          .rows_bad = wire.rows_bad(),
          .rows_duplicate = wire.rows_duplicate(),
          .rows_deleted = wire.rows_deleted()};
}

LoadProfile FromWire(const v1::LoadProfile& wire) {
  LoadProfile profile;
  profile.keys_distinct = wire.keys_distinct();
  profile.keys_served = wire.keys_served();
  profile.keys_new = wire.keys_new();
  profile.keys_gone = wire.keys_gone();
  for (const auto& column : wire.columns()) {
    Type type = Type::kInt64;
    ParseType(column.type(), &type);
    profile.columns.push_back(
        {column.name(), type, column.rows(), column.nulls(), column.least(), column.greatest()});
  }
  return profile;
}

BadRowReport FromWire(const v1::BadRow& wire) {
  return {wire.line(), wire.reason(), wire.file()};
}

ServiceDescription FromWire(const v1::DescribeServiceResponse& wire) {
  const auto columns = [](const auto& descriptions) {
    std::vector<ServiceColumn> result;
    for (const v1::ColumnDescription& column : descriptions)
      result.push_back({column.name(), FromWire(column.type(), column.scale()), column.is_list()});
    return result;
  };
  ServiceDescription description;
  description.entities = columns(wire.entities());
  description.inputs = columns(wire.inputs());
  description.features = columns(wire.features());
  return description;
}

ServerStatus FromWire(const v1::GetStatusResponse& wire) {
  ServerStatus status;
  status.ready = wire.ready();
  status.version = wire.version();
  status.now_ms = wire.now_ms();
  status.started_at_ms = wire.started_at_ms();
  for (const auto& stream : wire.streams()) status.streams.push_back(FromWire(stream));
  for (const auto& source : wire.sources()) status.sources.push_back(FromWire(source));
  for (const auto& view : wire.views()) status.views.push_back(FromWire(view));
  for (const auto& load : wire.unfinished_loads())
    status.unfinished_loads.push_back(FromWire(load));
  status.services.assign(wire.services().begin(), wire.services().end());
  status.counters.insert(wire.counters().begin(), wire.counters().end());
  return status;
}

}  // namespace freshet::client
