#include "load/row_encoder.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "store/entity_key.h"

namespace freshet::load {

std::vector<std::string> ColumnNames(const registry::FeatureView& view) {
  std::vector<std::string> names;
  for (const registry::Feature& feature : view.features) names.push_back(feature.name);
  return names;
}

std::vector<Type> ColumnTypes(const registry::FeatureView& view) {
  std::vector<Type> types;
  for (const registry::Feature& feature : view.features) types.push_back(feature.type);
  return types;
}

RowEncoder::RowEncoder(const registry::FeatureView& view)
    : join_keys_(view.entity->join_keys), batch_(*view.batch()), layout_(ColumnTypes(view)) {}

std::optional<Problems> RowEncoder::Encode(const FileRow& file_row) {
  key_.clear();
  for (size_t i = 0; i < join_keys_.size(); ++i) {
    const Datum& value = file_row.values[batch_.key_fields[i]];
    if (value.is_null()) {
      const std::string missing = fmt::format("{}: the join key is missing", FieldName(i));
      return Problems{missing, missing};
    }
    const Status status = store::AppendEntityKey(join_keys_[i].type, value, key_);
    if (!status.ok()) {
      return Problems{fmt::format("{}: {}", FieldName(i), status.message()),
                      fmt::format("{}: not a join key", FieldName(i))};
    }
  }
  if (key_.size() > limits::kEntityKeyBytesMax) {
    return Problems{fmt::format("the join keys have {} bytes together, at most {} are allowed",
                                key_.size(), limits::kEntityKeyBytesMax),
                    "the join keys are too long together"};
  }
  row_.clear();
  if (file_row.is_deletion) {
    store::RowLayout::EncodeTombstone(file_row.time_ms, row_);
    return std::nullopt;
  }
  layout_.Encode(file_row.time_ms, file_row.values, batch_.feature_fields, row_);
  if (row_.size() <= limits::kStoredRowBytesMax) return std::nullopt;
  return Problems{fmt::format("the features have {} bytes together, at most {} are allowed",
                              row_.size(), limits::kStoredRowBytesMax),
                  "the features are too large together"};
}

}  // namespace freshet::load
