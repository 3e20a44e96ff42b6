#include "load/expectations.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/datum.h"
#include "load/field_value.h"
#include "registry/expectation.h"

namespace freshet::load {
namespace {

using registry::Expectation;

std::string PlaceOf(const FileRow& row, const std::string& file) {
  return file.empty() ? fmt::format("line {}", row.line) : fmt::format("{}:{}", file, row.line);
}

std::string FirstOf(const std::string& place, Type type, const Datum& value) {
  return fmt::format("{}: {}", place, Shortened(ToString(type, value)));
}

std::string Percent(double share) {
  return fmt::format("{:.3g}%", share * 100);
}

}  // namespace

ExpectationCheck::ExpectationCheck(const registry::FeatureView& view) : view_(view) {
  const registry::BatchView& batch = *view.batch();
  for (uint32_t feature = 0; feature < batch.expectations.size(); ++feature) {
    const Expectation& expectation = batch.expectations[feature];
    if (!expectation.is_any()) continue;
    columns_.push_back(
        {.feature = feature, .field = batch.feature_fields[feature], .expectation = &expectation});
  }
}

void ExpectationCheck::Take(const FileRow& row, const std::string& file) {
  for (Column& column : columns_) {
    // An upsert keeps what is served of a column that its files do without.
    if (std::find(row.lacking.begin(), row.lacking.end(), column.field) != row.lacking.end())
      continue;
    ExpectationCounts& counts = column.counts;
    ++counts.rows;
    const Datum& value = row.values[column.field];
    if (value.is_null()) {
      if (counts.nulls++ == 0) counts.first_null = PlaceOf(row, file);
      continue;
    }
    const Expectation& expectation = *column.expectation;
    const Type type = view_.features[column.feature].type;
    const auto note = [&](ExpectationCounts::Breach& breach) {
      if (breach.count++ == 0) breach.first = FirstOf(PlaceOf(row, file), type, value);
    };
    if (!expectation.IsBetween(value)) note(counts.outside);
    if (!expectation.IsIn(value)) note(counts.unknown);
  }
}

std::vector<std::string> ExpectationCheck::Broken(uint64_t rows_served) const {
  std::vector<std::string> broken;
  const uint64_t rows_min = view_.batch()->rows_min;
  if (rows_served < rows_min) {
    broken.push_back(fmt::format("{} rows would be served where at least {} are expected",
                                 rows_served, rows_min));
  }
  for (const Column& column : columns_) AddBroken(column, broken);
  return broken;
}

std::vector<ExpectationCounts> ExpectationCheck::counts() const {
  std::vector<ExpectationCounts> counts;
  for (const Column& column : columns_) counts.push_back(column.counts);
  return counts;
}

bool ExpectationCheck::Restore(const std::vector<ExpectationCounts>& counts) {
  if (counts.size() != columns_.size()) return false;
  for (size_t i = 0; i < counts.size(); ++i) columns_[i].counts = counts[i];
  return true;
}

void ExpectationCheck::AddBroken(const Column& column, std::vector<std::string>& broken) const {
  const std::string& name = view_.features[column.feature].name;
  const Expectation& expectation = *column.expectation;
  const ExpectationCounts& counts = column.counts;
  if (expectation.not_null && counts.nulls > 0) {
    broken.push_back(fmt::format("{}: {} of {} rows are null, the first: {}", name, counts.nulls,
                                 counts.rows, counts.first_null));
  }
  const double null_share =
      counts.rows == 0 ? 0 : static_cast<double>(counts.nulls) / static_cast<double>(counts.rows);
  if (expectation.null_share_max.has_value() && null_share > *expectation.null_share_max) {
    broken.push_back(fmt::format("{}: {} of {} rows are null, {} where {} are allowed", name,
                                 counts.nulls, counts.rows, Percent(null_share),
                                 Percent(*expectation.null_share_max)));
  }
  if (counts.outside.count > 0) {
    broken.push_back(fmt::format("{}: {} of {} rows are not {}, the first: {}", name,
                                 counts.outside.count, counts.rows,
                                 registry::BetweenText(expectation), counts.outside.first));
  }
  if (counts.unknown.count > 0) {
    broken.push_back(fmt::format("{}: {} of {} rows are not {}, the first: {}", name,
                                 counts.unknown.count, counts.rows, registry::InText(expectation),
                                 counts.unknown.first));
  }
}

}  // namespace freshet::load
