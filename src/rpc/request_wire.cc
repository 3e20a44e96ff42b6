#include "rpc/request_wire.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace freshet::rpc {
namespace {

using google::protobuf::RepeatedPtrField;

void CopyTexts(const RepeatedPtrField<std::string>& source, std::vector<std::string>* target) {
  target->resize(static_cast<size_t>(source.size()));
  for (int i = 0; i < source.size(); ++i) (*target)[static_cast<size_t>(i)].assign(source[i]);
}

template <typename Array, typename T>
void CopyNumbers(Type type, const Array& source, Column* column, std::vector<T>* target) {
  column->type = type;
  target->assign(source.values().begin(), source.values().end());
}

// False when the column carries no array at all.
bool CopyValues(const v1::Column& wire, Column* column) {
  column->integers.clear();
  column->numbers.clear();
  if (!wire.has_strings() && !wire.has_bytes()) column->texts.clear();
  switch (wire.values_case()) {
    case v1::Column::kBools:
      CopyNumbers(Type::kBool, wire.bools(), column, &column->integers);
      return true;
    case v1::Column::kInt32S:
      CopyNumbers(Type::kInt32, wire.int32s(), column, &column->integers);
      return true;
    case v1::Column::kInt64S:
      CopyNumbers(Type::kInt64, wire.int64s(), column, &column->integers);
      return true;
    case v1::Column::kFloats:
      CopyNumbers(Type::kFloat, wire.floats(), column, &column->numbers);
      return true;
    case v1::Column::kDoubles:
      CopyNumbers(Type::kDouble, wire.doubles(), column, &column->numbers);
      return true;
    case v1::Column::kStrings:
      column->type = Type::kString;
      CopyTexts(wire.strings().values(), &column->texts);
      return true;
    case v1::Column::kBytes:
      column->type = Type::kBytes;
      CopyTexts(wire.bytes().values(), &column->texts);
      return true;
    case v1::Column::kDecimals:
      // A scale that no decimal has is one that nothing accepts.
      column->type = Type::Decimal(
          static_cast<uint8_t>(std::min<uint32_t>(wire.decimals().scale(), UINT8_MAX)));
      column->integers.assign(wire.decimals().unscaled().begin(), wire.decimals().unscaled().end());
      return true;
    case v1::Column::VALUES_NOT_SET:
      return false;
  }
  return false;
}

Status CopyColumns(const RepeatedPtrField<v1::Column>& source, std::string_view field,
                   std::vector<NamedColumn>* target) {
  target->resize(static_cast<size_t>(source.size()));
  for (int i = 0; i < source.size(); ++i) {
    NamedColumn& column = (*target)[static_cast<size_t>(i)];
    column.name.assign(source[i].name());
    if (!CopyValues(source[i], &column.values))
      return Status::InvalidArgument(
          fmt::format("{}[{}]: the column '{}' has no values: set one of bools, int32s, int64s, "
                      "floats, doubles, strings, bytes, decimals",
                      field, i, column.name));
  }
  return {};
}

}  // namespace

Status FromWire(const v1::GetFeaturesRequest& wire, FeatureRequest* request) {
  request->feature_service.assign(wire.feature_service());
  CopyTexts(wire.features(), &request->features);
  FRESHET_RETURN_IF_ERROR(CopyColumns(wire.entities(), "entities", &request->entities));
  FRESHET_RETURN_IF_ERROR(CopyColumns(wire.inputs(), "inputs", &request->inputs));
  request->read_time_ms.reset();
  if (wire.has_read_time_ms()) request->read_time_ms = wire.read_time_ms();
  request->max_staleness_ms.reset();
  if (wire.has_max_staleness_ms()) request->max_staleness_ms = wire.max_staleness_ms();
  request->stale_action.reset();
  if (wire.stale_action() != v1::STALE_ACTION_UNSPECIFIED) {
    if (!v1::StaleAction_IsValid(wire.stale_action()))
      return Status::InvalidArgument(
          fmt::format("stale_action: {} is none of STALE_ACTION_USE_DEFAULT, _SERVE, _NULL, _FAIL",
                      static_cast<int>(wire.stale_action())));
    request->stale_action = static_cast<StaleAction>(wire.stale_action());
  }
  request->read_after.resize(static_cast<size_t>(wire.read_after_size()));
  for (int i = 0; i < wire.read_after_size(); ++i) {
    const v1::StreamPosition& event = wire.read_after(i);
    request->read_after[static_cast<size_t>(i)] = {event.source(), event.partition(),
                                                   event.offset()};
  }
  request->timeout_us.reset();
  request->is_cancelled = nullptr;
  request->include_phases = wire.include_phases();
  request->include_event_times = wire.include_event_times();
  request->include_as_of = wire.include_as_of();
  return {};
}

}  // namespace freshet::rpc
