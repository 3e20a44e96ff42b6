// An answer that a test writes down column by column, as the block that an engine answers.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <vector>

#include "freshet/feature_block.h"

#include "base/check.h"

namespace freshet::testing {

inline std::vector<uint64_t> WordsOf(const Column& values, FeatureBlock* block) {
  std::vector<uint64_t> words;
  for (const int64_t value : values.integers) words.push_back(static_cast<uint64_t>(value));
  for (const double value : values.numbers) words.push_back(std::bit_cast<uint64_t>(value));
  for (const std::string& value : values.texts) words.push_back(block->AddText(value));
  return words;
}

inline void AppendColumn(const FeatureColumn& column, FeatureShape* shape, FeatureBlock* block) {
  const auto feature = static_cast<uint32_t>(shape->features.size());
  const auto list = static_cast<uint32_t>(block->lists.size());
  const bool is_list = column.values.is_list;
  shape->features.push_back({column.name, column.values.type, is_list, is_list ? list : 0});
  std::vector<uint64_t> words = WordsOf(column.values, block);
  if (is_list) {
    block->lists.push_back({column.values.lengths, std::move(words)});
    words.assign(block->row_count, 0);
  }
  block->words.insert(block->words.end(), words.begin(), words.end());
  FRESHET_CHECK(words.size() == block->row_count);
  std::vector<FeatureStatus> statuses = column.statuses;
  statuses.resize(block->row_count, FeatureStatus::kPresent);
  block->statuses.insert(block->statuses.end(), statuses.begin(), statuses.end());
  block->absent_counts.push_back(static_cast<uint32_t>(
      block->row_count - std::count(statuses.begin(), statuses.end(), FeatureStatus::kPresent)));
  block->event_times_ms.insert(block->event_times_ms.end(), column.event_times_ms.begin(),
                               column.event_times_ms.end());
  for (const FeatureFailure& failure : column.failures)
    block->failures.push_back({feature, failure.row, failure.reason});
}

// Event times stand in all columns of `response` or in none.
inline FeatureBlock ToBlock(const FeatureResponse& response) {
  FeatureBlock block;
  block.row_count = response.row_count;
  block.read_time_ms = response.read_time_ms;
  block.as_of = response.as_of;
  block.phases = response.phases;
  auto shape = std::make_shared<FeatureShape>();
  for (const FeatureColumn& column : response.features) AppendColumn(column, shape.get(), &block);
  const size_t value_count = size_t{block.row_count} * shape->features.size();
  FRESHET_CHECK(block.event_times_ms.empty() || block.event_times_ms.size() == value_count);
  block.shape = std::move(shape);
  return block;
}

}  // namespace freshet::testing
