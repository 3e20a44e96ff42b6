// Random schemas, events and read times: small, so that everything that can collide does.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "timeline/oracle.h"

namespace freshet::timeline {

class RandomCase {
 public:
  static constexpr size_t kTextBytesMax = 2;

  explicit RandomCase(uint64_t seed) : random_(seed) {
    MakeWindows();
    const size_t aggregations = 1 + Below(5);
    for (size_t i = 0; i < aggregations; ++i) options.aggregations.push_back(RandomAggregate());
    exact_doubles = Below(2) == 0;
    huge_integers = Below(8) == 0;
    infinities = Below(16) == 0;
    base_ms = RandomBase();
    span_ms = 2 + options.clock_skew_ms + 2 * LongestMs();
  }

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  // Of all lengths up to `bound` milliseconds, short ones as likely as long ones.
  int64_t Length(int64_t bound) {
    return static_cast<int64_t>(Below(static_cast<uint64_t>(bound) + 1)) >>
           Below(static_cast<uint64_t>(std::bit_width(static_cast<uint64_t>(bound))) + 1);
  }

  OracleEvent NextEvent() {
    OracleEvent event;
    event.order = {NextTime(), static_cast<int32_t>(Below(3)), next_offset_++};
    for (const auto& function : options.aggregations) {
      event.values.push_back(function->takes_input ? RandomValue(function->input) : Value());
      event.admitted.push_back(Below(5) != 0);
      const bool takes_by = (function->takes & aggregate::kTakesBy) != 0;
      event.by.push_back(takes_by ? RandomValue(function->parameters.by_type) : Value());
      if (std::holds_alternative<double>(event.by.back()) &&
          std::isnan(std::get<double>(event.by.back())))
        event.by.back() = Value();
    }
    events.push_back(event);
    return event;
  }

  // A time of a read at which an event at t is about to enter or leave the window.
  int64_t EdgeOf(const Window& window, int64_t t) {
    if (Below(3) == 0)
      return FloorTo(t, options.exact_head ? 1 : options.head_hop_ms) + window.offset_ms;
    switch (window.kind) {
      case WindowKind::kSliding:
        if (window.exact) return t + 1 + window.window_ms + window.offset_ms;
        return FloorTo(t, window.hop_ms) + window.hop_ms + window.window_ms + window.offset_ms;
      case WindowKind::kSession:
        return t + window.offset_ms + (Below(2) == 0 ? window.window_ms : window.longest_ms);
      case WindowKind::kLastEvents:
        return t;
      case WindowKind::kTumbling:
        return FloorTo(t, window.window_ms) + window.offset_ms +
               window.window_ms * static_cast<int64_t>(Below(3));
      default:
        int64_t begin = OracleCalendar(*window.calendar).BeginMs(t);
        for (uint64_t i = Below(3); i > 0; --i)
          begin = OracleCalendar(*window.calendar).NextMs(begin);
        return begin + window.offset_ms;
    }
  }

  // Where answers change: edges of hops and windows as some event sees them, and of what a reader
  // may ask.
  int64_t NextReadTime() {
    const int64_t newest = NewestMs();
    const int64_t t = events[Below(events.size())].order.time_ms;
    const auto one_off = static_cast<int64_t>(Below(3)) - 1;
    switch (Below(5)) {
      case 0:
        return newest - options.clock_skew_ms + one_off;
      case 1:
        return FloorTo(t, options.head_hop_ms) + one_off;
      case 2:
        return newest + Length(span_ms) + one_off;
      default:
        if (options.windows.empty()) return newest + one_off;
        const Window& window = options.windows[Below(options.windows.size())];
        return EdgeOf(window, t) + one_off;
    }
  }

  std::vector<Want> AllWants() const {
    std::vector<Want> wants;
    for (uint32_t i = 0; i < options.aggregations.size(); ++i) {
      for (uint32_t window = 0; window < options.windows.size(); ++window)
        wants.push_back({i, window});
      if (options.has_lifetime) wants.push_back({i, std::nullopt});
    }
    return wants;
  }

  int64_t NewestMs() const {
    int64_t newest = std::numeric_limits<int64_t>::min();
    for (const OracleEvent& event : events) newest = std::max(newest, event.order.time_ms);
    return newest;
  }

  // Whether slots, too, must not hang on the order: sums of these doubles need no rounding.
  bool SlotsAreExact() const {
    if (!exact_doubles || infinities) return false;
    for (const auto& function : options.aggregations) {
      const bool has_powers = function->name.starts_with("var") ||
                              function->name.starts_with("stddev") ||
                              function->name == "skewness" || function->name == "kurtosis";
      if (function->name.starts_with("decayed_") || (has_powers && huge_integers)) return false;
    }
    return true;
  }
  // No value that is not infinite is further from zero.
  double LargestNumber() const { return huge_integers ? 0x1p63 : 1e7; }

  Schema::Options options;
  std::vector<OracleEvent> events;
  bool exact_doubles = false;
  bool huge_integers = false;
  bool infinities = false;
  int64_t base_ms = 0;
  int64_t span_ms = 0;

 private:
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Below(choices.size())];
  }

  int64_t LongestMs() const {
    int64_t longest_ms = 10 * options.head_hop_ms;
    for (const Window& window : options.windows)
      longest_ms = std::max(longest_ms, DepthMs(window) + window.window_ms);
    return longest_ms;
  }

  void MakeWindows() {
    const uint64_t style = Below(4);
    if (style == 0) {
      MakeUsualWindows();
    } else {
      const bool exact = style == 1;
      const size_t windows = Below(5);
      int64_t hop = exact ? 1 : OneOf<int64_t>({1, 2, 5, 7, 10, 100, 1'000});
      options.head_hop_ms = hop;
      int64_t length = 0;
      for (size_t i = 0; i < windows; ++i) {
        if (!exact) hop = Below(2) == 0 ? hop : options.head_hop_ms * (1 + Length(40));
        length = std::max(length + 1 + Length(60 * hop), hop);
        options.windows.push_back({length, hop});
      }
    }
    for (Window& window : options.windows) window.exact = Below(6) == 0;
    options.exact_head = Below(4) == 0;
    while (Below(3) == 0 && options.windows.size() < 8) AddOtherWindow();
    options.clock_skew_ms =
        std::min(limits::kClockSkewMsMax, OneOf<int64_t>({0, 1, 50, Length(2 * LongestMs())}));
    options.has_lifetime = options.windows.empty() || Below(2) == 0;
  }

  // Tumbling, by a calendar, or as it was some time ago.
  void AddOtherWindow() {
    const int64_t head = options.head_hop_ms;
    Window window = {head, head};
    switch (Below(5)) {
      case 0:
        if (options.windows.empty()) return;
        window = options.windows[Below(options.windows.size())];
        break;
      case 1:
        window.kind = WindowKind::kTumbling;
        window.window_ms = head * (1 + Length(100));
        window.periods_back = static_cast<uint32_t>(Below(2));
        break;
      case 2:
        window.kind = WindowKind::kSession;
        window.window_ms = head + Length(50 * head);
        window.longest_ms = window.window_ms + Length(20 * window.window_ms);
        break;
      case 3:
        window = {.hop_ms = head, .kind = WindowKind::kLastEvents};
        window.events = static_cast<uint32_t>(1 + Below(12));
        break;
      default:
        window.kind = WindowKind::kCalendar;
        window.window_ms = 0;
        window.periods_back = static_cast<uint32_t>(Below(2));
        window.calendar = *Calendar::Create(
            {static_cast<CalendarUnit>(Below(5)),
             OneOf<std::string>({"UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                                 "Pacific/Apia", "Asia/Manila", "America/Havana"}),
             static_cast<Weekday>(Below(7))});
    }
    if (Below(3) == 0 && window.kind != WindowKind::kLastEvents)
      window.offset_ms = Length(3 * LongestMs());
    if (std::find(options.windows.begin(), options.windows.end(), window) == options.windows.end())
      options.windows.push_back(window);
  }

  void MakeUsualWindows() {
    for (const int64_t minutes : {1, 5, 60, 1'440, 10'080, 43'200}) {
      if (Below(2) == 0 || options.windows.size() == 4) continue;
      const int64_t window = minutes * 60'000;
      options.windows.push_back({window, DefaultHopMs(window)});
    }
    options.head_hop_ms = options.windows.empty() ? 1'000 : options.windows[0].hop_ms;
    if (options.head_hop_ms % 5 == 0 && Below(3) == 0) options.head_hop_ms /= 5;
  }

  std::shared_ptr<const aggregate::Aggregate> RandomAggregate() {
    while (true) {
      const auto names = aggregate::AggregateNames();
      const std::string& name = names[Below(names.size())];
      const auto kind = 1 + Below(10);
      Type type = static_cast<Type::Kind>(kind);
      if (type == Type::kDecimal) type = Type::Decimal(static_cast<uint8_t>(Below(19)));
      const auto found = aggregate::FindAggregate(
          name, kind == 10 ? nullptr : &type,
          {.half_life_ms = options.head_hop_ms + Length(2 * LongestMs()),
           .quantile = static_cast<double>(Below(11)) / 10,
           .k = static_cast<uint32_t>(1 + Below(4)),
           .quantiles = {{0, static_cast<double>(Below(11)) / 10, 1}, 3},
           .edges = {{-1, static_cast<double>(Below(3)), 2.5}, 3},
           .by_type = OneOf({Type(Type::kInt64), Type(Type::kDouble), Type::Decimal(2)})});
      if (!found.ok() || ((*found)->needs_window && !EveryWindowHasLength())) continue;
      return *found;
    }
  }

  bool EveryWindowHasLength() const {
    return !options.has_lifetime &&
           std::none_of(options.windows.begin(), options.windows.end(), FollowsEvents);
  }

  int64_t RandomBase() {
    // Changes of clocks in the zones of the calendars, the epoch, a leap day, and the year 2262.
    if (Below(3) == 0)
      return OneOf<int64_t>({1'699'164'000'000, 1'710'054'000'000, 1'325'239'200'000,
                             -3'944'621'100'000, 1'709'164'800'000, 9'214'646'400'000,
                             1'712'415'600'000, -2'717'650'800'000});
    switch (Below(6)) {
      case 0:
        return 0;
      case 1:
        return limits::kEventTimeMsMin;
      case 2:
        return limits::kEventTimeMsMax;
      default:
        return 1'700'000'000'000 + static_cast<int64_t>(Below(1'000'000'000));
    }
  }

  int64_t NextTime() {
    int64_t time = base_ms;
    if (!events.empty() && Below(4) == 0)
      time = events[Below(events.size())].order.time_ms;  // a tie
    else if (!events.empty() && Below(2) == 0)
      time = NewestMs() + Length(span_ms / 8);  // in order
    else
      time += Length(span_ms) * (Below(2) == 0 ? 1 : -1);  // anywhere
    return std::clamp(time, limits::kEventTimeMsMin, limits::kEventTimeMsMax);
  }

  Value RandomValue(Type type) {
    if (Below(10) == 0) return Value();
    switch (type) {
      case Type::kBool:
        return Below(2) == 0;
      case Type::kInt32:
        return static_cast<int64_t>(Below(9)) - 4;
      case Type::kInt64:
      case Type::kTimestamp:
      case Type::kDecimal:
        if (huge_integers)
          return OneOf<int64_t>(
              {std::numeric_limits<int64_t>::max(), 1, std::numeric_limits<int64_t>::min()});
        return static_cast<int64_t>(Below(9)) - 4;
      case Type::kFloat:
      case Type::kDouble:
        return RandomDouble(type);
      case Type::kString:
      case Type::kBytes:
        return std::string(Below(kTextBytesMax + 1), static_cast<char>('a' + Below(3)));
    }
    return Value();
  }

  double RandomDouble(Type type) {
    if (Below(20) == 0) return OneOf({0.0, -0.0, std::nan("")});
    if (infinities && Below(10) == 0)
      return OneOf({1.0, -1.0}) * std::numeric_limits<double>::infinity();
    const double whole = static_cast<double>(Below(2'000)) - 1'000;
    if (exact_doubles) return whole / 4;
    const double scaled = whole / 100 * OneOf({1.0, 1e-3, 1e6});
    return type == Type::kFloat ? static_cast<float>(scaled) : scaled;
  }

  std::mt19937_64 random_;
  int64_t next_offset_ = 0;
};

// An event as Apply takes it; borrows from `event`.
class EventView {
 public:
  explicit EventView(const OracleEvent& event) : event_(event) {
    for (const Value& value : event.values) values_.push_back(ToDatum(value));
    for (const Value& value : event.by) by_.push_back(ToDatum(value));
  }
  Event Get() const { return {event_.order, values_, event_.admitted, {}, by_}; }

 private:
  const OracleEvent& event_;
  std::vector<Datum> values_;
  std::vector<Datum> by_;
};

}  // namespace freshet::timeline
