#include "serve_bench_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <sched.h>
#include <thread>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <sys/wait.h>

#include "freshet/engine.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread_priority.h"
#include "rpc/server.h"
#include "support/temp_folder.h"

namespace freshet::serve_bench {
namespace {

constexpr auto kSettleTimeout = std::chrono::seconds(60);

constexpr char kBegin = 'b';
constexpr char kEnd = 'e';

// Calls `command` with each byte that comes, and answers a line once it is done.
void ServeUntilInputEnds(int port, const std::function<void(char)>& command = nullptr) {
  std::printf("%d\n", port);
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
    if (command) command(byte);
    std::printf("\n");
    std::fflush(stdout);
  }
}

class EchoService final
    : public v1::FeatureStore::WithRawCallbackMethod_GetFeatures<v1::FeatureStore::Service> {
 public:
  // `work` comes before each answer.
  explicit EchoService(size_t response_bytes, std::function<void()> work = nullptr)
      : work_(std::move(work)) {
    const grpc::Slice slice(std::string(response_bytes, 'x'));
    response_ = grpc::ByteBuffer(&slice, 1);
  }
  grpc::ServerUnaryReactor* GetFeatures(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer*,
                                        grpc::ByteBuffer* response) override {
    if (work_) work_();
    *response = response_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const std::function<void()> work_;
  grpc::ByteBuffer response_;
};

// A RocksDB alone, with as many keys and bytes as the state of a case with few events takes.
class BareRocks {
 public:
  static Result<std::unique_ptr<BareRocks>> Open(const std::string& folder, int64_t users) {
    std::unique_ptr<BareRocks> bare(new BareRocks(users));
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* database = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options, folder, &database);
    bare->database_.reset(database);
    for (int64_t key = 0; key < 2 * users && status.ok(); ++key) {
      status =
          database->Put({}, Key(key), std::string(key % 2 == 0 ? kTimelineBytes : kRowBytes, 'x'));
    }
    if (status.ok()) status = database->Flush({});
    if (!status.ok()) return Status::IoError(status.ToString());
    return bare;
  }

  // Reads the two keys of a random user. Any thread.
  void ReadSome() {
    thread_local std::mt19937_64 random(42);
    const auto user = static_cast<int64_t>(random() % static_cast<uint64_t>(users_));
    const std::array<std::string, 2> keys = {Key(2 * user), Key(2 * user + 1)};
    const std::array<rocksdb::Slice, 2> slices = {keys[0], keys[1]};
    std::array<rocksdb::PinnableSlice, 2> values;
    std::array<rocksdb::Status, 2> statuses;
    database_->MultiGet({}, database_->DefaultColumnFamily(), 2, slices.data(), values.data(),
                        statuses.data());
    FRESHET_CHECK(statuses[0].ok() && statuses[1].ok());
  }

 private:
  explicit BareRocks(int64_t users) : users_(users) {}
  // Hashed, as the keys of entities fall anywhere.
  static std::string Key(int64_t number) {
    const uint64_t hash = static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15u;
    return {reinterpret_cast<const char*>(&hash), sizeof(hash)};
  }

  static constexpr size_t kTimelineBytes = 300;
  static constexpr size_t kRowBytes = 90;
  static constexpr size_t kBlockCacheBytes = 128u << 20;  // Freshet's default

  const int64_t users_;
  std::unique_ptr<rocksdb::DB> database_;
};

// Cancelled when `goes_on`, which is asked before each chunk, says so.
Status LoadRows(
    Engine& engine, const std::string& csv,
    const std::function<bool()>& goes_on = [] { return true; }) {
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<LoadSession> session,
                           engine.Load({.view = kRowView, .format = "csv"}));
  for (size_t at = 0; at < csv.size(); at += limits::kLoadChunkBytesMax) {
    if (!goes_on()) return Status::Cancelled("the load is given up");
    FRESHET_RETURN_IF_ERROR(
        session->Feed(std::string_view(csv).substr(at, limits::kLoadChunkBytesMax)));
  }
  return session->Finish([](const LoadProgress&) {});
}

Status PushAll(Engine& engine, const std::vector<std::string>& events) {
  const std::vector<std::string_view> records(events.begin(), events.end());
  return engine.Push(kStreamSource, records).status();
}

Status PushEvents(Engine& engine, EventMaker& maker) {
  std::vector<std::string> events;
  for (int64_t made = 0; made < maker.count();) {
    events.clear();
    for (; made < maker.count() && events.size() < limits::kPushRecordsMax; ++made)
      events.push_back(maker.Next());
    FRESHET_RETURN_IF_ERROR(PushAll(engine, events));
  }
  return Status::Ok();
}

uint64_t ReadEvents(Engine& engine) {
  for (const ServerStatus::Source& source : engine.GetStatus().sources) {
    if (source.name == kStreamSource) return source.applied + source.too_old;
  }
  return 0;
}

Status Populate(Engine& engine, const Case& shape) {
  FRESHET_ASSIGN_OR_RETURN(const PlanOutcome outcome,
                           engine.Apply({{"bench.yaml", DefinitionsYaml(shape)}}));
  if (!outcome.errors.empty()) return Status::Internal("bench.yaml: " + outcome.errors[0].message);
  const int64_t now_ms = Clock::System().NowMs();
  FRESHET_RETURN_IF_ERROR(LoadRows(engine, RowsCsv(shape, shape.users, now_ms)));
  EventMaker maker(shape, now_ms);
  FRESHET_RETURN_IF_ERROR(PushEvents(engine, maker));
  const auto deadline = std::chrono::steady_clock::now() + kSettleTimeout;
  while (ReadEvents(engine) < static_cast<uint64_t>(maker.count()) || !engine.Ready()) {
    if (std::chrono::steady_clock::now() > deadline)
      return Status::DeadlineExceeded("the events are not applied");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Status::Ok();
}

// What goes on beside the answering while it is switched on.
class Business {
 public:
  Business(Engine& engine, const Case& shape) : engine_(engine), shape_(shape) {
    if (shape.loaded_rows > 0) csv_ = RowsCsv(shape, shape.loaded_rows, Clock::System().NowMs());
    if (shape.pushed_per_s > 0) threads_.emplace_back([this] { PushSteadily(); });
    if (shape.loaded_rows > 0) threads_.emplace_back([this] { LoadAgainAndAgain(); });
  }
  ~Business() {
    {
      std::lock_guard lock(mutex_);
      is_on_ = is_done_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Business(const Business&) = delete;
  Business& operator=(const Business&) = delete;

  void SwitchOn() {
    {
      std::lock_guard lock(mutex_);
      is_on_ = true;
    }
    changed_.notify_all();
  }
  // Returns once all of it stands still.
  void SwitchOff() {
    std::unique_lock lock(mutex_);
    is_on_ = false;
    changed_.wait(lock, [this] { return paused_ == threads_.size(); });
  }

 private:
  // False when it is to end.
  bool WaitWhileOff() {
    std::unique_lock lock(mutex_);
    ++paused_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_on_; });
    --paused_;
    return !is_done_;
  }
  void PushSteadily() {
    EventMaker maker(shape_, 0);
    auto due_at = std::chrono::steady_clock::now();
    std::vector<std::string> events(static_cast<size_t>(shape_.pushed_per_s) / kPushesPerS);
    while (WaitWhileOff()) {
      due_at = std::max(due_at + std::chrono::seconds(1) / kPushesPerS,
                        std::chrono::steady_clock::now() - kCaughtUp);
      std::this_thread::sleep_until(due_at);
      for (std::string& event : events) event = maker.NextOfAny(Clock::System().NowMs());
      if (const Status status = PushAll(engine_, events); !status.ok())
        LogError("the events did not get in: {}", status.ToString());
    }
  }
  void LoadAgainAndAgain() {
    LowerThreadPriority(ThreadShare::kHundredth);  // as the threads of the server's own loads
    while (WaitWhileOff()) {
      const Status status = LoadRows(engine_, csv_, [this] { return WaitWhileOff(); });
      if (!status.ok() && status.code() != StatusCode::kCancelled)
        LogError("the rows did not get in: {}", status.ToString());
    }
  }

  static constexpr int kPushesPerS = 100;
  static constexpr auto kCaughtUp = std::chrono::milliseconds(100);  // of pushes that are late

  Engine& engine_;
  const Case shape_;
  std::string csv_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_on_ = false;
  bool is_done_ = false;
  size_t paused_ = 0;  // threads that stand still
  std::vector<std::thread> threads_;
};

// As much memory as the state of the case takes, or its share of that.
size_t CacheBytes(const Case& shape) {
  constexpr size_t kCellBytes = 100;
  constexpr size_t kEntryBytes = 600;  // of a user's timeline and row without the cells
  const auto users = static_cast<double>(shape.users);
  const double cells = users * static_cast<double>(3 * shape.events_per_span);
  const double state_bytes = cells * kCellBytes + users * kEntryBytes;
  return static_cast<size_t>(shape.cache_share < 1 ? state_bytes * shape.cache_share
                                                   : 2 * state_bytes + 512e6);
}

}  // namespace

Status PinToCore(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (sched_setaffinity(0, sizeof(cores), &cores) == 0) return Status::Ok();
  return Status::FailedPrecondition(
      fmt::format("cannot run on core {}: {}; two cores are needed", core, std::strerror(errno)));
}

Status RunFreshet(const Case& shape) {
  ConfigureLog(LogLevel::kWarning, LogFormat::kText);
  const testing::TempFolder folder;
  FRESHET_ASSIGN_OR_RETURN(
      const std::unique_ptr<Engine> engine,
      Engine::Open({.data_folder = folder.path(), .cache_bytes = CacheBytes(shape)}));
  FRESHET_RETURN_IF_ERROR(Populate(*engine, shape));
  FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<rpc::RpcServer> server,
                           rpc::RpcServer::Start(*engine, {.address = "127.0.0.1:0"}));
  {
    std::optional<Business> business;
    if (shape.is_busy()) business.emplace(*engine, shape);
    ServeUntilInputEnds(server->port(), [&](char command) {
      command == kBegin ? business->SwitchOn() : business->SwitchOff();
    });
  }
  server->Shutdown(0);
  return engine->Stop();
}

namespace {

Status ServeEcho(EchoService& service) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return Status::Unavailable("the echo server cannot listen");
  ServeUntilInputEnds(port);
  server->Shutdown(std::chrono::system_clock::now());
  return Status::Ok();
}

}  // namespace

Status RunEcho(size_t response_bytes) {
  EchoService service(response_bytes);
  return ServeEcho(service);
}

Status RunMultiGet(size_t response_bytes, const Case& shape) {
  const testing::TempFolder folder;
  FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<BareRocks> rocks,
                           BareRocks::Open(folder.path(), shape.users));
  EchoService service(response_bytes, [&] { rocks->ReadSome(); });
  return ServeEcho(service);
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::Start(std::vector<std::string> arguments) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (pipe2(input.data(), O_CLOEXEC) != 0 || pipe2(output.data(), O_CLOEXEC) != 0) {
    return Status::IoError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const pid_t process = fork();
  if (process < 0) return Status::IoError(fmt::format("cannot fork: {}", std::strerror(errno)));
  if (process == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  FILE* answer = fdopen(output[0], "r");
  FRESHET_CHECK(answer != nullptr);
  std::unique_ptr<ServerProcess> server(new ServerProcess(process, input[1], answer));
  int port = 0;
  if (std::fscanf(answer, "%d", &port) != 1 || std::fgetc(answer) != '\n')
    return Status::Unavailable("a server process ended before it served");
  server->port_ = static_cast<uint16_t>(port);
  return server;
}

ServerProcess::~ServerProcess() {
  close(input_);
  waitpid(process_, nullptr, 0);
  std::fclose(output_);
}

void ServerProcess::BeginBusiness() const {
  Command(kBegin);
}

void ServerProcess::EndBusiness() const {
  Command(kEnd);
}

void ServerProcess::Command(char command) const {
  FRESHET_CHECK(write(input_, &command, 1) == 1);
  FRESHET_CHECK(std::fgetc(output_) == '\n');
}

int64_t ServerProcess::CpuNs() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace freshet::serve_bench
