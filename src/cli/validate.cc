#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/definition_folder.h"
#include "cli/table.h"
#include "registry/registry.h"

namespace freshet::cli {
namespace {

std::string Summary(const registry::Registry& registry) {
  size_t features = 0;
  for (const auto& view : registry.feature_views()) features += view->features.size();
  return fmt::format(
      "{}, {}, {} with {}, {}", Counted(registry.entities().size(), "entity", "entities"),
      Counted(registry.sources().size(), "source", "sources"),
      Counted(registry.feature_views().size(), "feature view", "feature views"),
      Counted(features, "feature", "features"),
      Counted(registry.feature_services().size(), "feature service", "feature services"));
}

ExitCode RunValidate(const std::string& folder) {
  ExitCode exit_code = ExitCode::kDone;
  const auto registry = ReadDefinitions("validate", folder, &exit_code);
  if (registry != nullptr) fmt::print("{}: valid: {}\n", folder, Summary(*registry));
  return exit_code;
}

}  // namespace

Command AddValidate(CLI::App& parent) {
  auto folder = std::make_shared<std::string>();
  CLI::App* app = parent.add_subcommand("validate", "Check definitions, without a server");
  app->add_option("DIR", *folder, "A folder of YAML files, or one file")->required();
  app->footer(
      "Every mistake is reported in one run, as file:line:column: what is wrong.\n\n"
      "Example:\n"
      "  freshet validate examples/quickstart");
  return {app, [folder] { return RunValidate(*folder); }};
}

}  // namespace freshet::cli
