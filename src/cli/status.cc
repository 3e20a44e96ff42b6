#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/status_report.h"

namespace freshet::cli {
namespace {

struct StatusArguments {
  std::string address;
  bool json = false;
  bool ready = false;
};

ExitCode RunStatus(const StatusArguments& arguments) {
  const auto status = Connect(arguments.address)->GetStatus();
  if (!status.ok()) return Fail("status", status.status());
  if (arguments.ready) {
    std::puts(status->ready ? "ready" : "not ready: catching up");
    return status->ready ? ExitCode::kDone : ExitCode::kWrong;
  }
  const std::string text =
      arguments.json ? RenderStatusJson(*status) : RenderStatus(*status, arguments.address);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kDone;
}

}  // namespace

Command AddStatus(CLI::App& parent) {
  auto arguments = std::make_shared<StatusArguments>();
  CLI::App* app = parent.add_subcommand("status", "Show what a server holds and how far it is");
  app->add_flag("--json", arguments->json, "Print one JSON object");
  app->add_flag(
      "--ready", arguments->ready,
      "Only say whether every stream has caught up to where it stood at the start; exit code 1 "
      "when not");
  AddAddress(*app, &arguments->address);
  app->footer(
      "Views, sources, positions and their lag, how complete each stream is, and what was refused\n"
      "and why.\n\n"
      "Example:\n"
      "  freshet status\n"
      "  freshet status --ready    # for health checks");
  return {app, [arguments] { return RunStatus(*arguments); }};
}

}  // namespace freshet::cli
