// What `plan` and `apply` say about definitions.
#pragma once

#include <string>
#include <vector>

#include "freshet/engine.h"
#include "freshet/status.h"

#include "cli/exit_code.h"

namespace freshet::cli {

// The files of a folder, or the one file.
Result<std::vector<DefinitionText>> ReadDefinitions(const std::string& path);

// "file:line:column: message", one a line.
std::string RenderErrors(const std::vector<DefinitionError>& errors);
// The changes as + ~ - lines, refusals with their reason and way out, and a line that counts them.
std::string RenderChanges(const std::vector<DefinitionChange>& changes);
// {"errors": [...], "changes": [...], "applicable": true}
std::string RenderJson(const PlanOutcome& outcome);

// Writes the outcome: errors to standard error, changes to standard output.
ExitCode Report(std::string_view command, const PlanOutcome& outcome, bool as_json);

}  // namespace freshet::cli
