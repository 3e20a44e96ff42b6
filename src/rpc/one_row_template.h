// The bytes of an answer of one row, which most are: from answer to answer only its values differ. They are
// written once for each shape; an answer is a copy with its values put in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/feature_block.h"

namespace freshet::rpc {

// Immutable; any thread.
class OneRowTemplate {
 public:
  explicit OneRowTemplate(std::shared_ptr<const FeatureShape> shape);

  // Not only an equal one: it is held, so that no other can come to stand where it stands.
  const std::shared_ptr<const FeatureShape>& shape() const { return shape_; }

  // Whether a feature of a one-row answer without event times is as long as here: PRESENT, neither text
  // nor list, and an integer of one byte.
  bool Fits(const FeatureBlock& answer, uint32_t feature) const {
    const Piece& piece = pieces_[feature];
    return piece.value_bytes != 0 && answer.words[feature] <= piece.word_max &&
           answer.absent_counts[feature] == 0;
  }
  // With the head of the field that it is in the answer.
  size_t BytesOf(uint32_t feature) const {
    return pieces_[feature + 1].begin - pieces_[feature].begin;
  }
  // Writes features from `begin` to before `end`, which all fit; answers where they end.
  uint8_t* Write(const FeatureBlock& answer, uint32_t begin, uint32_t end, uint8_t* out) const;

 private:
  struct Piece {
    uint32_t begin = 0;        // in bytes_
    uint32_t value_at = 0;     // likewise
    uint32_t value_bytes = 0;  // 0: never fits
    uint64_t word_max = 0;
  };

  const std::shared_ptr<const FeatureShape> shape_;
  std::vector<Piece> pieces_;  // one a feature, and where the last one ends
  std::string bytes_;
};

}  // namespace freshet::rpc
