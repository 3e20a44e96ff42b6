// The store after its process was killed, and after its newest writes were torn off: what is there
// is what the stored positions say, never a mix.
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <spawn.h>
#include <thread>
#include <unistd.h>

#include <sys/wait.h>

#include "crash_events.h"
#include "store/format_file.h"
#include "store/row.h"
#include "store/store.h"
#include "store_fixture.h"
#include "support/send_signal.h"

namespace freshet::store {
namespace {

namespace fs = std::filesystem;

// A run of crash_child.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), FRESHET_CRASH_CHILD);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int pipe_ends[2];
    EXPECT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    output_ = pipe_ends[0];
  }
  ~Child() { close(output_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Returns when the child has opened the store, or has ended.
  void WaitUntilOpen() const {
    char unused = 0;
    while (read(output_, &unused, 1) > 0 && unused != '\n') {
    }
  }
  // Kills the child; false when it had ended by itself.
  bool Kill() {
    testing::SendSignal(pid_, SIGKILL);
    int status = Wait();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  int Wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

class Crash : public StoreTest {
 protected:
  // The expected state, brought forward to the positions that it is asked for.
  class Model {
   public:
    void AdvanceTo(const std::vector<Position>& positions) {
      for (const Position& position : positions) {
        int64_t& next = next_[position.partition];
        ASSERT_GE(position.next_offset, next) << "a position went back";
        for (; next < position.next_offset; ++next) {
          uint32_t partition = position.partition;
          states_[EntityOfEvent(partition, next)].Apply(partition, next);
        }
      }
    }
    const CrashState& state(uint32_t entity) const { return states_[entity]; }
    int64_t events() const { return next_[0] + next_[1]; }

   private:
    std::array<int64_t, kCrashPartitions> next_ = {};
    std::array<CrashState, kCrashEntities> states_ = {};
  };

  void ExpectStateOf(const Model& model) {
    for (uint32_t entity = 0; entity < kCrashEntities; ++entity) {
      ASSERT_EQ(DecodeCrashState(Read(kCrashTable, CrashKey(entity))), model.state(entity))
          << "entity " << entity << " of " << model.events() << " events";
    }
  }
  void ExpectWholeLog() {
    int64_t next = 0;
    Status status = store_->ReadLog(kCrashSource, 0, SIZE_MAX, [&](const LogRecord& record) {
      EXPECT_EQ(record.offset, next++);
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(next, store_->LogEnd(kCrashSource));
  }

  const uint64_t seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
};

TEST_F(Crash, AfterAKillStateIsWhatThePositionsSay) {
  SCOPED_TRACE(::testing::Message() << "seed " << seed_);
  options_.path = folder_.path() + "/data";
  Model model;
  int64_t log_end = 0;
  for (int cycle = 0; cycle < 40; ++cycle) {
    SCOPED_TRACE(::testing::Message() << "cycle " << cycle);
    Child child({"events", options_.path, std::to_string(random_())});
    if (cycle % 4 != 0) child.WaitUntilOpen();  // else it may be killed while it recovers
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60'000));
    ASSERT_TRUE(child.Kill()) << "the child ended by itself";
    Open();
    Result<std::vector<Position>> positions = store_->ReadPositions(kCrashTable);
    ASSERT_TRUE(positions.ok());
    model.AdvanceTo(*positions);
    ExpectStateOf(model);
    ExpectWholeLog();
    EXPECT_TRUE(fs::is_empty(CheckpointsFolder(options_.path)));
    EXPECT_GE(store_->LogEnd(kCrashSource), log_end);
    log_end = store_->LogEnd(kCrashSource);
    store_.reset();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(model.events(), 0);
  EXPECT_GT(log_end, 0);
}

// A crash of the machine may keep only a part of the newest log file of the database.
TEST_F(Crash, AfterATornWriteStateIsWhatThePositionsSay) {
  SCOPED_TRACE(::testing::Message() << "seed " << seed_);
  Open();
  auto writer = store_->NewTimelineWriter();
  int64_t next[kCrashPartitions] = {};
  for (int checkpoint = 0; checkpoint < 12; ++checkpoint) {
    for (int i = 0; i < 30; ++i) {
      uint32_t partition = random_() % kCrashPartitions;
      int64_t offset = next[partition]++;
      ASSERT_TRUE(writer
                      ->Update(kCrashTable, CrashKey(EntityOfEvent(partition, offset)),
                               [&](std::string& bytes) { ApplyEvent(partition, offset, bytes); })
                      .ok());
    }
    Checkpoint(*writer, {{kCrashTable, 0, next[0]}, {kCrashTable, 1, next[1]}});
  }
  writer.reset();
  store_.reset();

  const std::string whole = options_.path;
  fs::path newest;
  for (const auto& file : fs::directory_iterator(DatabaseFolder(whole))) {
    if (file.path().extension() == ".log" && file.path() > newest) newest = file.path();
  }
  const auto bytes = static_cast<int64_t>(fs::file_size(newest));
  ASSERT_GT(bytes, 5'000) << newest;
  std::set<int64_t> events;
  for (int cut = 0; cut < 60; ++cut) {
    const int64_t kept = cut == 0 ? bytes : static_cast<int64_t>(random_() % bytes);
    SCOPED_TRACE(::testing::Message() << kept << " of " << bytes << " bytes kept");
    const std::string torn = folder_.path() + "/torn";
    fs::remove_all(torn);
    fs::copy(whole, torn, fs::copy_options::recursive);
    const std::string log = DatabaseFolder(torn) + "/" + newest.filename().string();
    fs::resize_file(log, kept);
    if (cut % 3 == 2) fs::resize_file(log, bytes);  // zeros instead of nothing
    options_.path = torn;
    Result<std::unique_ptr<Store>> store = Store::Open(options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = std::move(*store);
    Model model;
    model.AdvanceTo(*store_->ReadPositions(kCrashTable));
    ExpectStateOf(model);
    events.insert(model.events());
    store_.reset();
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(*events.rbegin(), next[0] + next[1]);
  EXPECT_GE(events.size(), 5u) << "cuts between checkpoints came out alike";
}

TEST_F(Crash, BetweenTheStepsOfALoadLeavesTheOldGenerationOrTheNew) {
  constexpr uint32_t kView = 1;
  options_.path = folder_.path() + "/data";
  const RowLayout layout({Type::kInt64});
  int64_t served = 0;
  int64_t number = 0;
  TableId last_table = 0;
  for (const char* step : {"begin", "end", "begin", "spill", "finish", "ingest", "flip", "ingest",
                           "end", "flip", "flip", "begin"}) {
    SCOPED_TRACE(step);
    Child child({"load", options_.path, std::to_string(++number), step});
    ASSERT_EQ(child.Wait(), 0);
    if (std::string_view(step) == "flip" || std::string_view(step) == "end") served = number;
    Open();
    EXPECT_TRUE(fs::is_empty(LoadsFolder(options_.path)));
    auto generation = store_->FindGeneration(kView);
    ASSERT_EQ(generation != nullptr, served != 0);
    if (served != 0) {
      EXPECT_EQ(generation->row_count, 500u);
      for (int i = 0; i < 500; ++i) {
        std::string row = Read(generation->table, "key" + std::to_string(i), TableKind::kRows);
        ASSERT_TRUE(layout.Validate(row).ok());
        ASSERT_EQ(layout.Read(row, 0), Datum::Int(served));
      }
    }
    auto previous = store_->FindPreviousGeneration(kView);
    while (store_->Stats().generations_to_remove > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // No other table has rows, and no number is given out twice.
    auto writer = store_->NewGeneration(kView, {"number"}, {Type::kInt64}, 1'000'000);
    ASSERT_TRUE(writer.ok());
    for (TableId table = 0; table < static_cast<TableId>(4 * number); ++table) {
      if (generation != nullptr && table == generation->table) continue;
      if (previous != nullptr && table == previous->table) continue;
      ASSERT_EQ(Read(table, "key0", TableKind::kRows), "");
    }
    ASSERT_TRUE((*writer)->Finish([](uint64_t) {}).ok());
    ASSERT_GE(generation == nullptr ? last_table : generation->table, last_table);
    if (generation != nullptr) last_table = generation->table;
    writer->reset();
    generation = nullptr;
    previous = nullptr;
    store_.reset();
  }
  EXPECT_GT(last_table, 5u);
}

}  // namespace
}  // namespace freshet::store
