#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/definition_report.h"

namespace freshet::cli {
namespace {

struct PlanArguments {
  std::string folder;
  std::string address;
  bool json = false;
};

ExitCode RunPlan(const PlanArguments& arguments) {
  const auto files = ReadDefinitions(arguments.folder);
  if (!files.ok()) return FailUsage("plan", files.status().message());
  const auto outcome = Connect(arguments.address)->Plan(*files);
  if (!outcome.ok()) return Fail("plan", outcome.status());
  return Report("plan", *outcome, arguments.json);
}

}  // namespace

Command AddPlan(CLI::App& parent) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* app = parent.add_subcommand("plan", "Show what applying definitions would change");
  app->add_option("DIR", arguments->folder, "A folder of YAML files, or one file")->required();
  app->add_flag("--json", arguments->json, "Print one JSON object");
  AddAddress(*app, &arguments->address);
  app->footer(
      "Nothing is changed. + is added, ~ changed, - removed; ends with 1 when a change would be\n"
      "refused, and says why and what to do instead.\n\n"
      "Example:\n"
      "  freshet plan examples/quickstart");
  return {app, [arguments] { return RunPlan(*arguments); }};
}

}  // namespace freshet::cli
