// The bytes of an answer of one row, which most are: from answer to answer little but its values differs. They
// are written once for each shape; an answer is a copy with its values put in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/feature_block.h"

namespace freshet::rpc {

// Of answers of one row without event times. Immutable; any thread.
class OneRowTemplate {
 public:
  explicit OneRowTemplate(std::shared_ptr<const FeatureShape> shape);

  // It is held, so that no other shape can come to stand where it stands.
  const std::shared_ptr<const FeatureShape>& shape() const { return shape_; }

  // Where the run of features ends that begin at `begin` and fit: PRESENT, no lists, and short enough for
  // lengths of one byte. Adds to *bytes what they take, with the head that each has in the answer.
  uint32_t MeasureRun(const FeatureBlock& answer, uint32_t begin, size_t* bytes) const;
  // Writes features from `begin` to before `end`, which all fit; answers where they end.
  uint8_t* WriteRun(const FeatureBlock& answer, uint32_t begin, uint32_t end, uint8_t* out) const;

 private:
  enum class ValueKind : uint8_t { kNeverFits, kDouble, kFloat, kInteger, kText };
  struct Piece {
    uint32_t begin = 0;     // in bytes_
    uint32_t value_at = 0;  // likewise: of an integer of one byte, of the empty text
    uint32_t varying = 0;   // in varying_: the first one from here on
    ValueKind kind = ValueKind::kNeverFits;
    uint8_t extra_bytes_max = 0;  // by which a value may be longer than the one here
  };

  static ValueKind KindOf(const FeatureShape::Feature& feature);
  static bool IsVarying(ValueKind kind);
  static size_t ValueBytes(ValueKind kind);
  // The piece of a feature that comes behind those of before, which is left empty where it never fits.
  Piece AddPiece(const FeatureBlock& zeros, uint32_t feature);
  // By how much the value, which varies and may fit, is longer than the one here.
  static size_t ExtraBytes(const Piece& piece, const FeatureBlock& answer, uint32_t feature);
  void PutValues(const FeatureBlock& answer, uint32_t begin, uint32_t end, uint8_t* start) const;
  static void PutLonger(const Piece& piece, const FeatureBlock& answer, uint32_t feature,
                        uint8_t extra_bytes, uint8_t* start);

  const std::shared_ptr<const FeatureShape> shape_;
  std::vector<Piece> pieces_;  // one a feature, and where the last one ends
  // The features that never fit or whose values are not all of one length, ascending, and the number of features.
  std::vector<uint32_t> varying_;
  std::string bytes_;
};

}  // namespace freshet::rpc
