// The real binary: loads whose server or client is killed at random moments, again and again, go on
// until their rows are served, while readers see the load before or the new one.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <numeric>
#include <random>
#include <signal.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "cli_fixture.h"
#include "support/seed.h"

namespace freshet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr int64_t kUsers = 10'000;   // as many as one request may ask for
constexpr int64_t kLines = 150'000;  // of a file: a user stands there several times
constexpr uint64_t kLoadsUsual = 6;

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

// The load and the check of each user.
using Rows = std::vector<std::pair<int64_t, int64_t>>;

bool HasExited(pid_t process) {
  siginfo_t end = {};
  return waitid(P_PID, static_cast<id_t>(process), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         end.si_pid == process;
}

class LoadResumeTest : public CliTest {
 protected:
  LoadResumeTest() : random_(TestSeed()) {
    std::printf("FRESHET_TEST_SEED=%llu\n", static_cast<unsigned long long>(TestSeed()));
  }

  void SetUp() override {
    const std::string config = Write("freshet.yaml", "load: {memory_limit: 1MiB}\n");
    StartServer({"--config", config});
    Apply(kDefinitions);
  }

  void Apply(const std::string& text) {
    const std::string definitions = Write("definitions/users.yaml", text);
    const Finished applied =
        Run({"apply", std::filesystem::path(definitions).parent_path().string()});
    ASSERT_EQ(applied.exit_code, 0) << applied.err;
  }

  // A file of a load, and what it makes of the view.
  std::string WriteUsers(int64_t load, bool in_order, Rows* after) {
    std::vector<int64_t> users(kLines);
    for (size_t line = 0; line < users.size(); ++line)
      users[line] = in_order ? static_cast<int64_t>(line) * kUsers / kLines
                             : static_cast<int64_t>(random_() % kUsers);
    after->assign(kUsers, {-1, -1});
    std::string text = "user_id,load,check,at,text\n";
    for (size_t line = 0; line < users.size(); ++line) {
      text += fmt::format("{},{},{},{},\"{:0>60}\n\"\n", users[line], load, line, 7, random_());
      (*after)[static_cast<size_t>(users[line])] = {load, static_cast<int64_t>(line)};
    }
    return Write(fmt::format("users-{}.csv", load), text);
  }

  static Status Get(Client& client, Rows* rows) {
    FeatureRequest request;
    request.features = {"profile.load", "profile.check"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    keys.values.integers.resize(kUsers);
    std::iota(keys.values.integers.begin(), keys.values.integers.end(), 0);
    FeatureResponse response;
    FRESHET_RETURN_IF_ERROR(client.GetFeatures(request, &response));
    rows->assign(kUsers, {-1, -1});
    for (size_t key = 0; key < rows->size(); ++key) {
      const FeatureColumn& loads = response.features[0];
      if (!loads.statuses.empty() && loads.statuses[key] != FeatureStatus::kPresent) continue;
      (*rows)[key] = {loads.values.integers[key], response.features[1].values.integers[key]};
    }
    return Status::Ok();
  }

  // Starts `freshet load` with these arguments.
  pid_t StartLoad(std::vector<std::string> words) {
    words.insert(words.begin(), {kBinary, "load"});
    const int nothing = open("/dev/null", O_RDONLY);
    const pid_t process =
        StartProgram(words, nothing, out_, err_, {"FRESHET_ADDRESS=" + server_->address()});
    close(nothing);
    return process;
  }
  // Whether the load came to its end before it was killed, or its server.
  bool LoadAndKill(const std::vector<std::string>& words) {
    std::error_code ignored;
    std::filesystem::remove(out_, ignored);
    std::filesystem::remove(err_, ignored);
    const bool kills_server = random_() % 2 == 0;
    const pid_t process = StartLoad(words);
    std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random_() % kill_us_max_));
    if (kills_server)
      server_->Kill();
    else
      ::kill(process, SIGKILL);
    const int code = WaitForExit(process);
    if (kills_server) {
      std::lock_guard lock(server_mutex_);
      EXPECT_TRUE(server_->Start());
    }
    return code == 0;
  }
  std::unique_ptr<Client> NewClient() {
    std::lock_guard lock(server_mutex_);
    return server_->NewClient();
  }
  // Runs a load to its end, once one that was killed has let go of the view.
  Finished RunLoad(const std::vector<std::string>& words) {
    while (true) {
      Finished finished = Run(words);
      if (finished.exit_code == 0 || finished.err.find("being loaded") == std::string::npos)
        return finished;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  // The only unfinished load; 0: there is none.
  uint64_t UnfinishedId() {
    const Json status = Json::parse(Run({"status", "--json"}).out);
    EXPECT_LE(status["unfinished_loads"].size(), 1u);
    if (status["unfinished_loads"].empty()) return 0;
    kept_rows_ = status["unfinished_loads"][0]["rows"].get<uint64_t>();
    return status["unfinished_loads"][0]["id"].get<uint64_t>();
  }
  // A load that was killed may still be on its way out.
  void WaitUntilIdle() {
    while (true) {
      const Json status = Json::parse(Run({"status", "--json"}).out);
      const Json& loads = status["unfinished_loads"];
      if (loads.empty() || !loads[0]["under_way"].get<bool>()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  size_t KeptFiles() const {
    size_t count = 0;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.File("data/loads"), ignored))
      count += entry.is_regular_file(ignored) ? 1 : 0;
    return count;
  }
  // A load that is killed once it has kept something; its number.
  uint64_t KillOneThatKeeps(const std::string& file) {
    while (true) {
      const pid_t process = StartLoad({"profile", "--file", file});
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % kill_us_max_));
      ::kill(process, SIGKILL);
      const bool is_loaded = WaitForExit(process) == 0;
      WaitUntilIdle();
      if (const uint64_t id = UnfinishedId(); id != 0) return id;
      if (!is_loaded) kill_us_max_ += kKillUsStep;
    }
  }

  // A load that is killed when the view's definition was changed under it; its number. The client stands
  // still from when something is kept until then, so that the load stays under way.
  uint64_t KillOneWhoseViewWasChanged(const std::string& file) {
    const std::string fields = "[load, check, text]";
    std::string changed = kDefinitions;
    changed.replace(changed.find(fields), fields.size(),
                    "[{name: load, expect: {not_null: true}}, check, text]");
    const auto client = server_->NewClient();
    while (true) {
      Apply(kDefinitions);
      const pid_t process = StartLoad({"profile", "--file", file});
      while (!HasExited(process) && client->GetStatus().value().unfinished_loads.empty()) {
      }
      ::kill(process, SIGSTOP);
      Apply(changed);
      ::kill(process, SIGKILL);
      WaitForExit(process);
      WaitUntilIdle();
      if (const uint64_t id = UnfinishedId(); id != 0) return id;
    }
  }

  // A load is killed before this. A busy machine, where nothing is kept so soon, is given longer.
  static constexpr uint64_t kKillUsStep = 100'000;
  uint64_t kill_us_max_ = 300'000;
  std::mt19937_64 random_;
  std::mutex server_mutex_;
  uint64_t kept_rows_ = 0;  // of the last one that was asked for
  const std::string out_ = folder_.File("load.out");
  const std::string err_ = folder_.File("load.err");
};

TEST_F(LoadResumeTest, GoesOnThroughManyKills) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  Rows served(kUsers, {-1, -1});
  uint64_t resumed_rows = 0;
  uint64_t resumptions = 0;
  std::atomic<uint64_t> answers{0};
  const uint64_t loads = TestCases(kLoadsUsual);
  for (uint64_t load = 0; load < loads; ++load) {
    Rows after;
    const std::string file = WriteUsers(static_cast<int64_t>(load), load % 2 == 0, &after);
    std::atomic<bool> done{false};
    std::thread reader([&] {
      while (!done) {
        const auto client = NewClient();
        for (Rows rows; !done && Get(*client, &rows).ok(); ++answers)
          EXPECT_TRUE(rows == served || rows == after) << "an answer mixes loads";
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    bool is_loaded = LoadAndKill({"profile", "--file", file});
    for (int turn = 0; !is_loaded; ++turn) {
      WaitUntilIdle();
      const uint64_t id = UnfinishedId();
      Rows now;
      ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
      if (id == 0 && now == after) break;  // it was published, and nobody heard of it
      EXPECT_EQ(now, served);
      std::vector<std::string> words = {"profile", "--file", file, "--json"};
      if (id != 0) {
        words = {"--resume", std::to_string(id), "--json"};
        resumed_rows += kept_rows_;
        ++resumptions;
      } else if (resumptions == 0) {
        kill_us_max_ += kKillUsStep;
      }
      if (turn < 4) {
        is_loaded = LoadAndKill(words);
        continue;
      }
      words.insert(words.begin(), "load");
      const Finished finished = RunLoad(words);
      ASSERT_EQ(finished.exit_code, 0) << finished.err;
      is_loaded = true;
      const Json report = Json::parse(finished.out);
      EXPECT_EQ(report["rows_read"], kLines);
      EXPECT_EQ(report["rows_served"], kUsers);
      EXPECT_EQ(report["rows_duplicate"], kLines - kUsers);
      EXPECT_EQ(report["rows_resumed"], id == 0 ? 0 : kept_rows_);
    }
    Rows now;
    ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
    EXPECT_EQ(now, after);
    done = true;
    reader.join();
    EXPECT_EQ(UnfinishedId(), 0u);
    EXPECT_EQ(KeptFiles(), 0u);
    served = now;
    if (HasFailure()) return;
  }
  EXPECT_GT(resumptions, 0u);
  std::printf("%llu loads, %llu resumptions that had %llu rows already, %llu answers\n",
              static_cast<unsigned long long>(loads), static_cast<unsigned long long>(resumptions),
              static_cast<unsigned long long>(resumed_rows),
              static_cast<unsigned long long>(answers.load()));
}

TEST_F(LoadResumeTest, TellsHowToGoOn) {
  Rows after;
  const std::string file = WriteUsers(1, false, &after);
  const uint64_t id = KillOneThatKeeps(file);
  const std::string status = Run({"status"}).out;
  EXPECT_THAT(status, HasSubstr("unfinished loads"));
  EXPECT_THAT(status, HasSubstr(file));
  EXPECT_THAT(Run({"load", "other", "--resume", std::to_string(id)}).err,
              HasSubstr("is one of profile, not of other"));
  EXPECT_THAT(Run({"load", "--resume", std::to_string(id), "--upsert"}).err, HasSubstr("excludes"));
  EXPECT_THAT(Run({"load", "--resume", std::to_string(id), "--file", "-"}).err,
              HasSubstr("cannot be read again"));
  EXPECT_THAT(Run({"load", "--resume", "999"}).err,
              HasSubstr(fmt::format("what can be resumed is {}", id)));

  // Ctrl-C keeps what is finished, and says so.
  const pid_t process = StartLoad({"--resume", std::to_string(id)});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ::kill(process, SIGINT);
  if (WaitForExit(process) == 130) {
    EXPECT_THAT(ReadFile(err_), HasSubstr(fmt::format("freshet load --resume {}", id)));
  }
}

// The folder that a path counts from fixes no column, also when the load is resumed in another one.
TEST_F(LoadResumeTest, FindsAFileBelowAFolderThatLooksLikeAColumn) {
  Rows after;
  const std::filesystem::path file = WriteUsers(1, true, &after);
  const std::filesystem::path folder = folder_.File("load=9");
  std::filesystem::create_directories(folder);
  std::filesystem::rename(file, folder / file.filename());
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  const uint64_t id = KillOneThatKeeps(file.filename().string());
  std::filesystem::current_path(before);
  const Finished finished = Run({"load", "--resume", std::to_string(id)});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  Rows now;
  ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
  EXPECT_EQ(now, after);
}

TEST_F(LoadResumeTest, RefusesAFileThatWasChanged) {
  Rows after;
  const std::string file = WriteUsers(1, true, &after);
  const uint64_t id = KillOneThatKeeps(file);
  std::ofstream(file, std::ios::app) << "1,2,3,4,5\n";
  const Finished refused = Run({"load", "--resume", std::to_string(id)});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("was changed since the load began with it"));
  EXPECT_THAT(refused.err, HasSubstr(fmt::format("freshet load --discard {}", id)));
  EXPECT_GT(KeptFiles(), 0u);
  EXPECT_EQ(Run({"load", "--discard", std::to_string(id)}).exit_code, 0);
  EXPECT_EQ(UnfinishedId(), 0u);
  EXPECT_EQ(KeptFiles(), 0u);
  EXPECT_EQ(Run({"load", "--discard", std::to_string(id)}).exit_code, 1);
}

// A client that stands still keeps its load under way, until the view is another one.
TEST_F(LoadResumeTest, TellsWhatCannotGoOn) {
  Rows after;
  const std::string file = WriteUsers(1, false, &after);
  const uint64_t id = KillOneWhoseViewWasChanged(file);
  const std::string obstacle =
      fmt::format("the definition of the view 'profile' was changed since load {} began", id);
  EXPECT_THAT(Run({"status"}).out,
              HasSubstr(fmt::format("{} cannot be resumed: {}", id, obstacle)));
  const Json load = Json::parse(Run({"status", "--json"}).out)["unfinished_loads"][0];
  EXPECT_THAT(load["obstacle"].get<std::string>(), HasSubstr(obstacle));
  EXPECT_GT(load["bytes"].get<uint64_t>(), 0u);

  const std::string number = std::to_string(id);
  const Finished refused = Run({"load", "--resume", number});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr(obstacle));
  EXPECT_THAT(refused.err, HasSubstr("to remove them: freshet load --discard " + number));
  EXPECT_THAT(Run({"load", "--resume", "999"}).err, HasSubstr("no load can be resumed"));
  EXPECT_GT(KeptFiles(), 0u);
  EXPECT_EQ(Run({"load", "--discard", number}).exit_code, 0);
  EXPECT_EQ(KeptFiles(), 0u);
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr("unfinished loads")));
}

TEST_F(LoadResumeTest, GoesOnWithoutAServer) {
  Rows after;
  const std::string file = WriteUsers(1, true, &after);
  const uint64_t id = KillOneThatKeeps(file);
  server_->Kill();
  const std::string data = folder_.File("data");
  const Finished finished = Run({"load", "--resume", std::to_string(id), "--data", data, "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json report = Json::parse(finished.out);
  EXPECT_GT(report["rows_resumed"].get<int64_t>(), 0);
  EXPECT_EQ(report["rows_read"], kLines);
  ASSERT_TRUE(server_->Start());
  Rows now;
  ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
  EXPECT_EQ(now, after);
  EXPECT_EQ(KeptFiles(), 0u);
}

}  // namespace
}  // namespace freshet::testing
