#include <csignal>
#include <ctime>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "freshet/engine.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/definition_report.h"
#include "engine/config.h"
#include "rpc/server.h"

namespace freshet::cli {
namespace {

// Less than the ten seconds that container engines wait before they kill.
constexpr int64_t kDrainMs = 5'000;
constexpr timespec kReadyPoll = {.tv_sec = 0, .tv_nsec = 20'000'000};

struct Arguments {
  std::string config;
  std::string data;
  std::string address;
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

Result<ServerConfig> ReadConfig(const Arguments& arguments) {
  ServerConfig config;
  if (!arguments.config.empty()) {
    FRESHET_ASSIGN_OR_RETURN(config, ReadServerConfig(arguments.config));
  }
  if (!arguments.data.empty()) config.engine.data_folder = arguments.data;
  if (!arguments.address.empty()) config.address = arguments.address;
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

ExitCode Serve(const ServerConfig& config, const StopSignals& signals) {
  auto engine = Engine::Open(config.engine);
  if (!engine.ok()) {
    PrintError("serve", engine.status().message());
    return ExitCode::kWrong;
  }
  if (ExitCode code = ApplyDefinitions(**engine, config.definitions_folder);
      code != ExitCode::kDone)
    return code;
  auto server = rpc::RpcServer::Start(**engine, {.address = config.address});
  if (!server.ok()) {
    PrintError("serve", server.status().message());
    return ExitCode::kWrong;
  }
  const std::string host = config.address.substr(0, config.address.rfind(':'));
  LogInfo("listening on {}:{}, state in {}", host, (*server)->port(), config.engine.data_folder);
  WaitUntilStopped(**engine, signals);
  (*server)->Shutdown(kDrainMs);
  if (Status status = (*engine)->Stop(); !status.ok()) {
    PrintError("serve", status.Prefixed("the last checkpoint failed").message());
    return ExitCode::kWrong;
  }
  LogInfo("stopped; everything is on disk");
  return ExitCode::kDone;
}

ExitCode Run(const Arguments& arguments) {
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
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("serve", "Run a server");
  app->add_option("--config", arguments->config, "All options, as in config/freshet.yaml")
      ->type_name("FILE");
  app->add_option("--data", arguments->data, "The folder that holds all state")
      ->type_name("FOLDER");
  app->add_option("--address", arguments->address, "Where to listen; port 0: any that is free")
      ->type_name("HOST:PORT");
  app->add_option("--definitions", arguments->definitions, "Apply these definitions at the start")
      ->type_name("DIR");
  app->footer(
      "What is given here counts before the configuration; without either, the server listens on\n"
      "127.0.0.1:7070 and keeps its state in ./freshet-data. The log goes to standard error. "
      "SIGTERM\n"
      "and Ctrl-C let calls end, write a checkpoint and exit with 0; a second one exits at "
      "once.\n\n"
      "Examples:\n"
      "  freshet serve --config config/freshet.yaml\n"
      "  freshet serve --data /var/lib/freshet --address 127.0.0.1:7070 --definitions definitions");
  return {app, [arguments] { return Run(*arguments); }};
}

}  // namespace freshet::cli
