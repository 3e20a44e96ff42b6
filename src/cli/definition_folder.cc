#include "cli/definition_folder.h"

#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "cli/table.h"

namespace freshet::cli {

std::shared_ptr<const registry::Registry> ReadDefinitions(std::string_view command,
                                                          const std::string& folder,
                                                          ExitCode* exit_code) {
  const auto files = registry::ReadDefinitionFiles(folder);
  if (!files.ok()) {
    *exit_code = FailUsage(command, files.status().message());
    return nullptr;
  }
  yaml::Diagnostics diagnostics;
  auto registry = registry::Registry::Build(*files, registry::Catalog(), &diagnostics);
  if (registry != nullptr) return registry;
  const std::vector<yaml::Diagnostic> mistakes = diagnostics.Sorted();
  for (const yaml::Diagnostic& mistake : mistakes) fmt::print(stderr, "{}\n", mistake.ToString());
  PrintError(command, fmt::format("{} in {}", Counted(mistakes.size(), "mistake", "mistakes"),
                                  Counted(files->size(), "file", "files")));
  *exit_code = ExitCode::kWrong;
  return nullptr;
}

}  // namespace freshet::cli
