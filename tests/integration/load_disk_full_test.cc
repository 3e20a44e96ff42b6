// The real server loads onto a small file system that fills up, now in this phase of the load, now in
// that one: what is served stays, the error says so, and the space comes back.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/seed.h"
#include "support/server_process.h"
#include "support/small_disk.h"
#include "support/subprocess.h"
#include "support/temp_folder.h"

namespace freshet::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr uint64_t kMebibyte = 1u << 20;
constexpr int64_t kKeys = 40'000;
constexpr int64_t kKeysRead = 10'000;

constexpr char kDefinitions[] = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, load: int64, text: string}
feature_views:
  - {name: profile, entity: user, source: users, features: [load, text]}
)yaml";

enum class Kind : uint8_t { kWhole, kUpsert, kAdopt };

class DiskFullTest : public ::testing::Test {
 protected:
  DiskFullTest() : disk_(folder_.File("data"), 160 * kMebibyte), random_(TestSeed()) {
    std::printf("FRESHET_TEST_SEED=%llu\n", static_cast<unsigned long long>(TestSeed()));
  }

  void SetUp() override {
    ASSERT_TRUE(disk_.is_mounted());
    const std::string config = folder_.File("freshet.yaml");
    std::filesystem::create_directories(folder_.File("built"));
    std::ofstream(config) << fmt::format(
        "load: {{memory_limit: 1MiB, adopt_from: {}}}\n"
        "data: {{cache: 1MiB, write_buffer: 1MiB}}\n",
        folder_.File("built"));
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    const auto applied = server_->NewClient()->Apply({{"users.yaml", kDefinitions}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  }

  // The rows of a load, which do not compress, in any order, chunk by chunk.
  std::function<Result<std::string>()> RowsOf(int64_t load) {
    std::vector<int64_t> keys(kKeys);
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(i);
    std::shuffle(keys.begin(), keys.end(), random_);
    return [this, load, keys = std::move(keys), next = size_t{0},
            has_header = false]() mutable -> Result<std::string> {
      std::string chunk = has_header ? "" : "user_id,load,at,text\n";
      has_header = true;
      for (; next < keys.size() && chunk.size() < 200'000; ++next) {
        chunk += fmt::format("{},{},{},", keys[next], load, load);
        for (int i = 0; i < 12; ++i) chunk += fmt::format("{:016x}", random_());
        chunk += '\n';
      }
      return chunk;
    };
  }
  // `phases` are those that the load came to.
  Status Load(int64_t load, Kind kind, std::set<LoadProgress::Phase>* phases) {
    const auto show = [&](const LoadProgress& progress) { phases->insert(progress.phase); };
    LoadProgress outcome;
    if (kind == Kind::kAdopt) {
      return server_->NewClient()->LoadFiles(
          {.view = "profile", .adopt_folder = std::to_string(load)}, {}, show, nullptr, &outcome);
    }
    return server_->NewClient()->Load({.view = "profile", .upsert = kind == Kind::kUpsert},
                                      RowsOf(load), show, nullptr, &outcome);
  }
  // On another disk.
  std::string BuiltFolder(int64_t load) const {
    return folder_.File(fmt::format("built/{}", load));
  }
  void Build(int64_t load) {
    const std::string rows = folder_.File("rows.csv"), definitions = folder_.File("users.yaml");
    std::ofstream file(rows);
    const auto next_chunk = RowsOf(load);
    for (std::string chunk; !(chunk = next_chunk().value()).empty();) file << chunk;
    file.close();
    std::ofstream(definitions) << kDefinitions;
    const Finished built = RunProgram({FRESHET_BINARY, "load", "profile", "--file", rows,
                                       "--definitions", definitions, "--out", BuiltFolder(load)});
    ASSERT_EQ(built.exit_code, 0) << built.err;
  }

  // The one load that all rows are of.
  std::optional<int64_t> ServedLoad() {
    FeatureRequest request;
    request.features = {"profile.load"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    for (int64_t i = 0; i < kKeysRead; ++i) keys.values.integers.push_back(i * (kKeys / kKeysRead));
    FeatureResponse response;
    const Status status = server_->NewClient()->GetFeatures(request, &response);
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (!status.ok()) return std::nullopt;
    const auto& values = response.features[0].values.integers;
    const std::set<int64_t> loads(values.begin(), values.end());
    EXPECT_EQ(loads.size(), 1u);
    return loads.size() == 1 ? std::optional(*loads.begin()) : std::nullopt;
  }

  // Loads with so much room; true when that was enough. Otherwise nothing has changed.
  bool LoadWith(uint64_t free_bytes, Kind kind);
  void CheckLoadsUntilThereIsRoom(Kind kind);

  TempFolder folder_;
  SmallDisk disk_;
  std::mt19937_64 random_;
  std::optional<ServerProcess> server_;
  int64_t served_ = 0;  // the last load that succeeded
  int64_t last_ = 0;
  std::set<LoadProgress::Phase> failed_in_;
};

bool DiskFullTest::LoadWith(uint64_t free_bytes, Kind kind) {
  std::set<LoadProgress::Phase> phases = {LoadProgress::Phase::kRead};
  ++last_;
  if (kind == Kind::kAdopt) Build(last_);
  disk_.LeaveFree(free_bytes);
  const Status status = Load(last_, kind, &phases);
  disk_.GiveBack();
  std::filesystem::remove_all(BuiltFolder(last_));
  if (status.ok()) {
    served_ = last_;
  } else {
    phases.erase(LoadProgress::Phase::kDone);
    failed_in_.insert(*phases.rbegin());
    EXPECT_THAT(status.ToString(), HasSubstr("No space left")) << free_bytes;
    EXPECT_TRUE(std::filesystem::is_empty(folder_.File("data/loads"))) << free_bytes;
  }
  EXPECT_EQ(ServedLoad(), served_) << "with " << free_bytes << " bytes";
  return status.ok();
}

void DiskFullTest::CheckLoadsUntilThereIsRoom(Kind kind) {
  ASSERT_TRUE(LoadWith(UINT64_MAX, Kind::kWhole));
  uint64_t too_few = 0;
  uint64_t enough = 0;
  while (!LoadWith(enough, kind) && enough < 80 * kMebibyte) {
    too_few = enough;
    enough += 2 * kMebibyte;
  }
  // Where it is a matter of a page, the last steps fail too.
  for (int step = 0; step < 8; ++step) {
    const uint64_t middle = (too_few + enough) / 2;
    (LoadWith(middle, kind) ? enough : too_few) = middle;
  }
  // Rows that come in order turn out not to fit when their file is finished.
  if (kind != Kind::kAdopt) {
    EXPECT_THAT(failed_in_, Contains(LoadProgress::Phase::kRead));
  }
  EXPECT_THAT(failed_in_, Contains(LoadProgress::Phase::kSort));
  std::printf("failed in %zu phases; %llu bytes were enough\n", failed_in_.size(),
              static_cast<unsigned long long>(enough));

  server_->Kill();
  ASSERT_TRUE(server_->Start());
  EXPECT_EQ(ServedLoad(), served_);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.File("data/loads")));
  EXPECT_TRUE(LoadWith(UINT64_MAX, kind));
}

TEST_F(DiskFullTest, AWholeLoadChangesNothingUntilThereIsRoom) {
  CheckLoadsUntilThereIsRoom(Kind::kWhole);
}

TEST_F(DiskFullTest, AnUpsertChangesNothingUntilThereIsRoom) {
  CheckLoadsUntilThereIsRoom(Kind::kUpsert);
}

TEST_F(DiskFullTest, AnAdoptionChangesNothingUntilThereIsRoom) {
  CheckLoadsUntilThereIsRoom(Kind::kAdopt);
}

}  // namespace
}  // namespace freshet::testing
