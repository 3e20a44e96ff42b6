#include "timeline/timeline.h"

#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/seed.h"
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

// Clicks of one count and one list, with sessions, an exact window and the last events beside.
Schema MixedSchema() {
  return Make({.windows = {{.window_ms = kHourMs, .hop_ms = kMinuteMs, .exact = true},
                           {.window_ms = 30 * kMinuteMs,
                            .hop_ms = kMinuteMs,
                            .kind = WindowKind::kSession,
                            .longest_ms = kDayMs},
                           {.hop_ms = kMinuteMs, .kind = WindowKind::kLastEvents, .events = 3}},
               .head_hop_ms = kMinuteMs,
               .clock_skew_ms = kMinuteMs,
               .aggregations = {CountOfEvents()},
               .exact_head = true});
}

TEST(Timeline, AnExactWindowEndsAtTheMillisecond) {
  const Schema schema = MixedSchema();
  std::string bytes;
  for (const int64_t time_ms : {10'001, 10'002, 59'999, 60'000})
    ApplyOne(schema, time_ms, Datum::Null(), bytes, time_ms);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, 10'001), 1);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, 59'999), 3);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + 10'001), 4);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + 10'002), 3);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + 10'003), 2);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + 60'000), 1);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + 60'001), 0);
}

TEST(Timeline, ALateEventJoinsTwoSessions) {
  const Schema schema = MixedSchema();
  std::string bytes;
  const int64_t now_ms = 3 * kHourMs;
  for (const int64_t minutes : {60, 85, 120, 150})
    ApplyOne(schema, minutes * kMinuteMs, Datum::Null(), bytes, minutes);
  EXPECT_EQ(Count(schema, {0, 1}, bytes, now_ms), 2);
  EXPECT_EQ(Count(schema, {0, 1}, bytes, now_ms + 1), 0);
  ApplyOne(schema, 100 * kMinuteMs, Datum::Null(), bytes, 1'000);
  EXPECT_EQ(Count(schema, {0, 1}, bytes, now_ms), 5);
}

TEST(Timeline, ASessionBeyondItsLongestIsNotAnsweredFor) {
  const Schema schema = MixedSchema();
  std::string bytes;
  int64_t time_ms = 0;
  for (; time_ms <= kDayMs; time_ms += 20 * kMinuteMs)
    ApplyOne(schema, time_ms, Datum::Null(), bytes, time_ms);
  EXPECT_EQ(Count(schema, {0, 1}, bytes, kDayMs), 73);
  ApplyOne(schema, time_ms, Datum::Null(), bytes, time_ms);
  EXPECT_EQ(ReadOne(schema, {0, 1}, bytes, time_ms).outcome, ReadOutcome::kTruncated);
}

TEST(Timeline, TheLastEventsAreKeptHoweverOld) {
  const Schema schema = MixedSchema();
  std::string bytes;
  ApplyOne(schema, 1, Datum::Null(), bytes, 1);
  EXPECT_EQ(Count(schema, {0, 2}, bytes, 1), 1);
  for (int64_t i = 2; i < 200; ++i) ApplyOne(schema, i * kDayMs, Datum::Null(), bytes, i);
  const WindowedValue last = ReadOne(schema, {0, 2}, bytes, 400 * kDayMs);
  EXPECT_EQ(last.value.as_int(), 3);
  EXPECT_EQ(last.newest_time_ms, 199 * kDayMs);
}

// As many as fit are kept, and a window that needs others says so.
TEST(Timeline, AHotKeyKeepsAsManySingleEventsAsFit) {
  const Schema schema = MixedSchema();
  std::string bytes;
  const auto events = static_cast<int64_t>(2 * limits::kRecentEventsMax);
  for (int64_t i = 0; i < events; ++i) ApplyOne(schema, i / 100, Datum::Null(), bytes, i);
  ASSERT_TRUE(Validate(schema, bytes).ok());
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs), events);
  EXPECT_EQ(Count(schema, {0, 2}, bytes, kHourMs), 3);
  EXPECT_EQ(ReadOne(schema, {0, 0}, bytes, kHourMs + 1).outcome, ReadOutcome::kTruncated);
  EXPECT_EQ(Count(schema, {0, 0}, bytes, kHourMs + events / 100 - 1), 100);
}

// Against a list of what is remembered.
TEST(Timeline, RepeatsCountOnce) {
  constexpr int64_t kWithinMs = 320;
  const Schema schema = Make({.windows = {{.window_ms = kDayMs, .hop_ms = 1'000}},
                              .head_hop_ms = 1'000,
                              .aggregations = {CountOfEvents(), Function("max", Type::kString)},
                              .deduplicate_ms = kWithinMs});
  const uint64_t seed = TestSeed();
  std::cout << "FRESHET_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  std::map<uint64_t, int64_t> seen;
  std::string bytes;
  int64_t counted = 0;
  int64_t newest_ms = 0;
  const std::vector<Datum> values(2, Datum::String("text"));
  const std::vector<uint8_t> admitted(2, 1);
  for (int64_t i = 0; i < 20'000; ++i) {
    const int64_t time_ms = std::max<int64_t>(0, i - static_cast<int64_t>(random() % 400));
    const uint64_t key = random() % 500;
    const bool is_repeat = seen.count(key) > 0;
    const Event event{{time_ms, 0, i}, values, admitted, Identity{key % 3, key}};
    ASSERT_EQ(Apply(schema, event, bytes) == ApplyOutcome::kRepeated, is_repeat) << i;
    ASSERT_TRUE(Validate(schema, bytes).ok());
    if (is_repeat) continue;
    ++counted;
    seen[key] = time_ms;
    newest_ms = std::max(newest_ms, time_ms);
    const int64_t kept_from_ms =
        (newest_ms + 10 * kWithinMs - kWithinMs) / 10 * 10 - 10 * kWithinMs;
    std::erase_if(seen, [&](const auto& each) { return each.second < kept_from_ms; });
  }
  EXPECT_EQ(ReadOne(schema, {0, 0}, bytes, 20'000).value.as_int(), counted);
}

// However many, they are bounded, and those of the oldest events are forgotten first.
TEST(Timeline, IdentitiesAreBounded) {
  const Schema schema = Make({.windows = {{.window_ms = kDayMs, .hop_ms = 1'000}},
                              .head_hop_ms = 1'000,
                              .aggregations = {CountOfEvents()},
                              .deduplicate_ms = kDayMs});
  std::string bytes;
  const std::vector<Datum> values(1);
  const std::vector<uint8_t> admitted(1, 1);
  const auto events = static_cast<int64_t>(2 * limits::kSeenIdentitiesMax);
  const auto apply = [&](int64_t i, int64_t offset) {
    return Apply(schema, {{i, 0, offset}, values, admitted, Identity{0, static_cast<uint64_t>(i)}},
                 bytes);
  };
  for (int64_t i = 0; i < events; ++i) ASSERT_EQ(apply(i, i), ApplyOutcome::kApplied);
  ASSERT_TRUE(Validate(schema, bytes).ok());
  EXPECT_LE(bytes.size(), limits::kSeenIdentitiesMax * 24 + 10'000);
  EXPECT_EQ(apply(events - 1, events), ApplyOutcome::kRepeated);
  EXPECT_EQ(apply(0, events + 1), ApplyOutcome::kApplied);
}

}  // namespace
}  // namespace freshet::timeline
