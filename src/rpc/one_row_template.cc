#include "rpc/one_row_template.h"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "freshet/v1/feature_store.pb.h"

#include "rpc/column_wire.h"
#include "rpc/wire.h"

namespace freshet::rpc {
namespace {

constexpr uint64_t kOneByteVarintMax = 0x7f;

// An answer of nothing but zeros.
FeatureBlock ZeroAnswer(std::shared_ptr<const FeatureShape> shape) {
  const size_t feature_count = shape->features.size();
  FeatureBlock answer;
  answer.shape = std::move(shape);
  answer.row_count = 1;
  answer.words.assign(feature_count, 0);
  answer.statuses.assign(feature_count, FeatureStatus::kPresent);
  answer.absent_counts.assign(feature_count, 0);
  return answer;
}

// How many bytes a value takes that fits, and the greatest word that does; no bytes where none fits.
std::pair<uint32_t, uint64_t> ValueOf(const FeatureShape::Feature& feature) {
  if (feature.is_list) return {0, 0};
  switch (feature.type) {
    case Type::kDouble:
      return {sizeof(double), std::numeric_limits<uint64_t>::max()};
    case Type::kFloat:
      return {sizeof(float), std::numeric_limits<uint64_t>::max()};
    case Type::kBool:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return {1, kOneByteVarintMax};
    case Type::kString:
    case Type::kBytes:
      break;
  }
  return {0, 0};
}

// What stands behind the value: the type; of a decimal, whose array comes last, its scale.
size_t BytesBehindValue(Type type) {
  return VarintFieldBytes(type == Type::kDecimal ? type.scale : static_cast<uint64_t>(type.kind));
}

}  // namespace

OneRowTemplate::OneRowTemplate(std::shared_ptr<const FeatureShape> shape)
    : shape_(std::move(shape)) {
  const FeatureBlock zeros = ZeroAnswer(shape_);
  for (uint32_t feature = 0; feature < shape_->features.size(); ++feature) {
    const FeatureShape::Feature& described = shape_->features[feature];
    const auto [value_bytes, word_max] = ValueOf(described);
    Piece& piece = pieces_.emplace_back();
    piece.begin = static_cast<uint32_t>(bytes_.size());
    if (value_bytes == 0) continue;
    const WireColumn column = ColumnOf(zeros, feature);
    const ColumnSize size = MeasureColumn(column);
    bytes_.resize(piece.begin + FieldBytes(size.total_bytes));
    uint8_t* out = reinterpret_cast<uint8_t*>(bytes_.data()) + piece.begin;
    out = WriteFieldHead(v1::GetFeaturesResponse::kFeaturesFieldNumber, size.total_bytes, out);
    WriteColumn(column, size, out);
    piece.value_bytes = value_bytes;
    piece.word_max = word_max;
    piece.value_at =
        static_cast<uint32_t>(bytes_.size() - BytesBehindValue(described.type) - value_bytes);
  }
  pieces_.push_back({.begin = static_cast<uint32_t>(bytes_.size())});
}

uint8_t* OneRowTemplate::Write(const FeatureBlock& answer, uint32_t begin, uint32_t end,
                               uint8_t* out) const {
  const uint32_t first = pieces_[begin].begin;
  out = WriteRaw(bytes_.data() + first, pieces_[end].begin - first, out);
  uint8_t* const start = out - pieces_[end].begin;
  for (uint32_t feature = begin; feature < end; ++feature) {
    const Piece& piece = pieces_[feature];
    const uint64_t word = answer.words[feature];
    uint8_t* const at = start + piece.value_at;
    if (piece.value_bytes == sizeof(double)) {
      std::memcpy(at, &word, sizeof(word));
    } else if (piece.value_bytes == 1) {
      *at = static_cast<uint8_t>(word);
    } else {
      const auto rounded = static_cast<float>(std::bit_cast<double>(word));
      std::memcpy(at, &rounded, sizeof(rounded));
    }
  }
  return out;
}

}  // namespace freshet::rpc
