#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "freshet/engine.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/definition_report.h"
#include "engine/config.h"
#include "http/server.h"
#include "rpc/server.h"

namespace freshet::cli {
namespace {

// Less than the ten seconds that container engines wait before they kill.
constexpr int64_t kDrainMs = 5'000;
constexpr timespec kReadyPoll = {.tv_sec = 0, .tv_nsec = 20'000'000};

struct ServeArguments {
  std::string config;
  std::string data;
  std::string address;
  std::optional<std::string> http;
  std::string definitions;
};

// SIGINT and SIGTERM, kept from all threads and taken one at a time.
class StopSignals {
 public:
  // Before the first thread starts.
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // Waits at most that long. 0 when none came.
  int WaitFor(const timespec& time) const {
    const int signal = sigtimedwait(&set_, nullptr, &time);
    return signal > 0 ? signal : 0;
  }
  int Wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }
  // From now on the next one ends the process at once.
  void LetThrough() const { pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

 private:
  sigset_t set_;
};

Result<ServerConfig> ReadConfig(const ServeArguments& arguments) {
  ServerConfig config;
  if (!arguments.config.empty()) {
    FRESHET_ASSIGN_OR_RETURN(config, ReadServerConfig(arguments.config));
  }
  if (!arguments.data.empty()) config.engine.data_folder = arguments.data;
  if (!arguments.address.empty()) config.address = arguments.address;
  if (arguments.http.has_value()) config.http_address = *arguments.http;
  if (!arguments.definitions.empty()) config.definitions_folder = arguments.definitions;
  return config;
}

ExitCode ApplyDefinitions(Engine& engine, const std::string& folder) {
  if (folder.empty()) return ExitCode::kDone;
  const auto files = ReadDefinitions(folder);
  if (!files.ok()) return FailUsage("serve", files.status().message());
  const auto outcome = engine.Apply(*files);
  if (!outcome.ok()) return Fail("serve", outcome.status());
  if (!outcome->applicable()) {
    Report("serve", *outcome, false);
    PrintError("serve",
               fmt::format("the definitions of {} were not applied, so the server does not "
                           "start",
                           folder));
    return ExitCode::kWrong;
  }
  LogInfo("applied {}: {} changes", folder, outcome->changes.size());
  return ExitCode::kDone;
}

void WaitUntilStopped(const Engine& engine, const StopSignals& signals) {
  int signal = 0;
  while (signal == 0 && !engine.Ready()) signal = signals.WaitFor(kReadyPoll);
  if (signal == 0) {
    LogInfo("ready: every stream has caught up to where it stood at the start");
    signal = signals.Wait();
  }
  LogInfo("{}: draining", signal == SIGINT ? "interrupted" : "terminated");
  signals.LetThrough();
}

// What listens.
struct Servers {
  std::unique_ptr<rpc::RpcServer> rpc;
  std::unique_ptr<http::HttpServer> http;  // null when HTTP is off
};

std::string HostOf(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

Result<Servers> Listen(Engine& engine, const ServerConfig& config) {
  Servers servers;
  FRESHET_ASSIGN_OR_RETURN(servers.rpc, rpc::RpcServer::Start(engine, {.address = config.address}));
  if (!config.http_address.empty()) {
    const http::HttpOptions options = {.address = config.http_address,
                                       .connections = static_cast<size_t>(config.http_connections)};
    FRESHET_ASSIGN_OR_RETURN(servers.http, http::HttpServer::Start(engine, options));
    LogInfo("HTTP on {}:{}, metrics at /metrics", HostOf(config.http_address),
            servers.http->port());
  }
  LogInfo("listening on {}:{}, state in {}", HostOf(config.address), servers.rpc->port(),
          config.engine.data_folder);
  return servers;
}

// Both at once: neither takes new calls while the other waits for those under way.
void Drain(Servers& servers) {
  using std::chrono::milliseconds;
  const auto end = std::chrono::steady_clock::now() + milliseconds(kDrainMs);
  if (servers.http != nullptr) servers.http->BeginDrain();
  servers.rpc->Shutdown(kDrainMs);
  const auto left =
      std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
  if (servers.http != nullptr) servers.http->Shutdown(std::max<int64_t>(0, left.count()));
}

ExitCode Serve(const ServerConfig& config, const StopSignals& signals) {
  auto engine = Engine::Open(config.engine);
  if (!engine.ok()) {
    PrintError("serve", engine.status().message());
    return ExitCode::kWrong;
  }
  if (ExitCode code = ApplyDefinitions(**engine, config.definitions_folder);
      code != ExitCode::kDone)
    return code;
  auto servers = Listen(**engine, config);
  if (!servers.ok()) {
    PrintError("serve", servers.status().message());
    return ExitCode::kWrong;
  }
  WaitUntilStopped(**engine, signals);
  Drain(*servers);
  if (Status status = (*engine)->Stop(); !status.ok()) {
    PrintError("serve", status.Prefixed("the last checkpoint failed").message());
    return ExitCode::kWrong;
  }
  LogInfo("stopped; everything is on disk");
  return ExitCode::kDone;
}

ExitCode RunServe(const ServeArguments& arguments) {
  const auto config = ReadConfig(arguments);
  if (!config.ok()) {
    PrintError("serve", config.status().message());
    return ExitCode::kUsage;
  }
  ConfigureLog(config->log_level, config->log_format);
  const StopSignals signals;
  LogInfo("freshet {}", FRESHET_VERSION);
  return Serve(*config, signals);
}

}  // namespace

Command AddServe(CLI::App& parent) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* app = parent.add_subcommand("serve", "Run a server");
  app->add_option("--config", arguments->config, "All options, as in config/freshet.yaml")
      ->type_name("FILE");
  app->add_option("--data", arguments->data, "The folder that holds all state")
      ->type_name("FOLDER");
  app->add_option("--address", arguments->address, "Where gRPC listens; port 0: any that is free")
      ->type_name("HOST:PORT");
  app->add_option("--http", arguments->http,
                  "Where HTTP listens: features as JSON, health, metrics; '' for nowhere")
      ->type_name("HOST:PORT");
  app->add_option("--definitions", arguments->definitions, "Apply these definitions at the start")
      ->type_name("DIR");
  app->footer(
      "What is given here counts before the configuration; without either, the server listens on\n"
      "127.0.0.1:7070 for gRPC and 127.0.0.1:7071 for HTTP, and keeps its state in\n"
      "./freshet-data. The log goes to standard error. SIGTERM and Ctrl-C let calls end, write a\n"
      "checkpoint and exit with 0; a second one exits at once.\n\n"
      "Examples:\n"
      "  freshet serve --config config/freshet.yaml\n"
      "  freshet serve --data /var/lib/freshet --address 127.0.0.1:7070 --definitions definitions");
  return {app, [arguments] { return RunServe(*arguments); }};
}

}  // namespace freshet::cli
