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

bool OneRowTemplate::IsVarying(ValueKind kind) {
  return kind != ValueKind::kDouble && kind != ValueKind::kFloat;
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
  const auto feature_count = static_cast<uint32_t>(shape_->features.size());
  for (uint32_t feature = 0; feature < feature_count; ++feature) {
    pieces_.push_back(AddPiece(zeros, feature));
    if (IsVarying(pieces_.back().kind)) varying_.push_back(feature);
  }
  pieces_.push_back({.begin = static_cast<uint32_t>(bytes_.size()),
                     .varying = static_cast<uint32_t>(varying_.size())});
  varying_.push_back(feature_count);
}

OneRowTemplate::Piece OneRowTemplate::AddPiece(const FeatureBlock& zeros, uint32_t feature) {
  const FeatureShape::Feature& described = shape_->features[feature];
  Piece piece = {.begin = static_cast<uint32_t>(bytes_.size()),
                 .varying = static_cast<uint32_t>(varying_.size())};
  if (KindOf(described) == ValueKind::kNeverFits) return piece;
  const WireColumn column = ColumnOf(zeros, feature);
  const ColumnSize size = MeasureColumn(column);
  if (size.total_bytes > kOneByteMax) return piece;
  piece.kind = KindOf(described);
  piece.extra_bytes_max = static_cast<uint8_t>(kOneByteMax - size.total_bytes);
  bytes_.resize(piece.begin + FieldBytes(size.total_bytes));
  auto* out = reinterpret_cast<uint8_t*>(bytes_.data()) + piece.begin;
  out = WriteFieldHead(v1::GetFeaturesResponse::kFeaturesFieldNumber, size.total_bytes, out);
  WriteColumn(column, size, out);
  piece.value_at = static_cast<uint32_t>(bytes_.size() - BytesBehindValue(described.type) -
                                         ValueBytes(piece.kind));
  return piece;
}

inline size_t OneRowTemplate::ExtraBytes(const Piece& piece, const FeatureBlock& answer,
                                         uint32_t feature) {
  const uint64_t word = answer.words.data()[feature];
  return piece.kind == ValueKind::kInteger ? VarintBytes(word) - 1 : answer.TextOf(word).size();
}

uint32_t OneRowTemplate::MeasureRun(const FeatureBlock& answer, uint32_t begin,
                                    size_t* bytes) const {
  const Piece* const pieces = pieces_.data();
  const uint32_t* const absent_counts = answer.absent_counts.data();
  const auto present_end = static_cast<uint32_t>(
      std::find_if(absent_counts + begin, absent_counts + shape_->features.size(),
                   [](uint32_t count) { return count != 0; }) -
      absent_counts);
  size_t all_extra_bytes = 0;
  const uint32_t* varying = varying_.data() + pieces[begin].varying;
  for (; *varying < present_end; ++varying) {
    const Piece& piece = pieces[*varying];
    if (piece.kind == ValueKind::kNeverFits) break;
    const size_t extra_bytes = ExtraBytes(piece, answer, *varying);
    if (extra_bytes > piece.extra_bytes_max) break;
    all_extra_bytes += extra_bytes;
  }
  const uint32_t end = std::min(*varying, present_end);
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
  for (const uint32_t* varying = varying_.data() + pieces[begin].varying; *varying < end;
       ++varying) {
    const Piece& piece = pieces[*varying];
    const size_t extra_bytes = ExtraBytes(piece, answer, *varying);
    if (extra_bytes == 0) continue;
    copy_to(piece.value_at);
    PutValues(answer, begin, *varying, start);
    PutLonger(piece, answer, *varying, static_cast<uint8_t>(extra_bytes), start);
    copied += ValueBytes(piece.kind);
    start += extra_bytes;
    begin = *varying + 1;
  }
  copy_to(pieces[end].begin);
  PutValues(answer, begin, end, start);
  return start + copied;
}

}  // namespace freshet::rpc
