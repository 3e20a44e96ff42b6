// Files that a crash leaves whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet::store {

// "cannot <doing> <path>: <what errno says>".
Status SystemError(std::string_view doing, const std::string& path);

// What a file or a folder has is on the disk.
Status SyncPath(const std::string& path);

// Makes the file `name` of the folder, or replaces it, through another name; it is on the disk on return.
Status WriteDurably(const std::string& folder, const std::string& name, std::string_view bytes);

}  // namespace freshet::store
