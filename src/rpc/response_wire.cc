#include "rpc/response_wire.h"

#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "freshet/v1/feature_store.pb.h"

#include "base/check.h"

namespace freshet::rpc {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using V1Column = v1::FeatureColumn;

// Every field number of these messages is below 16, so that a tag is one byte.
constexpr size_t kTagBytes = 1;

constexpr uint8_t Tag(int field_number, WireFormatLite::WireType type) {
  return static_cast<uint8_t>((field_number << 3) | type);
}
constexpr uint8_t VarintTag(int field_number) {
  return Tag(field_number, WireFormatLite::WIRETYPE_VARINT);
}
constexpr uint8_t BytesTag(int field_number) {
  return Tag(field_number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

constexpr int kArrayValuesField = v1::Int64Array::kValuesFieldNumber;
static_assert(kArrayValuesField == v1::BoolArray::kValuesFieldNumber &&
              kArrayValuesField == v1::Int32Array::kValuesFieldNumber &&
              kArrayValuesField == v1::FloatArray::kValuesFieldNumber &&
              kArrayValuesField == v1::DoubleArray::kValuesFieldNumber &&
              kArrayValuesField == v1::StringArray::kValuesFieldNumber &&
              kArrayValuesField == v1::DecimalArray::kUnscaledFieldNumber);

size_t VarintBytes(uint64_t value) {
  return CodedOutputStream::VarintSize64(value);
}
uint8_t* WriteVarint(uint64_t value, uint8_t* out) {
  return CodedOutputStream::WriteVarint64ToArray(value, out);
}

// A field of a known length: its tag, the length, and the bytes themselves.
size_t FieldBytes(size_t content_bytes) {
  return kTagBytes + VarintBytes(content_bytes) + content_bytes;
}
uint8_t* WriteFieldHead(int field_number, size_t content_bytes, uint8_t* out) {
  *out++ = BytesTag(field_number);
  return WriteVarint(content_bytes, out);
}
uint8_t* WriteRaw(const void* data, size_t bytes, uint8_t* out) {
  if (bytes > 0) std::memcpy(out, data, bytes);
  return out + bytes;
}
uint8_t* WriteText(int field_number, std::string_view text, uint8_t* out) {
  return WriteRaw(text.data(), text.size(), WriteFieldHead(field_number, text.size(), out));
}
size_t TextFieldBytes(std::string_view text) {
  return text.empty() ? 0 : FieldBytes(text.size());
}
uint8_t* WriteTextField(int field_number, std::string_view text, uint8_t* out) {
  return text.empty() ? out : WriteText(field_number, text, out);
}

// A scalar that proto3 leaves out when it is zero.
size_t VarintFieldBytes(uint64_t value) {
  return value == 0 ? 0 : kTagBytes + VarintBytes(value);
}
uint8_t* WriteVarintField(int field_number, uint64_t value, uint8_t* out) {
  if (value == 0) return out;
  *out++ = VarintTag(field_number);
  return WriteVarint(value, out);
}

int ArrayField(Type type) {
  switch (type) {
    case Type::kBool:
      return V1Column::kBoolsFieldNumber;
    case Type::kInt32:
      return V1Column::kInt32SFieldNumber;
    case Type::kInt64:
    case Type::kTimestamp:
      return V1Column::kInt64SFieldNumber;
    case Type::kFloat:
      return V1Column::kFloatsFieldNumber;
    case Type::kDouble:
      return V1Column::kDoublesFieldNumber;
    case Type::kString:
    case Type::kBytes:
      return V1Column::kStringsFieldNumber;
    case Type::kDecimal:
      return V1Column::kDecimalsFieldNumber;
  }
  return 0;
}

size_t VarintsBytes(const std::vector<int64_t>& values) {
  uint64_t all = 0;
  for (int64_t value : values) all |= static_cast<uint64_t>(value);
  // Counts are mostly small, and this loop runs several values at a time where the next cannot.
  if (all < 0x80) return values.size();
  size_t bytes = 0;
  for (int64_t value : values) bytes += VarintBytes(static_cast<uint64_t>(value));
  return bytes;
}
uint8_t* WriteVarints(const std::vector<int64_t>& values, size_t bytes, uint8_t* out) {
  if (bytes == values.size()) {
    for (int64_t value : values) *out++ = static_cast<uint8_t>(value);
    return out;
  }
  for (int64_t value : values) out = WriteVarint(static_cast<uint64_t>(value), out);
  return out;
}

// The bytes of the values alone, as packed; strings, which protobuf does not pack, with their
// heads.
size_t PackedBytes(const Column& values) {
  size_t bytes = 0;
  switch (values.type) {
    case Type::kBool:
      return values.integers.size();
    case Type::kFloat:
      return values.numbers.size() * sizeof(float);
    case Type::kDouble:
      return values.numbers.size() * sizeof(double);
    case Type::kString:
    case Type::kBytes:
      for (const std::string& text : values.texts) bytes += FieldBytes(text.size());
      return bytes;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return VarintsBytes(values.integers);
  }
  return bytes;
}

uint8_t* WritePacked(const Column& values, size_t packed_bytes, uint8_t* out) {
  switch (values.type) {
    case Type::kBool:
      for (int64_t value : values.integers) *out++ = value != 0 ? 1 : 0;
      return out;
    case Type::kFloat:
      for (double value : values.numbers) {
        const auto rounded = static_cast<float>(value);
        out = WriteRaw(&rounded, sizeof(rounded), out);
      }
      return out;
    case Type::kDouble:
      return WriteRaw(values.numbers.data(), values.numbers.size() * sizeof(double), out);
    case Type::kString:
    case Type::kBytes:
      for (const std::string& text : values.texts) out = WriteText(kArrayValuesField, text, out);
      return out;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return WriteVarints(values.integers, packed_bytes, out);
  }
  return out;
}
static_assert(std::endian::native == std::endian::little, "packed numbers are copied as they are");

size_t LengthsBytes(const std::vector<uint32_t>& lengths) {
  size_t bytes = 0;
  for (uint32_t length : lengths) bytes += VarintBytes(length);
  return bytes;
}

size_t TimesBytes(const std::vector<int64_t>& times_ms) {
  size_t bytes = 0;
  for (int64_t time_ms : times_ms) bytes += VarintBytes(WireFormatLite::ZigZagEncode64(time_ms));
  return bytes;
}

size_t FailureBytes(const FeatureFailure& failure) {
  return VarintFieldBytes(failure.row) + TextFieldBytes(failure.reason);
}
uint8_t* WriteFailure(const FeatureFailure& failure, uint8_t* out) {
  out = WriteFieldHead(V1Column::kFailuresFieldNumber, FailureBytes(failure), out);
  out = WriteVarintField(v1::FeatureFailure::kRowFieldNumber, failure.row, out);
  return WriteTextField(v1::FeatureFailure::kReasonFieldNumber, failure.reason, out);
}

// The moment is `optional`: present as zero, absent while unknown.
size_t AsOfBytes(const SourceAsOf& as_of) {
  const bool known = as_of.as_of_ms != kNoEventTimeMs;
  return TextFieldBytes(as_of.source) +
         (known ? kTagBytes + VarintBytes(static_cast<uint64_t>(as_of.as_of_ms)) : 0);
}
uint8_t* WriteAsOf(const SourceAsOf& as_of, uint8_t* out) {
  out = WriteFieldHead(v1::GetFeaturesResponse::kAsOfFieldNumber, AsOfBytes(as_of), out);
  out = WriteTextField(v1::SourceAsOf::kSourceFieldNumber, as_of.source, out);
  if (as_of.as_of_ms == kNoEventTimeMs) return out;
  *out++ = VarintTag(v1::SourceAsOf::kAsOfMsFieldNumber);
  return WriteVarint(static_cast<uint64_t>(as_of.as_of_ms), out);
}

size_t PhasesBytes(const PhaseTimes& phases) {
  return VarintFieldBytes(static_cast<uint64_t>(phases.prepare_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.wait_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.lookup_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.derive_ns));
}
uint8_t* WritePhases(const PhaseTimes& phases, uint8_t* out) {
  using Fields = v1::PhaseTimes;
  out = WriteFieldHead(v1::GetFeaturesResponse::kPhasesFieldNumber, PhasesBytes(phases), out);
  out = WriteVarintField(Fields::kPrepareNsFieldNumber, static_cast<uint64_t>(phases.prepare_ns),
                         out);
  out = WriteVarintField(Fields::kWaitNsFieldNumber, static_cast<uint64_t>(phases.wait_ns), out);
  out =
      WriteVarintField(Fields::kLookupNsFieldNumber, static_cast<uint64_t>(phases.lookup_ns), out);
  return WriteVarintField(Fields::kDeriveNsFieldNumber, static_cast<uint64_t>(phases.derive_ns),
                          out);
}

}  // namespace

ResponseEncoder::ColumnSize ResponseEncoder::MeasureColumn(const FeatureColumn& column) {
  ColumnSize size;
  size.packed_bytes = PackedBytes(column.values);
  const bool packs = column.values.type != Type::kString && size.packed_bytes > 0;
  size.array_bytes = packs ? FieldBytes(size.packed_bytes) : size.packed_bytes;
  size.array_bytes += VarintFieldBytes(column.values.type.scale);
  size.times_bytes = TimesBytes(column.event_times_ms);
  size.total_bytes = TextFieldBytes(column.name) + FieldBytes(size.array_bytes);
  if (!column.statuses.empty()) size.total_bytes += FieldBytes(column.statuses.size());
  if (size.times_bytes > 0) size.total_bytes += FieldBytes(size.times_bytes);
  for (const FeatureFailure& failure : column.failures)
    size.total_bytes += FieldBytes(FailureBytes(failure));
  size.total_bytes += VarintFieldBytes(static_cast<uint64_t>(column.values.type.kind));
  size.lengths_bytes = LengthsBytes(column.values.lengths);
  size.total_bytes += VarintFieldBytes(column.values.is_list ? 1 : 0);
  if (size.lengths_bytes > 0) size.total_bytes += FieldBytes(size.lengths_bytes);
  return size;
}

uint8_t* ResponseEncoder::WriteArray(const Column& values, const ColumnSize& size, uint8_t* out) {
  out = WriteFieldHead(ArrayField(values.type), size.array_bytes, out);
  if (values.type != Type::kString && size.packed_bytes > 0)
    out = WriteFieldHead(kArrayValuesField, size.packed_bytes, out);
  out = WritePacked(values, size.packed_bytes, out);
  return WriteVarintField(v1::DecimalArray::kScaleFieldNumber, values.type.scale, out);
}

uint8_t* ResponseEncoder::WriteColumn(const FeatureColumn& column, const ColumnSize& size,
                                      uint8_t* out) {
  out = WriteTextField(V1Column::kNameFieldNumber, column.name, out);
  // Fields stand in the order of their numbers.
  const bool is_decimal = column.values.type == Type::kDecimal;
  if (!is_decimal) out = WriteArray(column.values, size, out);
  if (!column.statuses.empty()) {
    out = WriteFieldHead(V1Column::kStatusesFieldNumber, column.statuses.size(), out);
    out = WriteRaw(column.statuses.data(), column.statuses.size(), out);
  }
  if (size.times_bytes > 0) {
    out = WriteFieldHead(V1Column::kEventTimesMsFieldNumber, size.times_bytes, out);
    for (int64_t time_ms : column.event_times_ms)
      out = WriteVarint(WireFormatLite::ZigZagEncode64(time_ms), out);
  }
  for (const FeatureFailure& failure : column.failures) out = WriteFailure(failure, out);
  out = WriteVarintField(V1Column::kTypeFieldNumber, static_cast<uint64_t>(column.values.type.kind),
                         out);
  out = WriteVarintField(V1Column::kIsListFieldNumber, column.values.is_list ? 1 : 0, out);
  if (size.lengths_bytes > 0) {
    out = WriteFieldHead(V1Column::kLengthsFieldNumber, size.lengths_bytes, out);
    for (uint32_t length : column.values.lengths) out = WriteVarint(length, out);
  }
  return is_decimal ? WriteArray(column.values, size, out) : out;
}
static_assert(sizeof(FeatureStatus) == 1, "statuses are copied as they are");

size_t ResponseEncoder::Measure(const FeatureResponse& response) {
  columns_.clear();
  size_t bytes = 0;
  for (const FeatureColumn& column : response.features) {
    columns_.push_back(MeasureColumn(column));
    bytes += FieldBytes(columns_.back().total_bytes);
  }
  bytes += VarintFieldBytes(static_cast<uint64_t>(response.read_time_ms));
  bytes += VarintFieldBytes(response.row_count);
  for (const SourceAsOf& as_of : response.as_of) bytes += FieldBytes(AsOfBytes(as_of));
  if (response.phases.has_value()) bytes += FieldBytes(PhasesBytes(*response.phases));
  return bytes;
}

void ResponseEncoder::Write(const FeatureResponse& response, uint8_t* out) const {
  using Fields = v1::GetFeaturesResponse;
  FRESHET_CHECK(columns_.size() == response.features.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    out = WriteFieldHead(Fields::kFeaturesFieldNumber, columns_[i].total_bytes, out);
    out = WriteColumn(response.features[i], columns_[i], out);
  }
  out = WriteVarintField(Fields::kReadTimeMsFieldNumber,
                         static_cast<uint64_t>(response.read_time_ms), out);
  out = WriteVarintField(Fields::kRowCountFieldNumber, response.row_count, out);
  for (const SourceAsOf& as_of : response.as_of) out = WriteAsOf(as_of, out);
  if (response.phases.has_value()) WritePhases(*response.phases, out);
}

}  // namespace freshet::rpc
