#include "serve_bench_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <thread>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/wait.h>

#include "freshet/engine.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "rpc/server.h"

namespace freshet::serve_bench {
namespace {

constexpr auto kSettleTimeout = std::chrono::seconds(60);

class TempFolder {
 public:
  TempFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "freshet-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void ServeUntilInputEnds(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
  char ignored = 0;
  while (read(STDIN_FILENO, &ignored, 1) > 0) {
  }
}

class EchoService final
    : public v1::FeatureStore::WithRawCallbackMethod_GetFeatures<v1::FeatureStore::Service> {
 public:
  explicit EchoService(size_t response_bytes) {
    const grpc::Slice slice(std::string(response_bytes, 'x'));
    response_ = grpc::ByteBuffer(&slice, 1);
  }
  grpc::ServerUnaryReactor* GetFeatures(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer*,
                                        grpc::ByteBuffer* response) override {
    *response = response_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  grpc::ByteBuffer response_;
};

Status LoadRows(Engine& engine, const std::string& csv) {
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<LoadSession> session,
                           engine.Load({.view = kRowView, .format = "csv"}));
  for (size_t at = 0; at < csv.size(); at += limits::kLoadChunkBytesMax) {
    FRESHET_RETURN_IF_ERROR(
        session->Feed(std::string_view(csv).substr(at, limits::kLoadChunkBytesMax)));
  }
  return session->Finish([](const LoadProgress&) {});
}

Status PushEvents(Engine& engine, const std::vector<std::string>& events) {
  for (size_t at = 0; at < events.size(); at += limits::kPushRecordsMax) {
    const size_t end = std::min(at + limits::kPushRecordsMax, events.size());
    const std::vector<std::string_view> records(events.begin() + static_cast<std::ptrdiff_t>(at),
                                                events.begin() + static_cast<std::ptrdiff_t>(end));
    const auto pushed = engine.Push(kStreamSource, records);
    FRESHET_RETURN_IF_ERROR(pushed.status());
  }
  return Status::Ok();
}

uint64_t AppliedEvents(Engine& engine) {
  for (const ServerStatus::Source& source : engine.GetStatus().sources) {
    if (source.name == kStreamSource) return source.applied;
  }
  return 0;
}

Status Populate(Engine& engine, const Case& shape) {
  FRESHET_ASSIGN_OR_RETURN(const PlanOutcome outcome,
                           engine.Apply({{"bench.yaml", DefinitionsYaml(shape)}}));
  if (!outcome.errors.empty()) return Status::Internal("bench.yaml: " + outcome.errors[0].message);
  const int64_t now_ms = Clock::System().NowMs();
  FRESHET_RETURN_IF_ERROR(LoadRows(engine, RowsCsv(shape, now_ms)));
  const std::vector<std::string> events = EventsJson(now_ms);
  FRESHET_RETURN_IF_ERROR(PushEvents(engine, events));
  const auto deadline = std::chrono::steady_clock::now() + kSettleTimeout;
  while (AppliedEvents(engine) < events.size() || !engine.Ready()) {
    if (std::chrono::steady_clock::now() > deadline)
      return Status::DeadlineExceeded("the events are not applied");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Status::Ok();
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
  const TempFolder folder;
  FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine,
                           Engine::Open({.data_folder = folder.path()}));
  FRESHET_RETURN_IF_ERROR(Populate(*engine, shape));
  FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<rpc::RpcServer> server,
                           rpc::RpcServer::Start(*engine, {.address = "127.0.0.1:0"}));
  ServeUntilInputEnds(server->port());
  server->Shutdown(0);
  return engine->Stop();
}

Status RunEcho(size_t response_bytes) {
  EchoService service(response_bytes);
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
  std::unique_ptr<ServerProcess> server(new ServerProcess(process, input[1]));
  FILE* answer = fdopen(output[0], "r");
  int port = 0;
  const bool read_port = answer != nullptr && std::fscanf(answer, "%d", &port) == 1;
  if (answer != nullptr) std::fclose(answer);
  if (!read_port) return Status::Unavailable("a server process ended before it served");
  server->port_ = static_cast<uint16_t>(port);
  return server;
}

ServerProcess::~ServerProcess() {
  close(input_);
  waitpid(process_, nullptr, 0);
}

int64_t ServerProcess::CpuNs() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace freshet::serve_bench
