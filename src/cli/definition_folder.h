// Definitions that a command reads itself, without a server.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "registry/registry.h"

namespace freshet::cli {

// Reads and validates a folder of YAML files, or one file. Null when there is a mistake: then all of them
// are printed, and *exit_code is what the command ends with.
std::shared_ptr<const registry::Registry> ReadDefinitions(std::string_view command,
                                                          const std::string& folder,
                                                          ExitCode* exit_code);

}  // namespace freshet::cli
