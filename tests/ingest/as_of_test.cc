#include "ingest/as_of.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace freshet::ingest {
namespace {

TEST(AsOfProbesTest, NothingIsKnownBeforeTheFirstEndsAreReached) {
  AsOfProbes probes;
  EXPECT_EQ(probes.Reached({{0, 10}}), INT64_MIN);
  probes.Add(1'000, {{0, 11}});
  EXPECT_EQ(probes.Reached({{0, 10}}), INT64_MIN);
  EXPECT_EQ(probes.Reached({{0, 11}}), 1'000);
}

TEST(AsOfProbesTest, EveryPartitionMustBeThere) {
  AsOfProbes probes;
  probes.Add(1'000, {{0, 5}, {1, 0}});
  EXPECT_EQ(probes.Reached({{0, 5}}), INT64_MIN);
  EXPECT_EQ(probes.Reached({{0, 4}, {1, 0}}), INT64_MIN);
  EXPECT_EQ(probes.Reached({{0, 5}, {1, 0}}), 1'000);
}

TEST(AsOfProbesTest, AnIdleLogAdvancesWithEveryQuestion) {
  AsOfProbes probes;
  for (int64_t now_ms = 0; now_ms < 1'000; now_ms += 200) {
    probes.Add(now_ms, {{0, 7}});
    EXPECT_EQ(probes.Reached({{0, 7}}), now_ms);
  }
}

TEST(AsOfProbesTest, TheLatestReachedCountsAndStays) {
  AsOfProbes probes;
  probes.Add(100, {{0, 5}});
  probes.Add(200, {{0, 6}});
  probes.Add(300, {{0, 9}});
  EXPECT_EQ(probes.Reached({{0, 8}}), 200);
  EXPECT_EQ(probes.Reached({{0, 8}}), 200);
  EXPECT_EQ(probes.Reached({{0, 9}}), 300);
}

TEST(AsOfProbesTest, AClockThatIsSetBackTakesNothingBack) {
  AsOfProbes probes;
  probes.Add(500, {{0, 1}});
  probes.Add(400, {{0, 2}});
  EXPECT_EQ(probes.Reached({{0, 2}}), 500);
}

TEST(AsOfProbesTest, AReaderFarBehindStillReachesTheFirst) {
  AsOfProbes probes;
  for (size_t i = 0; i < 2 * limits::kAsOfProbesMax; ++i) {
    probes.Add(static_cast<int64_t>(i), {{0, static_cast<int64_t>(100 + i)}});
  }
  EXPECT_EQ(probes.Reached({{0, 100}}), 0);
  probes.Add(9'999, {{0, 500}});
  EXPECT_EQ(probes.Reached({{0, 500}}), 9'999);
}

}  // namespace
}  // namespace freshet::ingest
