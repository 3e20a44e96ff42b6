#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

using CliUsage = testing::CliTest;

constexpr const char* kCommands[] = {"serve", "validate", "plan", "apply",  "load",
                                     "get",   "explain",  "push", "status", "bench"};

TEST_F(CliUsage, HelpAndVersion) {
  const auto help = Run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : kCommands) {
    EXPECT_THAT(help.out, HasSubstr(command));
    for (const char* flag : {"-h", "--help"}) {
      const auto about = Run({command, flag});
      EXPECT_EQ(about.exit_code, 0) << command;
      EXPECT_THAT(about.out, HasSubstr(std::string("  freshet ") + command)) << "an example";
    }
  }
  const auto version = Run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, MatchesRegex("freshet [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CliUsage, WrongUsageIsTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"sreve"},
      {"serve", "--port", "1"},
      {"serve", "--config", "/nowhere/freshet.yaml"},
      {"validate"},
      {"validate", "/nowhere/definitions"},
      {"plan", "/nowhere/definitions"},
      {"apply", "/nowhere/definitions"},
      {"load", "profile"},
      {"load", "profile", "--file", "/nowhere/users.csv"},
      {"load", "profile", "--file", "/dev/null", "--format", "xml"},
      {"load", "profile", "--file", "/dev/null", "--max-bad-rows", "101%"},
      {"get"},
      {"get", "ranking", "--features", "a.b"},
      {"get", "ranking", "user_id=1", "--read-time", "noon"},
      {"get", "ranking", "user_id=1", "--max-staleness", "soon"},
      {"explain"},
      {"explain", "ranking", "--features", "a.b"},
      {"push"},
      {"push", "clicks", "/nowhere/events.jsonl"},
      {"bench"},
      {"bench", "ranking", "user_id=1", "--rate", "0"},
      {"bench", "ranking", "user_id=1", "--seconds", "soon"},
      {"bench", "ranking", "user_id=1", "--connections", "0"},
      {"status", "--xml"}};
  for (const auto& words : wrong) {
    const auto finished = Run(words);
    EXPECT_EQ(finished.exit_code, 2) << ::testing::PrintToString(words) << finished.err;
    EXPECT_THAT(finished.out, IsEmpty());
    EXPECT_FALSE(finished.err.empty());
  }
}

TEST_F(CliUsage, NoServerIsThreeWithTheWayOut) {
  const std::vector<std::vector<std::string>> commands = {
      {"plan", kQuickstart},
      {"apply", kQuickstart},
      {"load", "profile", "--file", std::string(kQuickstart) + "/users.csv"},
      {"get", "ranking", "user_id=1"},
      {"explain", "ranking", "user_id=1"},
      {"bench", "ranking", "user_id=1"},
      {"status"}};
  for (auto words : commands) {
    words.insert(words.end(), {"--address", "127.0.0.1:1"});
    const auto finished = Run(words);
    EXPECT_EQ(finished.exit_code, 3) << words[0];
    EXPECT_THAT(finished.err, HasSubstr("cannot reach a server at 127.0.0.1:1: is `freshet serve` "
                                        "running there?"));
  }
  const auto pushed = Run({"push", "clicks", "--address", "127.0.0.1:1"}, "{}\n");
  EXPECT_EQ(pushed.exit_code, 3);
  EXPECT_THAT(pushed.out, IsEmpty());
}

TEST_F(CliUsage, ValidateCountsWhatIsRightAndPlacesWhatIsWrong) {
  const auto valid = Run({"validate", kQuickstart});
  EXPECT_EQ(valid.exit_code, 0) << valid.err;
  EXPECT_THAT(valid.out, HasSubstr("valid: 1 entity, 2 sources, 3 feature views with 9 features, "
                                   "1 feature service"));
  Write("definitions/a.yaml",
        "entities:\n"
        "  - {name: user, join_kys: {user_id: int64}}\n");
  Write("definitions/b.yaml",
        "feature_services:\n"
        "  - {name: ranking, features: [activity.clicks]}\n");
  const auto invalid = Run({"validate", folder_.File("definitions")});
  EXPECT_EQ(invalid.exit_code, 1);
  EXPECT_THAT(invalid.out, IsEmpty());
  EXPECT_THAT(invalid.err, HasSubstr("/a.yaml:2:18: "));
  EXPECT_THAT(invalid.err, HasSubstr("join_keys"));
  EXPECT_THAT(invalid.err, HasSubstr("/b.yaml:2:"));
  EXPECT_THAT(invalid.err, HasSubstr("mistakes in 2 files"));
}

}  // namespace
}  // namespace freshet
