// Rows from a topic of a real broker, served by the real server: the newest record of an entity is its row, tombstones delete it,
// and killing the server at random moments changes nothing.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kafka_broker.h"
#include "support/seed.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace freshet::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kCycles = 14;
constexpr int kAliveMsMax = 1'000;
constexpr int64_t kUsers = 60;
constexpr int kPartitions = 3;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Definitions(const std::string& topic, const std::string& dead_letter_topic) {
  return fmt::format(R"yaml(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: users
    kafka: {{topic: {}, dead_letter_topic: {}}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, age: int64}}
feature_views:
  - {{name: profile, entity: user, source: users, features: [age]}}
)yaml",
                     topic, dead_letter_topic);
}

KafkaRecord Row(int64_t user_id, int64_t at_ms, int64_t age, int32_t partition = 0) {
  KafkaRecord record;
  record.payload = fmt::format(R"({{"at":{},"user_id":{},"age":{}}})", at_ms, user_id, age);
  record.partition = partition;
  return record;
}

KafkaRecord Tombstone(std::string key, int64_t at_ms, int32_t partition = 0) {
  KafkaRecord record;
  record.partition = partition;
  record.timestamp_ms = at_ms;
  record.key = std::move(key);
  record.is_tombstone = true;
  return record;
}

// "PRESENT 30" and the like.
std::string Shown(const FeatureResponse& response, size_t row) {
  const FeatureColumn& column = response.features.at(0);
  const FeatureStatus status =
      column.statuses.empty() ? FeatureStatus::kPresent : column.statuses[row];
  return fmt::format("{} {}", FeatureStatusName(status), column.values.integers.at(row));
}

// What a topic says of each user: the record of the greatest time, then partition, then offset.
std::map<int64_t, std::string> NewestOf(const std::vector<KafkaRecord>& records) {
  std::map<int64_t, std::pair<std::tuple<int64_t, int32_t, int64_t>, std::string>> newest;
  for (const KafkaRecord& record : records) {
    long long at_ms = record.timestamp_ms;
    long long user_id = 0;
    long long age = 0;
    std::string shown = "NOT_FOUND 0";
    if (record.is_tombstone) {
      const char* format = record.key->front() == '{' ? R"({"user_id":%lld})" : "%lld";
      EXPECT_EQ(std::sscanf(record.key->c_str(), format, &user_id), 1) << *record.key;
    } else {
      EXPECT_EQ(std::sscanf(record.payload.c_str(), R"({"at":%lld,"user_id":%lld,"age":%lld})",
                            &at_ms, &user_id, &age),
                3);
      shown = fmt::format("PRESENT {}", age);
    }
    const std::tuple order(int64_t{at_ms}, record.partition, record.offset);
    auto& known = newest[user_id];
    if (known.second.empty() || order > known.first) known = {order, shown};
  }
  std::map<int64_t, std::string> shown;
  for (const auto& [user_id, known] : newest) shown[user_id] = known.second;
  return shown;
}

class StreamRowsTest : public ::testing::Test {
 protected:
  StreamRowsTest() : random_(TestSeed()) {}

  void Begin(int partitions) {
    topic_ = NewTopicName("users");
    dead_letter_topic_ = NewTopicName("users-refused");
    broker_.CreateTopic(topic_, partitions);
    broker_.CreateTopic(dead_letter_topic_, 1);
    const std::string config = folder_.File("freshet.yaml");
    std::ofstream(config) << fmt::format(
        "kafka: {{brokers: \"{}\"}}\ningest: {{checkpoint_interval: 60ms, as_of_interval: 50ms}}\n",
        broker_.address());
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    const auto applied =
        server_->NewClient()->Apply({{"users.yaml", Definitions(topic_, dead_letter_topic_)}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
    ASSERT_TRUE(applied->applicable());
  }

  FeatureResponse Get(std::vector<int64_t> user_ids, std::vector<StreamPosition> read_after = {}) {
    FeatureRequest request;
    request.features = {"profile.age"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    keys.values.integers = std::move(user_ids);
    request.read_after = std::move(read_after);
    FeatureResponse response;
    const Status got = server_->NewClient()->GetFeatures(request, &response);
    EXPECT_TRUE(got.ok()) << got.ToString();
    response.features.resize(1);
    return response;
  }

  // The user's feature once everything that the topic's only partition has so far is in.
  std::string GetAfter(int64_t user_id, int64_t offset) {
    return Shown(Get({user_id}, {{"users", 0, offset}}), 0);
  }

  void ProduceSome(int64_t start_ms) {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < 150; ++i) {
      const auto user_id = static_cast<int64_t>(random_() % kUsers);
      const auto partition = static_cast<int32_t>(random_() % kPartitions);
      // Coarse times tie.
      const int64_t at_ms = start_ms + static_cast<int64_t>(random_() % 50) * 100;
      if (random_() % 3 != 0) {
        records.push_back(Row(user_id, at_ms, static_cast<int64_t>(random_() % 1'000), partition));
      } else if (random_() % 2 == 0) {
        records.push_back(Tombstone(fmt::format("{}", user_id), at_ms, partition));
      } else {
        records.push_back(Tombstone(fmt::format(R"({{"user_id":{}}})", user_id), at_ms, partition));
      }
    }
    broker_.Produce(topic_, records);
  }

  KafkaBroker& broker_ = KafkaBroker::Shared();
  TempFolder folder_;
  std::mt19937_64 random_;
  std::string topic_;
  std::string dead_letter_topic_;
  std::optional<ServerProcess> server_;
};

TEST_F(StreamRowsTest, ManyKillsChangeNothing) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Begin(kPartitions);
  const int64_t start_ms = NowMs() - 60'000;
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (int batch = 0; !done; ++batch) ProduceSome(start_ms + batch * 10);
  });
  std::mt19937_64 alive(TestSeed() + 1);
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    std::this_thread::sleep_for(std::chrono::milliseconds(alive() % kAliveMsMax));
    server_->Kill();
    if (!server_->StartListening()) break;
  }
  done = true;
  producer.join();
  server_->Kill();
  // Ready means caught up to where the topic stood at the start, and nobody produces any more.
  ASSERT_TRUE(server_->Start());

  const std::map<int64_t, std::string> expected = NewestOf(broker_.Read(topic_));
  EXPECT_EQ(expected.size(), static_cast<size_t>(kUsers));
  for (const auto& [user_id, shown] : expected)
    EXPECT_EQ(Shown(Get({user_id}), 0), shown) << "user " << user_id;
}

TEST_F(StreamRowsTest, AChangeIsSeenByWhoWaitsForIt) {
  Begin(1);
  const int64_t start_ms = NowMs() - 60'000;
  broker_.Produce(topic_, {Row(1, start_ms, 30), Row(2, start_ms, 40)});
  EXPECT_EQ(GetAfter(1, 1), "PRESENT 30");
  broker_.Produce(topic_, {Tombstone("1", start_ms + 10)});
  EXPECT_EQ(GetAfter(1, 2), "NOT_FOUND 0");
  EXPECT_EQ(GetAfter(2, 2), "PRESENT 40");
  broker_.Produce(topic_, {Row(1, start_ms + 9, 31)});
  EXPECT_EQ(GetAfter(1, 3), "NOT_FOUND 0");
  broker_.Produce(topic_, {Row(1, start_ms + 11, 32)});
  EXPECT_EQ(GetAfter(1, 4), "PRESENT 32");

  // What says not whose it is goes to the dead letters as it came.
  broker_.Produce(topic_, {Tombstone("nobody", start_ms + 20), Tombstone("[2]", start_ms + 20)});
  KafkaRecord keyless = Tombstone("", start_ms + 20);
  keyless.key.reset();
  KafkaRecord empty = keyless;
  empty.is_tombstone = false;
  broker_.Produce(topic_, {keyless, empty, Row(3, start_ms, 50)});
  EXPECT_EQ(GetAfter(3, 9), "PRESENT 50");
  EXPECT_EQ(GetAfter(2, 9), "PRESENT 40");

  const auto client = server_->NewClient();
  const auto status = client->GetStatus();
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  EXPECT_EQ(status->views.at(0).kind, "row");
  EXPECT_EQ(status->views[0].source, "users");
  EXPECT_EQ(status->streams.at(0).views, std::vector<std::string>{"profile"});
  const ServerStatus::Source& source = status->sources.at(0);
  EXPECT_EQ(source.events, 10u);
  EXPECT_EQ(source.applied, 5u);
  EXPECT_EQ(source.too_old, 1u);
  EXPECT_EQ(source.refused, (std::map<std::string, uint64_t>{
                                {"missing_field", 1}, {"not_json", 2}, {"wrong_type", 1}}));
  server_->Kill();  // the next start sends what was perhaps not delivered
  ASSERT_TRUE(server_->Start());
  EXPECT_EQ(GetAfter(1, 9), "PRESENT 32");
  ASSERT_EQ(server_->Terminate(), 0);

  std::map<std::string, KafkaRecord> letters;  // by offset: each comes at least once
  for (const KafkaRecord& letter : broker_.Read(dead_letter_topic_))
    letters[letter.headers.at("offset")] = letter;
  ASSERT_EQ(letters.size(), 4u);
  EXPECT_TRUE(letters.at("5").is_tombstone);
  EXPECT_EQ(letters["5"].key, "nobody");
  EXPECT_THAT(letters["5"].headers["reason"], HasSubstr("not_json"));
  EXPECT_EQ(letters.at("6").key, "[2]");
  EXPECT_TRUE(letters.at("7").is_tombstone);
  EXPECT_EQ(letters["7"].key, std::nullopt);
  EXPECT_THAT(letters["7"].headers["reason"], HasSubstr("without a key"));
  EXPECT_FALSE(letters.at("8").is_tombstone);
  EXPECT_THAT(letters["8"].headers["reason"], HasSubstr("empty record"));
}

}  // namespace
}  // namespace freshet::testing
