// The real server loads onto a small file system that fills up, now in this phase of the load, now in
// that one: what is served stays, the error says so, and the space comes back.
#include <cstdio>
#include <filesystem>
#include <fstream>
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

class DiskFullTest : public ::testing::Test {
 protected:
  DiskFullTest() : disk_(folder_.File("data"), 160 * kMebibyte), random_(TestSeed()) {
    std::printf("FRESHET_TEST_SEED=%llu\n", static_cast<unsigned long long>(TestSeed()));
  }

  void SetUp() override {
    ASSERT_TRUE(disk_.is_mounted());
    const std::string config = folder_.File("freshet.yaml");
    std::ofstream(config)
        << "load: {memory_limit: 1MiB}\ndata: {cache: 1MiB, write_buffer: 1MiB}\n";
    server_.emplace(FRESHET_BINARY, folder_.path(), std::vector<std::string>{"--config", config});
    ASSERT_TRUE(server_->Start());
    const auto applied = server_->NewClient()->Apply({{"users.yaml", kDefinitions}});
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  }

  // Rows that do not compress, in any order; `phases` are those that the load came to.
  Status Load(int64_t load, bool upsert, std::set<LoadProgress::Phase>* phases) {
    std::vector<int64_t> keys(kKeys);
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(i);
    std::shuffle(keys.begin(), keys.end(), random_);
    size_t next = 0;
    bool has_header = false;
    const auto next_chunk = [&]() -> Result<std::string> {
      std::string chunk = has_header ? "" : "user_id,load,at,text\n";
      has_header = true;
      for (; next < keys.size() && chunk.size() < 200'000; ++next) {
        chunk += fmt::format("{},{},{},", keys[next], load, load);
        for (int i = 0; i < 12; ++i) chunk += fmt::format("{:016x}", random_());
        chunk += '\n';
      }
      return chunk;
    };
    LoadProgress outcome;
    return server_->NewClient()->Load(
        {.view = "profile", .upsert = upsert}, next_chunk,
        [&](const LoadProgress& progress) { phases->insert(progress.phase); }, nullptr, &outcome);
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
  bool LoadWith(uint64_t free_bytes, bool upsert);
  void CheckLoadsUntilThereIsRoom(bool upsert);

  TempFolder folder_;
  SmallDisk disk_;
  std::mt19937_64 random_;
  std::optional<ServerProcess> server_;
  int64_t served_ = 0;  // the last load that succeeded
  int64_t last_ = 0;
  std::set<LoadProgress::Phase> failed_in_;
};

bool DiskFullTest::LoadWith(uint64_t free_bytes, bool upsert) {
  std::set<LoadProgress::Phase> phases = {LoadProgress::Phase::kRead};
  disk_.LeaveFree(free_bytes);
  const Status status = Load(++last_, upsert, &phases);
  disk_.GiveBack();
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

void DiskFullTest::CheckLoadsUntilThereIsRoom(bool upsert) {
  ASSERT_TRUE(LoadWith(UINT64_MAX, false));
  uint64_t too_few = 0;
  uint64_t enough = 0;
  while (!LoadWith(enough, upsert) && enough < 80 * kMebibyte) {
    too_few = enough;
    enough += 2 * kMebibyte;
  }
  // Where it is a matter of a page, the last steps fail too.
  for (int step = 0; step < 8; ++step) {
    const uint64_t middle = (too_few + enough) / 2;
    (LoadWith(middle, upsert) ? enough : too_few) = middle;
  }
  EXPECT_THAT(failed_in_, Contains(LoadProgress::Phase::kRead));
  EXPECT_THAT(failed_in_, Contains(LoadProgress::Phase::kSort));
  std::printf("failed in %zu phases; %llu bytes were enough\n", failed_in_.size(),
              static_cast<unsigned long long>(enough));

  server_->Kill();
  ASSERT_TRUE(server_->Start());
  EXPECT_EQ(ServedLoad(), served_);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.File("data/loads")));
  EXPECT_TRUE(LoadWith(UINT64_MAX, upsert));
}

TEST_F(DiskFullTest, AWholeLoadChangesNothingUntilThereIsRoom) {
  CheckLoadsUntilThereIsRoom(false);
}

TEST_F(DiskFullTest, AnUpsertChangesNothingUntilThereIsRoom) {
  CheckLoadsUntilThereIsRoom(true);
}

}  // namespace
}  // namespace freshet::testing
