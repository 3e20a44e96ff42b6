#include "rpc/column_wire.h"

#include <algorithm>
#include <bit>

#include "freshet/v1/feature_store.pb.h"

#include "rpc/wire.h"

namespace freshet::rpc {
namespace {

using V1Column = v1::FeatureColumn;

constexpr int kArrayValuesField = v1::Int64Array::kValuesFieldNumber;
static_assert(kArrayValuesField == v1::BoolArray::kValuesFieldNumber &&
              kArrayValuesField == v1::Int32Array::kValuesFieldNumber &&
              kArrayValuesField == v1::FloatArray::kValuesFieldNumber &&
              kArrayValuesField == v1::DoubleArray::kValuesFieldNumber &&
              kArrayValuesField == v1::StringArray::kValuesFieldNumber &&
              kArrayValuesField == v1::DecimalArray::kUnscaledFieldNumber);

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

size_t VarintsBytes(std::span<const uint64_t> words) {
  uint64_t all = 0;
  for (uint64_t word : words) all |= word;
  // Counts are mostly small, and this loop runs several values at a time where the next cannot.
  if (all < 0x80) return words.size();
  size_t bytes = 0;
  for (uint64_t word : words) bytes += VarintBytes(word);
  return bytes;
}
uint8_t* WriteVarints(std::span<const uint64_t> words, size_t bytes, uint8_t* out) {
  if (bytes == words.size()) {
    for (uint64_t word : words) *out++ = static_cast<uint8_t>(word);
    return out;
  }
  for (uint64_t word : words) out = WriteVarint(word, out);
  return out;
}

// The bytes of the values alone, as packed; strings, which protobuf does not pack, with their
// heads.
size_t PackedBytes(const WireColumn& column) {
  size_t bytes = 0;
  switch (column.feature.type) {
    case Type::kBool:
      return column.words.size();
    case Type::kFloat:
      return column.words.size() * sizeof(float);
    case Type::kDouble:
      return column.words.size() * sizeof(double);
    case Type::kString:
    case Type::kBytes:
      for (uint64_t word : column.words) bytes += FieldBytes(column.answer.TextOf(word).size());
      return bytes;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return VarintsBytes(column.words);
  }
  return bytes;
}

uint8_t* WritePacked(const WireColumn& column, size_t packed_bytes, uint8_t* out) {
  switch (column.feature.type) {
    case Type::kBool:
      for (uint64_t word : column.words) *out++ = word != 0 ? 1 : 0;
      return out;
    case Type::kFloat:
      for (uint64_t word : column.words) {
        const auto rounded = static_cast<float>(std::bit_cast<double>(word));
        out = WriteRaw(&rounded, sizeof(rounded), out);
      }
      return out;
    case Type::kDouble:
      return WriteRaw(column.words.data(), column.words.size_bytes(), out);
    case Type::kString:
    case Type::kBytes:
      for (uint64_t word : column.words)
        out = WriteText(kArrayValuesField, column.answer.TextOf(word), out);
      return out;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return WriteVarints(column.words, packed_bytes, out);
  }
  return out;
}
static_assert(std::endian::native == std::endian::little, "packed numbers are copied as they are");

size_t LengthsBytes(std::span<const uint32_t> lengths) {
  size_t bytes = 0;
  for (uint32_t length : lengths) bytes += VarintBytes(length);
  return bytes;
}

size_t TimesBytes(std::span<const int64_t> times_ms) {
  size_t bytes = 0;
  for (int64_t time_ms : times_ms) bytes += VarintBytes(WireFormatLite::ZigZagEncode64(time_ms));
  return bytes;
}

size_t FailureBytes(const FeatureBlock::Failure& failure) {
  return VarintFieldBytes(failure.row) + TextFieldBytes(failure.reason);
}
uint8_t* WriteFailure(const FeatureBlock::Failure& failure, uint8_t* out) {
  out = WriteFieldHead(V1Column::kFailuresFieldNumber, FailureBytes(failure), out);
  out = WriteVarintField(v1::FeatureFailure::kRowFieldNumber, failure.row, out);
  return WriteTextField(v1::FeatureFailure::kReasonFieldNumber, failure.reason, out);
}

bool IsPacked(Type type) {
  return type != Type::kString && type != Type::kBytes;
}

uint8_t* WriteArray(const WireColumn& column, const ColumnSize& size, uint8_t* out) {
  const Type type = column.feature.type;
  out = WriteFieldHead(ArrayField(type), size.array_bytes, out);
  if (IsPacked(type) && size.packed_bytes > 0)
    out = WriteFieldHead(kArrayValuesField, size.packed_bytes, out);
  out = WritePacked(column, size.packed_bytes, out);
  return WriteVarintField(v1::DecimalArray::kScaleFieldNumber, type.scale, out);
}

uint8_t* WriteTimes(std::span<const int64_t> times_ms, uint8_t* out) {
  if (times_ms.empty()) return out;
  out = WriteFieldHead(V1Column::kEventTimesMsFieldNumber, TimesBytes(times_ms), out);
  for (int64_t time_ms : times_ms) out = WriteVarint(WireFormatLite::ZigZagEncode64(time_ms), out);
  return out;
}

uint8_t* WriteLengths(const WireColumn& column, uint8_t* out) {
  if (!column.feature.is_list) return out;
  out = WriteVarintField(V1Column::kIsListFieldNumber, 1, out);
  if (column.lengths.empty()) return out;
  out = WriteFieldHead(V1Column::kLengthsFieldNumber, LengthsBytes(column.lengths), out);
  for (uint32_t length : column.lengths) out = WriteVarint(length, out);
  return out;
}

std::span<const FeatureBlock::Failure> FailuresOf(const FeatureBlock& answer, uint32_t feature) {
  const auto is_before = [](const FeatureBlock::Failure& failure, uint32_t other) {
    return failure.feature < other;
  };
  const auto begin =
      std::lower_bound(answer.failures.begin(), answer.failures.end(), feature, is_before);
  return {begin, std::lower_bound(begin, answer.failures.end(), feature + 1, is_before)};
}

}  // namespace

WireColumn ColumnOf(const FeatureBlock& answer, uint32_t feature) {
  const size_t begin = size_t{feature} * answer.row_count;
  WireColumn column{answer,
                    answer.shape->features[feature],
                    {answer.words.data() + begin, answer.row_count},
                    {},
                    {},
                    {},
                    {}};
  if (column.feature.is_list) {
    column.words = answer.lists[column.feature.list].words;
    column.lengths = answer.lists[column.feature.list].lengths;
  }
  if (answer.absent_counts[feature] > 0)
    column.statuses = {answer.statuses.data() + begin, answer.row_count};
  if (!answer.event_times_ms.empty())
    column.event_times_ms = {answer.event_times_ms.data() + begin, answer.row_count};
  if (!answer.failures.empty()) column.failures = FailuresOf(answer, feature);
  return column;
}

ColumnSize MeasureColumn(const WireColumn& column) {
  ColumnSize size;
  size.packed_bytes = PackedBytes(column);
  const bool packs = IsPacked(column.feature.type) && size.packed_bytes > 0;
  size.array_bytes = packs ? FieldBytes(size.packed_bytes) : size.packed_bytes;
  size.array_bytes += VarintFieldBytes(column.feature.type.scale);
  size.total_bytes = TextFieldBytes(column.feature.name) + FieldBytes(size.array_bytes) +
                     VarintFieldBytes(static_cast<uint64_t>(column.feature.type.kind));
  if (!column.statuses.empty()) size.total_bytes += FieldBytes(column.statuses.size());
  if (!column.event_times_ms.empty())
    size.total_bytes += FieldBytes(TimesBytes(column.event_times_ms));
  for (const FeatureBlock::Failure& failure : column.failures)
    size.total_bytes += FieldBytes(FailureBytes(failure));
  if (!column.feature.is_list) return size;
  size.total_bytes += VarintFieldBytes(1);
  if (!column.lengths.empty()) size.total_bytes += FieldBytes(LengthsBytes(column.lengths));
  return size;
}

// Fields stand in the order of their numbers.
uint8_t* WriteColumn(const WireColumn& column, const ColumnSize& size, uint8_t* out) {
  const Type type = column.feature.type;
  out = WriteTextField(V1Column::kNameFieldNumber, column.feature.name, out);
  if (type != Type::kDecimal) out = WriteArray(column, size, out);
  if (!column.statuses.empty()) {
    out = WriteFieldHead(V1Column::kStatusesFieldNumber, column.statuses.size(), out);
    out = WriteRaw(column.statuses.data(), column.statuses.size(), out);
  }
  out = WriteTimes(column.event_times_ms, out);
  for (const FeatureBlock::Failure& failure : column.failures) out = WriteFailure(failure, out);
  out = WriteVarintField(V1Column::kTypeFieldNumber, static_cast<uint64_t>(type.kind), out);
  out = WriteLengths(column, out);
  return type == Type::kDecimal ? WriteArray(column, size, out) : out;
}
static_assert(sizeof(FeatureStatus) == 1, "statuses are copied as they are");

}  // namespace freshet::rpc
