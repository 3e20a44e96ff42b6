// The definition of a windowed value, applied to all events kept: no cells, no slots, no code of the timeline's.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

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
  if (const double* x = std::get_if<double>(&a); x != nullptr && *x == std::get<double>(b))
    return std::signbit(*x) && !std::signbit(std::get<double>(b));
  return a < b;
}

inline OracleAnswer Ask(const Schema::Options& options, const std::vector<OracleEvent>& events,
                        const Want& want, int64_t now) {
  __extension__ typedef __float128 Wide;  // more bits than any sum of a test needs
  const std::string_view name = options.aggregations[want.aggregation]->name;
  const bool counts_events = !options.aggregations[want.aggregation]->takes_input;
  OracleAnswer answer;
  aggregate::EventOrder best;
  Wide sum = 0;
  int64_t count = 0;
  bool integers = options.aggregations[want.aggregation]->output == Type::kInt64;
  for (const OracleEvent& event : events) {
    const int64_t t = event.order.time_ms;
    if (FloorTo(t, options.head_hop_ms) > now) continue;
    if (want.window) {
      const Window& window = options.windows[*want.window];
      if (t < FloorTo(now - window.window_ms, window.hop_ms)) continue;
    }
    answer.newest_ms = std::max(answer.newest_ms, t);
    const Value& value = event.values[want.aggregation];
    const double* number = std::get_if<double>(&value);
    const bool null = value.index() == 0 || (number != nullptr && std::isnan(*number));
    if (event.admitted[want.aggregation] == 0 || (null && !counts_events)) continue;
    const bool better = count++ == 0 || (name == "min" && Less(value, answer.value)) ||
                        (name == "max" && Less(answer.value, value)) ||
                        (name == "first" && event.order < best) ||
                        (name == "last" && event.order > best);
    if (better) answer.value = value, best = event.order;
    if (number != nullptr) sum += *number;
    if (const int64_t* integer = std::get_if<int64_t>(&value)) sum += *integer;
  }
  if (name == "count") answer.value = count;
  if (name == "mean" && count > 0)
    answer.value = static_cast<double>(sum) / static_cast<double>(count);
  if (name == "sum" && !integers) answer.value = static_cast<double>(sum);
  const bool overflow = name == "sum" && integers && (sum >= 0x1p63 || sum < -0x1p63);
  if (name == "sum" && integers && !overflow) answer.value = static_cast<int64_t>(sum);
  if (answer.value.index() != 0) answer.outcome = ReadOutcome::kValue;
  if (overflow) answer.outcome = ReadOutcome::kOverflow;
  return answer;
}

}  // namespace freshet::timeline
