#include <chrono>
#include <csignal>
#include <httplib.h>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

using CliServe = testing::CliTest;

std::string Click(int user_id) {
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  return "{\"user_id\": " + std::to_string(user_id) +
         ", \"item_id\": \"a\", \"kind\": \"view\", \"amount\": 1, \"event_time\": " +
         std::to_string(now_ms) + "}\n";
}

TEST_F(CliServe, TerminatesCleanlyAndServesTheSameAgain) {
  for (int signal : {SIGTERM, SIGINT}) {
    StartQuickstart();
    ASSERT_EQ(Run({"push", "clicks"}, Click(42)).exit_code, 0);
    EXPECT_EQ(server_->End(signal), 0) << server_->Log();
    EXPECT_THAT(server_->Log(), HasSubstr("ready: "));
    EXPECT_THAT(server_->Log(), HasSubstr("everything is on disk"));
  }
  ASSERT_TRUE(server_->Start());
  const auto vector = Run({"get", "--features", "activity.clicks_1h", "user_id=42", "--json"});
  EXPECT_EQ(vector.out,
            "{\"user_id\":42,\"activity.clicks_1h\":{\"value\":2,\"status\":\"PRESENT\"}}\n");
}

TEST_F(CliServe, StatusTellsHealthChecksWhetherItIsReady) {
  StartQuickstart();
  // What was just applied has its stream to read.
  while (Run({"status", "--ready"}).exit_code == 1)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto ready = Run({"status", "--ready"});
  EXPECT_EQ(ready.exit_code, 0);
  EXPECT_EQ(ready.out, "ready\n");
  EXPECT_EQ(server_->End(SIGTERM), 0);
  EXPECT_EQ(Run({"status", "--ready"}).exit_code, 3);
}

TEST_F(CliServe, AnswersOverHttp) {
  StartQuickstart();
  ASSERT_EQ(Run({"push", "clicks"}, Click(42) + "not json\n").exit_code, 0);
  httplib::Client client("http://" + server_->http_address());
  const auto ready = client.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->body, "ready\n");
  const char* all_read = "freshet_source_events_total{source=\"clicks\"} 2\n";
  while (client.Get("/metrics")->body.find(all_read) == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto services = client.Get("/v1/services");
  ASSERT_TRUE(services);
  EXPECT_EQ(services->body, "{\"services\":[{\"name\":\"ranking\"}]}\n");
  const auto vector = client.Post(
      "/v1/features", R"({"features": ["activity.clicks_1h"], "entities": {"user_id": [42, 43]}})",
      "application/json");
  ASSERT_TRUE(vector);
  EXPECT_THAT(vector->body, HasSubstr(R"("features":[{"name":"activity.clicks_1h","type":"int64",)"
                                      R"("values":[1,0],"statuses":["PRESENT","NOT_FOUND"]}])"));
  const auto wrong = client.Post("/v1/features", R"({"feature_service": "rankin"})", "");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->status, 400);
  EXPECT_THAT(wrong->body, HasSubstr("#/feature_service"));
  const auto metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics);
  for (const char* line :
       {"freshet_ready 1\n", "freshet_requests_total 1\n", "freshet_values_total 2\n", all_read,
        "freshet_source_applied_total{source=\"clicks\"} 1\n",
        "freshet_source_refused_total{source=\"clicks\",reason=\"not_json\"} 1\n",
        "freshet_stream_lag_records{source=\"clicks\",views=\"activity\",partition=\"0\"} 0\n",
        "freshet_stream_as_of_age_seconds{source=\"clicks\",views=\"activity\"} 0."})
    EXPECT_THAT(metrics->body, HasSubstr(line));
}

TEST_F(CliServe, HttpCanBeElsewhereOrOff) {
  StartServer({"--http", ""});
  ASSERT_NE(server_->address(), "");
  EXPECT_EQ(server_->http_address(), "");
  const auto taken = Run({"serve", "--data", folder_.File("other"), "--address", "127.0.0.1:0",
                          "--http", server_->address()});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("cannot listen on " + server_->address() + " for HTTP"));
}

TEST_F(CliServe, IsNotReadyWhileAStreamCannotBeReached) {
  Write("definitions/all.yaml", R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources: [{name: views, kafka: {topic: views}, timestamp: at, fields: {user_id: int64}}]
feature_views:
  - {name: seen, entity: user, source: views, aggregations: [{name: views, function: count}]}
)");
  server_ = std::make_unique<testing::ServerProcess>(
      kBinary, folder_.path(),
      std::vector<std::string>{"--config",
                               Write("freshet.yaml", "kafka: {brokers: '127.0.0.1:1'}\n"),
                               "--definitions", folder_.File("definitions")});
  ASSERT_TRUE(server_->StartListening());
  const auto waiting = Run({"status", "--ready"});
  EXPECT_EQ(waiting.exit_code, 1) << waiting.err;
  EXPECT_EQ(waiting.out, "not ready: catching up\n");
  httplib::Client client("http://" + server_->http_address());
  const auto over_http = client.Get("/readyz");
  ASSERT_TRUE(over_http);
  EXPECT_EQ(over_http->status, 503);
  EXPECT_EQ(over_http->body, waiting.out);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(server_->End(SIGTERM), 0);
}

TEST_F(CliServe, AfterAKillNothingIsLostOrCountedTwice) {
  StartQuickstart();
  for (int round = 1; round <= 5; ++round) {
    ASSERT_EQ(Run({"push", "clicks"}, Click(7) + Click(7) + Click(7)).exit_code, 0);
    EXPECT_EQ(server_->Kill(), -SIGKILL);
    ASSERT_TRUE(server_->Start());
    const auto vector = Run({"get", "--features", "activity.clicks_1h", "user_id=7", "--json"});
    EXPECT_THAT(vector.out, HasSubstr("\"value\":" + std::to_string(3 * round)));
  }
}

TEST_F(CliServe, AppliesDefinitionsAtTheStart) {
  StartServer({"--definitions", kQuickstart});
  EXPECT_THAT(Run({"status"}).out, HasSubstr("ranking"));
  const auto again = Run({"plan", kQuickstart});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, HasSubstr("Nothing changes"));
}

TEST_F(CliServe, WrongDefinitionsStopTheStart) {
  Write("definitions/a.yaml", "entities: 7\n");
  const auto finished = Run({"serve", "--data", folder_.File("data"), "--address", "127.0.0.1:0",
                             "--definitions", folder_.File("definitions")});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("/a.yaml:1:11: "));
  EXPECT_THAT(finished.err, HasSubstr("the server does not start"));
}

TEST_F(CliServe, AWrongConfigurationIsTwoWithEveryMistake) {
  const std::string path = Write("freshet.yaml", "server:\n  adress: x\nlog:\n  level: loud\n");
  const auto finished = Run({"serve", "--config", path});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("freshet.yaml:2:3: "));
  EXPECT_THAT(finished.err, HasSubstr("freshet.yaml:4:10: "));
}

TEST_F(CliServe, TheConfigurationCountsAndArgumentsCountBeforeIt) {
  const std::string path =
      Write("freshet.yaml", "serving:\n  allow_read_time: true\nlog:\n  format: json\n");
  StartServer({"--config", path, "--definitions", kQuickstart});
  EXPECT_THAT(server_->Log(), HasSubstr("{"));
  ASSERT_EQ(Run({"push", "clicks"}, Click(1)).exit_code, 0);
  const auto past = Run({"get", "--features", "activity.clicks_1h", "user_id=1", "--json",
                         "--read-time", "1000000000000"});
  EXPECT_EQ(past.exit_code, 0) << past.err;
  EXPECT_THAT(past.out, HasSubstr("\"value\":0"));
}

TEST_F(CliServe, APortOrAFolderInUseIsRefused) {
  StartServer();
  const auto same_port = Run(
      {"serve", "--data", folder_.File("other"), "--http", "", "--address", server_->address()});
  EXPECT_EQ(same_port.exit_code, 1);
  EXPECT_THAT(same_port.err, HasSubstr("cannot listen on " + server_->address()));
  const auto same_folder =
      Run({"serve", "--data", folder_.File("data"), "--http", "", "--address", "127.0.0.1:0"});
  EXPECT_EQ(same_folder.exit_code, 1);
  EXPECT_THAT(same_folder.err, HasSubstr(folder_.File("data")));
}

}  // namespace
}  // namespace freshet
