// The state of a server for a person and for a program.
#pragma once

#include <string>

#include "freshet/engine.h"

namespace freshet::cli {

std::string RenderStatus(const ServerStatus& status, const std::string& address);
std::string RenderStatusJson(const ServerStatus& status);

}  // namespace freshet::cli
