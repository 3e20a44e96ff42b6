// The timeline against the oracle, over random schemas and events.
#include <algorithm>
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "aggregate/packed_list.h"
#include "base/coding.h"
#include "support/seed.h"
#include "timeline/oracle.h"
#include "timeline/random_case.h"

namespace freshet::timeline {
namespace {

constexpr uint64_t kCases = 2'000;
constexpr size_t kEventsMax = 60;

std::string Describe(const Schema::Options& options, const Want& want, int64_t now_ms) {
  std::string text = "aggregation " + std::string(options.aggregations[want.aggregation]->name) +
                     " of " + std::string(TypeName(options.aggregations[want.aggregation]->input)) +
                     ", read at " + std::to_string(now_ms) + ", skew " +
                     std::to_string(options.clock_skew_ms) + ", head hop " +
                     std::to_string(options.head_hop_ms) + ", windows";
  for (const Window& window : options.windows)
    text += " [" + Describe(window) + "]/" + std::to_string(window.hop_ms);
  return text + (want.window ? ", window " + std::to_string(*want.window) : ", lifetime");
}

// How far a double may be off: what is rounded more than once, as a share of the value, and what a
// moment loses where its powers cancel, as a share of the largest power that could.
double Tolerance(const aggregate::Aggregate& function, double wanted, double largest) {
  if (function.name == "mean" || function.name == "rate") return 4e-16 * std::fabs(wanted);
  if (function.name == "sum" || function.name == "first" || function.name == "last" ||
      function.name == "min" || function.name == "max")
    return 0;
  if (function.name == "percentile" || function.name == "median") return 0;
  if (function.name.starts_with("decayed_"))
    return 1e-15 * kEventsMax * std::max(std::fabs(wanted), largest);
  return 1e-9 * (1 + std::fabs(wanted));
}

bool SameValue(const aggregate::Aggregate& function, const Datum& got, const Value& expected,
               double largest) {
  if (function.gives_list) {
    std::string text;
    std::string_view packed = got.as_string();
    while (!packed.empty()) text += ToString(aggregate::TakePacked(function.output, packed)) + " ";
    return text == std::get<std::string>(expected);
  }
  const Datum wanted = ToDatum(expected);
  if (got == wanted) return true;
  if (got.kind() != Datum::Kind::kDouble || wanted.kind() != Datum::Kind::kDouble) return false;
  if (std::isnan(got.as_double()) && std::isnan(wanted.as_double())) return true;
  // A sum that is zero has no sign.
  if (got.as_double() == wanted.as_double()) return wanted.as_double() == 0;
  const double off = std::fabs(got.as_double() - wanted.as_double());
  return off <= Tolerance(function, wanted.as_double(), largest);
}

uint32_t CellsOf(std::string_view bytes) {
  return Load<uint32_t>(bytes.data() + 4);
}

void Build(const Schema& schema, const std::vector<OracleEvent>& events, std::string& bytes) {
  for (const OracleEvent& event : events) Apply(schema, EventView(event).Get(), bytes);
}

// What a truncated timeline may say is judged by the caller.
void CompareReads(RandomCase& random, const std::vector<Want>& wants, Reader& reader,
                  const std::string& bytes, bool may_be_truncated) {
  const int64_t now_ms = random.NextReadTime();
  const bool too_early = now_ms < random.NewestMs() - random.options.clock_skew_ms;
  const auto values = reader.Read(bytes, now_ms);
  ASSERT_EQ(values.size(), wants.size());
  for (size_t i = 0; i < wants.size(); ++i) {
    SCOPED_TRACE(Describe(random.options, wants[i], now_ms));
    if (too_early) {
      EXPECT_EQ(values[i].outcome, ReadOutcome::kTooEarly);
      continue;
    }
    if (may_be_truncated && values[i].outcome == ReadOutcome::kTruncated) continue;
    const OracleAnswer expected = Ask(random.options, random.events, wants[i], now_ms);
    ASSERT_EQ(values[i].outcome, expected.outcome);
    if (expected.outcome == ReadOutcome::kTruncated) continue;
    ASSERT_EQ(values[i].newest_time_ms, expected.newest_ms);
    if (expected.outcome != ReadOutcome::kValue) continue;
    ASSERT_TRUE(SameValue(*random.options.aggregations[wants[i].aggregation], values[i].value,
                          expected.value, random.LargestNumber()))
        << ToString(values[i].value) << " instead of " << ToString(ToDatum(expected.value));
  }
}

std::vector<std::string> Told(std::span<const WindowedValue> values) {
  std::vector<std::string> told;
  for (const WindowedValue& value : values) {
    const Datum datum = value.outcome == ReadOutcome::kValue ? value.value : Datum();
    told.push_back(std::to_string(static_cast<int>(value.outcome)) + " " + ToString(datum) +
                   " at " + std::to_string(value.newest_time_ms));
  }
  return told;
}

// What a read is said to hold for, it holds for. Counts the moments that were looked at.
void CompareHeldReads(RandomCase& random, const Schema& schema, const std::string& bytes,
                      uint64_t* compared) {
  std::vector<Want> wants = random.AllWants();
  std::erase_if(
      wants, [&](const Want& want) { return random.options.aggregations[want.aggregation]->ages; });
  Reader reader(schema, wants);
  const int64_t now_ms = std::max(random.NextReadTime(), random.NewestMs());
  const std::vector<std::string> read = Told(reader.Read(bytes, now_ms));
  const ReadTimes held = reader.HoldsAt(bytes);
  if (held.from_ms == held.until_ms) return;
  ASSERT_TRUE(held.Contains(now_ms));
  const int64_t last_ms = std::min(held.until_ms - 1, now_ms + 1'000'000'000);
  const int64_t between_ms =
      held.from_ms +
      static_cast<int64_t>(random.Below(static_cast<uint64_t>(last_ms - held.from_ms) + 1));
  for (const int64_t other_ms : {held.from_ms, between_ms, last_ms}) {
    ++*compared;
    ASSERT_EQ(Told(reader.Read(bytes, other_ms)), read)
        << "read at " << now_ms << " and " << other_ms << ", held from " << held.from_ms
        << " until " << held.until_ms;
  }
}

// The bytes are those of any other order of the same events, or at least answer alike.
void CompareOrders(RandomCase& random, const Schema& schema, const std::vector<Want>& wants,
                   const std::string& bytes) {
  std::vector<OracleEvent> shuffled = random.events;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(random.Below(1'000'000)));
  std::string other;
  Build(schema, shuffled, other);
  if (random.SlotsAreExact()) {
    ASSERT_EQ(other, bytes);
    return;
  }
  Reader reader(schema, wants);
  for (int i = 0; i < 3; ++i) {
    CompareReads(random, wants, reader, other, false);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void RunCase(uint64_t seed, size_t cells_max, uint64_t* held_compared) {
  RandomCase random(seed);
  random.options.cells_max = cells_max;
  if (cells_max != 0) random.options.recent_events_max = 1 + random.Below(30);
  const Result<Schema> schema = Schema::Create(random.options);
  ASSERT_TRUE(schema.ok()) << schema.status().ToString();
  const std::vector<Want> wants = random.AllWants();
  Reader reader(*schema, wants);
  std::string bytes;
  const size_t events = 1 + random.Below(kEventsMax);
  for (size_t i = 0; i < events; ++i) {
    const OracleEvent event = random.NextEvent();
    const ApplyOutcome outcome = Apply(*schema, EventView(event).Get(), bytes);
    const Status valid = Validate(*schema, bytes);
    ASSERT_TRUE(valid.ok()) << valid.ToString();
    ASSERT_EQ(NewestEventTimeMs(bytes), random.NewestMs());
    ASSERT_LE(CellsOf(bytes), schema->CellsMax());
    ASSERT_LE(bytes.size(), schema->BytesMax({.text_bytes = RandomCase::kTextBytesMax}));
    ASSERT_TRUE(cells_max != 0 || outcome != ApplyOutcome::kTruncated);
    ASSERT_NE(outcome, ApplyOutcome::kRepeated);
    if (random.Below(4) != 0) continue;
    CompareReads(random, wants, reader, bytes, cells_max != 0);
    if (::testing::Test::HasFatalFailure()) return;
  }
  for (int i = 0; i < 8; ++i) {
    CompareReads(random, wants, reader, bytes, cells_max != 0);
    CompareHeldReads(random, *schema, bytes, held_compared);
    if (::testing::Test::HasFatalFailure()) return;
  }
  if (cells_max == 0) CompareOrders(random, *schema, wants, bytes);
}

void RunCases(size_t cells_max_below) {
  const uint64_t seed = TestSeed();
  const uint64_t cases = TestCases(kCases);
  std::cout << "FRESHET_TEST_SEED=" << seed << " FRESHET_TEST_CASES=" << cases << "\n";
  uint64_t held_compared = 0;
  for (uint64_t i = 0; i < cases; ++i) {
    SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(seed) + ", case " + std::to_string(i));
    RunCase(seed * cases + i, cells_max_below == 0 ? 0 : 1 + i % cells_max_below, &held_compared);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(held_compared, cases);
}

TEST(TimelineProperty, AnswersAsTheOracle) {
  RunCases(0);
}

TEST(TimelineProperty, TruncatedIsSaidAndNeverWrong) {
  RunCases(20);
}

}  // namespace
}  // namespace freshet::timeline
