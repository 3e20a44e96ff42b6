// Short ways to build schemas and events by hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "timeline/timeline.h"

namespace freshet::timeline {

inline constexpr int64_t kSecondMs = 1'000;
inline constexpr int64_t kMinuteMs = 60 * kSecondMs;
inline constexpr int64_t kHourMs = 60 * kMinuteMs;
inline constexpr int64_t kDayMs = 24 * kHourMs;

inline std::shared_ptr<const aggregate::Aggregate> Function(std::string_view name, Type type) {
  const auto found = aggregate::FindAggregate(name, &type);
  EXPECT_TRUE(found.ok()) << found.status().ToString();
  return *found;
}

inline std::shared_ptr<const aggregate::Aggregate> CountOfEvents() {
  return *aggregate::FindAggregate("count", nullptr);
}

inline Schema Make(const Schema::Options& options) {
  Result<Schema> schema = Schema::Create(options);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return *schema;
}

// One event with the same value for every aggregation, admitted by all.
inline ApplyOutcome ApplyOne(const Schema& schema, int64_t time_ms, const Datum& value,
                             std::string& bytes, int64_t offset = 0) {
  const std::vector<Datum> values(schema.aggregations().size(), value);
  const std::vector<uint8_t> admitted(schema.aggregations().size(), 1);
  return Apply(schema, {{time_ms, 0, offset}, values, admitted}, bytes);
}

inline WindowedValue ReadOne(const Schema& schema, const Want& want, std::string_view bytes,
                             int64_t now_ms) {
  Reader reader(schema, {want});
  return reader.Read(bytes, now_ms)[0];
}

}  // namespace freshet::timeline
