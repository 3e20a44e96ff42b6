// The answer of GetFeatures as bytes, written by hand: the same bytes that protobuf would write for
// a freshet.v1.GetFeaturesResponse, without a message in between.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "freshet/feature_block.h"

#include "base/limits.h"
#include "rpc/column_wire.h"
#include "rpc/one_row_template.h"

namespace freshet::rpc {

// Measures, then writes: the buffer is allocated once and exactly. Keep one per thread; its own
// memory is reused, and what it learns of the shapes of answers.
class ResponseEncoder {
 public:
  // The bytes that Write will write for this answer.
  size_t Measure(const FeatureBlock& answer);
  // Writes exactly that many. `answer` must be as it was measured last.
  void Write(const FeatureBlock& answer, uint8_t* out) const;

 private:
  // Null when the answer is not of the kind that has one.
  const OneRowTemplate* TemplateOf(const FeatureBlock& answer);
  uint8_t* WriteFeatures(const FeatureBlock& answer, uint8_t* out) const;

  // Features up to `run_end` that the template writes, and the one there, if there is one, which it does
  // not.
  struct Step {
    uint32_t run_end = 0;
    ColumnSize column;
  };

  // Of what was measured last.
  const OneRowTemplate* template_ = nullptr;
  std::vector<Step> steps_;
  std::array<std::unique_ptr<OneRowTemplate>, limits::kAnswerTemplatesMax> templates_;  // by shape
  std::array<const void*, limits::kAnswerTemplatesMax>
      last_seen_{};  // shapes, where they have no template
};

}  // namespace freshet::rpc
