// Running a program to its end, or starting one that stays.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace freshet::testing {

struct Finished {
  int exit_code = -1;  // -N when signal N ended it
  std::string out;
  std::string err;
};

// Runs words[0] with the other words as its arguments and `input` as its standard input.
// `environment` holds NAME=VALUE to set beside what this process has.
Finished RunProgram(const std::vector<std::string>& words, const std::string& input = "",
                    const std::vector<std::string>& environment = {});

// Starts a program whose output goes to the ends of the two files. -1 when it cannot be started.
pid_t StartProgram(const std::vector<std::string>& words, int input_descriptor,
                   const std::string& out_file, const std::string& err_file,
                   const std::vector<std::string>& environment = {});

// Waits until it has ended; its exit code, or -N when signal N ended it.
int WaitForExit(pid_t process);

std::string ReadFile(const std::string& path);

}  // namespace freshet::testing
