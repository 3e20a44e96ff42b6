#include "rpc/one_row_template.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "freshet/v1/feature_store.pb.h"

#include "rpc/column_wire.h"
#include "rpc/wire.h"

namespace freshet::rpc {
namespace {

// Lengths up to it are of one byte.
constexpr size_t kOneByteMax = 0x7f;

// In front of a value stand its array's length, a tag, and its own length.
constexpr uint32_t kArrayLengthBack = 3;
constexpr uint32_t kValueLengthBack = 1;

// An answer of zeros and empty texts.
FeatureBlock ZeroAnswer(std::shared_ptr<const FeatureShape> shape) {
  const size_t feature_count = shape->features.size();
  FeatureBlock answer;
  answer.shape = std::move(shape);
  answer.row_count = 1;
  answer.words.assign(feature_count, answer.AddText({}));
  answer.statuses.assign(feature_count, FeatureStatus::kPresent);
  answer.absent_counts.assign(feature_count, 0);
  return answer;
}

// What stands behind the value: the type; of a decimal, whose array comes last, its scale.
size_t BytesBehindValue(Type type) {
  return VarintFieldBytes(type == Type::kDecimal ? type.scale : static_cast<uint64_t>(type.kind));
}

}  // namespace

OneRowTemplate::ValueKind OneRowTemplate::KindOf(const FeatureShape::Feature& feature) {
  if (feature.is_list) return ValueKind::kNeverFits;
  switch (feature.type) {
    case Type::kDouble:
      return ValueKind::kDouble;
    case Type::kFloat:
      return ValueKind::kFloat;
    case Type::kBool:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return ValueKind::kInteger;
    case Type::kString:
    case Type::kBytes:
      return ValueKind::kText;
  }
  return ValueKind::kNeverFits;
}

size_t OneRowTemplate::ValueBytes(ValueKind kind) {
  switch (kind) {
    case ValueKind::kDouble:
      return sizeof(double);
    case ValueKind::kFloat:
      return sizeof(float);
    case ValueKind::kInteger:
      return 1;
    case ValueKind::kText:
    case ValueKind::kNeverFits:
      break;
  }
  return 0;
}

OneRowTemplate::OneRowTemplate(std::shared_ptr<const FeatureShape> shape)
    : shape_(std::move(shape)) {
  const FeatureBlock zeros = ZeroAnswer(shape_);
  for (uint32_t feature = 0; feature < shape_->features.size(); ++feature) {
    const FeatureShape::Feature& described = shape_->features[feature];
    Piece& piece = pieces_.emplace_back();
    piece.begin = static_cast<uint32_t>(bytes_.size());
    if (KindOf(described) == ValueKind::kNeverFits) continue;
    const WireColumn column = ColumnOf(zeros, feature);
    const ColumnSize size = MeasureColumn(column);
    if (size.total_bytes > kOneByteMax) continue;
    piece.kind = KindOf(described);
    piece.extra_bytes_max = static_cast<uint8_t>(kOneByteMax - size.total_bytes);
    bytes_.resize(piece.begin + FieldBytes(size.total_bytes));
    auto* out = reinterpret_cast<uint8_t*>(bytes_.data()) + piece.begin;
    out = WriteFieldHead(v1::GetFeaturesResponse::kFeaturesFieldNumber, size.total_bytes, out);
    WriteColumn(column, size, out);
    piece.value_at = static_cast<uint32_t>(bytes_.size() - BytesBehindValue(described.type) -
                                           ValueBytes(piece.kind));
  }
  pieces_.push_back({.begin = static_cast<uint32_t>(bytes_.size())});
}

inline size_t OneRowTemplate::ExtraBytes(const Piece& piece, const FeatureBlock& answer,
                                         uint32_t feature) {
  const uint64_t word = answer.words.data()[feature];
  if (piece.kind == ValueKind::kInteger) return VarintBytes(word) - 1;
  return piece.kind == ValueKind::kText ? answer.TextOf(word).size() : 0;
}

uint32_t OneRowTemplate::MeasureRun(const FeatureBlock& answer, uint32_t begin,
                                    size_t* bytes) const {
  const auto feature_count = static_cast<uint32_t>(shape_->features.size());
  const Piece* const pieces = pieces_.data();
  const uint32_t* const absent_counts = answer.absent_counts.data();
  size_t all_extra_bytes = 0;
  uint32_t end = begin;
  for (; end < feature_count; ++end) {
    const Piece& piece = pieces[end];
    if (piece.kind == ValueKind::kNeverFits || absent_counts[end] != 0) break;
    const size_t extra_bytes = ExtraBytes(piece, answer, end);
    if (extra_bytes > piece.extra_bytes_max) break;
    all_extra_bytes += extra_bytes;
  }
  *bytes += pieces[end].begin - pieces[begin].begin + all_extra_bytes;
  return end;
}

// `start` is where the template would have to begin for the values to stand where they shall.
void OneRowTemplate::PutValues(const FeatureBlock& answer, uint32_t begin, uint32_t end,
                               uint8_t* start) const {
  const uint64_t* const words = answer.words.data();
  for (const Piece* piece = pieces_.data() + begin; begin < end; ++begin, ++piece) {
    uint8_t* const at = start + piece->value_at;
    if (piece->kind == ValueKind::kDouble) {
      std::memcpy(at, &words[begin], sizeof(double));
    } else if (piece->kind == ValueKind::kInteger) {
      *at = static_cast<uint8_t>(words[begin]);
    } else if (piece->kind == ValueKind::kFloat) {
      const auto rounded = static_cast<float>(std::bit_cast<double>(words[begin]));
      std::memcpy(at, &rounded, sizeof(rounded));
    }
  }
}

// What is in front of the value stands there already.
void OneRowTemplate::PutLonger(const Piece& piece, const FeatureBlock& answer, uint32_t feature,
                               uint8_t extra_bytes, uint8_t* start) {
  uint8_t* const value = start + piece.value_at;
  start[piece.begin + kTagBytes] += extra_bytes;
  value[-static_cast<ptrdiff_t>(kArrayLengthBack)] += extra_bytes;
  value[-static_cast<ptrdiff_t>(kValueLengthBack)] += extra_bytes;
  const uint64_t word = answer.words[feature];
  if (piece.kind == ValueKind::kText) {
    const std::string_view text = answer.TextOf(word);
    WriteRaw(text.data(), text.size(), value);
  } else {
    WriteVarint(word, value);
  }
}

uint8_t* OneRowTemplate::WriteRun(const FeatureBlock& answer, uint32_t begin, uint32_t end,
                                  uint8_t* out) const {
  const Piece* const pieces = pieces_.data();
  uint32_t copied = pieces[begin].begin;
  uint8_t* start = out - copied;
  const auto copy_to = [&](uint32_t to) {
    WriteRaw(bytes_.data() + copied, to - copied, start + copied);
    copied = to;
  };
  for (uint32_t feature = begin; feature < end; ++feature) {
    const Piece& piece = pieces[feature];
    const size_t extra_bytes = ExtraBytes(piece, answer, feature);
    if (extra_bytes == 0) continue;
    copy_to(piece.value_at);
    PutValues(answer, begin, feature, start);
    PutLonger(piece, answer, feature, static_cast<uint8_t>(extra_bytes), start);
    copied += ValueBytes(piece.kind);
    start += extra_bytes;
    begin = feature + 1;
  }
  copy_to(pieces[end].begin);
  PutValues(answer, begin, end, start);
  return start + copied;
}

}  // namespace freshet::rpc
