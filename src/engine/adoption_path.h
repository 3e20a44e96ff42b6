// Which folders a server opens because somebody asks it to.
#pragma once

#include <string>

#include "freshet/status.h"

namespace freshet::engine {

// The folder that `path` is, a path below `adopt_from` unless it is absolute, with links followed.
// FailedPrecondition when `adopt_from` is empty, InvalidArgument when the folder is not in it.
Result<std::string> ResolveAdoptFolder(const std::string& adopt_from, const std::string& path);

}  // namespace freshet::engine
