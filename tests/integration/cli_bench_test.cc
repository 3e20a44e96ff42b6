#include <chrono>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "integration/cli_fixture.h"
#include "support/send_signal.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

using CliBench = testing::CliTest;

TEST_F(CliBench, MeasuresARunningServer) {
  StartQuickstart();
  const auto finished = Run({"bench", "ranking", "user_id=1,2,3", "basket_value=5", "--rate", "200",
                             "--seconds", "1.5", "--connections", "2", "--rows", "2", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  EXPECT_EQ(json["subject"], "ranking");
  EXPECT_EQ(json["rows"], 2);
  EXPECT_EQ(json["connections"], 2);
  EXPECT_EQ(json["sent"], 300);
  EXPECT_EQ(json["answered"], 300);
  EXPECT_EQ(json["errors"], Json::object());
  const Json latency = json["latency_us"];
  EXPECT_GT(latency["p50"], 0);
  EXPECT_LE(latency["p50"], latency["p90"]);
  EXPECT_LE(latency["p90"], latency["p99"]);
  EXPECT_LE(latency["p99"], latency["p99.9"]);
  EXPECT_LE(latency["p99.9"], latency["max"]);
  // Both open with a request, and one looks whether it is right.
  const auto status = Json::parse(Run({"status", "--json"}).out);
  EXPECT_EQ(status["counters"]["serve_requests"], 300 + 2 + 1);
}

TEST_F(CliBench, AServerThatIsAskedForTooMuchRefusesAtOnceAndSaysSo) {
  StartServer({"--config", Write("freshet.yaml", "serving: {requests_in_flight: 1}\n")});
  ASSERT_EQ(Run({"apply", kQuickstart}).exit_code, 0);
  const auto finished =
      Run({"bench", "ranking", "user_id=1,2,3", "basket_value=5", "--rate", "4000", "--seconds",
           "1", "--connections", "4", "--rows", "1000", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  const uint64_t refused = json["errors"].value("ResourceExhausted", uint64_t{0});
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(json["answered"].get<uint64_t>() + refused, json["sent"].get<uint64_t>());
  const auto counters = Json::parse(Run({"status", "--json"}).out)["counters"];
  EXPECT_EQ(counters["serve_in_flight"], 0);
  EXPECT_GE(counters["serve_requests_refused"].get<uint64_t>(), refused);
  // Those that open the connections may be refused too.
  EXPECT_LE(counters["serve_requests_refused"].get<uint64_t>(), refused + 4);
}

TEST_F(CliBench, TellsAPerson) {
  StartQuickstart();
  const std::string keys =
      Write("keys.jsonl",
            "{\"user_id\": 1, \"basket_value\": 2}\n{\"user_id\": 2, \"basket_value\": 3}\n");
  const auto finished = Run({"bench", "ranking", "--keys", keys, "--seconds", "0.5"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("ranking at " + server_->address() + ": 1 row a request"));
  EXPECT_THAT(finished.out, HasSubstr("p99.9"));
  EXPECT_THAT(finished.out, HasSubstr("latency"));
  EXPECT_EQ(finished.err, "") << "progress is for terminals";
}

TEST_F(CliBench, AnInterruptPrintsWhatWasMeasured) {
  StartQuickstart();
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t process = testing::StartProgram(
      {kBinary, "bench", "ranking", "user_id=1", "basket_value=2", "--seconds", "3600", "--json"},
      nothing, folder_.File("out"), folder_.File("err"), {"FRESHET_ADDRESS=" + server_->address()});
  close(nothing);
  ASSERT_GT(process, 0);
  const auto client = server_->NewClient();
  while (client->GetStatus()->counters["serve_requests"] < 20)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  testing::SendSignal(process, SIGINT);
  EXPECT_EQ(testing::WaitForExit(process), 130);
  EXPECT_GT(Json::parse(testing::ReadFile(folder_.File("out")))["answered"], 10);
}

TEST_F(CliBench, AWrongRequestIsToldOnce) {
  StartQuickstart();
  const auto unknown = Run({"bench", "rankin", "user_id=1"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'ranking'?"));
  const auto missing = Run({"bench", "ranking", "user_id=1"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("basket_value"));
  const auto mistyped = Run({"bench", "ranking", "user_id=x"});
  EXPECT_EQ(mistyped.exit_code, 2);
  EXPECT_THAT(mistyped.err, HasSubstr("user_id: 'x' is no int64"));
}

}  // namespace
}  // namespace freshet
