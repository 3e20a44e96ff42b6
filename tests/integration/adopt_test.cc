// The real binary builds rows in folders, and real servers adopt them while they are read: what is served is one load or the
// other, whole, whoever is killed and whenever.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/cli_fixture.h"
#include "support/seed.h"
#include "support/small_disk.h"

namespace freshet::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// More than one request may ask for, so that building and adopting take their time.
constexpr int64_t kKeys = 200'000;
constexpr int64_t kKeysRead = 10'000;
constexpr uint64_t kKillsUsual = 12;

constexpr char kDefinitions[] = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, load: int64, check: int64, text: string}
feature_views:
  - {name: profile, entity: user, source: users, features: [load, check, text]}
)yaml";

int64_t CheckOf(int64_t load, int64_t key) {
  return static_cast<int64_t>(
      (static_cast<uint64_t>(load) * 1'000'003 + static_cast<uint64_t>(key)) *
          0x9E3779B97F4A7C15u >>
      1);
}

class AdoptTest : public CliTest {
 protected:
  AdoptTest() : random_(TestSeed()) {
    std::printf("FRESHET_TEST_SEED=%llu\n", static_cast<unsigned long long>(TestSeed()));
  }

  void SetUp() override { definitions_ = Write("definitions/users.yaml", kDefinitions); }

  // A server that may adopt what is below shared/, with the definitions applied.
  void Serve() {
    std::filesystem::create_directories(folder_.File("shared"));
    const std::string config =
        Write("freshet.yaml", fmt::format("load: {{memory_limit: 1MiB, adopt_from: {}}}\n"
                                          "data: {{cache: 1MiB, write_buffer: 1MiB}}\n",
                                          folder_.File("shared")));
    StartServer({"--config", config});
    ASSERT_EQ(Run({"apply", definitions_}).exit_code, 0);
  }

  // The rows of a load, in any order.
  std::string WriteRows(int64_t load, int64_t count = kKeys) {
    std::vector<int64_t> keys(static_cast<size_t>(count));
    std::iota(keys.begin(), keys.end(), 0);
    std::shuffle(keys.begin(), keys.end(), random_);
    std::string text = "user_id,load,check,at,text\n";
    for (const int64_t key : keys)
      text += fmt::format("{},{},{},{},{:0>40}\n", key, load, CheckOf(load, key), load, key);
    return Write(fmt::format("load{}.csv", load), text);
  }
  std::vector<std::string> BuildWords(const std::string& file, const std::string& out) const {
    return {"load", "profile", "--file", file, "--definitions", definitions_, "--out", out};
  }
  // The folder shared/<name>, built.
  std::string Build(int64_t load, const std::string& name) {
    const std::string out = folder_.File("shared/" + name);
    const Finished built = Run(BuildWords(WriteRows(load), out));
    EXPECT_EQ(built.exit_code, 0) << built.err;
    EXPECT_THAT(built.out, HasSubstr("built profile: 200 000 rows in " + out));
    return out;
  }
  Status Adopt(const std::string& folder, LoadProgress* outcome) {
    return server_->NewClient()->LoadFiles(
        {.view = "profile", .adopt_folder = folder}, {}, [](const LoadProgress&) {}, nullptr,
        outcome);
  }

  // Which load is served; -1 when none is, -2 when the server does not answer.
  static int64_t ServedLoad(Client& client) {
    FeatureRequest request;
    request.features = {"profile.load", "profile.check"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    for (int64_t i = 0; i < kKeysRead; ++i) keys.values.integers.push_back(i * (kKeys / kKeysRead));
    FeatureResponse response;
    if (!client.GetFeatures(request, &response).ok()) return -2;
    const FeatureColumn& loads = response.features[0];
    std::set<int64_t> served;
    for (size_t i = 0; i < kKeysRead; ++i) {
      const bool is_there = loads.statuses.empty() || loads.statuses[i] == FeatureStatus::kPresent;
      served.insert(is_there ? loads.values.integers[i] : -1);
      if (is_there) {
        EXPECT_EQ(response.features[1].values.integers[i],
                  CheckOf(loads.values.integers[i], keys.values.integers[i]));
      }
    }
    EXPECT_EQ(served.size(), 1u) << "an answer mixes loads";
    return *served.begin();
  }
  int64_t ServedLoad() { return ServedLoad(*server_->NewClient()); }

  std::mt19937_64 random_;
  std::string definitions_;
};

TEST_F(AdoptTest, ReadersSeeOneLoadOrTheOther) {
  Serve();
  const std::string built[] = {Build(0, "a"), Build(1, "b")};
  LoadProgress outcome;
  ASSERT_TRUE(Adopt(built[0], &outcome).ok());
  std::atomic<bool> is_over{false};
  std::atomic<uint64_t> answers{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      const auto client = server_->NewClient();
      while (!is_over) {
        const int64_t load = ServedLoad(*client);
        EXPECT_TRUE(load == 0 || load == 1) << load;
        ++answers;
      }
    });
  }
  for (int64_t i = 1; i < 8; ++i) {
    const Status status = Adopt(built[i % 2], &outcome);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(ServedLoad(), i % 2);
    EXPECT_EQ(outcome.rows_written, static_cast<uint64_t>(kKeys));
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(answers, 0u);
  std::printf("%llu answers read\n", static_cast<unsigned long long>(answers.load()));
  ASSERT_EQ(Run({"load", "--rollback", "profile"}).exit_code, 0);
  EXPECT_EQ(ServedLoad(), 0);
}

TEST_F(AdoptTest, OneLoadOrTheOtherThroughKillsOfTheServer) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Serve();
  const std::string built[] = {Build(0, "a"), Build(1, "b")};
  LoadProgress outcome;
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(Adopt(built[0], &outcome).ok());
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  int64_t served = 0;
  uint64_t adopted = 0;
  const uint64_t kills = TestCases(kKillsUsual);
  for (uint64_t kill = 0; kill < kills; ++kill) {
    const int64_t next = 1 - served;
    const auto delay =
        std::chrono::microseconds(random_() % static_cast<uint64_t>(took.count() * 5 / 4));
    std::thread killer([&] {
      std::this_thread::sleep_for(delay);
      server_->Kill();
    });
    const Status status = Adopt(built[next], &outcome);
    killer.join();
    ASSERT_TRUE(server_->Start());
    EXPECT_TRUE(std::filesystem::is_empty(folder_.File("data/loads")));
    const int64_t now = ServedLoad();
    EXPECT_TRUE(now == next || (now == served && !status.ok())) << now << status.ToString();
    adopted += now == next ? 1 : 0;
    served = now;
    if (HasFailure()) return;
  }
  std::printf("%llu of %llu adoptions were published\n", static_cast<unsigned long long>(adopted),
              static_cast<unsigned long long>(kills));
  ASSERT_TRUE(Adopt(built[1 - served], &outcome).ok());
  EXPECT_EQ(ServedLoad(), 1 - served);
}

TEST_F(AdoptTest, ABuildThatIsKilledCannotBeAdopted) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Serve();
  const std::string file = WriteRows(7);
  const std::string out = folder_.File("shared/built");
  std::vector<std::string> words = BuildWords(file, out);
  words.insert(words.begin(), kBinary);
  const auto build = [&] {
    return StartProgram(words, 0, folder_.File("out.txt"), folder_.File("err.txt"));
  };
  const auto began = std::chrono::steady_clock::now();
  ASSERT_EQ(WaitForExit(build()), 0) << ReadFile(folder_.File("err.txt"));
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  uint64_t unfinished = 0;
  const uint64_t kills = TestCases(kKillsUsual);
  for (uint64_t kill = 0; kill < kills; ++kill) {
    std::filesystem::remove_all(out);
    const pid_t process = build();
    std::this_thread::sleep_for(
        std::chrono::microseconds(random_() % static_cast<uint64_t>(took.count())));
    ::kill(process, SIGKILL);
    WaitForExit(process);
    LoadProgress outcome;
    const Status status = Adopt("built", &outcome);
    EXPECT_EQ(status.ok(), std::filesystem::exists(out + "/MANIFEST")) << status.ToString();
    EXPECT_TRUE(!status.ok() || ServedLoad() == 7);
    if (status.ok() || !std::filesystem::exists(out)) continue;
    ++unfinished;
    EXPECT_THAT(status.ToString(), HasSubstr("has no MANIFEST"));
    if (std::filesystem::is_empty(out)) continue;
    const Finished again = Run(BuildWords(file, out));
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("is not empty: it has what a build under way or one that was "
                                     "killed made"));
  }
  std::printf("%llu of %llu builds were killed with files in their folder\n",
              static_cast<unsigned long long>(unfinished), static_cast<unsigned long long>(kills));
  EXPECT_GT(unfinished, 0u);
}

TEST_F(AdoptTest, OnlyFoldersThatTheServerPermitsAreOpened) {
  Serve();
  const std::string built = Build(0, "a");
  const std::string outside = folder_.File("outside");
  std::filesystem::copy(built, outside);
  std::filesystem::create_directory_symlink(outside, folder_.File("shared/link"));
  for (const std::string& path :
       {outside, std::string("../outside"), std::string("link"), std::string("/etc"),
        folder_.File("shared/../outside"), folder_.File("sharedx")}) {
    const Finished refused = Run({"load", "profile", "--adopt", path});
    EXPECT_EQ(refused.exit_code, 1) << path;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("this server adopts folders in"),
                                   HasSubstr("load.adopt_from"), Not(HasSubstr("MANIFEST"))));
  }
  EXPECT_THAT(Run({"load", "profile", "--adopt", "b"}).err, HasSubstr("there is no folder"));
  EXPECT_EQ(ServedLoad(), -1);
  const Finished adopted = Run({"load", "profile", "--adopt", "a/"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("loaded profile: 200 000 rows served, built at 2"));
  EXPECT_EQ(ServedLoad(), 0);

  server_.reset();
  StartServer();
  const Finished off = Run({"load", "profile", "--adopt", built});
  EXPECT_EQ(off.exit_code, 1);
  EXPECT_THAT(off.err, HasSubstr("this server adopts no folders: load.adopt_from"));
}

TEST_F(AdoptTest, ADataFolderAdoptsWithoutAServer) {
  Serve();
  const std::string built = Build(5, "a");
  const std::string data = folder_.File("data");
  EXPECT_EQ(Run({"load", "profile", "--adopt", built, "--data", data}).exit_code, 1);
  ASSERT_EQ(server_->Terminate(), 0);
  const Finished rehearsed =
      Run({"load", "profile", "--adopt", built, "--data", data, "--dry-run"});
  EXPECT_EQ(rehearsed.exit_code, 0) << rehearsed.err;
  EXPECT_THAT(rehearsed.out, HasSubstr("200 000 distinct keys; 200 000 new"));
  const Finished adopted = Run({"load", "profile", "--adopt", built, "--data", data, "--json"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, AllOf(HasSubstr("\"rows_served\": 200000"),
                                 HasSubstr("\"rows_built\": null"), HasSubstr("\"built_at_ms\"")));
  ASSERT_TRUE(server_->Start());
  EXPECT_EQ(ServedLoad(), 5);
}

TEST_F(AdoptTest, ABuildRunsOutOfDisk) {
  const std::string file = WriteRows(3);
  SmallDisk disk(folder_.File("small"), 64u << 20);
  ASSERT_TRUE(disk.is_mounted());
  for (uint64_t free_bytes : {0u, 4096u, 200'000u, 1u << 20, 4u << 20}) {
    disk.LeaveFree(free_bytes);
    const Finished full = Run(BuildWords(file, folder_.File("small/built")));
    EXPECT_EQ(full.exit_code, 1) << free_bytes;
    EXPECT_THAT(full.err, HasSubstr("No space left")) << free_bytes;
    EXPECT_FALSE(std::filesystem::exists(folder_.File("small/built"))) << free_bytes;
    disk.GiveBack();
  }
  const Finished built = Run(BuildWords(file, folder_.File("small/built")));
  EXPECT_EQ(built.exit_code, 0) << built.err;
}

TEST_F(AdoptTest, BadRowsStopABuild) {
  const std::string file = Write("bad.csv", "user_id,load,check,at,text\n1,x,1,1,a\n2,1,1,1,b\n");
  const std::string out = folder_.File("out");
  std::vector<std::string> words = BuildWords(file, out);
  const Finished refused = Run(words);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("bad.csv:2: load: 'x' is not an int64"));
  EXPECT_FALSE(std::filesystem::exists(out));
  for (const char* word : {"--max-bad-rows", "1", "--json", "--reject-file"}) words.push_back(word);
  words.push_back(folder_.File("rejects.jsonl"));
  const Finished built = Run(words);
  EXPECT_EQ(built.exit_code, 0) << built.err;
  EXPECT_THAT(built.out, AllOf(HasSubstr("\"loaded\": false"), HasSubstr("\"rows_built\": 1"),
                               HasSubstr("\"rows_served\": null")));
  EXPECT_THAT(ReadFile(folder_.File("rejects.jsonl")), HasSubstr("not an int64"));
}

TEST_F(AdoptTest, WhatDoesNotGoTogetherIsWrongUsage) {
  const std::string file = Write("users.csv", "user_id,load,check,at,text\n");
  const std::string out = folder_.File("out");
  const std::vector<std::vector<std::string>> wrong = {
      {"--file", file, "--out", out},
      {"--file", file, "--definitions", definitions_},
      {"--definitions", definitions_, "--out", out},
      {"--file", file, "--definitions", folder_.File("nowhere"), "--out", out},
      {"--file", file, "--definitions", definitions_, "--out", out, "--upsert"},
      {"--file", file, "--definitions", definitions_, "--out", out, "--dry-run"},
      {"--file", file, "--definitions", definitions_, "--out", out, "--data", out},
      {"--file", file, "--adopt", out},
      {"--adopt", out, "--upsert"},
      {"--adopt", out, "--rollback"},
  };
  for (std::vector<std::string> words : wrong) {
    words.insert(words.begin(), {"load", "profile"});
    const Finished refused = Run(words);
    EXPECT_EQ(refused.exit_code, 2) << refused.out << refused.err;
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  const std::string mistaken = Write("mistaken/a.yaml", "entites: []\n");
  const Finished refused =
      Run({"load", "profile", "--file", file, "--definitions", mistaken, "--out", out});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("unknown key 'entites'"));
}

}  // namespace
}  // namespace freshet::testing
