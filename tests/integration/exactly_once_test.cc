// The real server is killed at random moments while events arrive; afterwards every count and every sum is what was produced.
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/kafka_broker.h"
#include "support/seed.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace freshet::testing {
namespace {

constexpr int kCycles = 28;
constexpr int kAliveMsMax = 1'200;
constexpr int64_t kUsers = 40;
constexpr int64_t kShops = 3;
constexpr int kPartitions = 4;
constexpr int64_t kUsersPerRequest = 5'000;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string Definitions(const std::string& log) {
  return fmt::format(R"yaml(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
  - {{name: shop, join_keys: {{shop_id: int64}}}}
sources:
  - name: orders
    {}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, shop_id: int64, amount: int64, price: double}}
feature_views:
  - name: by_user
    entity: user
    source: orders
    aggregations:
      - {{name: orders, function: count, windows: [1d, 7d]}}
      - {{name: amount, function: sum, of: amount, windows: [1d]}}
      - {{name: price, function: sum, of: price}}
  - name: by_shop
    entity: shop
    source: orders
    aggregations:
      - {{name: orders, function: count}}
      - {{name: amount, function: sum, of: amount}}
)yaml",
                     log);
}

struct Totals {
  int64_t orders = 0;
  int64_t amount = 0;

  void Add(int64_t order_amount) {
    ++orders;
    amount += order_amount;
  }
  friend bool operator==(const Totals&, const Totals&) = default;
};

// What the server answers for many entities at once.
struct Served {
  std::vector<int64_t> orders_1d;
  std::vector<int64_t> orders_7d;
  std::vector<int64_t> amount_1d;
  std::vector<double> price;
};

template <typename T>
void Extend(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

class ExactlyOnceTest : public ::testing::Test {
 protected:
  ExactlyOnceTest() : random_(TestSeed()) {}

  // Starts the server for the first time, with short checkpoints so that kills meet them.
  void Begin(const std::string& log, const std::string& brokers) {
    const std::string config = folder_.File("freshet.yaml");
    std::ofstream(config) << fmt::format(
        "kafka: {{brokers: \"{}\"}}\ningest: {{checkpoint_interval: 60ms, as_of_interval: 50ms}}\n",
        brokers);
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    const auto applied = server_->NewClient()->Apply({{"orders.yaml", Definitions(log)}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
    ASSERT_TRUE(applied->applicable());
  }

  std::string Order(int64_t user_id, int64_t shop_id, int64_t amount) {
    return fmt::format(R"({{"at":{},"user_id":{},"shop_id":{},"amount":{},"price":{}.25}})",
                       NowMs() - static_cast<int64_t>(random_() % 5'000), user_id, shop_id, amount,
                       amount);
  }

  FeatureResponse Get(const std::string& key, int64_t first, int64_t end,
                      const std::vector<std::string>& features) {
    FeatureRequest request;
    request.features = features;
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = key;
    keys.values.type = Type::kInt64;
    for (int64_t i = first; i < end; ++i) keys.values.integers.push_back(i);
    FeatureResponse response;
    const Status got = server_->NewClient()->GetFeatures(request, &response);
    EXPECT_TRUE(got.ok()) << got.ToString();
    response.features.resize(features.size());
    return response;
  }

  Served GetUsers(int64_t count) {
    Served served;
    for (int64_t first = 0; first < count; first += kUsersPerRequest) {
      const FeatureResponse response =
          Get("user_id", first, std::min(count, first + kUsersPerRequest),
              {"by_user.orders_1d", "by_user.orders_7d", "by_user.amount_1d", "by_user.price"});
      Extend(served.orders_1d, response.features[0].values.integers);
      Extend(served.orders_7d, response.features[1].values.integers);
      Extend(served.amount_1d, response.features[2].values.integers);
      Extend(served.price, response.features[3].values.numbers);
    }
    return served;
  }

  std::vector<Totals> GetShops() {
    const FeatureResponse response =
        Get("shop_id", 0, kShops, {"by_shop.orders", "by_shop.amount"});
    std::vector<Totals> totals;
    for (size_t i = 0; i < response.row_count; ++i) {
      totals.push_back(
          {response.features[0].values.integers[i], response.features[1].values.integers[i]});
    }
    return totals;
  }

  void SleepRandomly() {
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % kAliveMsMax));
  }

  TempFolder folder_;
  std::mt19937_64 random_;
  std::optional<ServerProcess> server_;
};

TEST_F(ExactlyOnceTest, AKafkaTopicThroughManyKills) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  KafkaBroker& broker = KafkaBroker::Shared();
  const std::string topic = NewTopicName("orders");
  broker.CreateTopic(topic, kPartitions);
  Begin(fmt::format("kafka: {{topic: {}, format: json}}", topic), broker.address());

  std::vector<Totals> users(kUsers);
  std::vector<Totals> shops(kShops);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    std::mt19937_64 random(TestSeed() + 1);
    while (!done) {
      std::vector<KafkaRecord> records;
      for (int i = 0; i < 200; ++i) {
        const auto user = static_cast<int64_t>(random() % kUsers);
        const auto shop = static_cast<int64_t>(random() % kShops);
        const auto amount = static_cast<int64_t>(random() % 1'000);
        const int64_t at = NowMs() - static_cast<int64_t>(random() % 5'000);
        records.push_back(
            {fmt::format(R"({{"at":{},"user_id":{},"shop_id":{},"amount":{},"price":{}.25}})", at,
                         user, shop, amount, amount),
             static_cast<int32_t>(random() % kPartitions)});
        users[static_cast<size_t>(user)].Add(amount);
        shops[static_cast<size_t>(shop)].Add(amount);
      }
      broker.Produce(topic, records);
    }
  });
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    SleepRandomly();
    server_->Kill();
    if (!server_->StartListening()) break;
  }
  done = true;
  producer.join();
  server_->Kill();
  // Ready means caught up to where the topic stood at the start, and nobody produces any more.
  ASSERT_TRUE(server_->Start());

  const Served served = GetUsers(kUsers);
  ASSERT_EQ(served.price.size(), static_cast<size_t>(kUsers));
  for (size_t user = 0; user < users.size(); ++user) {
    EXPECT_EQ((Totals{served.orders_1d[user], served.amount_1d[user]}), users[user]) << user;
    EXPECT_EQ(served.orders_7d[user], users[user].orders) << user;
    EXPECT_EQ(served.price[user], static_cast<double>(users[user].amount) +
                                      0.25 * static_cast<double>(users[user].orders))
        << user;
  }
  EXPECT_EQ(GetShops(), shops);
}

TEST_F(ExactlyOnceTest, APushSourceThroughManyKills) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Begin("push:", "");

  // Each call pushes a few records of a user of its own, so that what became of the call can be seen.
  struct Call {
    Totals records;
    bool acknowledged = false;
  };
  std::vector<Call> calls;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    std::thread pusher([&] {
      const auto client = server_->NewClient();
      do {
        Call& call = calls.emplace_back();
        const auto user = static_cast<int64_t>(calls.size()) - 1;
        std::vector<std::string> orders;
        for (size_t i = 1 + random_() % 20; i > 0; --i) {
          const auto amount = static_cast<int64_t>(random_() % 1'000);
          orders.push_back(Order(user, user % kShops, amount));
          call.records.Add(amount);
        }
        call.acknowledged =
            client->Push("orders", std::vector<std::string_view>(orders.begin(), orders.end()))
                .ok();
      } while (calls.back().acknowledged);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds((cycle * 379) % kAliveMsMax));
    server_->Kill();
    pusher.join();
    ASSERT_TRUE(server_->StartListening());
  }
  ASSERT_TRUE(server_->WaitUntilReady());

  std::vector<Totals> shops(kShops);
  const auto count = static_cast<int64_t>(calls.size());
  size_t unanswered = 0;
  const Served served = GetUsers(count);
  ASSERT_EQ(served.price.size(), calls.size());
  for (size_t user = 0; user < calls.size(); ++user) {
    const Totals seen{served.orders_1d[user], served.amount_1d[user]};
    shops[user % kShops].orders += seen.orders;
    shops[user % kShops].amount += seen.amount;
    if (calls[user].acknowledged) {
      EXPECT_EQ(seen, calls[user].records) << user;
    } else {
      ++unanswered;
      EXPECT_TRUE(seen == Totals() || seen == calls[user].records) << user;
    }
  }
  EXPECT_LE(unanswered, static_cast<size_t>(kCycles));
  EXPECT_GT(calls.size(), unanswered);
  EXPECT_EQ(GetShops(), shops);
}

}  // namespace
}  // namespace freshet::testing
