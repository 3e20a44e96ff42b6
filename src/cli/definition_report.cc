#include "cli/definition_report.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "cli/json_value.h"
#include "registry/registry.h"

namespace freshet::cli {
namespace {

std::string_view Sign(DefinitionChangeKind kind) {
  switch (kind) {
    case DefinitionChangeKind::kAdd:
      return "+";
    case DefinitionChangeKind::kChange:
      return "~";
    case DefinitionChangeKind::kRemove:
      return "-";
  }
  return "?";
}

std::string_view Word(DefinitionChangeKind kind) {
  switch (kind) {
    case DefinitionChangeKind::kAdd:
      return "add";
    case DefinitionChangeKind::kChange:
      return "change";
    case DefinitionChangeKind::kRemove:
      return "remove";
  }
  return "unknown";
}

size_t Count(const std::vector<DefinitionChange>& changes, DefinitionChangeKind kind) {
  size_t count = 0;
  for (const DefinitionChange& change : changes) count += change.kind == kind ? 1 : 0;
  return count;
}

Json ToJson(const DefinitionChange& change) {
  Json json = {{"kind", Word(change.kind)},
               {"subject", change.subject},
               {"detail", change.detail},
               {"refused", change.refused}};
  if (change.refused) {
    json["reason"] = change.reason;
    json["way_out"] = change.way_out;
  }
  return json;
}

}  // namespace

Result<std::vector<DefinitionText>> ReadDefinitions(const std::string& path) {
  FRESHET_ASSIGN_OR_RETURN(auto files, registry::ReadDefinitionFiles(path));
  std::vector<DefinitionText> texts;
  for (registry::DefinitionFile& file : files)
    texts.push_back({std::move(file.name), std::move(file.text)});
  return texts;
}

std::string RenderErrors(const std::vector<DefinitionError>& errors) {
  std::string text;
  for (const DefinitionError& error : errors) {
    if (error.line == 0)
      text += fmt::format("{}: {}\n", error.file, error.message);
    else
      text += fmt::format("{}:{}:{}: {}\n", error.file, error.line, error.column, error.message);
  }
  return text;
}

std::string RenderChanges(const std::vector<DefinitionChange>& changes) {
  if (changes.empty()) return "Nothing changes: these definitions are the ones being served.\n";
  std::string text;
  size_t refused = 0;
  for (const DefinitionChange& change : changes) {
    text += fmt::format("{} {}{}{}{}\n", Sign(change.kind), change.subject,
                        change.detail.empty() ? "" : ": ", change.detail,
                        change.refused ? "  REFUSED" : "");
    if (!change.refused) continue;
    ++refused;
    text += fmt::format("    why: {}\n    way out: {}\n", change.reason, change.way_out);
  }
  return text + fmt::format("{} to add, {} to change, {} to remove; {} refused\n",
                            Count(changes, DefinitionChangeKind::kAdd),
                            Count(changes, DefinitionChangeKind::kChange),
                            Count(changes, DefinitionChangeKind::kRemove), refused);
}

std::string RenderJson(const PlanOutcome& outcome) {
  Json errors = Json::array();
  for (const DefinitionError& error : outcome.errors)
    errors.push_back({{"file", error.file},
                      {"line", error.line},
                      {"column", error.column},
                      {"message", error.message}});
  Json changes = Json::array();
  for (const DefinitionChange& change : outcome.changes) changes.push_back(ToJson(change));
  const Json json = {
      {"errors", errors}, {"changes", changes}, {"applicable", outcome.applicable()}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ExitCode Report(std::string_view command, const PlanOutcome& outcome, bool as_json) {
  if (as_json) {
    fmt::print("{}", RenderJson(outcome));
  } else if (!outcome.errors.empty()) {
    fmt::print(stderr, "{}", RenderErrors(outcome.errors));
    PrintError(command,
               fmt::format("{} {} in the definitions; nothing was changed", outcome.errors.size(),
                           outcome.errors.size() == 1 ? "mistake" : "mistakes"));
  } else {
    fmt::print("{}", RenderChanges(outcome.changes));
  }
  return outcome.applicable() ? ExitCode::kDone : ExitCode::kWrong;
}

}  // namespace freshet::cli
