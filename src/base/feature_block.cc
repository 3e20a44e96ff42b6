#include "freshet/feature_block.h"

#include <bit>

#include "base/datum.h"

namespace freshet {
namespace {

// What stands for one feature in an array of the block.
template <typename T>
std::vector<T> PartOf(const std::vector<T>& all, const FeatureBlock& block, size_t feature) {
  const auto begin = all.begin() + static_cast<ptrdiff_t>(feature * block.row_count);
  return {begin, begin + block.row_count};
}

void AppendWords(const FeatureBlock& block, const std::vector<uint64_t>& words, Column* values) {
  for (const uint64_t word : words) {
    switch (KindOf(values->type)) {
      case Datum::Kind::kDouble:
        values->numbers.push_back(std::bit_cast<double>(word));
        break;
      case Datum::Kind::kString:
        values->texts.emplace_back(block.TextOf(word));
        break;
      default:
        values->integers.push_back(static_cast<int64_t>(word));
    }
  }
}

Column ValuesOf(const FeatureBlock& block, size_t feature) {
  const FeatureShape::Feature& shape = block.shape->features[feature];
  Column values{.type = shape.type, .is_list = shape.is_list};
  if (shape.is_list) {
    values.lengths = block.lists[shape.list].lengths;
    AppendWords(block, block.lists[shape.list].words, &values);
  } else {
    AppendWords(block, PartOf(block.words, block, feature), &values);
  }
  return values;
}

FeatureColumn ColumnOf(const FeatureBlock& block, size_t feature) {
  FeatureColumn column;
  column.name = block.shape->features[feature].name;
  column.values = ValuesOf(block, feature);
  if (block.absent_counts[feature] > 0) column.statuses = PartOf(block.statuses, block, feature);
  if (!block.event_times_ms.empty())
    column.event_times_ms = PartOf(block.event_times_ms, block, feature);
  return column;
}

}  // namespace

void ToResponse(const FeatureBlock& block, FeatureResponse* response) {
  response->read_time_ms = block.read_time_ms;
  response->row_count = block.row_count;
  response->features.clear();
  for (size_t feature = 0; feature < block.feature_count(); ++feature)
    response->features.push_back(ColumnOf(block, feature));
  for (const FeatureBlock::Failure& failure : block.failures)
    response->features[failure.feature].failures.push_back({failure.row, failure.reason});
  response->as_of = block.as_of;
  response->phases = block.phases;
}

}  // namespace freshet
