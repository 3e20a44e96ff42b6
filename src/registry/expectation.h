// What the values of a feature must be like for a load to be served.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freshet/value.h"

#include "base/datum.h"
#include "yaml/document.h"

namespace freshet::registry {

// Nulls are for `not_null` and `null_share_max` alone.
struct Expectation {
  Type type = Type::kInt64;  // of the values below
  bool not_null = false;
  std::optional<double> null_share_max;  // 0..1
  // Both ends belong to it; null values where there is no such expectation.
  Value at_least;
  Value at_most;
  std::vector<Value> in;  // ascending; empty: anything

  bool is_any() const;
  // The value is of the feature's type and not null.
  bool IsBetween(const Datum& value) const;
  bool IsIn(const Datum& value) const;
};

// Reads what `expect` says of a feature of that type.
Expectation ReadExpectation(const yaml::Node& node, Type type);

// "between 0 and 150" and "one of "FI", "SE"".
std::string BetweenText(const Expectation& expectation);
std::string InText(const Expectation& expectation);
// All of it, in one line; empty where nothing is expected.
std::string ExpectationText(const Expectation& expectation);

}  // namespace freshet::registry
