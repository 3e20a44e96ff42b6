#include "cli/unfinished_load.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "cli/connection.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

Result<std::vector<UnfinishedLoad>> ListUnfinished(const LoadTarget& target) {
  if (target.is_server()) {
    FRESHET_ASSIGN_OR_RETURN(ServerStatus status, Connect(target.address)->GetStatus());
    return std::move(status.unfinished_loads);
  }
  FRESHET_ASSIGN_OR_RETURN(const auto folder, OpenFolder(target));
  return folder->UnfinishedLoads();
}

std::string Command(const LoadTarget& target, std::string_view option, uint64_t id) {
  std::string command = fmt::format("freshet load {} {}", option, id);
  if (!target.is_server()) return command + " --data " + target.data_folder;
  if (target.address != Client::Options{}.address) command += " --address " + target.address;
  return command;
}

}  // namespace

Result<std::unique_ptr<engine::OfflineFolder>> OpenFolder(const LoadTarget& target) {
  Options options;
  options.data_folder = target.data_folder;
  return engine::OfflineFolder::Open(options);
}

Result<UnfinishedLoad> FindUnfinished(const LoadTarget& target, uint64_t id) {
  FRESHET_ASSIGN_OR_RETURN(const std::vector<UnfinishedLoad> loads, ListUnfinished(target));
  const auto found = std::find_if(loads.begin(), loads.end(),
                                  [id](const UnfinishedLoad& load) { return load.id == id; });
  if (found != loads.end()) return *found;
  std::vector<uint64_t> ids;
  for (const UnfinishedLoad& load : loads) {
    if (load.obstacle.empty()) ids.push_back(load.id);
  }
  return Status::NotFound(
      fmt::format("nothing is kept of a load {}: it ended well, ended before its first part was "
                  "finished, or was "
                  "removed; {}",
                  id,
                  ids.empty() ? "no load can be resumed"
                              : fmt::format("what can be resumed is {}", fmt::join(ids, ", "))));
}

Status DiscardUnfinished(const LoadTarget& target, uint64_t id) {
  if (target.is_server()) return Connect(target.address)->DiscardLoad(id);
  FRESHET_ASSIGN_OR_RETURN(const auto folder, OpenFolder(target));
  return folder->DiscardLoad(id);
}

std::string ResumeCommand(const LoadTarget& target, uint64_t id) {
  return Command(target, "--resume", id);
}

std::string DiscardCommand(const LoadTarget& target, uint64_t id) {
  return Command(target, "--discard", id);
}

std::string WayOn(const LoadTarget& target, uint64_t id, const Result<UnfinishedLoad>& found) {
  if (found.ok() && !found->obstacle.empty()) {
    return fmt::format("{} rows are kept of it, of no use any more; to remove them: {}",
                       Grouped(found->rows), DiscardCommand(target, id));
  }
  if (found.ok()) {
    return fmt::format("{} rows are kept of it; to go on: {}; to remove them: {}",
                       Grouped(found->rows), ResumeCommand(target, id), DiscardCommand(target, id));
  }
  if (found.status().code() == StatusCode::kNotFound) return "";
  return fmt::format("what it had finished is kept; to go on, once the server is there again: {}",
                     ResumeCommand(target, id));
}

}  // namespace freshet::cli
