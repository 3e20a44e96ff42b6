#include "cli/exit_code.h"

#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "cli/table.h"

namespace freshet::cli {

void PrintError(std::string_view command, std::string_view message) {
  std::string shown;
  for (const char byte : message) shown += byte == '\n' ? "\n" : Printable({&byte, 1});
  fmt::print(stderr, "freshet {}: {}\n", command, shown);
}

ExitCode Fail(std::string_view command, const Status& status) {
  PrintError(command, status.message());
  const bool unreachable =
      status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded;
  return unreachable ? ExitCode::kUnreachable : ExitCode::kWrong;
}

ExitCode FailUsage(std::string_view command, std::string_view message) {
  PrintError(command, message);
  fmt::print(stderr, "Try: freshet {} --help\n", command);
  return ExitCode::kUsage;
}

}  // namespace freshet::cli
