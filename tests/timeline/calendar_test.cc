// The beginnings of local periods as Python's zoneinfo gives them, another implementation over the
// same zone database: beginnings of which the first is at or before the second.
#include "timeline/calendar.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "timeline/grid.h"

namespace freshet::timeline {
namespace {

struct Known {
  const char* what;
  const char* time_zone;
  CalendarUnit unit;
  Weekday week_starts;
  std::vector<int64_t> begins_seconds;  // one after the other
};

class CalendarTest : public ::testing::TestWithParam<Known> {};

TEST_P(CalendarTest, BeginsWhereZoneinfoSays) {
  const Known& known = GetParam();
  const auto calendar = Calendar::Create({known.unit, known.time_zone, known.week_starts});
  ASSERT_TRUE(calendar.ok()) << calendar.status().ToString();
  for (size_t i = 0; i + 1 < known.begins_seconds.size(); ++i) {
    const int64_t begin_ms = known.begins_seconds[i] * 1'000;
    const int64_t next_ms = known.begins_seconds[i + 1] * 1'000;
    for (const int64_t at_ms : {begin_ms, begin_ms + (next_ms - begin_ms) / 2, next_ms - 1}) {
      EXPECT_EQ((*calendar)->BeginMs(at_ms), begin_ms) << at_ms;
      EXPECT_EQ((*calendar)->NextMs(at_ms), next_ms) << at_ms;
    }
    EXPECT_LE((*calendar)->ShortestMs(), next_ms - begin_ms);
    EXPECT_GE((*calendar)->LongestMs(), next_ms - begin_ms);
  }
}

const Known kKnown[] = {
    {"A day of 23 hours",
     "America/New_York",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {1'710'046'800, 1'710'129'600, 1'710'216'000}},
    {"A day of 25 hours",
     "America/New_York",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {1'699'156'800, 1'699'246'800, 1'699'333'200}},
    {"An hour that comes twice",
     "America/New_York",
     CalendarUnit::kHour,
     Weekday::kMonday,
     {1'699'160'400, 1'699'167'600, 1'699'171'200}},
    {"Half an hour that is skipped",
     "Australia/Lord_Howe",
     CalendarUnit::kHour,
     Weekday::kMonday,
     {1'728'138'600, 1'728'142'200, 1'728'144'000, 1'728'147'600}},
    {"A leap day at half past",
     "Asia/Kolkata",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {1'709'145'000, 1'709'231'400, 1'709'317'800}},
    {"A midnight that is skipped",
     "America/Havana",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {1'710'046'800, 1'710'129'600, 1'710'216'000}},
    {"A day that is skipped",
     "Pacific/Apia",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {1'325'152'800, 1'325'239'200, 1'325'325'600}},
    {"Months beyond the list of changes",
     "Europe/Berlin",
     CalendarUnit::kMonth,
     Weekday::kMonday,
     {2'903'295'600, 2'905'974'000, 2'908'393'200, 2'911'068'000, 2'913'660'000}},
    {"Days of 2262",
     "America/New_York",
     CalendarUnit::kDay,
     Weekday::kMonday,
     {9'230'299'200, 9'230'385'600, 9'230'472'000}},
    {"A year before the epoch",
     "UTC",
     CalendarUnit::kYear,
     Weekday::kMonday,
     {-315'619'200, -283'996'800}},
    {"Weeks from Monday",
     "Europe/Berlin",
     CalendarUnit::kWeek,
     Weekday::kMonday,
     {1'711'321'200, 1'711'922'400, 1'712'527'200}},
    {"Weeks from Sunday",
     "Europe/Berlin",
     CalendarUnit::kWeek,
     Weekday::kSunday,
     {1'711'234'800, 1'711'839'600, 1'712'440'800}},
};

INSTANTIATE_TEST_SUITE_P(Known, CalendarTest, ::testing::ValuesIn(kKnown), [](const auto& info) {
  std::string name = info.param.what;
  for (char& c : name)
    if (c == ' ') c = '_';
  return name;
});

TEST(Calendar, RefusesAZoneThatIsNotThere) {
  for (const char* zone : {"", "Europe/Berlyn", "../etc/passwd", "localtime", "/etc/localtime",
                           "file:/usr/share/zoneinfo/UTC", "Fixed/UTC+05:30:00"})
    EXPECT_EQ(Calendar::Create({CalendarUnit::kDay, zone}).status().code(),
              StatusCode::kInvalidArgument);
}

TEST(Calendar, ItsEndIsTheEndOfTime) {
  for (const char* zone : {"UTC", "Europe/Berlin", "Pacific/Apia"}) {
    const Grid grid = {1'000, *Calendar::Create({CalendarUnit::kDay, zone})};
    for (const int64_t time_ms :
         {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
      EXPECT_EQ(grid.FloorMs(time_ms), grid.FloorMs(Calendar::ClampMs(time_ms)));
      EXPECT_GT(grid.NextMs(time_ms), grid.FloorMs(time_ms));
    }
  }
}

}  // namespace
}  // namespace freshet::timeline
