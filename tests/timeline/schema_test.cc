#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "timeline/support.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

using ::testing::HasSubstr;

TEST(DefaultHop, IsRound) {
  EXPECT_EQ(DefaultHopMs(kSecondMs), 10);
  EXPECT_EQ(DefaultHopMs(10 * kSecondMs), 100);
  EXPECT_EQ(DefaultHopMs(kMinuteMs), kSecondMs);
  EXPECT_EQ(DefaultHopMs(5 * kMinuteMs), 5 * kSecondMs);
  EXPECT_EQ(DefaultHopMs(10 * kMinuteMs), 10 * kSecondMs);
  EXPECT_EQ(DefaultHopMs(15 * kMinuteMs), 10 * kSecondMs);
  EXPECT_EQ(DefaultHopMs(kHourMs), kMinuteMs);
  EXPECT_EQ(DefaultHopMs(kDayMs), 20 * kMinuteMs);
  EXPECT_EQ(DefaultHopMs(7 * kDayMs), 2 * kHourMs);
  EXPECT_EQ(DefaultHopMs(30 * kDayMs), 12 * kHourMs);
  EXPECT_EQ(DefaultHopMs(90 * kDayMs), kDayMs);
  EXPECT_EQ(DefaultHopMs(365 * kDayMs), 6 * kDayMs);
  EXPECT_EQ(DefaultHopMs(limits::kWindowMsMax), 60 * kDayMs);
  EXPECT_EQ(DefaultHopMs(1), 1);
}

TEST(DefaultHop, AlwaysDividesThatOfALongerWindow) {
  std::vector<int64_t> hops;
  for (int64_t window = 1; window <= limits::kWindowMsMax; window += 1 + window / 50) {
    const int64_t hop = DefaultHopMs(window);
    ASSERT_LE(hop, std::max<int64_t>(1, window / limits::kHopsPerWindow));
    if (hops.empty() || hops.back() != hop) hops.push_back(hop);
  }
  for (size_t i = 1; i < hops.size(); ++i) EXPECT_EQ(hops[i] % hops[i - 1], 0) << hops[i];
}

Schema::Options Good() {
  return {.windows = {{kMinuteMs, kSecondMs}, {kHourMs, kMinuteMs}},
          .head_hop_ms = kSecondMs,
          .clock_skew_ms = kMinuteMs,
          .has_lifetime = false,
          .aggregations = {CountOfEvents(), Function("sum", Type::kInt64)}};
}

void ExpectRefused(const Schema::Options& options, const std::string& reason) {
  const Result<Schema> schema = Schema::Create(options);
  ASSERT_FALSE(schema.ok()) << reason;
  EXPECT_EQ(schema.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(schema.status().message(), HasSubstr(reason));
}

TEST(Schema, RefusesWhatBreaksItsRules) {
  Schema::Options options = Good();
  options.windows[1].hop_ms = 7'777;
  ExpectRefused(options, "its hop 7777ms is not a multiple of the head hop, 1s");
  options = Good();
  options.windows.push_back(options.windows[0]);
  ExpectRefused(options, "window 1m stands twice");
  options = Good();
  options.windows[0].periods_back = 1;
  ExpectRefused(options, "it has no periods to go back by");
  options = Good();
  options.windows[0].offset_ms = 3 * limits::kWindowMsMax;
  ExpectRefused(options, "reaches back too far");
  options = Good();
  options.windows[0].hop_ms = 2 * kMinuteMs;
  ExpectRefused(options, "at most the window");
  options = Good();
  options.windows[1].window_ms = limits::kWindowMsMax + 1;
  ExpectRefused(options, "allowed are 1 to");
  options = Good();
  options.head_hop_ms = 3;
  ExpectRefused(options, "not a multiple of the head hop, 3ms");
  options = Good();
  options.head_hop_ms = 0;
  ExpectRefused(options, "head hop of 0 ms");
  options = Good();
  options.clock_skew_ms = limits::kClockSkewMsMax + 1;
  ExpectRefused(options, "clock skew");
  options = Good();
  options.windows.clear();
  ExpectRefused(options, "keeps nothing");
  options = Good();
  options.aggregations.resize(limits::kAggregationsMax + 1, CountOfEvents());
  ExpectRefused(options, "aggregations");
  options = Good();
  options.cells_max = limits::kTimelineCellsMax + 1;
  ExpectRefused(options, "cells");
}

TEST(Schema, KnowsItsSizes) {
  EXPECT_EQ(Make(Good()).cell_fixed_bytes(), 16u + 8 + 16);
  Schema::Options options = Good();
  options.aggregations.push_back(Function("last", Type::kString));
  EXPECT_EQ(Make(options).cell_fixed_bytes(), 16u + 8 + 16 + 4 + 4);
}

Window Local(CalendarUnit unit, int64_t hop_ms) {
  return {.hop_ms = hop_ms,
          .kind = WindowKind::kCalendar,
          .calendar = *Calendar::Create({unit, "Europe/Berlin"})};
}

TEST(Schema, LevelsInBetweenKeepMixesOfShortAndLongWindowsSmall) {
  Schema::Options options = Good();
  options.windows = {{kMinuteMs, kSecondMs}, {30 * kDayMs, 12 * kHourMs}};
  EXPECT_LT(Make(options).CellsMax(), 400u);
  constexpr int64_t kHopMs = 5 * kMinuteMs;
  options.head_hop_ms = kHopMs;
  options.windows = {Local(CalendarUnit::kDay, kHopMs), Local(CalendarUnit::kMonth, kHopMs),
                     Local(CalendarUnit::kYear, kHopMs)};
  EXPECT_LT(Make(options).CellsMax(), 700u);
  options.windows.push_back({7 * kDayMs, 2 * kHourMs});
  EXPECT_LT(Make(options).CellsMax(), 900u);
}

TEST(Schema, CellsMaxBoundsWhatEveryHopFills) {
  const Schema schema = Make(Good());
  std::string bytes;
  size_t cells_seen_max = 0;
  for (int64_t at = 0; at < 3 * kHourMs; at += 500) {
    ApplyOne(schema, at, Datum::Int(1), bytes);
    cells_seen_max = std::max(cells_seen_max, (bytes.size() - 32) / schema.cell_fixed_bytes());
  }
  EXPECT_LE(cells_seen_max, schema.CellsMax());
  EXPECT_GE(cells_seen_max + 5, schema.CellsMax());
  Schema::Options options = Good();
  options.windows = {{kHourMs, 1}};
  options.head_hop_ms = 1;
  EXPECT_EQ(Make(options).CellsMax(), limits::kTimelineCellsMax);
}

}  // namespace
}  // namespace freshet::timeline
