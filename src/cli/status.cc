#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/status_report.h"

namespace freshet::cli {
namespace {

struct Arguments {
  std::string address;
  bool json = false;
};

ExitCode Run(const Arguments& arguments) {
  const auto status = Connect(arguments.address)->GetStatus();
  if (!status.ok()) return Fail("status", status.status());
  const std::string text =
      arguments.json ? RenderStatusJson(*status) : RenderStatus(*status, arguments.address);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kDone;
}

}  // namespace

Command AddStatus(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("status", "Show what a server holds and how far it is");
  app->add_flag("--json", arguments->json, "Print one JSON object");
  AddAddress(*app, &arguments->address);
  app->footer(
      "Views, sources, positions and their lag, how complete each stream is, and what was refused\n"
      "and why.\n\n"
      "Example:\n"
      "  freshet status");
  return {app, [arguments] { return Run(*arguments); }};
}

}  // namespace freshet::cli
