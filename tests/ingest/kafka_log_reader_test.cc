#include "ingest/kafka_log_reader.h"

#include <chrono>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kafka_broker.h"

namespace freshet::ingest {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::KafkaBroker;
using testing::KafkaRecord;
using testing::NewTopicName;
using ::testing::Pair;

constexpr int64_t kAskTimeoutMs = 10'000;

// Owned, since payloads are gone with the next poll.
struct Seen {
  int32_t partition;
  int64_t offset;
  int64_t timestamp_ms;
  std::string payload;
};

class KafkaLogReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<LogReader> NewReader(const std::string& topic,
                                       const std::string& dead_letter_topic = "") {
    KafkaOptions options;
    options.brokers = broker_.address();
    options.consumer_group = topic + "-group";
    auto reader = NewKafkaLogReader("clicks", {topic, dead_letter_topic}, options);
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    return std::move(*reader);
  }

  // Polls until every partition has reached its end of now. A topic that was just made may be
  // unavailable for a while.
  std::vector<Seen> ReadToEnd(LogReader& reader) {
    Result<Offsets> ends = reader.Ends(kAskTimeoutMs);
    while (ends.status().code() == StatusCode::kUnavailable) ends = reader.Ends(kAskTimeoutMs);
    EXPECT_TRUE(ends.ok()) << ends.status().ToString();
    std::vector<Seen> seen;
    while (!Reached(reader.positions(), *ends)) {
      Status polled = reader.Poll(100, 100, batch_);
      EXPECT_TRUE(polled.ok() || polled.code() == StatusCode::kUnavailable) << polled.ToString();
      for (const Record& record : batch_) {
        seen.push_back(
            {record.partition, record.offset, record.timestamp_ms, std::string(record.payload)});
      }
    }
    return seen;
  }

  static bool Reached(const Offsets& positions, const Offsets& ends) {
    for (const auto& [partition, end] : ends) {
      const auto found = positions.find(partition);
      if (found == positions.end() || found->second < end) return false;
    }
    return true;
  }

  // Polls until it fails otherwise than by Unavailable.
  Status PollUntilBroken(LogReader& reader) {
    for (;;) {
      Status polled = reader.Poll(100, 100, batch_);
      if (!polled.ok() && polled.code() != StatusCode::kUnavailable) return polled;
    }
  }

  static std::vector<KafkaRecord> Numbered(int count, int partitions) {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < count; ++i) {
      records.push_back({std::to_string(i), i % partitions, 1'700'000'000'000 + i});
    }
    return records;
  }

  KafkaBroker& broker_ = KafkaBroker::Shared();
  std::vector<Record> batch_;
};

TEST_F(KafkaLogReaderTest, ReadsEveryPartitionInOrderFromTheBeginning) {
  const std::string topic = NewTopicName("order");
  broker_.CreateTopic(topic, 3);
  broker_.Produce(topic, Numbered(1'000, 3));
  auto reader = NewReader(topic);
  EXPECT_THAT(*reader->Partitions(), ElementsAre(0, 1, 2));
  ASSERT_TRUE(reader->Start({}).ok());
  Offsets next;
  const std::vector<Seen> seen = ReadToEnd(*reader);
  ASSERT_EQ(seen.size(), 1'000u);
  for (const Seen& record : seen) {
    EXPECT_EQ(record.offset, next[record.partition]++);
    const int64_t number = record.offset * 3 + record.partition;
    EXPECT_EQ(record.payload, std::to_string(number));
    EXPECT_EQ(record.timestamp_ms, 1'700'000'000'000 + number);
  }
  EXPECT_THAT(reader->positions(), ElementsAre(Pair(0, 334), Pair(1, 333), Pair(2, 333)));
  EXPECT_EQ(*reader->Begins(kAskTimeoutMs), (Offsets{{0, 0}, {1, 0}, {2, 0}}));
}

TEST_F(KafkaLogReaderTest, StartsWhereItIsTold) {
  const std::string topic = NewTopicName("start");
  broker_.CreateTopic(topic, 2);
  broker_.Produce(topic, Numbered(10, 2));
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({{0, 3}}).ok());
  const std::vector<Seen> seen = ReadToEnd(*reader);
  ASSERT_EQ(seen.size(), 7u);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(),
                          [](const Seen& record) { return record.partition == 0; }),
            2);
}

TEST_F(KafkaLogReaderTest, TakesNoMoreThanAskedFor) {
  const std::string topic = NewTopicName("few");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, Numbered(50, 1));
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({}).ok());
  size_t total = 0;
  while (total < 50) {
    ASSERT_TRUE(reader->Poll(7, 100, batch_).ok());
    ASSERT_LE(batch_.size(), 7u);
    total += batch_.size();
  }
  EXPECT_EQ(total, 50u);
}

TEST_F(KafkaLogReaderTest, PositionsPassAbortedTransactionsAndMarkers) {
  const std::string topic = NewTopicName("transactions");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, {{"plain"}});
  broker_.ProduceTransaction(topic, {{"kept"}}, true);
  broker_.ProduceTransaction(topic, {{"dropped"}}, false);
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({}).ok());
  const std::vector<Seen> seen = ReadToEnd(*reader);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].payload, "plain");
  EXPECT_EQ(seen[1].payload, "kept");
  EXPECT_THAT(reader->positions(), ElementsAre(Pair(0, 5)));
}

TEST_F(KafkaLogReaderTest, AnEmptyTopicHasPositionsOnceItsEndIsSeen) {
  const std::string topic = NewTopicName("empty");
  broker_.CreateTopic(topic, 2);
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({}).ok());
  EXPECT_TRUE(ReadToEnd(*reader).empty());
  EXPECT_THAT(reader->positions(), ElementsAre(Pair(0, 0), Pair(1, 0)));
}

TEST_F(KafkaLogReaderTest, DeletedRecordsAreNeverSkippedSilently) {
  const std::string topic = NewTopicName("deleted");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, Numbered(10, 1));
  broker_.DeleteRecords(topic, 0, 6);
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({{0, 2}}).ok());
  const Status broken = PollUntilBroken(*reader);
  EXPECT_EQ(broken.code(), StatusCode::kCorruption);
  EXPECT_THAT(std::string(broken.message()), HasSubstr("no longer has offset 2"));
  EXPECT_EQ(reader->Poll(10, 0, batch_).code(), StatusCode::kCorruption);
  EXPECT_THAT(reader->positions(), ElementsAre(Pair(0, 2)));
  EXPECT_EQ(*reader->Begins(kAskTimeoutMs), (Offsets{{0, 6}}));

  auto fresh = NewReader(topic);
  ASSERT_TRUE(fresh->Start({}).ok());
  EXPECT_EQ(ReadToEnd(*fresh).size(), 4u);
}

TEST_F(KafkaLogReaderTest, APositionBeyondTheEndIsRefused) {
  const std::string topic = NewTopicName("beyond");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, Numbered(3, 1));
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({{0, 50}}).ok());
  EXPECT_EQ(PollUntilBroken(*reader).code(), StatusCode::kCorruption);
}

TEST_F(KafkaLogReaderTest, AMissingTopicIsUnavailableUntilItIsCreated) {
  const std::string topic = NewTopicName("later");
  auto reader = NewReader(topic);
  const Result<std::vector<int32_t>> missing = reader->Partitions();
  EXPECT_EQ(missing.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("does not exist"));
  broker_.CreateTopic(topic, 1);
  EXPECT_THAT(*reader->Partitions(), ElementsAre(0));
}

TEST_F(KafkaLogReaderTest, DeadLettersArriveAsTheyWereWithTheirReason) {
  const std::string topic = NewTopicName("bad");
  const std::string dead_letter_topic = NewTopicName("dead");
  broker_.CreateTopic(topic, 1);
  broker_.CreateTopic(dead_letter_topic, 1);
  auto reader = NewReader(topic, dead_letter_topic);
  const std::string payload("{\0bad", 5);
  ASSERT_TRUE(reader->SendDeadLetter({3, 77, 1, payload}, "not_json: why").ok());
  ASSERT_TRUE(reader->FlushDeadLetters(kAskTimeoutMs).ok());
  const std::vector<KafkaRecord> letters = broker_.Read(dead_letter_topic);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].payload, payload);
  EXPECT_THAT(letters[0].headers,
              ElementsAre(Pair("offset", "77"), Pair("partition", "3"),
                          Pair("reason", "not_json: why"), Pair("source", "clicks")));
}

TEST_F(KafkaLogReaderTest, ADeadLetterThatIsTooLargeForItsTopicLosesOnlyItsPayload) {
  const std::string topic = NewTopicName("bad");
  const std::string dead_letter_topic = NewTopicName("small");
  broker_.CreateTopic(dead_letter_topic, 1, {{"max.message.bytes", "1000"}});
  auto reader = NewReader(topic, dead_letter_topic);
  // Hard to compress, so that it stays too large.
  std::string payload;
  for (uint32_t i = 0, x = 1; i < 5'000; ++i)
    payload.push_back(static_cast<char>((x *= 1664525u) >> 24));
  ASSERT_TRUE(reader->SendDeadLetter({0, 5, 1, payload}, "not_json").ok());
  while (!reader->FlushDeadLetters(kAskTimeoutMs).ok()) {
  }
  const std::vector<KafkaRecord> letters = broker_.Read(dead_letter_topic);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].payload, "");
  EXPECT_THAT(letters[0].headers, Contains(Pair("payload_bytes", "5000")));
}

TEST_F(KafkaLogReaderTest, DeadLettersOutliveAMissingTopic) {
  const std::string dead_letter_topic = NewTopicName("dead-later");
  KafkaOptions options;
  options.brokers = broker_.address();
  options.properties = {{"message.timeout.ms", "300"}};
  auto reader = NewKafkaLogReader("clicks", {NewTopicName("bad"), dead_letter_topic}, options);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->SendDeadLetter({0, 5, 1, "first"}, "not_json").ok());
  EXPECT_EQ((*reader)->FlushDeadLetters(2'000).code(), StatusCode::kUnavailable);
  broker_.CreateTopic(dead_letter_topic, 1);
  while (!(*reader)->FlushDeadLetters(kAskTimeoutMs).ok()) {
  }
  EXPECT_EQ(broker_.Read(dead_letter_topic).size(), 1u);
}

TEST_F(KafkaLogReaderTest, CommitsShowInTheConsumerGroup) {
  const std::string topic = NewTopicName("commit");
  broker_.CreateTopic(topic, 1);
  broker_.Produce(topic, Numbered(5, 1));
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({}).ok());
  ReadToEnd(*reader);
  reader->Commit({{0, 4}});
  while (broker_.CommittedOffset(topic + "-group", topic, 0) != 4) {
    ASSERT_TRUE(reader->Poll(10, 50, batch_).ok());
  }
}

TEST_F(KafkaLogReaderTest, AHangingBrokerIsUnavailableAndComesBack) {
  const std::string topic = NewTopicName("hang");
  broker_.CreateTopic(topic, 1);
  auto reader = NewReader(topic);
  ASSERT_TRUE(reader->Start({}).ok());
  ReadToEnd(*reader);
  broker_.Pause();
  const Result<Offsets> ends = reader->Ends(300);
  broker_.Continue();
  EXPECT_EQ(ends.status().code(), StatusCode::kUnavailable);
  broker_.Produce(topic, {{"after"}});
  EXPECT_EQ(ReadToEnd(*reader).size(), 1u);
}

TEST_F(KafkaLogReaderTest, AnUnknownPropertyIsRefusedByName) {
  KafkaOptions options;
  options.brokers = broker_.address();
  options.properties = {{"no.such.property", "1"}};
  const auto reader = NewKafkaLogReader("clicks", {"topic", ""}, options);
  EXPECT_EQ(reader.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("no.such.property"));
}

}  // namespace
}  // namespace freshet::ingest
