// From producing an event to the first answer that shows it, beside producing to consuming, through a real broker in one run.
//
//   freshness_bench [--seconds N]
//
// JSON clicks of 256 bytes from 100 000 users go to four partitions at 1 000, 10 000 and 50 000 a second. A real `freshet serve`
// reads them (3 windows x 5 aggregations, with checkpoints), and so does a consumer of librdkafka with its usual settings that
// does nothing else. Every five milliseconds one of the clicks is watched: when the consumer had it, and when the
// answer came, over gRPC, to a request that was sent as the click was and that waits for it (`read_after`). One JSON
// line a rate; "ratio" is of the two 99th percentiles.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "freshet/client.h"

#include "ingest/kafka_handles.h"
#include "support/kafka_broker.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace freshet {
namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr int kPartitions = 4;
constexpr size_t kEventBytes = 256;
constexpr int64_t kUsers = 100'000;
constexpr size_t kDifferentEvents = 20'000;
constexpr uint64_t kSeed = 20'261'127;
constexpr int64_t kTicksPerWatched = 5;  // of a millisecond each
constexpr int64_t kWarmUpMs = 3'000;
constexpr int64_t kWatchedUsers = 64;
constexpr auto kPatience = std::chrono::seconds(60);

const char* const kDefinitions = R"yaml(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: clicks
    kafka: {{topic: {}, format: json}}
    timestamp: {{field: event_time, unit: ms}}
    fields: {{user_id: int64, kind: string, amount: double, quantity: int64}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {{name: clicks, function: count, windows: [1m, 10m, 1h]}}
      - {{name: spend, function: sum, of: amount, where: "kind == 'purchase'", windows: [1m, 10m, 1h]}}
      - {{name: mean, function: mean, of: amount, windows: [1m, 10m, 1h]}}
      - {{name: most, function: max, of: quantity, windows: [1m, 10m, 1h]}}
      - {{name: latest, function: last, of: quantity, windows: [1m, 10m, 1h]}}
)yaml";

[[noreturn]] void Fail(const std::string& message) {
  fmt::print(stderr, "freshness_bench: {}\n", message);
  std::exit(1);
}

void Must(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

ingest::KafkaClient NewKafkaClient(rd_kafka_type_t type,
                                   const std::map<std::string, std::string>& properties) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, nullptr);
  char reason[512];
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof(reason)) !=
        RD_KAFKA_CONF_OK)
      Fail(reason);
  }
  rd_kafka_t* client = rd_kafka_new(type, conf, reason, sizeof(reason));
  if (client == nullptr) Fail(reason);
  return ingest::KafkaClient(client);
}

// One click whose way is followed.
struct Watched {
  Time produced;
  Time consumed;
  Time answered;
  std::atomic<bool> is_consumed{false};
  std::atomic<bool> is_answered{false};
};

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The time stands first, in 13 digits, so that it can be set without writing the rest again.
std::string Click(int64_t user_id, int64_t quantity, std::mt19937_64& random) {
  std::string click = fmt::format(
      R"({{"event_time":{:013},"user_id":{},"kind":"{}","amount":{:.2f},"quantity":{},"page":"/shop/)",
      NowMs(), user_id, random() % 10 == 0 ? "purchase" : "view",
      static_cast<double>(random() % 100'000) / 100, quantity);
  if (click.size() + 2 < kEventBytes) click.append(kEventBytes - click.size() - 2, 'x');
  return click + "\"}";
}
void SetTime(std::string& click, int64_t time_ms) {
  fmt::format_to(click.data() + std::strlen("{\"event_time\":"), "{:013}", time_ms);
}

// Sends clicks at a pace, and asks for each watched one.
class Producer {
 public:
  Producer(const std::string& brokers, const std::string& topic, int64_t rate, Client& client,
           std::vector<Watched>& watched)
      : topic_(topic),
        rate_(rate),
        client_(client),
        watched_(watched),
        kafka_(NewKafkaClient(
            RD_KAFKA_PRODUCER,
            // At a low pace each record goes at once; at a high one that would be all that the broker does.
            {{"bootstrap.servers", brokers},
             {"enable.idempotence", "true"},
             {"linger.ms", rate <= 1'000 ? "0" : "1"}})) {
    std::mt19937_64 random(kSeed);
    for (size_t i = 0; i < kDifferentEvents; ++i)
      clicks_.push_back(Click(static_cast<int64_t>(random() % kUsers), 1, random));
  }

  void Run(int64_t ticks) {
    const Time begin = std::chrono::steady_clock::now();
    for (int64_t tick = 0; tick < ticks; ++tick) {
      std::this_thread::sleep_until(begin + std::chrono::milliseconds(tick));
      if (tick % kTicksPerWatched == 0) Watch(tick / kTicksPerWatched);
      const int64_t due = (tick + 1) * rate_ / 1'000;
      for (; sent_ < due; ++sent_) {
        std::string& click = clicks_[static_cast<size_t>(sent_) % clicks_.size()];
        SetTime(click, NowMs());
        Send(static_cast<int32_t>(sent_ % kPartitions), click, {});
      }
      rd_kafka_poll(kafka_.get(), 0);
    }
    pace_ = static_cast<double>(sent_) /
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (rd_kafka_flush(kafka_.get(), 30'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      Fail("not all clicks were delivered");
  }
  double pace() const { return pace_; }

 private:
  void Send(int32_t partition, const std::string& click, const std::string& key) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        kafka_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE(const_cast<char*>(click.data()), click.size()),
        RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Fail(rd_kafka_err2str(error));
    ++next_offsets_[partition];
  }

  // Nobody else writes to the topic, so that the click's offset is known as it is sent.
  void Watch(int64_t number) {
    const auto partition = static_cast<int32_t>(number % kPartitions);
    const int64_t user_id = -1 - number % kWatchedUsers;
    const std::string click = Click(user_id, number, random_);
    FeatureRequest request;
    request.features = {"activity.latest_1m", "activity.clicks_1m", "activity.spend_1h",
                        "activity.mean_10m", "activity.most_1h"};
    request.entities = {{"user_id", {.type = Type::kInt64, .integers = {user_id}}}};
    request.read_after = {{"clicks", partition, next_offsets_[partition]}};
    Watched& watched = watched_[static_cast<size_t>(number)];
    watched.produced = std::chrono::steady_clock::now();
    Send(partition, click, fmt::format("{}", number));
    client_.StartGetFeatures(
        request, [&watched, number](const Status& status, const FeatureResponse& response) {
          Must(status);
          const FeatureColumn& latest = response.features[0];
          if (!latest.statuses.empty() || latest.values.integers[0] < number)
            Fail(fmt::format("an answer does not show click {}", number));
          watched.answered = std::chrono::steady_clock::now();
          watched.is_answered = true;
        });
  }

  const std::string topic_;
  const int64_t rate_;
  Client& client_;
  std::vector<Watched>& watched_;
  const ingest::KafkaClient kafka_;
  std::vector<std::string> clicks_;
  std::mt19937_64 random_{kSeed + 1};
  int64_t next_offsets_[kPartitions] = {};
  int64_t sent_ = 0;
  double pace_ = 0;
};

// Takes each record from the broker and looks at its key, no more.
class Consumer {
 public:
  Consumer(const std::string& brokers, const std::string& topic, std::vector<Watched>& watched)
      : watched_(watched),
        kafka_(NewKafkaClient(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                  {"group.id", "plain"},
                                                  {"enable.auto.commit", "false"}})) {
    const ingest::KafkaPartitionList list(rd_kafka_topic_partition_list_new(kPartitions));
    for (int32_t partition = 0; partition < kPartitions; ++partition)
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
          RD_KAFKA_OFFSET_BEGINNING;
    if (rd_kafka_assign(kafka_.get(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
      Fail("cannot consume");
    thread_ = std::thread([this] { Run(); });
  }
  ~Consumer() {
    stops_ = true;
    thread_.join();
  }

 private:
  void Run() {
    while (!stops_) {
      const ingest::KafkaMessage message(rd_kafka_consumer_poll(kafka_.get(), 100));
      if (message == nullptr || message->err != RD_KAFKA_RESP_ERR_NO_ERROR || message->key_len == 0)
        continue;
      const std::string key(static_cast<const char*>(message->key), message->key_len);
      Watched& watched = watched_[std::strtoull(key.c_str(), nullptr, 10)];
      watched.consumed = std::chrono::steady_clock::now();
      watched.is_consumed = true;
    }
  }

  std::vector<Watched>& watched_;
  const ingest::KafkaClient kafka_;
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

void AwaitAll(const std::vector<Watched>& watched) {
  const Time until = std::chrono::steady_clock::now() + kPatience;
  for (const Watched& one : watched) {
    while (!one.is_consumed || !one.is_answered) {
      if (std::chrono::steady_clock::now() > until) Fail("not all watched clicks were seen");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

void Print(int64_t rate, double pace, const std::vector<Watched>& watched) {
  std::vector<double> consumed_ms;
  std::vector<double> answered_ms;
  for (size_t i = kWarmUpMs / kTicksPerWatched; i < watched.size(); ++i) {
    const Watched& one = watched[i];
    const auto since = [&](Time time) {
      return std::chrono::duration<double, std::milli>(time - one.produced).count();
    };
    consumed_ms.push_back(since(one.consumed));
    answered_ms.push_back(since(one.answered));
  }
  const double consumed_p50 = Percentile(consumed_ms, 0.5);
  const double consumed_p99 = Percentile(consumed_ms, 0.99);
  const double answered_p50 = Percentile(answered_ms, 0.5);
  const double answered_p99 = Percentile(answered_ms, 0.99);
  fmt::print(R"({{"bench": "freshness", "case": "{}_per_s", "ratio": {:.3f}, "p50_ratio": {:.3f}, )"
             R"("answered_p50_ms": {:.3f}, "answered_p99_ms": {:.3f}, "consumed_p50_ms": {:.3f}, )"
             R"("consumed_p99_ms": {:.3f}, "events_per_s": {:.0f}, "watched": {}}})"
             "\n",
             rate, answered_p99 / consumed_p99, answered_p50 / consumed_p50, answered_p50,
             answered_p99, consumed_p50, consumed_p99, pace, consumed_ms.size());
  std::fflush(stdout);
}

void AwaitCatchUp(Client& client) {
  const Time until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const Result<ServerStatus> status = client.GetStatus();
    Must(status.status());
    if (!status->streams.empty() && status->streams[0].as_of_ms != kNoEventTimeMs) return;
    if (std::chrono::steady_clock::now() > until) Fail("the server does not read the topic");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Measure(testing::KafkaBroker& broker, int64_t rate, int64_t seconds) {
  const std::string topic = testing::NewTopicName("clicks");
  broker.CreateTopic(topic, kPartitions);
  testing::TempFolder folder;
  const std::string config = folder.File("freshet.yaml");
  std::ofstream(config) << fmt::format("kafka: {{brokers: \"{}\"}}\n", broker.address());
  testing::ServerProcess server(FRESHET_BINARY, folder.path(), {"--config", config});
  if (!server.Start()) Fail("the server does not start");
  const std::unique_ptr<Client> client = server.NewClient();
  const auto applied =
      client->Apply({{"clicks.yaml", fmt::format(fmt::runtime(kDefinitions), topic)}});
  Must(applied.status());
  if (!applied->applicable()) Fail("the definitions are refused");
  AwaitCatchUp(*client);

  const int64_t ticks = kWarmUpMs + seconds * 1'000;
  std::vector<Watched> watched(
      static_cast<size_t>((ticks + kTicksPerWatched - 1) / kTicksPerWatched));
  const Consumer consumer(broker.address(), topic, watched);
  Producer producer(broker.address(), topic, rate, *client, watched);
  producer.Run(ticks);
  AwaitAll(watched);
  Print(rate, producer.pace(), watched);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  int64_t seconds = 20;
  if (argc == 3 && std::strcmp(argv[1], "--seconds") == 0)
    seconds = std::max<int64_t>(1, std::strtoll(argv[2], nullptr, 10));
  freshet::testing::KafkaBroker broker({.heap = "512m", .quick_start = false});
  for (const int64_t rate : {1'000, 10'000, 50'000}) freshet::Measure(broker, rate, seconds);
  return 0;
}
