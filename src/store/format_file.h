// The data folder's outline: FORMAT says which version of Freshet's formats the folder holds, db/
// is RocksDB's, loads/ holds files of loads under way, checkpoints/ those of a checkpoint.
#pragma once

#include <string>

#include "freshet/status.h"

namespace freshet::store {

std::string DatabaseFolder(const std::string& path);
std::string LoadsFolder(const std::string& path);
std::string CheckpointsFolder(const std::string& path);
// Makes the folder anew, without what it held.
Status ClearFolder(const std::string& folder);

// Makes the folder when it is missing and leaves its version there. FailedPrecondition when the
// folder is of another version or holds a database without one.
Status CheckOrWriteFormatFile(const std::string& path);

}  // namespace freshet::store
