// The definition of a windowed value, applied to all events kept: no cells, no slots.
#pragma once

#include <cmath>

#include "timeline/timeline.h"

namespace freshet::timeline {

struct OracleEvent {
  aggregate::EventOrder order;
  std::vector<Value> values;
  std::vector<uint8_t> admitted;
};

struct OracleAnswer {
  ReadOutcome outcome = ReadOutcome::kNull;
  Value value;
  int64_t newest_ms = INT64_MIN;
};

inline int64_t FloorTo(int64_t t, int64_t h) {
  return t - ((t % h) + h) % h;
}

inline bool Less(const Value& a, const Value& b) {
  const double *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  return x != nullptr && *x == *y ? std::signbit(*x) && !std::signbit(*y) : a < b;
}

inline OracleAnswer Ask(const Schema::Options& options, const std::vector<OracleEvent>& events,
                        const Want& want, int64_t now) {
  __extension__ typedef __float128 Wide;  // more bits than any sum of a test needs
  const aggregate::Aggregate& function = *options.aggregations[want.aggregation];
  const auto is = [&](std::string_view name) { return function.name == name; };
  OracleAnswer answer;
  aggregate::EventOrder best;
  Wide sum = 0;
  int64_t count = 0;
  for (const auto& [order, values, admitted] : events) {
    if (FloorTo(order.time_ms, options.head_hop_ms) > now) continue;
    const Window window = want.window ? options.windows[*want.window] : Window{};
    if (want.window && order.time_ms < FloorTo(now - window.window_ms, window.hop_ms)) continue;
    answer.newest_ms = std::max(answer.newest_ms, order.time_ms);
    const Value& value = values[want.aggregation];
    const double* number = std::get_if<double>(&value);
    const bool null = value.index() == 0 || (number != nullptr && std::isnan(*number));
    if (admitted[want.aggregation] == 0 || (null && function.takes_input)) continue;
    if (count++ == 0 || (is("min") && Less(value, answer.value)) || (is("first") && order < best) ||
        (is("max") && Less(answer.value, value)) || (is("last") && order > best))
      answer.value = value, best = order;
    if (number != nullptr) sum += *number;
    if (const int64_t* integer = std::get_if<int64_t>(&value)) sum += *integer;
  }
  const bool overflow = function.output == Type::kInt64 && (sum >= 0x1p63 || sum < -0x1p63);
  if (is("count")) answer.value = count;
  if (is("mean") && count > 0) answer.value = static_cast<double>(sum) / static_cast<double>(count);
  if (is("sum") && function.output == Type::kDouble) answer.value = static_cast<double>(sum);
  if (is("sum") && function.output == Type::kInt64 && !overflow)
    answer.value = static_cast<int64_t>(sum);
  answer.outcome = answer.value.index() != 0 ? ReadOutcome::kValue : ReadOutcome::kNull;
  if (is("sum") && overflow) answer.outcome = ReadOutcome::kOverflow;
  return answer;
}

}  // namespace freshet::timeline
