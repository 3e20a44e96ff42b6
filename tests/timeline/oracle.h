// The definition of a windowed value, applied to all events kept: no cells, no slots.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <gtest/gtest.h>

#include "timeline/timeline.h"

namespace freshet::timeline {

struct OracleEvent {
  aggregate::EventOrder order;
  std::vector<Value> values;
  std::vector<uint8_t> admitted;
  std::vector<Value> by;
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

// One event that takes part, as the answer sees it.
struct OracleInput {
  aggregate::EventOrder order;
  Value value;
  Value by = {};
};

__extension__ typedef __float128 Wide;  // more bits than any sum of a test needs

inline Wide NumberOf(const Value& value) {
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return *integer;
  const double* number = std::get_if<double>(&value);
  return number != nullptr ? *number : 0;
}

inline Value IfAny(bool any, Value value) {
  return any ? value : Value();
}

// The sum over all inputs of (x - mean)^power.
inline Wide Central(const std::vector<OracleInput>& inputs, Wide mean, int power) {
  Wide sum = 0;
  for (const OracleInput& input : inputs) {
    Wide term = 1;
    for (int i = 0; i < power; ++i) term *= NumberOf(input.value) - mean;
    sum += term;
  }
  return sum;
}

inline Value Moment(std::string_view name, const std::vector<OracleInput>& inputs, Wide mean) {
  const auto n = static_cast<Wide>(inputs.size());
  const Wide square = inputs.empty() ? 0 : Central(inputs, mean, 2) / n;
  const auto variance = static_cast<double>(square);
  if (name == "var_pop") return IfAny(n > 0, variance);
  if (name == "stddev_pop") return IfAny(n > 0, std::sqrt(variance));
  const auto sample = static_cast<double>(n > 1 ? square * n / (n - 1) : 0);
  if (name == "var_samp") return IfAny(n > 1, sample);
  if (name == "stddev_samp") return IfAny(n > 1, std::sqrt(sample));
  if (n == 0 || variance == 0) return {};
  if (name == "skewness")
    return static_cast<double>(Central(inputs, mean, 3) / n) / std::pow(variance, 1.5);
  return static_cast<double>(Central(inputs, mean, 4) / n / (square * square)) - 3;
}

inline Value Decayed(std::string_view name, const std::vector<OracleInput>& inputs, int64_t now,
                     int64_t half_life) {
  Wide weights = 0;
  Wide sum = 0;
  // A mean of weighted values is the same at any time.
  const int64_t at = name == "decayed_mean" && !inputs.empty() ? inputs.back().order.time_ms : now;
  for (const OracleInput& input : inputs) {
    const long double age = static_cast<long double>(at) - input.order.time_ms;
    const Wide weight = std::max(std::exp2(-age / static_cast<long double>(half_life)),
                                 std::numeric_limits<long double>::min());
    weights += weight;
    sum += weight * NumberOf(input.value);
  }
  if (name == "decayed_count") return static_cast<double>(weights);
  if (name == "decayed_sum") return static_cast<double>(sum);
  return IfAny(weights != 0, static_cast<double>(sum / weights));
}

inline Value Quantile(const std::vector<OracleInput>& inputs, double quantile) {
  std::vector<double> sorted;
  for (const OracleInput& input : inputs) {
    const double* number = std::get_if<double>(&input.value);
    sorted.push_back(number != nullptr ? *number : static_cast<double>(NumberOf(input.value)));
  }
  std::sort(sorted.begin(), sorted.end(),
            [](double a, double b) { return Less(Value(a), Value(b)); });
  if (sorted.empty()) return {};
  return sorted[static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1))];
}

inline std::string TextOf(const Value& value) {
  return ToString(ToDatum(value)) + " ";
}

// Lists as texts.
inline std::string ListOf(const aggregate::Aggregate& function, std::vector<OracleInput> inputs) {
  const auto is = [&](std::string_view name) { return function.name == name; };
  const bool distinct = function.name.find("distinct") != std::string_view::npos;
  const bool frequent = function.name.starts_with("most_frequent");
  if (function.name.starts_with("last")) std::reverse(inputs.begin(), inputs.end());
  if (is("top_k") || is("bottom_k"))
    std::stable_sort(inputs.begin(), inputs.end(), [&](const auto& a, const auto& b) {
      return is("top_k") ? Less(b.value, a.value) : Less(a.value, b.value);
    });
  if (is("top_k_by") || is("bottom_k_by"))
    std::stable_sort(inputs.begin(), inputs.end(), [&](const auto& a, const auto& b) {
      return is("top_k_by") ? b.by < a.by : a.by < b.by;
    });
  std::map<Value, int64_t> counts;
  std::string text;
  if (is("percentiles")) {
    for (uint32_t i = 0; i < function.parameters.quantiles.count && !inputs.empty(); ++i)
      text += TextOf(Quantile(inputs, function.parameters.quantiles.values[i]));
    return text;
  }
  size_t items = 0;
  for (OracleInput& input : inputs) {
    if (const double* number = std::get_if<double>(&input.value);
        number != nullptr && *number == 0 && (distinct || frequent))
      input.value = 0.0;
    const bool again = counts[input.value]++ > 0;
    if (frequent || (distinct && again) || items == function.parameters.k) continue;
    ++items;
    const bool times = function.name.ends_with("_times");
    text += times ? TextOf(input.order.time_ms) : TextOf(input.value);
  }
  if (!frequent) return text;
  std::vector<std::pair<int64_t, Value>> order;
  for (const auto& [value, count] : counts) order.push_back({-count, value});
  std::sort(order.begin(), order.end());
  for (const auto& [count, value] : order)
    if (items++ < function.parameters.k)
      text += is("most_frequent_k") ? TextOf(value) : TextOf(-count);
  return text;
}

// Categories, or how many inputs each has, or their sum; nothing when a sum overflows.
inline std::optional<std::string> CategoriesOf(const aggregate::Aggregate& function,
                                               const std::vector<OracleInput>& inputs) {
  std::map<Value, std::pair<int64_t, Wide>> tallies;
  for (const OracleInput& input : inputs) {
    Value category = function.name == "category_sums" ? input.by : input.value;
    if (const double* number = std::get_if<double>(&category); number != nullptr && *number == 0)
      category = 0.0;
    auto& [count, sum] = tallies[category];
    ++count;
    sum += NumberOf(input.value);
  }
  std::string text;
  for (const auto& [category, tally] : tallies) {
    const auto& [count, sum] = tally;
    if (function.name == "categories") {
      text += TextOf(category);
    } else if (function.name == "category_counts") {
      text += TextOf(count);
    } else if ((function.output == Type::kInt64 || function.output == Type::kDecimal)) {
      if (sum >= 0x1p63 || sum < -0x1p63) return std::nullopt;
      text += TextOf(static_cast<int64_t>(sum));
    } else {
      text += TextOf(static_cast<double>(sum));
    }
  }
  return text;
}

inline std::string HistogramOf(const aggregate::Edges& edges,
                               const std::vector<OracleInput>& inputs) {
  std::string text;
  for (uint32_t bin = 0; bin <= edges.count; ++bin) {
    int64_t count = 0;
    for (const OracleInput& input : inputs) {
      const Wide number = NumberOf(input.value);
      const bool is_above = bin == 0 || number >= edges.values[bin - 1];
      count += is_above && (bin == edges.count || number < edges.values[bin]) ? 1 : 0;
    }
    text += TextOf(count);
  }
  return text;
}

// Over inputs in the order of events.
inline OracleAnswer Evaluate(const aggregate::Aggregate& function,
                             const std::vector<OracleInput>& inputs, int64_t now, int64_t window) {
  const auto is = [&](std::string_view name) { return function.name == name; };
  const auto less = [](const OracleInput& a, const OracleInput& b) {
    return Less(a.value, b.value);
  };
  OracleAnswer answer;
  const bool any = !inputs.empty();
  Wide sum = 0;
  for (const OracleInput& input : inputs) sum += NumberOf(input.value);
  const auto count = static_cast<int64_t>(inputs.size());
  const Wide mean = any ? sum / static_cast<Wide>(count) : 0;
  const bool overflow = sum >= 0x1p63 || sum < -0x1p63;
  if (is("count")) {
    answer.value = count;
  } else if (is("sum") && (function.output == Type::kInt64 || function.output == Type::kDecimal)) {
    if (!overflow) answer.value = static_cast<int64_t>(sum);
    if (overflow) answer.outcome = ReadOutcome::kOverflow;
  } else if (is("sum")) {
    answer.value = static_cast<double>(sum);
  } else if (is("mean")) {
    // The units of a decimal, of which so many are one.
    Wide units = 1;
    for (uint8_t i = 0; i < function.input.scale; ++i) units *= 10;
    answer.value = IfAny(any, static_cast<double>(mean / units));
  } else if (is("min") && any) {
    answer.value = std::min_element(inputs.begin(), inputs.end(), less)->value;
  } else if (is("max") && any) {
    answer.value = std::max_element(inputs.begin(), inputs.end(), less)->value;
  } else if (is("first") && any) {
    answer.value = inputs.front().value;
  } else if (is("last") && any) {
    answer.value = inputs.back().value;
  } else if (is("rate")) {
    answer.value = static_cast<double>(count) / (static_cast<double>(window) / 1'000);
  } else if (is("time_since_last")) {
    if (any) answer.value = std::max<int64_t>(0, now - inputs.back().order.time_ms);
  } else if (function.name.starts_with("decayed_")) {
    answer.value = Decayed(function.name, inputs, now, function.parameters.half_life_ms);
  } else if (is("histogram")) {
    answer.value = HistogramOf(function.parameters.edges, inputs);
  } else if (function.name.starts_with("categor")) {
    const std::optional<std::string> text = CategoriesOf(function, inputs);
    if (text) answer.value = *text;
    if (!text) answer.outcome = ReadOutcome::kOverflow;
  } else if (function.gives_list) {
    answer.value = ListOf(function, inputs);
  } else if (is("distinct_count")) {
    std::set<Value> distinct;
    for (const OracleInput& input : inputs) distinct.insert(input.value);
    answer.value = static_cast<int64_t>(distinct.size());
  } else if (is("percentile") || is("median")) {
    answer.value = Quantile(inputs, is("median") ? 0.5 : function.parameters.quantile);
  } else if (!is("min") && !is("max") && !is("first") && !is("last")) {
    answer.value = Moment(function.name, inputs, mean);
  }
  if (answer.value.index() != 0) answer.outcome = ReadOutcome::kValue;
  return answer;
}

// The begin of the local period of a time, found in the list of all clock changes around it; the
// change of clocks is found by trying every minute.
class OracleCalendar {
 public:
  explicit OracleCalendar(const Calendar& calendar) : options_(calendar.options()) {
    EXPECT_TRUE(absl::LoadTimeZone(options_.time_zone, &zone_));
  }

  // The newest beginning at or before t: the last second of which the period differs from that of
  // all seconds before it.
  int64_t BeginMs(int64_t t) const {
    const std::vector<int64_t> begins = BeginsAround(t);
    return *(std::upper_bound(begins.begin(), begins.end(), t) - 1);
  }
  int64_t NextMs(int64_t t) const {
    const std::vector<int64_t> begins = BeginsAround(t);
    return *std::upper_bound(begins.begin(), begins.end(), t);
  }

 private:
  // A number that grows by one with each period of the local clock.
  int64_t PeriodOf(int64_t second) const {
    const absl::CivilSecond local = zone_.At(absl::FromUnixSeconds(second)).cs;
    const absl::CivilDay day(local);
    const int64_t days = day - absl::CivilDay(1970, 1, 1);
    switch (options_.unit) {
      case CalendarUnit::kHour:
        return days * 24 + local.hour();
      case CalendarUnit::kDay:
        return days;
      case CalendarUnit::kWeek:  // 1970-01-01 was a Thursday
        return FloorTo(days + 3 - static_cast<int64_t>(options_.week_starts), 7) / 7;
      case CalendarUnit::kMonth:
        return local.year() * 12 + local.month();
      default:
        return local.year();
    }
  }

  // All beginnings from a period or more before t to a period or more after it.
  const std::vector<int64_t>& BeginsAround(int64_t t) const {
    static thread_local std::map<std::string, std::vector<int64_t>> known;
    constexpr int64_t kDaysAround[] = {3, 4, 18, 70, 800};
    const int64_t around = kDaysAround[static_cast<size_t>(options_.unit)] * 86'400;
    const int64_t middle = FloorTo(t / 1'000, around);
    std::vector<int64_t>& begins = known[std::to_string(middle) + options_.time_zone +
                                         std::to_string(static_cast<int>(options_.unit)) +
                                         std::to_string(static_cast<int>(options_.week_starts))];
    if (begins.empty()) begins = FindBegins(middle - around, middle + 2 * around);
    return begins;
  }

  // Steps that no period is shorter than; then the second, by halves.
  std::vector<int64_t> FindBegins(int64_t from, int64_t until) const {
    constexpr int64_t kStep = 600;
    std::vector<int64_t> begins;
    int64_t newest = PeriodOf(from);
    for (int64_t at = from; at < until; at += kStep) {
      while (PeriodOf(at + kStep) > newest) {
        int64_t before = at;
        int64_t after = at + kStep;
        while (after - before > 1) {
          const int64_t half = before + (after - before) / 2;
          (PeriodOf(half) > newest ? after : before) = half;
        }
        newest = PeriodOf(after);
        begins.push_back(after * 1'000);
      }
    }
    return begins;
  }

  const Calendar::Options options_;
  absl::TimeZone zone_;
};

// [begin, end), as far as an event is seen at `head`.
struct OracleFrame {
  int64_t begin, head, end, length;
};

inline bool IsSeen(const Schema::Options& options, int64_t t, int64_t head) {
  return (options.exact_head ? t : FloorTo(t, options.head_hop_ms)) <= head;
}

// The times and positions of a window that follows events begin with; nothing: it is empty.
inline std::optional<aggregate::EventOrder> OracleFirst(const Schema::Options& options,
                                                        const std::vector<OracleEvent>& events,
                                                        const Window& window, int64_t p) {
  std::set<aggregate::EventOrder> seen;
  for (const OracleEvent& event : events)
    if (IsSeen(options, event.order.time_ms, p)) seen.insert(event.order);
  std::optional<aggregate::EventOrder> first;
  size_t count = 0;
  int64_t later = p;
  for (auto order = seen.rbegin(); order != seen.rend(); ++order) {
    const bool is_inside = window.kind == WindowKind::kSession
                               ? later - order->time_ms <= window.window_ms
                               : count++ < window.events;
    if (!is_inside) break;
    first = *order;
    later = order->time_ms;
  }
  return first;
}

inline OracleFrame OracleFrameOf(const Window& window, int64_t head_hop, int64_t now) {
  const int64_t p = now - window.offset_ms;
  if (window.kind == WindowKind::kSliding)
    return {FloorTo(p - window.window_ms, window.exact ? 1 : window.hop_ms), p, INT64_MAX,
            window.window_ms};
  if (FollowsEvents(window)) return {INT64_MIN, p, INT64_MAX, 0};
  if (window.kind == WindowKind::kTumbling) {
    const int64_t begin = FloorTo(p, window.window_ms);
    if (window.periods_back == 0) return {begin, p, INT64_MAX, window.window_ms};
    return {begin - window.window_ms, INT64_MAX, begin, window.window_ms};
  }
  const OracleCalendar calendar(*window.calendar);
  // Rounded down, a beginning may come before p although it is after it.
  int64_t begin = calendar.BeginMs(p);
  while (FloorTo(calendar.NextMs(begin), head_hop) <= p) begin = calendar.NextMs(begin);
  const auto rounded = [&](int64_t ms) { return FloorTo(ms, head_hop); };
  if (window.periods_back == 0) {
    int64_t next = calendar.NextMs(begin);
    while (rounded(next) == rounded(begin)) next = calendar.NextMs(next);
    return {rounded(begin), p, INT64_MAX, rounded(next) - rounded(begin)};
  }
  int64_t previous = calendar.BeginMs(begin - 1);
  while (rounded(previous) == rounded(begin)) previous = calendar.BeginMs(previous - 1);
  return {rounded(previous), INT64_MAX, rounded(begin), rounded(begin) - rounded(previous)};
}

inline OracleAnswer Ask(const Schema::Options& options, const std::vector<OracleEvent>& events,
                        const Want& want, int64_t now) {
  const aggregate::Aggregate& function = *options.aggregations[want.aggregation];
  const Window window = want.window ? options.windows[*want.window] : Window{};
  std::vector<OracleInput> inputs;
  int64_t newest_ms = INT64_MIN;
  const OracleFrame frame = want.window ? OracleFrameOf(window, options.head_hop_ms, now)
                                        : OracleFrame{INT64_MIN, now, INT64_MAX, 0};
  std::optional<aggregate::EventOrder> first;
  if (FollowsEvents(window)) {
    first = OracleFirst(options, events, window, frame.head);
    if (window.kind == WindowKind::kSession && first &&
        first->time_ms < frame.head - window.longest_ms)
      return {ReadOutcome::kTruncated, {}, INT64_MIN};
  }
  for (const auto& [order, values, admitted, by] : events) {
    if (!IsSeen(options, order.time_ms, frame.head)) continue;
    if (FollowsEvents(window) && (!first || order < *first)) continue;
    if (order.time_ms < frame.begin || order.time_ms >= frame.end) continue;
    newest_ms = std::max(newest_ms, order.time_ms);
    const Value& value = values[want.aggregation];
    const double* number = std::get_if<double>(&value);
    const bool null = value.index() == 0 || (number != nullptr && std::isnan(*number));
    if (admitted[want.aggregation] == 0) continue;
    const bool takes_by = (function.takes & aggregate::kTakesBy) != 0;
    if (takes_by && by[want.aggregation].index() == 0) continue;
    // A category of which nothing is to be added counts all the same.
    const bool adds = function.name == "category_sums";
    if (null && function.takes_input && !adds) continue;
    inputs.push_back({order, null && adds ? Value() : value, by[want.aggregation]});
  }
  std::sort(inputs.begin(), inputs.end(),
            [](const OracleInput& a, const OracleInput& b) { return a.order < b.order; });
  const int64_t then = want.window ? now - window.offset_ms : now;
  OracleAnswer answer = Evaluate(function, inputs, then, frame.length);
  answer.newest_ms = newest_ms;
  return answer;
}

}  // namespace freshet::timeline
