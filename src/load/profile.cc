#include "load/profile.h"

#include <algorithm>

#include "base/datum.h"
#include "base/time.h"
#include "load/field_value.h"

namespace freshet::load {
namespace {

std::string TextOf(Type type, const Value& value) {
  const Datum datum = ToDatum(value);
  if (datum.is_null()) return std::string();
  if (datum.kind() == Datum::Kind::kString) return Shortened(datum.as_string());
  return type == Type::kTimestamp ? FormatRfc3339Ms(datum.as_int()) : ToString(type, datum);
}

}  // namespace

Profiler::Profiler(const registry::FeatureView& view)
    : view_(view), columns_(view.features.size()) {}

void Profiler::Take(const FileRow& row) {
  const std::vector<uint32_t>& fields = view_.batch()->feature_fields;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (std::find(row.lacking.begin(), row.lacking.end(), fields[i]) != row.lacking.end()) continue;
    Column& column = columns_[i];
    const Datum& value = row.values[fields[i]];
    ++column.rows;
    if (value.is_null()) {
      ++column.nulls;
      continue;
    }
    const bool is_first = column.rows - column.nulls == 1;
    if (is_first || IsLess(value, ToDatum(column.least))) column.least = ToValue(value);
    if (is_first || IsLess(ToDatum(column.greatest), value)) column.greatest = ToValue(value);
  }
}

std::vector<LoadProfile::Column> Profiler::Columns() const {
  std::vector<LoadProfile::Column> columns;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const registry::Feature& feature = view_.features[i];
    const Column& column = columns_[i];
    columns.push_back({feature.name, feature.type, column.rows, column.nulls,
                       TextOf(feature.type, column.least), TextOf(feature.type, column.greatest)});
  }
  return columns;
}

}  // namespace freshet::load
