#include "base/time.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace freshet {
namespace {

TEST(AlignDown, FloorsBelowZeroToo) {
  EXPECT_EQ(AlignDown(0, 10), 0);
  EXPECT_EQ(AlignDown(19, 10), 10);
  EXPECT_EQ(AlignDown(-1, 10), -10);
  EXPECT_EQ(AlignDown(-10, 10), -10);
  EXPECT_EQ(AlignDown(INT64_MIN, 1), INT64_MIN);
  EXPECT_EQ(AlignDown(INT64_MIN + 3, 1'000) % 1'000, 0);
}

TEST(Duration, ParsesWhatPeopleWrite) {
  EXPECT_EQ(*ParseDurationMs("250ms"), 250);
  EXPECT_EQ(*ParseDurationMs("90s"), 90'000);
  EXPECT_EQ(*ParseDurationMs("1m"), 60'000);
  EXPECT_EQ(*ParseDurationMs("1h30m"), 5'400'000);
  EXPECT_EQ(*ParseDurationMs("2w"), 14 * 86'400'000LL);
}

TEST(Duration, RefusesTheRest) {
  for (const char* text :
       {"", "m", "5", "-1m", "0s", "1.5h", "1 m", "1y", "99999999999999999d", "+1s"}) {
    EXPECT_FALSE(ParseDurationMs(text).ok()) << text;
  }
}

TEST(Duration, FormatsToTheShortestSpellingThatParsesBack) {
  EXPECT_EQ(FormatDurationMs(60'000), "1m");
  EXPECT_EQ(FormatDurationMs(90'000), "90s");
  EXPECT_EQ(FormatDurationMs(7 * 86'400'000LL), "7d");
  EXPECT_EQ(FormatDurationMs(1'500), "1500ms");
  for (int64_t ms : {1LL, 999LL, 3'600'000LL, 86'400'000LL * 400}) {
    EXPECT_EQ(*ParseDurationMs(FormatDurationMs(ms)), ms);
  }
}

TEST(Rfc3339, ParsesZonesFractionsAndEdges) {
  EXPECT_EQ(*ParseRfc3339Ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(*ParseRfc3339Ms("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_EQ(*ParseRfc3339Ms("2026-11-24T10:00:00.1239Z"), 1'795'514'400'123);
  EXPECT_EQ(*ParseRfc3339Ms("2026-11-24T15:30:00+05:30"), 1'795'514'400'000);
  EXPECT_EQ(*ParseRfc3339Ms("2024-02-29 00:00:00z"), 1'709'164'800'000);
  EXPECT_EQ(*ParseRfc3339Ms("0001-01-01T00:00:00Z"), limits::kEventTimeMsMin);
  EXPECT_EQ(*ParseRfc3339Ms("9999-12-31T23:59:59.999Z"), limits::kEventTimeMsMax);
}

TEST(Rfc3339, RefusesWhatIsNoInstant) {
  for (const char* text :
       {"", "2026-11-24", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zjunk",
        "0001-01-01T00:00:00+01:00", "2026-01-01T00:60:00Z", "2026-1-1T00:00:00Z"}) {
    EXPECT_FALSE(ParseRfc3339Ms(text).ok()) << text;
  }
}

TEST(Rfc3339, FormatsWhatItParses) {
  for (int64_t ms : {int64_t{0}, int64_t{-1}, limits::kEventTimeMsMin, limits::kEventTimeMsMax,
                     int64_t{1'795'514'400'123}}) {
    EXPECT_EQ(*ParseRfc3339Ms(FormatRfc3339Ms(ms)), ms);
  }
}

}  // namespace
}  // namespace freshet
