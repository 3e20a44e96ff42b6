// Lanes over the event log of a push source: one partition, no broker.
#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "ingest/ingestor.h"

namespace freshet::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr int64_t kT0 = 1'700'000'000'000;

const char* const kHead = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push:
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, amount: double}
feature_views:
)";
const char* const kActivity = R"(
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1h]}
)";
const char* const kSpending = R"(
  - name: spending
    entity: user
    source: clicks
    aggregations:
      - {name: spend, function: sum, of: amount, windows: [1h]}
)";

std::string Click(int64_t user_id, double amount = 1) {
  return fmt::format(R"({{"at":{},"user_id":{},"amount":{}}})", kT0, user_id, amount);
}

class PushIngestTest : public ::testing::Test {
 protected:
  using RegistryPointer = std::shared_ptr<const registry::Registry>;

  PushIngestTest() { options_.checkpoint_interval_ms = 20; }

  void Start(const RegistryPointer& registry) {
    ingestor_ = *Ingestor::New(options_, harness_.store(), clock_);
    Apply(registry);
  }
  void Apply(const RegistryPointer& registry) {
    registry_ = registry;
    const Status applied = ingestor_->Apply(registry);
    ASSERT_TRUE(applied.ok()) << applied.ToString();
  }
  void Stop() {
    const Status stopped = ingestor_->Stop();
    EXPECT_TRUE(stopped.ok()) << stopped.ToString();
    ingestor_.reset();
  }
  void Push(const std::vector<std::string>& events) {
    const std::vector<std::string_view> payloads(events.begin(), events.end());
    const auto pushed = harness_.store().AppendLog(SourceId(), payloads, kT0);
    ASSERT_TRUE(pushed.ok()) << pushed.status().ToString();
  }
  uint32_t SourceId() const { return registry_->FindSource("clicks")->id; }
  void WaitForAll() {
    WaitUntil(
        [&] {
          const auto lanes = ingestor_->Lanes();
          return std::all_of(lanes.begin(), lanes.end(), [&](const LaneStatus& lane) {
            return !lane.partitions.empty() &&
                   lane.partitions[0].next_offset == harness_.store().LogEnd(SourceId());
          });
        },
        "everything is read");
  }
  Value Read(std::string_view feature, int64_t user_id) {
    return ReadFeature(harness_.store(), *registry_, feature, user_id, kT0);
  }
  SourceCounters Counters() {
    const auto counters = ingestor_->Counters();
    EXPECT_EQ(counters.size(), 1u);
    return counters.at(0);
  }

  StoreHarness harness_;
  FakeClock clock_{kT0};
  IngestOptions options_;
  RegistryPointer registry_ = BuildRegistry(std::string(kHead) + kActivity);
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(PushIngestTest, WhatIsPushedIsCounted) {
  Start(registry_);
  Push({Click(1), Click(2), Click(1)});
  WaitForAll();
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{2}));
  EXPECT_EQ(Read("activity.clicks_1h", 2), Value(int64_t{1}));
  WaitUntil([&] { return ingestor_->CaughtUp(); }, "caught up");
  EXPECT_EQ(Counters().events, 3u);
  EXPECT_EQ(Counters().applied, 3u);
  const auto lanes = ingestor_->Lanes();
  ASSERT_EQ(lanes.size(), 1u);
  EXPECT_EQ(lanes[0].source, "clicks");
  EXPECT_THAT(lanes[0].views, ElementsAre("activity"));
  EXPECT_EQ(lanes[0].state, "live");
  EXPECT_FALSE(lanes[0].failed);
}

TEST_F(PushIngestTest, ARestartCountsNothingTwiceAndLosesNothing) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  std::map<int64_t, int64_t> pushed;
  for (int round = 0; round < 8; ++round) {
    Start(registry_);
    for (int batch = 0; batch < 5; ++batch) {
      std::vector<std::string> events;
      for (size_t i = random() % 50; i > 0; --i) {
        const auto user = static_cast<int64_t>(random() % 4);
        events.push_back(Click(user));
        ++pushed[user];
      }
      Push(events);
    }
    if (random() % 2 == 0) WaitForAll();
    Stop();
    harness_.Open();
  }
  Start(registry_);
  WaitForAll();
  for (const auto& [user, count] : pushed)
    EXPECT_EQ(Read("activity.clicks_1h", user), Value(count));
}

TEST_F(PushIngestTest, StopMakesEverythingDurable) {
  options_.checkpoint_interval_ms = 3'600'000;
  Start(registry_);
  Push({Click(1), "bad"});
  WaitForAll();
  Stop();
  harness_.Open();
  const auto positions = harness_.store().ReadPositions(TablesOf(*registry_, "activity")[0]);
  ASSERT_TRUE(positions.ok());
  EXPECT_THAT(*positions, ElementsAre(store::Position{TablesOf(*registry_, "activity")[0], 0, 2}));
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{1}));
}

TEST_F(PushIngestTest, PositionsAdvanceWithoutChanges) {
  Start(registry_);
  Push({"bad", "worse"});
  WaitUntil(
      [&] {
        const auto lanes = ingestor_->Lanes();
        return !lanes[0].partitions.empty() && lanes[0].partitions[0].checkpointed_offset == 2;
      },
      "the refused records are behind a checkpoint");
}

TEST_F(PushIngestTest, BadEventsAreCountedByReasonAndStopNothing) {
  Start(registry_);
  Push({"nonsense", R"({"user_id":1})", R"({"at":1})", R"({"at":"x","user_id":1})",
        R"({"at":1,"user_id":1.5})", R"({"at":99999999999999999,"user_id":1})",
        fmt::format(R"({{"at":{},"user_id":1}})", kT0 + 60'001), Click(1)});
  WaitForAll();
  EXPECT_THAT(Counters().refused, ElementsAre(Pair("missing_field", 2), Pair("not_json", 1),
                                              Pair("time_out_of_range", 1),
                                              Pair("too_far_in_future", 1), Pair("wrong_type", 2)));
  EXPECT_EQ(Counters().events, 8u);
  EXPECT_EQ(Counters().applied, 1u);
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{1}));
}

TEST_F(PushIngestTest, AnIdleStreamsAsOfFollowsTheClock) {
  options_.as_of_interval_ms = 5;
  Start(registry_);
  const registry::TableId table = TablesOf(*registry_, "activity")[0];
  WaitUntil([&] { return ingestor_->AsOfMs(table) == kT0; }, "as-of of now");
  clock_.Set(kT0 + 5'000);
  WaitUntil([&] { return ingestor_->AsOfMs(table) == kT0 + 5'000; }, "as-of of later");
  EXPECT_EQ(ingestor_->AsOfMs(table + 1'000), INT64_MIN);
}

TEST_F(PushIngestTest, ANewTableIsFilledFromTheBeginning) {
  Start(registry_);
  Push({Click(1, 2), Click(1, 3)});
  WaitForAll();
  Apply(BuildRegistry(std::string(kHead) + kActivity + kSpending, registry_));
  WaitForAll();
  EXPECT_EQ(ingestor_->Lanes().size(), 2u);
  EXPECT_EQ(Read("spending.spend_1h", 1), Value(5.0));
  Push({Click(1, 4)});
  WaitForAll();
  EXPECT_EQ(Read("spending.spend_1h", 1), Value(9.0));
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{3}));

  // Close to each other, they share a lane after a restart, and neither counts twice.
  Stop();
  harness_.Open();
  Start(registry_);
  EXPECT_EQ(ingestor_->Lanes().size(), 1u);
  Push({Click(1, 1)});
  WaitForAll();
  EXPECT_EQ(Read("spending.spend_1h", 1), Value(10.0));
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{4}));
}

TEST_F(PushIngestTest, TablesOfOneLaneSkipWhatEachHas) {
  Start(registry_);
  Push({Click(1), Click(1)});
  WaitForAll();
  Stop();
  // The new table shares the lane from the start: it lacks what the old one has.
  Start(BuildRegistry(std::string(kHead) + kActivity + kSpending, registry_));
  EXPECT_EQ(ingestor_->Lanes().size(), 1u);
  WaitForAll();
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{2}));
  EXPECT_EQ(Read("spending.spend_1h", 1), Value(2.0));
}

TEST_F(PushIngestTest, ARemovedTableIsNoLongerWritten) {
  const RegistryPointer both = BuildRegistry(std::string(kHead) + kActivity + kSpending);
  Start(both);
  Push({Click(1)});
  WaitForAll();
  const registry::TableId removed = TablesOf(*both, "spending")[0];
  const RegistryPointer one = BuildRegistry(std::string(kHead) + kActivity, both);
  Apply(one);
  ASSERT_TRUE(harness_.store().DropTables({&removed, 1}).ok());
  Push({Click(1)});
  WaitForAll();
  Stop();
  harness_.Open();
  const auto positions = harness_.store().ReadPositions(removed);
  ASSERT_TRUE(positions.ok());
  EXPECT_TRUE(positions->empty());
  EXPECT_EQ(ReadFeature(harness_.store(), *both, "spending.spend_1h", 1, kT0), Value());
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(int64_t{2}));
}

TEST_F(PushIngestTest, ALaneWithoutTablesEnds) {
  Start(registry_);
  Push({Click(1)});
  WaitForAll();
  Apply(BuildRegistry(R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
)",
                      registry_));
  EXPECT_TRUE(ingestor_->Lanes().empty());
  EXPECT_TRUE(ingestor_->Counters().empty());
  EXPECT_TRUE(ingestor_->CaughtUp());
}

TEST_F(PushIngestTest, DefinitionsMayChangeWhileEventsArrive) {
  Start(registry_);
  const RegistryPointer one = registry_;
  const RegistryPointer both = BuildRegistry(std::string(kHead) + kActivity + kSpending, one);
  int64_t pushed = 0;
  for (int round = 0; round < 20; ++round) {
    Push({Click(1), Click(1)});
    pushed += 2;
    // The names that come back keep their ids, and so what they have.
    Apply(round % 2 == 0 ? both : BuildRegistry(std::string(kHead) + kActivity, both));
  }
  WaitForAll();
  EXPECT_EQ(Read("activity.clicks_1h", 1), Value(pushed));
}

TEST_F(PushIngestTest, AKafkaSourceWithoutBrokersIsRefused) {
  ingestor_ = *Ingestor::New(options_, harness_.store(), clock_);
  std::string head = kHead;
  head.replace(head.find("push:"), 5, "kafka: {topic: clicks, format: json}");
  EXPECT_EQ(ingestor_->Apply(BuildRegistry(head + kActivity)).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ingestor_->Lanes().empty());
}

TEST_F(PushIngestTest, ManySmallCheckpointsKeepUpWithDirtyBytes) {
  options_.checkpoint_dirty_bytes = 1'000;
  options_.checkpoint_interval_ms = 3'600'000;
  Start(registry_);
  for (int64_t i = 0; i < 50; ++i) {
    std::vector<std::string> events;
    for (int64_t user = 0; user < 100; ++user) events.push_back(Click(i * 100 + user));
    Push(events);
  }
  WaitForAll();
  EXPECT_GT(harness_.store().Stats().checkpoints, 1u);
  EXPECT_EQ(Read("activity.clicks_1h", 4'999), Value(int64_t{1}));
}

}  // namespace
}  // namespace freshet::ingest
