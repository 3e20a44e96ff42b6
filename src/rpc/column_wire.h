// One feature of an answer as bytes: a freshet.v1.FeatureColumn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "freshet/feature_block.h"

namespace freshet::rpc {

// What is written of one feature.
struct WireColumn {
  const FeatureBlock& answer;
  const FeatureShape::Feature& feature;
  std::span<const uint64_t> words;          // of a list: of the elements of all rows
  std::span<const uint32_t> lengths;        // of a list
  std::span<const FeatureStatus> statuses;  // none when all are PRESENT
  std::span<const int64_t> event_times_ms;
  std::span<const FeatureBlock::Failure> failures;
};

WireColumn ColumnOf(const FeatureBlock& answer, uint32_t feature);

// How many bytes the parts of one feature take.
struct ColumnSize {
  size_t array_bytes = 0;  // what is inside the array's message
  size_t packed_bytes = 0;
  size_t total_bytes = 0;
};

ColumnSize MeasureColumn(const WireColumn& column);
// Writes what was measured; answers where it ends.
uint8_t* WriteColumn(const WireColumn& column, const ColumnSize& size, uint8_t* out);

}  // namespace freshet::rpc
