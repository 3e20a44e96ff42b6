// The timeline: what an event and a read cost, and how many bytes an entity takes.
//
// Three windows (1m/1s, 10m/10s, 1h/1m) and five aggregations of fixed size over an amount: count,
// sum, mean, min, max. Dense: an event each 250 ms for two hours. Sparse: 20 events in the hour.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kSkewMs = 5'000;

Schema MakeSchema(Type type, std::vector<std::string_view> names, bool exact = false) {
  Schema::Options options;
  options.exact_head = exact;
  for (const int64_t minutes : {1, 10, 60})
    options.windows.push_back({.window_ms = minutes * kMinuteMs,
                               .hop_ms = DefaultHopMs(minutes * kMinuteMs),
                               .exact = exact});
  options.head_hop_ms = options.windows[0].hop_ms;
  options.clock_skew_ms = kSkewMs;
  for (const std::string_view name : names) {
    const bool counts = name == "count";
    auto found = aggregate::FindAggregate(name, counts ? nullptr : &type);
    FRESHET_CHECK(found.ok());
    options.aggregations.push_back(*found);
  }
  auto schema = Schema::Create(options);
  FRESHET_CHECK(schema.ok());
  return *schema;
}

Schema MakeSchema(Type type, bool exact = false) {
  return MakeSchema(type, {"count", "sum", "mean", "min", "max"}, exact);
}

// Events one after the other, made outside of what is measured as far as can be.
class Feed {
 public:
  Feed(const Schema& schema, Type type)
      : schema_(schema),
        values_(schema.aggregations().size(), type == Type::kDouble   ? Datum::Double(12.34)
                                              : type == Type::kString ? Datum::String("item-12345")
                                                                      : Datum::Int(1'234)),
        admitted_(schema.aggregations().size(), 1) {}

  void Apply(int64_t time_ms, std::string& bytes) {
    timeline::Apply(schema_, {{time_ms, 0, offset_++}, values_, admitted_}, bytes);
  }

  std::string Filled(int64_t interval_ms, int64_t span_ms) {
    std::string bytes;
    for (int64_t at = 0; at <= span_ms; at += interval_ms) Apply(kStartMs + at, bytes);
    return bytes;
  }
  std::string Dense() { return Filled(250, 120 * kMinuteMs); }
  std::string Sparse() { return Filled(3 * kMinuteMs, 60 * kMinuteMs); }

 private:
  const Schema& schema_;
  std::vector<Datum> values_;
  std::vector<uint8_t> admitted_;
  int64_t offset_ = 0;
};

void ReportSize(benchmark::State& state, const Schema& schema, const std::string& bytes) {
  state.counters["bytes"] = static_cast<double>(bytes.size());
  state.counters["cell_bytes"] = static_cast<double>(schema.cell_fixed_bytes());
}

void UpdateNewestCell(benchmark::State& state, Type type) {
  const Schema schema = MakeSchema(type);
  Feed feed(schema, type);
  std::string bytes = feed.Dense();
  const int64_t newest_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) feed.Apply(newest_ms, bytes);
  ReportSize(state, schema, bytes);
}

void UpdateNewestCellOfStrings(benchmark::State& state) {
  const Schema schema = MakeSchema(Type::kString, {"count", "first", "last", "min", "max"});
  Feed feed(schema, Type::kString);
  std::string bytes = feed.Dense();
  const int64_t newest_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) feed.Apply(newest_ms, bytes);
  ReportSize(state, schema, bytes);
}

// Time goes on by `step_ms` an event: at 1000 each opens a cell, and older ones fold as their time
// comes.
void UpdateInOrder(benchmark::State& state, int64_t step_ms) {
  const Schema schema = MakeSchema(Type::kDouble);
  Feed feed(schema, Type::kDouble);
  std::string bytes = feed.Dense();
  int64_t time_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) {
    time_ms += step_ms;
    feed.Apply(time_ms, bytes);
  }
  ReportSize(state, schema, bytes);
}

void UpdateLate(benchmark::State& state, int64_t late_ms) {
  const Schema schema = MakeSchema(Type::kDouble);
  Feed feed(schema, Type::kDouble);
  std::string bytes = feed.Dense();
  const int64_t time_ms = NewestEventTimeMs(bytes) - late_ms;
  for (auto _ : state) feed.Apply(time_ms, bytes);
  ReportSize(state, schema, bytes);
}

// An entity that is seen every few minutes: each event moves the ends of days, weeks, months and years.
void UpdateSparseByTheCalendar(benchmark::State& state) {
  Schema::Options options;
  for (const int64_t minutes : {60, 24 * 60})
    options.windows.push_back({minutes * kMinuteMs, DefaultHopMs(minutes * kMinuteMs)});
  options.head_hop_ms = options.windows[0].hop_ms;
  options.clock_skew_ms = kSkewMs;
  for (const CalendarUnit unit :
       {CalendarUnit::kDay, CalendarUnit::kWeek, CalendarUnit::kMonth, CalendarUnit::kYear}) {
    options.windows.push_back(
        {.hop_ms = options.head_hop_ms,
         .kind = WindowKind::kCalendar,
         .calendar = *Calendar::Create({.unit = unit, .time_zone = "Europe/Berlin"})});
  }
  options.aggregations.push_back(*aggregate::FindAggregate("count", nullptr));
  const auto schema = Schema::Create(options);
  FRESHET_CHECK(schema.ok());
  Feed feed(*schema, Type::kDouble);
  std::string bytes;
  int64_t at_ms = kStartMs;
  for (auto _ : state) feed.Apply(at_ms += 400'000, bytes);
}

// The same windows to the millisecond: each event is kept once more, for as long as a window can cut it.
void UpdateInOrderExact(benchmark::State& state) {
  const Schema schema = MakeSchema(Type::kDouble, true);
  Feed feed(schema, Type::kDouble);
  std::string bytes = feed.Dense();
  int64_t time_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) {
    time_ms += 250;
    feed.Apply(time_ms, bytes);
  }
  ReportSize(state, schema, bytes);
}

Schema SchemaOf(const Window& window) {
  Schema::Options options;
  options.windows = {window};
  options.head_hop_ms = window.hop_ms;
  options.clock_skew_ms = kSkewMs;
  options.aggregations = MakeSchema(Type::kDouble).aggregations();
  auto schema = Schema::Create(options);
  FRESHET_CHECK(schema.ok());
  return *schema;
}

// Windows that follow events.
void UpdateFollowing(benchmark::State& state, const Window& window) {
  const Schema schema = SchemaOf(window);
  Feed feed(schema, Type::kDouble);
  std::string bytes = feed.Dense();
  int64_t time_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) feed.Apply(time_ms += 250, bytes);
  ReportSize(state, schema, bytes);
}

void ReadFollowing(benchmark::State& state, const Window& window) {
  const Schema schema = SchemaOf(window);
  Feed feed(schema, Type::kDouble);
  const std::string bytes = feed.Dense();
  std::vector<Want> wants;
  for (uint32_t i = 0; i < schema.aggregations().size(); ++i) wants.push_back({i, 0});
  Reader reader(schema, wants);
  const int64_t now_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) benchmark::DoNotOptimize(reader.Read(bytes, now_ms).data());
  ReportSize(state, schema, bytes);
}

const Window kSession = {.window_ms = 30 * kMinuteMs,
                         .hop_ms = 20'000,
                         .kind = WindowKind::kSession,
                         .longest_ms = 24 * 60 * kMinuteMs};
const Window kLastTen = {.hop_ms = 1'000, .kind = WindowKind::kLastEvents, .events = 10};

std::vector<Want> AllWants(const Schema& schema) {
  std::vector<Want> wants;
  for (uint32_t i = 0; i < schema.aggregations().size(); ++i)
    for (uint32_t window = 0; window < schema.windows().size(); ++window)
      wants.push_back({i, window});
  return wants;
}

void Read(benchmark::State& state, Type type, bool dense, bool same_time, bool exact = false) {
  const Schema schema = MakeSchema(type, exact);
  Feed feed(schema, type);
  const std::string bytes = dense ? feed.Dense() : feed.Sparse();
  Reader reader(schema, AllWants(schema));
  int64_t now_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) {
    now_ms += same_time ? 0 : (state.iterations() % 2 == 0 ? 1 : -1);
    benchmark::DoNotOptimize(reader.Read(bytes, now_ms).data());
  }
  ReportSize(state, schema, bytes);
}

void ReadStrings(benchmark::State& state) {
  const Schema schema = MakeSchema(Type::kString, {"count", "first", "last", "min", "max"});
  Feed feed(schema, Type::kString);
  const std::string bytes = feed.Dense();
  Reader reader(schema, AllWants(schema));
  const int64_t now_ms = NewestEventTimeMs(bytes);
  for (auto _ : state) benchmark::DoNotOptimize(reader.Read(bytes, now_ms).data());
  ReportSize(state, schema, bytes);
}

void ValidateDense(benchmark::State& state) {
  const Schema schema = MakeSchema(Type::kDouble);
  Feed feed(schema, Type::kDouble);
  const std::string bytes = feed.Dense();
  for (auto _ : state) benchmark::DoNotOptimize(Validate(schema, bytes).ok());
  ReportSize(state, schema, bytes);
}

BENCHMARK_CAPTURE(UpdateNewestCell, doubles, Type::kDouble);
BENCHMARK_CAPTURE(UpdateNewestCell, integers, Type::kInt64);
BENCHMARK(UpdateNewestCellOfStrings);
BENCHMARK_CAPTURE(UpdateInOrder, four_events_a_cell, 250);
BENCHMARK_CAPTURE(UpdateInOrder, new_cell_each, 1'000);
BENCHMARK(UpdateInOrderExact);
BENCHMARK(UpdateSparseByTheCalendar);
BENCHMARK_CAPTURE(UpdateLate, by_20_seconds, 20'000);
BENCHMARK_CAPTURE(UpdateLate, by_30_minutes, 30 * kMinuteMs);
BENCHMARK_CAPTURE(Read, dense_doubles, Type::kDouble, true, true);
BENCHMARK_CAPTURE(Read, dense_doubles_new_read_time, Type::kDouble, true, false);
BENCHMARK_CAPTURE(Read, dense_integers, Type::kInt64, true, true);
BENCHMARK_CAPTURE(Read, sparse_doubles, Type::kDouble, false, true);
BENCHMARK_CAPTURE(Read, dense_doubles_exact, Type::kDouble, true, false, true);
BENCHMARK_CAPTURE(Read, sparse_doubles_exact, Type::kDouble, false, false, true);
BENCHMARK_CAPTURE(UpdateFollowing, session, kSession);
BENCHMARK_CAPTURE(UpdateFollowing, last_10_events, kLastTen);
BENCHMARK_CAPTURE(ReadFollowing, session, kSession);
BENCHMARK_CAPTURE(ReadFollowing, last_10_events, kLastTen);
BENCHMARK(ReadStrings);
BENCHMARK(ValidateDense);

}  // namespace
}  // namespace freshet::timeline

BENCHMARK_MAIN();
