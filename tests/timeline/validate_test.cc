#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "support/seed.h"
#include "timeline/random_case.h"
#include "timeline/support.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

Schema::Options Options() {
  return {.windows = {{60'000, 1'000}, {600'000, 10'000}},
          .head_hop_ms = 1'000,
          .clock_skew_ms = 5'000,
          .has_lifetime = true,
          .aggregations = {CountOfEvents(), Function("last", Type::kString)}};
}

std::string SomeBytes(const Schema& schema) {
  std::string bytes;
  for (int64_t i = 0; i < 100; ++i)
    ApplyOne(schema, 1'000'000 + i * 17'000, Datum::String("text"), bytes, i);
  return bytes;
}

TEST(Validate, TakesWhatApplyWrote) {
  const Schema schema = Make(Options());
  EXPECT_TRUE(Validate(schema, SomeBytes(schema)).ok());
}

TEST(Validate, RefusesEveryCut) {
  const Schema schema = Make(Options());
  const std::string bytes = SomeBytes(schema);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Status status = Validate(schema, std::string_view(bytes).substr(0, size));
    ASSERT_EQ(status.code(), StatusCode::kCorruption) << size;
  }
  EXPECT_FALSE(Validate(schema, bytes + std::string(1, '\0')).ok());
}

TEST(Validate, RefusesTheBytesOfAnotherSchema) {
  const Schema schema = Make(Options());
  Schema::Options options = Options();
  options.has_lifetime = false;
  EXPECT_FALSE(Validate(Make(options), SomeBytes(schema)).ok());
  options = Options();
  options.aggregations.pop_back();
  EXPECT_FALSE(Validate(Make(options), SomeBytes(schema)).ok());
  options = Options();
  options.windows.pop_back();
  EXPECT_FALSE(Validate(Make(options), SomeBytes(schema)).ok());
}

TEST(Validate, NamesKindAndVersion) {
  const Schema schema = Make(Options());
  std::string bytes = SomeBytes(schema);
  bytes[1] = 2;
  EXPECT_NE(Validate(schema, bytes).message().find("version is 2"), std::string_view::npos);
  bytes[0] = 'X';
  EXPECT_NE(Validate(schema, bytes).message().find("another kind"), std::string_view::npos);
}

Schema OfZone(const std::string& time_zone) {
  const auto calendar = [&](CalendarUnit unit) {
    return *Calendar::Create({.unit = unit, .time_zone = time_zone});
  };
  Schema::Options options = Options();
  for (const CalendarUnit unit : {CalendarUnit::kDay, CalendarUnit::kMonth})
    options.windows.push_back(
        {.hop_ms = 1'000, .kind = WindowKind::kCalendar, .calendar = calendar(unit)});
  options.cells_max = 300;
  return Make(options);
}

// The rules of a zone change with an update of the system: what was kept before goes on to be read and
// written, no event is lost, and values are exact again once no window reaches behind the update.
TEST(Validate, TakesCellsThatWereCutByOtherRulesOfAZone) {
  const uint64_t seed = TestSeed();
  std::cout << "FRESHET_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const Schema before = OfZone("Europe/Berlin");
  const Schema after = OfZone("Asia/Kolkata");
  std::string bytes;
  int64_t events = 0;
  int64_t now_ms = 1'700'000'000'000;
  const auto apply = [&](const Schema& schema, int64_t step_ms_max) {
    const auto below = [&](int64_t bound) {
      return static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
    };
    now_ms += below(step_ms_max);
    const int64_t age_ms = below(4) == 0 ? below(40 * kDayMs) : 0;
    ApplyOne(schema, now_ms - age_ms, Datum::String("text"), bytes, events++);
  };
  for (int i = 0; i < 3'000; ++i) apply(before, kHourMs / 2);
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(Validate(after, bytes).ok()) << Validate(after, bytes).ToString();
    apply(after, kHourMs / 2);
    ASSERT_EQ(ReadOne(after, {0, std::nullopt}, bytes, now_ms).value.as_int(), events) << i;
  }
  std::string fresh;
  now_ms += 80 * kDayMs;
  for (int i = 0; i < 100; ++i) {
    now_ms += kHourMs;
    ApplyOne(after, now_ms, Datum::String("text"), bytes, i);
    ApplyOne(after, now_ms, Datum::String("text"), fresh, i);
  }
  for (uint32_t window = 0; window < after.windows().size(); ++window)
    EXPECT_EQ(ReadOne(after, {0, window}, bytes, now_ms).value.as_int(),
              ReadOne(after, {0, window}, fresh, now_ms).value.as_int());
}

// Whatever gets past it can be applied to, read, and is valid again afterwards.
TEST(Validate, WhatPassesWithAByteChangedCanBeUsed) {
  const uint64_t seed = TestSeed();
  std::cout << "FRESHET_TEST_SEED=" << seed << "\n";
  size_t passed = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    RandomCase random(seed * 300 + i);
    const Schema schema = Make(random.options);
    std::string bytes;
    for (int k = 0; k < 12; ++k) Apply(schema, EventView(random.NextEvent()).Get(), bytes);
    Reader reader(schema, random.AllWants());
    for (int k = 0; k < 100; ++k) {
      std::string changed = bytes;
      changed[random.Below(changed.size())] ^= static_cast<char>(1 << random.Below(8));
      if (!Validate(schema, changed).ok()) continue;
      ++passed;
      reader.Read(changed, random.NextReadTime());
      Apply(schema, EventView(random.events.back()).Get(), changed);
      const Status valid = Validate(schema, changed);
      ASSERT_TRUE(valid.ok()) << valid.ToString() << ", case " << i;
    }
  }
  EXPECT_GT(passed, 0u);
}

}  // namespace
}  // namespace freshet::timeline
