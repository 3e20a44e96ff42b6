// A broker that hangs or is gone turns values stale, though no event says so; a topic on which nothing
// happens does not.
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kafka_broker.h"
#include "support/server_process.h"
#include "support/tcp_proxy.h"
#include "support/temp_folder.h"

namespace freshet::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMaxStalenessMs = 1'000;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr char kDefinitions[] = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: orders
    kafka: {topic: %s, format: json}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64}
feature_views:
  - name: activity
    entity: user
    source: orders
    aggregations:
      - {name: orders, function: count}
)yaml";

class StalenessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.emplace(KafkaBroker::Options{.proxy_port = proxy_.port()});
    proxy_.ForwardTo(broker_->proxied_port());
    topic_ = NewTopicName("orders");
    broker_->CreateTopic(topic_, 2);
    const std::string config = folder_.File("freshet.yaml");
    std::ofstream(config) << fmt::format(
        "kafka: {{brokers: \"{}\"}}\ningest: {{as_of_interval: 50ms}}\n",
        fmt::format("127.0.0.1:{}", proxy_.port()));
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    std::string definitions = kDefinitions;
    definitions.replace(definitions.find("%s"), 2, topic_);
    client_ = server_->NewClient();
    const auto applied = client_->Apply({{"orders.yaml", definitions}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
    ASSERT_TRUE(applied->applicable());
    broker_->Produce(topic_, {{.payload = R"({"at": 1770000000000, "user_id": 1})"}});
  }

  Status Get(std::optional<StaleAction> action, FeatureResponse* response) {
    FeatureRequest request;
    request.features = {"activity.orders"};
    request.entities.resize(1);
    request.entities[0] = {"user_id", {}};
    request.entities[0].values.type = Type::kInt64;
    request.entities[0].values.integers = {1};
    request.max_staleness_ms = kMaxStalenessMs;
    request.stale_action = action;
    request.include_as_of = true;
    return client_->GetFeatures(request, response);
  }

  // The status of the feature, which always says what the as-of of the same answer says.
  FeatureStatus Look() {
    EXPECT_TRUE(Get(std::nullopt, &response_).ok());
    const int64_t as_of_ms = response_.as_of.at(0).as_of_ms;
    const std::vector<FeatureStatus>& statuses = response_.features.at(0).statuses;
    const FeatureStatus status = statuses.empty() ? FeatureStatus::kPresent : statuses[0];
    const bool is_behind =
        as_of_ms == kNoEventTimeMs || as_of_ms < response_.read_time_ms - kMaxStalenessMs;
    EXPECT_EQ(status == FeatureStatus::kSourceStale, is_behind);
    if (is_behind) {
      EXPECT_EQ(Count(), 0);
    }
    return status;
  }
  void Await(FeatureStatus status) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (Look() != status && !HasFailure()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << FeatureStatusName(status);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  int64_t Count() const { return response_.features[0].values.integers[0]; }

  TempFolder folder_;
  TcpProxy proxy_;
  std::optional<KafkaBroker> broker_;
  std::string topic_;
  std::optional<ServerProcess> server_;
  std::unique_ptr<Client> client_;
  FeatureResponse response_;
};

TEST_F(StalenessTest, ABrokerThatHangsOrIsGoneIsTold) {
  Await(FeatureStatus::kPresent);
  const int64_t as_of_ms = response_.as_of[0].as_of_ms;
  EXPECT_EQ(Count(), 1);
  // Nothing happens for longer than may be missed.
  while (response_.as_of[0].as_of_ms < as_of_ms + 2 * kMaxStalenessMs) {
    Await(FeatureStatus::kPresent);
    ASSERT_FALSE(HasFailure());
  }

  broker_->Pause();
  Await(FeatureStatus::kSourceStale);
  ASSERT_TRUE(Get(StaleAction::kServe, &response_).ok());
  EXPECT_EQ(Count(), 1);
  broker_->Continue();
  Await(FeatureStatus::kPresent);
  broker_->Produce(topic_, {{.payload = R"({"at": 1770000000001, "user_id": 1})"}});
  do {
    Await(FeatureStatus::kPresent);
  } while (Count() != 2 && !HasFailure());

  broker_.reset();
  Await(FeatureStatus::kSourceStale);
  const Status failed = Get(StaleAction::kFail, &response_);
  EXPECT_EQ(failed.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("orders"));
}

TEST_F(StalenessTest, ANetworkThatIsSilentOrCutIsTold) {
  Await(FeatureStatus::kPresent);
  int64_t orders = 1;
  for (const Network trouble : {Network::kSilent, Network::kCut}) {
    proxy_.Set(trouble);
    // The broker goes on, for those who reach it.
    broker_->Produce(topic_, {{.payload = R"({"at": 1770000000001, "user_id": 1})"}});
    ++orders;
    Await(FeatureStatus::kSourceStale);
    ASSERT_TRUE(Get(StaleAction::kServe, &response_).ok());
    EXPECT_EQ(Count(), orders - 1);
    proxy_.Set(Network::kUp);
    Await(FeatureStatus::kPresent);
    ASSERT_FALSE(HasFailure());
    // Complete up to a second ago: the order is in.
    EXPECT_EQ(Count(), orders);
  }
}

}  // namespace
}  // namespace freshet::testing
