// Timelines from arbitrary bytes. The first byte picks a schema and a mode:
//   bytes    the rest goes to Validate; what passes is read and applied to, and must stay valid;
//   events   the rest is decoded into events; the timeline must be valid after each;
//   changed  the same, then up to three bytes of the timeline change, and the first mode follows.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "base/limits.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

std::shared_ptr<const aggregate::Aggregate> Function(std::string_view name, Type type) {
  return *aggregate::FindAggregate(name, &type,
                                   {.half_life_ms = 700,
                                    .quantile = 0.9,
                                    .k = 3,
                                    .quantiles = {{0.5, 0.99}, 2},
                                    .edges = {{0, 100}, 2},
                                    .by_type = Type::kDouble});
}

std::vector<Schema> MakeSchemas() {
  const std::shared_ptr<const aggregate::Aggregate> count =
      *aggregate::FindAggregate("count", nullptr);
  const std::vector<Schema::Options> options = {
      {.windows = {{60'000, 1'000}, {600'000, 10'000}},
       .head_hop_ms = 1'000,
       .clock_skew_ms = 5'000,
       .aggregations = {count, Function("sum", Type::kInt64), Function("mean", Type::kDouble)}},
      {.windows = {{50, 1}, {1'001, 7}},
       .head_hop_ms = 1,
       .clock_skew_ms = 20,
       .has_lifetime = true,
       .aggregations = {Function("last", Type::kString), Function("min", Type::kInt32),
                        Function("min", Type::kString)},
       .cells_max = 40},
      {.head_hop_ms = 1'000,
       .has_lifetime = true,
       .aggregations = {Function("first", Type::kDouble), Function("sum", Type::kDouble),
                        Function("max", Type::kBool)}},
      {.windows = {{limits::kWindowMsMax, 86'400'000}},
       .head_hop_ms = 1,
       .clock_skew_ms = limits::kClockSkewMsMax,
       .has_lifetime = true,
       .aggregations = {count, Function("last", Type::kTimestamp), Function("max", Type::kFloat),
                        Function("first", Type::kString)},
       .cells_max = 7},
      {.windows = {{.window_ms = 600'000, .hop_ms = 7'000, .offset_ms = 100'000},
                   {.window_ms = 6'000, .hop_ms = 1'000, .kind = WindowKind::kTumbling},
                   {.hop_ms = 1'000,
                    .kind = WindowKind::kCalendar,
                    .periods_back = 1,
                    .calendar = *Calendar::Create({CalendarUnit::kHour, "Australia/Lord_Howe"})},
                   {.hop_ms = 1'000,
                    .kind = WindowKind::kCalendar,
                    .calendar = *Calendar::Create({CalendarUnit::kYear, "America/New_York"})}},
       .head_hop_ms = 1'000,
       .clock_skew_ms = 3'000,
       .has_lifetime = true,
       .aggregations = {count, Function("last", Type::kString)}},
      {.windows = {{60'000, 1'000}},
       .head_hop_ms = 1'000,
       .aggregations = {Function("kurtosis", Type::kDouble), Function("var_pop", Type::kInt64),
                        Function("decayed_sum", Type::kDouble),
                        Function("decayed_mean", Type::kInt64),
                        Function("decayed_count", Type::kString), Function("rate", Type::kBool),
                        Function("time_since_last", Type::kString)}},
      {.windows = {{60'000, 1'000}},
       .head_hop_ms = 1'000,
       .has_lifetime = true,
       .aggregations = {Function("distinct_count", Type::kString),
                        Function("percentile", Type::kDouble),
                        Function("percentiles", Type::kInt32), Function("median", Type::kInt64)}},
      {.windows = {{60'000, 1'000}},
       .head_hop_ms = 1'000,
       .has_lifetime = true,
       .aggregations = {Function("last_k", Type::kString), Function("first_k_times", Type::kInt32),
                        Function("last_distinct_k", Type::kDouble),
                        Function("first_distinct_k", Type::kString),
                        Function("top_k", Type::kString), Function("bottom_k", Type::kFloat),
                        Function("most_frequent_k", Type::kString),
                        Function("most_frequent_k_counts", Type::kDouble)}},
      {.windows = {{.window_ms = 6'000, .hop_ms = 100, .exact = true},
                   {.hop_ms = 100, .kind = WindowKind::kLastEvents, .events = 4},
                   {.window_ms = 1'000,
                    .hop_ms = 100,
                    .kind = WindowKind::kSession,
                    .offset_ms = 50,
                    .longest_ms = 9'000}},
       .head_hop_ms = 100,
       .clock_skew_ms = 500,
       .has_lifetime = true,
       .aggregations = {count, Function("last_k", Type::kString), Function("sum", Type::kDouble)},
       .exact_head = true,
       .deduplicate_ms = 4'000},
      {.windows = {{.hop_ms = 1'000, .kind = WindowKind::kLastEvents, .events = 2},
                   {.window_ms = 6'000, .hop_ms = 1'000, .exact = true}},
       .head_hop_ms = 1'000,
       .aggregations = {count, Function("sum", Type::kInt64)}},
      {.windows = {{60'000, 1'000}},
       .head_hop_ms = 1'000,
       .has_lifetime = true,
       .aggregations = {Function("top_k_by", Type::kString), Function("bottom_k_by", Type::kInt32),
                        Function("categories", Type::kString),
                        Function("category_counts", Type::kDouble),
                        Function("category_sums", Type::kFloat),
                        Function("histogram", Type::kInt64)}},
  };
  std::vector<Schema> schemas;
  for (const Schema::Options& o : options) schemas.push_back(*Schema::Create(o));
  return schemas;
}

Datum DecodeDatum(ByteReader& input, Type type) {
  const auto number = input.Read<int64_t>();
  switch (type) {
    case Type::kBool:
      return Datum::Bool(number % 2 != 0);
    case Type::kInt32:
      return Datum::Int(static_cast<int32_t>(number));
    case Type::kFloat:
      return Datum::Double(
          static_cast<double>(Load<float>(reinterpret_cast<const char*>(&number))));
    case Type::kDouble:
      return Datum::Double(Load<double>(reinterpret_cast<const char*>(&number)));
    case Type::kString:
    case Type::kBytes:
      return Datum::String(input.ReadBytes(static_cast<uint64_t>(number) % 16));
    default:
      return Datum::Int(number);
  }
}

// Near the newest event, or anywhere in the calendar.
int64_t DecodeTime(ByteReader& input, int64_t near_ms) {
  const auto kind = input.Read<uint8_t>();
  int64_t time_ms = near_ms;
  if (kind % 4 == 0)
    time_ms = input.Read<int64_t>();
  else if (kind % 4 == 1)
    time_ms += input.Read<int32_t>();
  else
    time_ms += input.Read<int16_t>();
  constexpr int64_t kSpanMs = limits::kEventTimeMsMax - limits::kEventTimeMsMin + 1;
  const int64_t in_span = (time_ms % kSpanMs + kSpanMs) % kSpanMs;
  return limits::kEventTimeMsMin + in_span;
}

void ApplyDecoded(const Schema& schema, ByteReader& input, std::string& bytes) {
  const int64_t near_ms = bytes.empty() ? 0 : NewestEventTimeMs(bytes);
  std::vector<Datum> values;
  std::vector<uint8_t> admitted;
  std::vector<Datum> by;
  const aggregate::EventOrder order = {DecodeTime(input, near_ms), input.Read<int16_t>(),
                                       input.Read<int32_t>()};
  for (const auto& function : schema.aggregations()) {
    const auto flags = input.Read<uint8_t>();
    values.push_back(flags % 4 == 0 ? Datum() : DecodeDatum(input, function->input));
    admitted.push_back(flags / 4 % 4 != 0 ? 1 : 0);
    by.push_back(flags / 16 % 4 == 0 ? Datum() : Datum::Double(flags / 64));
  }
  const Identity identity = {0, input.Read<uint8_t>()};
  Apply(schema, {order, values, admitted, identity, by}, bytes);
  FRESHET_CHECK(Validate(schema, bytes).ok());
}

void ReadAll(const Schema& schema, std::string_view bytes, int64_t now_ms) {
  std::vector<Want> wants;
  for (uint32_t i = 0; i < schema.aggregations().size(); ++i) {
    for (uint32_t window = 0; window < schema.windows().size(); ++window)
      wants.push_back({i, window});
    if (schema.options().has_lifetime) wants.push_back({i, std::nullopt});
  }
  Reader reader(schema, wants);
  size_t text_bytes = 0;
  for (const int64_t at_ms : {now_ms, NewestEventTimeMs(bytes), INT64_MIN, INT64_MAX}) {
    for (const WindowedValue& value : reader.Read(bytes, at_ms))
      if (value.value.kind() == Datum::Kind::kString) text_bytes += value.value.as_string().size();
  }
  FRESHET_CHECK(text_bytes <= 4 * wants.size() * bytes.size());
}

// What passes Validate can be read and applied to, and stays valid.
void UseIfValid(const Schema& schema, std::string bytes, std::string_view more_events) {
  if (!Validate(schema, bytes).ok()) return;
  ReadAll(schema, bytes, NewestEventTimeMs(bytes) + static_cast<int64_t>(bytes.size()));
  ByteReader events(more_events);
  for (int i = 0; i < 3; ++i) ApplyDecoded(schema, events, bytes);
  ReadAll(schema, bytes, 0);
}

void RunEvents(const Schema& schema, ByteReader& input, bool change_bytes) {
  constexpr size_t kChanges = 3;
  const std::string_view changes = input.ReadBytes(change_bytes ? 3 * kChanges : 0);
  std::string bytes;
  while (input.ok() && !input.rest().empty()) ApplyDecoded(schema, input, bytes);
  if (bytes.empty()) return;
  ReadAll(schema, bytes, NewestEventTimeMs(bytes) - 1);
  for (size_t i = 0; i + 3 <= changes.size(); i += 3) {
    char& changed = bytes[Load<uint16_t>(changes.data() + i) % bytes.size()];
    changed = static_cast<char>(changed ^ changes[i + 2]);
  }
  if (change_bytes) UseIfValid(schema, bytes, changes);
}

void Run(std::string_view data) {
  static const std::vector<Schema> schemas = MakeSchemas();
  ByteReader input(data);
  const auto selector = input.Read<uint8_t>();
  const Schema& schema = schemas[selector % schemas.size()];
  const size_t mode = selector / schemas.size() % 3;
  if (mode == 0)
    UseIfValid(schema, std::string(input.rest()), data);
  else
    RunEvents(schema, input, mode == 2);
}

}  // namespace
}  // namespace freshet::timeline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::timeline::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
