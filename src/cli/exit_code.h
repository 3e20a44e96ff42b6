// What the process ends with; scripts rely on the numbers.
#pragma once

#include <cstdint>
#include <string_view>

#include "freshet/status.h"

namespace freshet::cli {

enum class ExitCode : uint8_t {
  kDone = 0,
  kWrong = 1,        // invalid definitions, a refused plan, rows or a request that are refused
  kUsage = 2,        // the command line or a file that it names
  kUnreachable = 3,  // no server answered
  kInterrupted = 130,
};

// Writes "freshet COMMAND: message" to standard error.
void PrintError(std::string_view command, std::string_view message);
// The same for a failed status, with the code that fits it.
ExitCode Fail(std::string_view command, const Status& status);
// For what is wrong with the command line itself.
ExitCode FailUsage(std::string_view command, std::string_view message);

}  // namespace freshet::cli
