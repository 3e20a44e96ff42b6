#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/definition_report.h"

namespace freshet::cli {
namespace {

struct ApplyArguments {
  std::string folder;
  std::string address;
  bool json = false;
};

ExitCode RunApply(const ApplyArguments& arguments) {
  const auto files = ReadDefinitions(arguments.folder);
  if (!files.ok()) return FailUsage("apply", files.status().message());
  const auto outcome = Connect(arguments.address)->Apply(*files);
  if (!outcome.ok()) return Fail("apply", outcome.status());
  const ExitCode code = Report("apply", *outcome, arguments.json);
  if (arguments.json || !outcome->errors.empty()) return code;
  if (code != ExitCode::kDone)
    PrintError("apply", "a change was refused, so nothing was changed");
  else if (!outcome->changes.empty())
    fmt::print("Applied.\n");
  return code;
}

}  // namespace

Command AddApply(CLI::App& parent) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* app = parent.add_subcommand("apply", "Put definitions to use on a running server");
  app->add_option("DIR", arguments->folder, "A folder of YAML files, or one file")->required();
  app->add_flag("--json", arguments->json, "Print one JSON object");
  AddAddress(*app, &arguments->address);
  app->footer(
      "The folder is the whole of the definitions: what is not in it is removed. All changes are\n"
      "made or, when one is refused, none; `freshet plan` shows them beforehand.\n\n"
      "Example:\n"
      "  freshet apply examples/quickstart");
  return {app, [arguments] { return RunApply(*arguments); }};
}

}  // namespace freshet::cli
