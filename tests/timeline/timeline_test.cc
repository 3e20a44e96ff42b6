#include "timeline/timeline.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "timeline/support.h"

namespace freshet::timeline {
namespace {

constexpr int64_t kNoon = 1'700'049'600'000;
constexpr Want kLifetime = {0, std::nullopt};
constexpr Want kFirstWindow = {0, 0};

Schema::Options OneMinute() {
  return {.windows = {{kMinuteMs, kSecondMs}},
          .head_hop_ms = kSecondMs,
          .clock_skew_ms = 5 * kSecondMs,
          .has_lifetime = false,
          .aggregations = {CountOfEvents()}};
}

int64_t Count(const Schema& schema, const Want& want, std::string_view bytes, int64_t now_ms) {
  const WindowedValue value = ReadOne(schema, want, bytes, now_ms);
  EXPECT_EQ(value.outcome, ReadOutcome::kValue);
  return value.value.as_int();
}

TEST(Timeline, SlidesWithTheClockOfTheRead) {
  const Schema schema = Make(OneMinute());
  std::string bytes;
  ApplyOne(schema, kNoon + 300, Datum(), bytes);
  ApplyOne(schema, kNoon + 30 * kSecondMs, Datum(), bytes);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + 30 * kSecondMs), 2);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + kMinuteMs + 999), 2);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + kMinuteMs + 1'000), 1);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + 2 * kMinuteMs), 0);
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, kNoon + 2 * kMinuteMs).newest_time_ms,
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, kNoon + kMinuteMs).newest_time_ms,
            kNoon + 30 * kSecondMs);
}

TEST(Timeline, ReadsFromTooEarlyAreRefusedAndTheEndOfTimeIsNot) {
  const Schema schema = Make(OneMinute());
  std::string bytes;
  ApplyOne(schema, kNoon, Datum(), bytes);
  for (const int64_t now_ms : {kNoon - 5'001, std::numeric_limits<int64_t>::min()})
    EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, now_ms).outcome, ReadOutcome::kTooEarly);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon - 5'000), 0);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, std::numeric_limits<int64_t>::max()), 0);
}

TEST(Timeline, AnEventTooOldForEveryWindowLeavesNoTrace) {
  const Schema schema = Make(OneMinute());
  std::string bytes;
  ApplyOne(schema, kNoon, Datum(), bytes);
  const std::string before = bytes;
  EXPECT_EQ(ApplyOne(schema, kNoon - 67 * kSecondMs, Datum(), bytes), ApplyOutcome::kTooOld);
  EXPECT_EQ(bytes, before);
  EXPECT_EQ(ApplyOne(schema, kNoon - 65 * kSecondMs, Datum(), bytes), ApplyOutcome::kApplied);
}

TEST(Timeline, AnEventThatNoAggregationAdmitsIsStillTheNewest) {
  const Schema schema = Make(OneMinute());
  std::string bytes;
  const Datum value;
  const uint8_t admitted = 0;
  Apply(schema, {{kNoon, 0, 0}, {&value, 1}, {&admitted, 1}}, bytes);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon), 0);
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, kNoon).newest_time_ms, kNoon);
}

TEST(Timeline, TheNewestCellIsUpdatedInPlace) {
  Schema::Options options = OneMinute();
  options.aggregations.push_back(Function("last", Type::kInt64));
  const Schema schema = Make(options);
  std::string bytes;
  ApplyOne(schema, kNoon, Datum::Int(0), bytes);
  const size_t size = bytes.size();
  const char* data = bytes.data();
  for (int64_t i = 1; i < 1'000; ++i) ApplyOne(schema, kNoon + i, Datum::Int(i), bytes, i);
  EXPECT_EQ(bytes.size(), size);
  EXPECT_EQ(bytes.data(), data);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon), 1'000);
  EXPECT_EQ(ReadOne(schema, {1, 0}, bytes, kNoon + 999).value.as_int(), 999);
}

TEST(Timeline, HoldsAtTheEdgesOfTheCalendar) {
  Schema::Options options = OneMinute();
  options.windows.push_back({limits::kWindowMsMax, DefaultHopMs(limits::kWindowMsMax)});
  options.has_lifetime = true;
  const Schema schema = Make(options);
  for (const int64_t time_ms : {limits::kEventTimeMsMin, limits::kEventTimeMsMax}) {
    std::string bytes;
    ApplyOne(schema, time_ms, Datum(), bytes);
    EXPECT_TRUE(Validate(schema, bytes).ok());
    for (const Want& want : {Want{0, 0}, Want{0, 1}, kLifetime})
      EXPECT_EQ(Count(schema, want, bytes, time_ms), 1);
  }
  std::string bytes;
  ApplyOne(schema, limits::kEventTimeMsMin, Datum(), bytes);
  ApplyOne(schema, limits::kEventTimeMsMax, Datum(), bytes);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(Count(schema, {0, 1}, bytes, limits::kEventTimeMsMax), 1);
  EXPECT_EQ(Count(schema, kLifetime, bytes, limits::kEventTimeMsMax), 2);
}

TEST(Timeline, OneStringOfAReaderDoesNotChangeAnother) {
  Schema::Options options = OneMinute();
  options.windows.push_back({10 * kMinuteMs, 10 * kSecondMs});
  options.has_lifetime = true;
  options.aggregations = {Function("first", Type::kString), Function("max", Type::kString)};
  const Schema schema = Make(options);
  std::string bytes;
  ApplyOne(schema, kNoon - 60 * kMinuteMs, Datum::String("oldest, and long enough for the heap"),
           bytes);
  ApplyOne(schema, kNoon - 5 * kMinuteMs, Datum::String("a word before"), bytes);
  ApplyOne(schema, kNoon, Datum::String("last"), bytes);
  Reader reader(schema, {{0, 0}, {0, 1}, {0, std::nullopt}, {1, 1}, {0, 1}});
  const auto values = reader.Read(bytes, kNoon);
  EXPECT_EQ(values[0].value.as_string(), "last");
  EXPECT_EQ(values[1].value.as_string(), "a word before");
  EXPECT_EQ(values[2].value.as_string(), "oldest, and long enough for the heap");
  EXPECT_EQ(values[3].value.as_string(), "last");
  EXPECT_EQ(values[4].value.as_string(), "a word before");
}

TEST(Truncation, SaysSoUntilNoWindowReachesBack) {
  Schema::Options options = OneMinute();
  options.windows[0].hop_ms = options.head_hop_ms = 1;
  options.cells_max = 100;
  const Schema schema = Make(options);
  std::string bytes;
  int64_t time_ms = kNoon;
  for (int i = 0; i < 100; ++i) ApplyOne(schema, time_ms += 10, Datum(), bytes);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, time_ms), 100);
  ApplyOne(schema, time_ms += 10, Datum(), bytes);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, time_ms).outcome, ReadOutcome::kTruncated);
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, time_ms).newest_time_ms, time_ms);
  EXPECT_EQ(ApplyOne(schema, kNoon + 5, Datum(), bytes), ApplyOutcome::kTruncated);
  // 97 cells were kept: a 32nd of the limit goes at once, so that the next events find room.
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + 50 + kMinuteMs), 97);
  ApplyOne(schema, time_ms + 2 * kMinuteMs, Datum(), bytes);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, time_ms + 2 * kMinuteMs), 1);
}

TEST(Truncation, LeavesTheLifetimeWhole) {
  Schema::Options options = OneMinute();
  options.windows[0].hop_ms = options.head_hop_ms = 1;
  options.has_lifetime = true;
  options.cells_max = 10;
  const Schema schema = Make(options);
  std::string bytes;
  for (int i = 0; i < 25; ++i) ApplyOne(schema, kNoon + i, Datum(), bytes);
  EXPECT_EQ(ApplyOne(schema, kNoon - 1, Datum(), bytes), ApplyOutcome::kTruncated);
  EXPECT_EQ(ApplyOne(schema, kNoon - 7 * kMinuteMs, Datum(), bytes), ApplyOutcome::kApplied);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(Count(schema, kLifetime, bytes, kNoon + 24), 27);
  EXPECT_EQ(Count(schema, kLifetime, bytes, kNoon + 14), 17);
  // The cells up to noon + 14 have gone: a reader before it would not see them all.
  EXPECT_EQ(ReadOne(schema, kLifetime, bytes, kNoon + 13).outcome, ReadOutcome::kTruncated);
}

TEST(Truncation, BoundsBytesAsWellAsCells) {
  Schema::Options options = OneMinute();
  options.has_lifetime = true;
  options.aggregations = {CountOfEvents(), Function("max", Type::kString),
                          Function("min", Type::kString)};
  const Schema schema = Make(options);
  const std::string text(1'000'000, 'x');
  std::string bytes;
  for (int i = 0; i < 30; ++i) {
    ApplyOne(schema, kNoon + i * kSecondMs, Datum::String(text), bytes);
    ASSERT_LE(bytes.size(), limits::kTimelineBytesMax + 2 * text.size() + 1'000);
    ASSERT_TRUE(Validate(schema, bytes).ok());
  }
  EXPECT_EQ(Count(schema, kLifetime, bytes, kNoon + kMinuteMs), 30);
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, kNoon + 30 * kSecondMs).outcome,
            ReadOutcome::kTruncated);
  EXPECT_EQ(Count(schema, kFirstWindow, bytes, kNoon + 88 * kSecondMs), 2);
}

TEST(Truncation, OneCellLargerThanTheLimitGoesToo) {
  Schema::Options options = OneMinute();
  options.aggregations.assign(10, Function("max", Type::kString));
  const Schema schema = Make(options);
  const std::string text(1'000'000, 'x');
  std::string bytes;
  EXPECT_EQ(ApplyOne(schema, kNoon, Datum::String(text), bytes), ApplyOutcome::kTruncated);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(NewestEventTimeMs(bytes), kNoon);
  EXPECT_EQ(ReadOne(schema, kFirstWindow, bytes, kNoon).outcome, ReadOutcome::kTruncated);
  EXPECT_EQ(ApplyOne(schema, kNoon + 1, Datum::String("a"), bytes), ApplyOutcome::kTruncated);
  EXPECT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(ApplyOne(schema, kNoon + kSecondMs, Datum::String("a"), bytes), ApplyOutcome::kApplied);
  EXPECT_TRUE(Validate(schema, bytes).ok());
}

}  // namespace
}  // namespace freshet::timeline
