// Lanes over the topics of a real broker.
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "ingest/ingestor.h"
#include "support/kafka_broker.h"

namespace freshet::ingest {
namespace {

using ::testing::HasSubstr;
using testing::KafkaBroker;
using testing::KafkaRecord;
using testing::NewTopicName;

constexpr int64_t kT0 = 1'700'000'000'000;

std::string Definitions(const std::string& topic, const std::string& dead_letter_topic = "") {
  const std::string dead_letters =
      dead_letter_topic.empty() ? "" : ", dead_letter_topic: " + dead_letter_topic;
  return fmt::format(R"(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: clicks
    kafka: {{topic: {}, format: json{}}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, amount: int64}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {{name: clicks, function: count, windows: [1h]}}
      - {{name: spend, function: sum, of: amount}}
)",
                     topic, dead_letters);
}

KafkaRecord Click(int64_t user_id, int32_t partition = 0, int64_t amount = 1) {
  return {fmt::format(R"({{"at":{},"user_id":{},"amount":{}}})", kT0, user_id, amount), partition,
          kT0};
}

class KafkaIngestTest : public ::testing::Test {
 protected:
  KafkaIngestTest() {
    options_.kafka.brokers = broker_.address();
    options_.checkpoint_interval_ms = 50;
    options_.as_of_interval_ms = 20;
  }

  void Start(const std::string& topic, const std::string& dead_letter_topic = "") {
    topic_ = topic;
    options_.kafka.consumer_group = topic + "-group";
    registry_ = BuildRegistry(Definitions(topic, dead_letter_topic));
    ingestor_ = *Ingestor::New(options_, harness_.store(), clock_);
    const Status applied = ingestor_->Apply(registry_);
    ASSERT_TRUE(applied.ok()) << applied.ToString();
  }
  void Stop() {
    const Status stopped = ingestor_->Stop();
    EXPECT_TRUE(stopped.ok()) << stopped.ToString();
    ingestor_.reset();
  }
  void WaitForEvents(uint64_t count) {
    WaitUntil(
        [&] {
          const auto counters = ingestor_->Counters();
          return counters.size() == 1 && counters[0].events >= count;
        },
        fmt::format("{} events are read", count));
  }
  void WaitForCount(int64_t user_id, int64_t count) {
    WaitUntil([&] { return Clicks(user_id) == Value(count); }, fmt::format("{} clicks", count));
  }
  Value Clicks(int64_t user_id) {
    return ReadFeature(harness_.store(), *registry_, "activity.clicks_1h", user_id, kT0);
  }
  Value Spend(int64_t user_id) {
    return ReadFeature(harness_.store(), *registry_, "activity.spend", user_id, kT0);
  }
  int64_t AsOf() { return ingestor_->AsOfMs(TablesOf(*registry_, "activity")[0]); }
  LaneStatus Lane() { return ingestor_->Lanes().at(0); }

  KafkaBroker& broker_ = KafkaBroker::Shared();
  StoreHarness harness_;
  FakeClock clock_{kT0};
  IngestOptions options_;
  std::string topic_;
  std::shared_ptr<const registry::Registry> registry_;
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(KafkaIngestTest, OneEntityOverManyPartitionsIsCountedOnceAcrossRestarts) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const std::string topic = NewTopicName("restarts");
  broker_.CreateTopic(topic, 4);
  std::map<int64_t, std::pair<int64_t, int64_t>> produced;
  uint64_t total = 0;
  for (int round = 0; round < 4; ++round) {
    Start(topic);
    std::vector<KafkaRecord> records;
    for (int i = 0; i < 500; ++i, ++total) {
      const auto user = static_cast<int64_t>(random() % 5);
      const auto amount = static_cast<int64_t>(random() % 100);
      records.push_back(Click(user, static_cast<int32_t>(random() % 4), amount));
      produced[user].first += 1;
      produced[user].second += amount;
    }
    broker_.Produce(topic, records);
    if (random() % 2 == 0) WaitForEvents(1);
    Stop();
    harness_.Open();
  }
  Start(topic);
  WaitUntil([&] { return ingestor_->CaughtUp(); }, "caught up");
  for (const auto& [user, sums] : produced) {
    EXPECT_EQ(Clicks(user), Value(sums.first));
    EXPECT_EQ(Spend(user), Value(sums.second));
  }
}

TEST_F(KafkaIngestTest, AsOfAdvancesOnAnIdleTopicAndNotWhileTheBrokerHangs) {
  const std::string topic = NewTopicName("as-of");
  broker_.CreateTopic(topic, 2);
  Start(topic);
  WaitUntil([&] { return AsOf() == kT0; }, "as-of of an empty topic");
  EXPECT_TRUE(ingestor_->CaughtUp());
  clock_.Set(kT0 + 1'000);
  WaitUntil([&] { return AsOf() == kT0 + 1'000; }, "as-of of an idle topic");

  broker_.Pause();
  clock_.Set(kT0 + 9'000);
  WaitUntil([&] { return Lane().state != "live"; }, "the hanging broker is noticed");
  // A question that was under way may have been answered before the pause, at its own time.
  EXPECT_LE(AsOf(), kT0 + 1'000);
  EXPECT_THAT(Lane().state, HasSubstr(topic));
  broker_.Continue();
  WaitUntil([&] { return AsOf() == kT0 + 9'000; }, "as-of after the broker came back");
  WaitUntil([&] { return Lane().state == "live"; }, "live again");
}

TEST_F(KafkaIngestTest, ATopicThatIsCreatedLaterIsReadThen) {
  const std::string topic = NewTopicName("not-yet");
  Start(topic);
  WaitUntil([&] { return Lane().state.find("does not exist") != std::string::npos; },
            "the missing topic is told");
  EXPECT_FALSE(ingestor_->CaughtUp());
  EXPECT_FALSE(Lane().failed);
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, {Click(1)});
  WaitForCount(1, 1);
  WaitUntil([&] { return ingestor_->CaughtUp() && Lane().state == "live"; }, "live");
}

TEST_F(KafkaIngestTest, NewPartitionsAreReadFromTheirBeginning) {
  const std::string topic = NewTopicName("grows");
  broker_.CreateTopic(topic, 1);
  Start(topic);
  broker_.Produce(topic, {Click(1, 0)});
  WaitForCount(1, 1);
  broker_.AddPartitions(topic, 3);
  broker_.Produce(topic, {Click(1, 0), Click(1, 1), Click(1, 2)});
  WaitForCount(1, 4);
  EXPECT_EQ(Lane().partitions.size(), 3u);
}

TEST_F(KafkaIngestTest, RefusedRecordsArriveInTheDeadLetterTopic) {
  const std::string topic = NewTopicName("bad");
  const std::string dead = NewTopicName("dead");
  broker_.CreateTopic(topic, 2);
  broker_.CreateTopic(dead, 1);
  Start(topic, dead);
  broker_.Produce(topic, {Click(1, 0), {"nonsense", 1, kT0}, {R"({"at":1})", 0, kT0}, Click(1, 1)});
  WaitForEvents(4);
  Stop();
  std::vector<KafkaRecord> letters = broker_.Read(dead);
  ASSERT_EQ(letters.size(), 2u);
  std::sort(letters.begin(), letters.end(),
            [](const auto& a, const auto& b) { return a.payload < b.payload; });
  EXPECT_EQ(letters[0].payload, "nonsense");
  EXPECT_EQ(letters[0].headers["partition"], "1");
  EXPECT_THAT(letters[0].headers["reason"], HasSubstr("not_json"));
  EXPECT_EQ(letters[1].payload, R"({"at":1})");
  EXPECT_EQ(letters[1].headers["offset"], "1");
  EXPECT_THAT(letters[1].headers["reason"], HasSubstr("user_id"));
  EXPECT_EQ(Clicks(1), Value(int64_t{2}));
}

TEST_F(KafkaIngestTest, NoCheckpointPassesARefusedRecordBeforeItsDeadLetterArrived) {
  const std::string topic = NewTopicName("bad");
  const std::string dead = NewTopicName("dead-missing");
  broker_.CreateTopic(topic, 1);
  options_.kafka.properties = {{"message.timeout.ms", "300"}};
  Start(topic, dead);
  broker_.Produce(topic, {{"nonsense", 0, kT0}, Click(1)});
  WaitForCount(1, 1);
  WaitUntil([&] { return Lane().state.find(dead) != std::string::npos; }, "the trouble is told");
  EXPECT_LE(Lane().partitions[0].checkpointed_offset, 0);
  broker_.CreateTopic(dead, 1);
  WaitUntil([&] { return Lane().partitions[0].checkpointed_offset == 2; }, "the checkpoint");
  EXPECT_EQ(broker_.Read(dead).size(), 1u);
}

TEST_F(KafkaIngestTest, RecordsThatWereDeletedUnreadStopTheSource) {
  const std::string topic = NewTopicName("deleted");
  broker_.CreateTopic(topic, 2);
  Start(topic);
  broker_.Produce(topic, {Click(1, 0), Click(1, 0), Click(1, 1)});
  WaitForCount(1, 3);
  Stop();
  broker_.Produce(topic, {Click(1, 0), Click(1, 0), Click(1, 0), Click(1, 1)});
  broker_.DeleteRecords(topic, 0, 4);
  Start(topic);
  WaitUntil([&] { return Lane().failed; }, "the source has stopped");
  EXPECT_THAT(Lane().state, HasSubstr("no longer has offset 2"));
  EXPECT_FALSE(ingestor_->CaughtUp());
  Stop();

  options_.skip_missing_offsets = true;
  Start(topic);
  WaitForCount(1, 5);
  WaitUntil([&] { return ingestor_->CaughtUp(); }, "caught up");
  EXPECT_EQ(ingestor_->Counters().at(0).lost, 2u);
  EXPECT_EQ(Clicks(1), Value(int64_t{5}));
}

TEST_F(KafkaIngestTest, ATopicThatWasMadeAnewIsNotReadAsIfItWereTheOldOne) {
  const std::string topic = NewTopicName("anew");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, {Click(1)});
  Start(topic);
  WaitForCount(1, 1);
  Stop();
  auto writer = harness_.store().NewTimelineWriter();
  ASSERT_TRUE(writer->Freeze({{TablesOf(*registry_, "activity")[0], 0, 100}}).ok());
  ASSERT_TRUE(writer->Write().ok());
  options_.skip_missing_offsets = true;
  Start(topic);
  WaitUntil([&] { return Lane().failed; }, "the source has stopped");
}

TEST_F(KafkaIngestTest, PositionsAreCommittedForKafkasOwnTools) {
  const std::string topic = NewTopicName("group");
  broker_.CreateTopic(topic, 1);
  Start(topic);
  broker_.Produce(topic, {Click(1), Click(1), Click(1)});
  WaitUntil([&] { return broker_.CommittedOffset(topic + "-group", topic, 0) == 3; },
            "the committed offset");
}

TEST_F(KafkaIngestTest, AbortedTransactionsAreNeverCounted) {
  const std::string topic = NewTopicName("transactions");
  broker_.CreateTopic(topic, 1);
  broker_.ProduceTransaction(topic, {Click(1), Click(1)}, true);
  broker_.ProduceTransaction(topic, {Click(1)}, false);
  Start(topic);
  WaitUntil([&] { return ingestor_->CaughtUp(); }, "caught up");
  EXPECT_EQ(Clicks(1), Value(int64_t{2}));
  WaitUntil([&] { return Lane().partitions[0].checkpointed_offset == 5; },
            "positions pass the markers");
}

TEST_F(KafkaIngestTest, ABrokerThatIsNotThereIsToldAndStopIsQuick) {
  options_.kafka.brokers = "127.0.0.1:1";
  Start(NewTopicName("nobody"));
  WaitUntil([&] { return Lane().state.find("127.0.0.1:1") != std::string::npos; }, "the trouble");
  EXPECT_FALSE(ingestor_->CaughtUp());
  EXPECT_FALSE(Lane().failed);
  Stop();
}

}  // namespace
}  // namespace freshet::ingest
