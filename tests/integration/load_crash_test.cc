// The real server is killed at random moments of loads while its rows are read: what is served
// afterwards is one load or the other, whole, and no space is lost.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/seed.h"
#include "support/server_process.h"
#include "support/temp_folder.h"

namespace freshet::testing {
namespace {

// As many as one request may ask for, so that one answer shows whether loads are mixed.
constexpr int64_t kKeys = 10'000;
constexpr uint64_t kLoadsUsual = 15;
constexpr int64_t kAbsent = -1;

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

// Which load each key's row is of, kAbsent for a key without one.
using Rows = std::vector<int64_t>;

int64_t CheckOf(int64_t load, int64_t key) {
  return static_cast<int64_t>(
      (static_cast<uint64_t>(load) * 1'000'003 + static_cast<uint64_t>(key)) *
          0x9E3779B97F4A7C15u >>
      1);
}

// A whole load leaves out every seventh key, another seventh each time.
Rows WholeLoad(int64_t load) {
  Rows rows(kKeys, load);
  for (int64_t key = load % 7; key < kKeys; key += 7) rows[static_cast<size_t>(key)] = kAbsent;
  return rows;
}

// An upsert has every third key.
Rows AfterUpsert(Rows rows, int64_t load) {
  for (int64_t key = load % 3; key < kKeys; key += 3) rows[static_cast<size_t>(key)] = load;
  return rows;
}

uint64_t FileBytes(const std::string& folder, const std::string& ending) {
  uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    // A file may go while it is looked at.
    if (entry.path().string().ends_with(ending) && entry.is_regular_file(ignored))
      bytes += entry.file_size(ignored);
  }
  return bytes;
}

class LoadCrashTest : public ::testing::Test {
 protected:
  LoadCrashTest() : random_(TestSeed()) {
    std::printf("FRESHET_TEST_SEED=%llu\n", static_cast<unsigned long long>(TestSeed()));
  }

  void SetUp() override {
    const std::string config = folder_.File("freshet.yaml");
    std::ofstream(config)
        << "load: {memory_limit: 1MiB}\ndata: {cache: 1MiB, write_buffer: 1MiB}\n";
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    const auto applied = server_->NewClient()->Apply({{"users.yaml", kDefinitions}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
    ASSERT_TRUE(applied->applicable());
  }

  std::string RowText(int64_t load, int64_t key) {
    return fmt::format("{},{},{},{},{:0>100}\n", key, load, CheckOf(load, key), load, key);
  }

  // Streams the rows of `rows` that are of this load, in any order.
  Status Load(const Rows& rows, int64_t load, bool upsert,
              const std::function<void(LoadProgress::Phase)>& at_phase) {
    std::vector<int64_t> keys;
    for (int64_t key = 0; key < kKeys; ++key)
      if (rows[static_cast<size_t>(key)] == load) keys.push_back(key);
    std::shuffle(keys.begin(), keys.end(), random_);
    size_t next = 0;
    bool has_header = false;
    const auto next_chunk = [&]() -> Result<std::string> {
      std::string chunk = has_header ? "" : "user_id,load,check,at,text\n";
      has_header = true;
      for (; next < keys.size() && chunk.size() < 30'000; ++next)
        chunk += RowText(load, keys[next]);
      return chunk;
    };
    LoadProgress outcome;
    return server_->NewClient()->Load(
        {.view = "profile", .upsert = upsert}, next_chunk,
        [&](const LoadProgress& progress) { at_phase(progress.phase); }, nullptr, &outcome);
  }

  static Status Get(Client& client, Rows* rows) {
    FeatureRequest request;
    request.features = {"profile.load", "profile.check"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    keys.values.integers.resize(kKeys);
    std::iota(keys.values.integers.begin(), keys.values.integers.end(), 0);
    FeatureResponse response;
    FRESHET_RETURN_IF_ERROR(client.GetFeatures(request, &response));
    rows->assign(kKeys, kAbsent);
    for (size_t key = 0; key < rows->size(); ++key) {
      const FeatureColumn& loads = response.features[0];
      if (!loads.statuses.empty() && loads.statuses[key] != FeatureStatus::kPresent) continue;
      (*rows)[key] = loads.values.integers[key];
      // What came back is the row as it was loaded, not merely one of its columns.
      EXPECT_EQ(response.features[1].values.integers[key],
                CheckOf((*rows)[key], static_cast<int64_t>(key)));
    }
    return Status::Ok();
  }

  // Reads until the server is gone; every answer must be one of the two.
  void ReadUntilKilled(const Rows& before, const Rows& after, bool is_whole) {
    const auto client = server_->NewClient();
    bool has_seen_after = false;
    for (Rows rows; Get(*client, &rows).ok();) {
      ++answers_;
      if (!is_whole) continue;  // an upsert is atomic for each row
      EXPECT_TRUE(rows == after || (rows == before && !has_seen_after))
          << "an answer mixes loads, or goes back";
      has_seen_after = rows == after;
    }
  }

  // Runs a load and kills the server at a random moment of it, or soon after it.
  Status LoadAndKill(const Rows& before, const Rows& after, int64_t load, bool upsert) {
    std::atomic<bool> killed{false};
    const auto kill = [&] {
      if (!killed.exchange(true)) server_->Kill();
    };
    const auto when = static_cast<LoadProgress::Phase>(random_() % 4);
    const bool by_phase =
        when == LoadProgress::Phase::kSort || when == LoadProgress::Phase::kPublish;
    const auto delay = std::chrono::microseconds(random_() % 400'000);
    const uint64_t answered = answers_;
    auto reader = std::async(std::launch::async, [&] { ReadUntilKilled(before, after, !upsert); });
    // So that each load is read beside, however busy the machine is.
    while (answers_ == answered &&
           reader.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    }
    std::thread killer([&] {
      std::this_thread::sleep_for(by_phase ? std::chrono::microseconds(400'000) : delay);
      kill();
    });
    const Status status = Load(after, load, upsert, [&](LoadProgress::Phase phase) {
      if (by_phase && phase == when) kill();
    });
    killer.join();
    reader.get();
    return status;
  }

  void WaitUntilRemoved() {
    const auto client = server_->NewClient();
    while (true) {
      const auto status = client->GetStatus();
      ASSERT_TRUE(status.ok()) << status.status().ToString();
      if (status->counters.at("store_generations_to_remove") == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  uint64_t RunBytes() const { return FileBytes(folder_.File("data/loads"), ""); }
  uint64_t StoredBytes() const { return FileBytes(folder_.File("data/db"), ".sst"); }

  TempFolder folder_;
  std::mt19937_64 random_;
  std::optional<ServerProcess> server_;
  std::atomic<uint64_t> answers_{0};
};

TEST_F(LoadCrashTest, OneLoadOrTheOtherThroughManyKills) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  const auto nothing = [](LoadProgress::Phase) {};
  Rows served;
  int64_t load = 0;
  for (; load < 2; ++load) {
    served = WholeLoad(load);
    ASSERT_TRUE(Load(served, load, false, nothing).ok());
  }
  // Two generations, and as much again for an upsert's rows above each of them.
  const uint64_t stored_bytes_max = 2 * StoredBytes() + (256u << 10);

  uint64_t published = 0;
  const uint64_t loads = TestCases(kLoadsUsual);
  for (uint64_t cycle = 0; cycle < loads; ++cycle, ++load) {
    const bool upsert = random_() % 4 == 0;
    const Rows after = upsert ? AfterUpsert(served, load) : WholeLoad(load);
    const Status status = LoadAndKill(served, after, load, upsert);
    ASSERT_TRUE(server_->Start());
    EXPECT_EQ(RunBytes(), 0u);
    Rows now;
    ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
    EXPECT_TRUE(now == after || (now == served && !status.ok()))
        << (status.ok() ? "an acknowledged load is lost" : "loads are mixed") << ", load " << load;
    published += now == after ? 1 : 0;
    served = now;
    WaitUntilRemoved();
    EXPECT_LE(StoredBytes(), stored_bytes_max) << "load " << load;
    if (HasFailure()) return;
  }
  std::printf("%llu of %llu loads were published, %llu answers read\n",
              static_cast<unsigned long long>(published), static_cast<unsigned long long>(loads),
              static_cast<unsigned long long>(answers_.load()));
  EXPECT_GT(answers_.load(), loads);
  served = WholeLoad(load);
  ASSERT_TRUE(Load(served, load, false, nothing).ok());
  Rows now;
  ASSERT_TRUE(Get(*server_->NewClient(), &now).ok());
  EXPECT_EQ(now, served);
}

TEST_F(LoadCrashTest, RunsOfAKilledLoadAreGoneAfterTheStart) {
  const Rows rows = WholeLoad(0);
  uint64_t run_bytes = 0;
  int64_t key = 0;
  const auto next_chunk = [&]() -> Result<std::string> {
    std::string chunk = key == 0 ? "user_id,load,check,at,text\n" : "";
    for (int i = 0; i < 300; ++i, ++key) chunk += RowText(0, key);
    if (run_bytes == 0) run_bytes = RunBytes();
    // A pipe that has more to come.
    if (run_bytes > 0) server_->Kill();
    return run_bytes > 0 ? std::string() : chunk;
  };
  LoadProgress outcome;
  const Status status = server_->NewClient()->Load(
      {.view = "profile"}, next_chunk, [](const LoadProgress&) {}, nullptr, &outcome);
  EXPECT_FALSE(status.ok());
  EXPECT_GT(run_bytes, 0u);
  EXPECT_GT(RunBytes(), 0u);
  ASSERT_TRUE(server_->Start());
  EXPECT_EQ(RunBytes(), 0u);
}

}  // namespace
}  // namespace freshet::testing
