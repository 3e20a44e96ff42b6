// Loads that ended early, on a server or in a data folder: finding them, and what to say about them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/load.h"
#include "freshet/status.h"

#include "engine/offline_folder.h"

namespace freshet::cli {

// Where a load goes.
struct LoadTarget {
  std::string address;
  std::string data_folder;  // empty: to the server at the address

  bool is_server() const { return data_folder.empty(); }
};

Result<std::unique_ptr<engine::OfflineFolder>> OpenFolder(const LoadTarget& target);

// NotFound when nothing is kept of it.
Result<UnfinishedLoad> FindUnfinished(const LoadTarget& target, uint64_t id);
Status DiscardUnfinished(const LoadTarget& target, uint64_t id);

// "freshet load --resume 17", with what says where, unless that is the default.
std::string ResumeCommand(const LoadTarget& target, uint64_t id);
std::string DiscardCommand(const LoadTarget& target, uint64_t id);

// How to go on with a load that has just failed, in one sentence; empty when nothing is kept of it.
// `found` is what FindUnfinished says now.
std::string WayOn(const LoadTarget& target, uint64_t id, const Result<UnfinishedLoad>& found);

}  // namespace freshet::cli
