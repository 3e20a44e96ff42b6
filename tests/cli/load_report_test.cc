#include "cli/load_report.h"

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

TEST(LoadReport, BadRowsAreAllowedByNumberOrByShare) {
  EXPECT_EQ(*ParseBadRowsAllowed("0"), (BadRowsAllowed{0, 0}));
  EXPECT_EQ(*ParseBadRowsAllowed("12"), (BadRowsAllowed{12, 0}));
  EXPECT_EQ(*ParseBadRowsAllowed("1%"), (BadRowsAllowed{0, 0.01}));
  EXPECT_EQ(*ParseBadRowsAllowed("0.5%"), (BadRowsAllowed{0, 0.005}));
  EXPECT_EQ(*ParseBadRowsAllowed("100%"), (BadRowsAllowed{0, 1}));
  for (const char* text : {"", "%", "101%", "-1", "0.1", "x", "1x", "nan%", "1%%", "-1%"})
    EXPECT_FALSE(ParseBadRowsAllowed(text).ok()) << text;
}

TEST(LoadReport, ProgressShowsShareRateAndTimeLeft) {
  LoadProgress progress;
  progress.bytes_read = 5'000'000;
  progress.rows_read = 100'000;
  EXPECT_EQ(RenderProgress(progress, {20'000'000, 2'000}, 8),
            "reading [##......]  25%  100 000 rows, 2.5 MB/s, 6 s left");
  EXPECT_EQ(RenderProgress(progress, {20'000'000, 2'000}, 0),
            "reading  25%  100 000 rows, 2.5 MB/s, 6 s left");
  EXPECT_EQ(RenderProgress(progress, {0, 2'000}, 8), "reading 100 000 rows, 2.5 MB/s");
  EXPECT_EQ(RenderProgress({}, {20'000'000, 0}, 0), "reading   0%  0 rows, 0.0 MB/s");
  progress.phase = LoadProgress::Phase::kSort;
  progress.rows_bad = 10;
  progress.rows_written = 7;
  EXPECT_EQ(RenderProgress(progress, {}, 0), "sorting 7 of 99 990 rows");
}

TEST(LoadReport, AProfileIsATable) {
  LoadProgress progress;
  progress.rows_read = 1'003;
  progress.rows_bad = 3;
  progress.profile = LoadProfile{1'000, 995, 10, 5, {{"age", Type::kInt32, 1'000, 20, "0", "99"}}};
  EXPECT_EQ(RenderProfile("profile", progress),
            "dry run of profile: 1 003 rows read, 3 bad; nothing was changed\n"
            "1 000 distinct keys; 10 new (1.0%), 5 of the 995 served ones would be gone (0.5%)\n"
            "\n"
            "  column  type    rows  nulls        least  greatest\n"
            "  age     int32  1 000     20  2.0%  0      99\n");
}

TEST(LoadReport, BadRowsAreListedByLineAndTheRestCounted) {
  LoadProgress progress;
  progress.rows_bad = 3;
  progress.bad_rows = {{2, "age: 'x' is no int32"}, {9, "user_id: missing"}};
  EXPECT_EQ(RenderBadRows("users.csv", progress),
            "users.csv:2: age: 'x' is no int32\n"
            "users.csv:9: user_id: missing\n"
            "and 1 more bad rows\n");
}

TEST(LoadReport, TheEndCountsWhatWasKeptAndWhatWasNot) {
  LoadProgress progress;
  progress.rows_read = 1'003;
  progress.rows_written = 1'000;
  EXPECT_EQ(RenderLoaded("profile", progress, "", 1'240),
            "loaded profile: 1 000 rows served, of 1 003 read; 1.2 s\n");
  progress.rows_duplicate = 2;
  progress.rows_bad = 1;
  EXPECT_EQ(RenderLoaded("profile", progress, "", 1'240),
            "loaded profile: 1 000 rows served, of 1 003 read; 2 older ones of the same key left "
            "out; 1 bad; 1.2 s\n");
}

}  // namespace
}  // namespace freshet::cli
