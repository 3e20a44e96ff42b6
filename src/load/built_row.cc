#include "load/built_row.h"

#include "load/row_encoder.h"

namespace freshet::load {

BuiltRow::BuiltRow(const registry::FeatureView& view)
    : feature_fields_(view.batch()->feature_fields),
      layout_(ColumnTypes(view)),
      values_(view.batch()->source->fields.size()) {}

const FileRow& BuiltRow::Read(uint64_t number, std::string_view row) {
  for (size_t i = 0; i < feature_fields_.size(); ++i)
    values_[feature_fields_[i]] = layout_.Read(row, i);
  file_row_.line = number;
  file_row_.time_ms = store::RowLayout::EventTimeMs(row);
  file_row_.values = values_;
  return file_row_;
}

}  // namespace freshet::load
