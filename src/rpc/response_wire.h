// The answer of GetFeatures as bytes, written by hand: the same bytes that protobuf would write for
// a freshet.v1.GetFeaturesResponse, without a message in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "freshet/features.h"

namespace freshet::rpc {

// Measures, then writes: the buffer is allocated once and exactly. Keep one per thread; its own
// memory is reused.
class ResponseEncoder {
 public:
  // The bytes that Write will write for this response.
  size_t Measure(const FeatureResponse& response);
  // Writes exactly that many. `response` must be as it was measured last.
  void Write(const FeatureResponse& response, uint8_t* out) const;

 private:
  struct ColumnSize {
    size_t array_bytes = 0;  // what is inside the array's message
    size_t packed_bytes = 0;
    size_t times_bytes = 0;
    size_t lengths_bytes = 0;
    size_t total_bytes = 0;
  };

  static ColumnSize MeasureColumn(const FeatureColumn& column);
  static uint8_t* WriteArray(const Column& values, const ColumnSize& size, uint8_t* out);
  static uint8_t* WriteColumn(const FeatureColumn& column, const ColumnSize& size, uint8_t* out);

  std::vector<ColumnSize> columns_;
};

}  // namespace freshet::rpc
