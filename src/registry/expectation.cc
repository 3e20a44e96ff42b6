#include "registry/expectation.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

constexpr size_t kShownValuesMax = 5;

std::string Text(Type type, const Value& value) {
  return ToString(type, ToDatum(value));
}

void ReadBetween(const yaml::Node& node, Type type, Expectation* expectation) {
  const std::vector<yaml::Node> ends = node.AsList("between");
  if (!node.is_list()) return;
  if (type == Type::kBool || ends.size() != 2) {
    node.Report(type == Type::kBool ? "between: a bool has no order; use in: [true]"
                                    : "between takes two values, the least and the greatest");
    return;
  }
  const std::optional<Value> at_least = ReadTyped(ends[0], "between", type);
  const std::optional<Value> at_most = ReadTyped(ends[1], "between", type);
  if (!at_least.has_value() || !at_most.has_value()) return;
  if (IsLess(ToDatum(*at_most), ToDatum(*at_least))) {
    node.Report(fmt::format("between: {} is greater than {}, so no value is between them",
                            Text(type, *at_least), Text(type, *at_most)));
    return;
  }
  expectation->at_least = *at_least;
  expectation->at_most = *at_most;
}

void ReadIn(const yaml::Node& node, Type type, Expectation* expectation) {
  for (const yaml::Node& item : ReadItems(node, "in", limits::kExpectedValuesMax)) {
    if (const std::optional<Value> value = ReadTyped(item, "in", type))
      expectation->in.push_back(*value);
  }
  std::sort(expectation->in.begin(), expectation->in.end(),
            [](const Value& a, const Value& b) { return IsLess(ToDatum(a), ToDatum(b)); });
}

}  // namespace

bool Expectation::is_any() const {
  return not_null || null_share_max.has_value() || !ToDatum(at_least).is_null() || !in.empty();
}

bool Expectation::IsBetween(const Datum& value) const {
  const Datum least = ToDatum(at_least);
  return least.is_null() || (!IsLess(value, least) && !IsLess(ToDatum(at_most), value));
}

bool Expectation::IsIn(const Datum& value) const {
  if (in.empty()) return true;
  const auto found = std::lower_bound(
      in.begin(), in.end(), value,
      [](const Value& known, const Datum& wanted) { return IsLess(ToDatum(known), wanted); });
  return found != in.end() && !IsLess(value, ToDatum(*found));
}

Expectation ReadExpectation(const yaml::Node& node, Type type) {
  Expectation expectation;
  expectation.type = type;
  yaml::MapReader reader(node, "expect");
  if (const auto not_null = reader.Optional("not_null"))
    expectation.not_null = not_null->AsBool("not_null").value_or(false);
  if (const auto share = reader.Optional("max_null_share")) {
    expectation.null_share_max = share->AsDouble("max_null_share");
    if (expectation.null_share_max.has_value() &&
        !(*expectation.null_share_max >= 0 && *expectation.null_share_max <= 1))
      share->Report("max_null_share must be from 0 to 1, such as 0.01 for one row in a hundred");
  }
  if (const auto between = reader.Optional("between")) ReadBetween(*between, type, &expectation);
  if (const auto in = reader.Optional("in")) ReadIn(*in, type, &expectation);
  reader.Done();
  return expectation;
}

std::string BetweenText(const Expectation& expectation) {
  return fmt::format("between {} and {}", Text(expectation.type, expectation.at_least),
                     Text(expectation.type, expectation.at_most));
}

std::string InText(const Expectation& expectation) {
  std::vector<std::string> shown;
  for (const Value& value : expectation.in) {
    if (shown.size() == kShownValuesMax) break;
    shown.push_back(Text(expectation.type, value));
  }
  const size_t more = expectation.in.size() - shown.size();
  return fmt::format("one of {}{}", fmt::join(shown, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string ExpectationText(const Expectation& expectation) {
  std::vector<std::string> parts;
  if (expectation.not_null) parts.emplace_back("not null");
  if (expectation.null_share_max.has_value())
    parts.push_back(fmt::format("at most {} of them null", *expectation.null_share_max));
  if (!ToDatum(expectation.at_least).is_null()) parts.push_back(BetweenText(expectation));
  if (!expectation.in.empty()) {
    std::vector<std::string> values;
    for (const Value& value : expectation.in) values.push_back(Text(expectation.type, value));
    parts.push_back(fmt::format("one of {}", fmt::join(values, ", ")));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace freshet::registry
