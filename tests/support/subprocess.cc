#include "support/subprocess.h"

#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/temp_folder.h"

extern char** environ;

namespace freshet::testing {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

pid_t StartProgram(const std::vector<std::string>& words, int input_descriptor,
                   const std::string& out_file, const std::string& err_file,
                   const std::vector<std::string>& environment) {
  std::vector<std::string> arguments = words;
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).rfind("FRESHET_", 0) != 0) variables.emplace_back(*variable);
  }
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input_descriptor, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_file.c_str(), kAppend, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_file.c_str(), kAppend, 0600);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments[0].c_str(), &actions, nullptr,
                                 Pointers(arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? process : -1;
}

int WaitForExit(pid_t process) {
  int status = 0;
  if (waitpid(process, &status, 0) != process) return -1'000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

Finished RunProgram(const std::vector<std::string>& words, const std::string& input,
                    const std::vector<std::string>& environment) {
  const TempFolder folder;
  std::ofstream(folder.File("in"), std::ios::binary) << input;
  const int descriptor = open(folder.File("in").c_str(), O_RDONLY | O_CLOEXEC);
  const pid_t process =
      StartProgram(words, descriptor, folder.File("out"), folder.File("err"), environment);
  close(descriptor);
  EXPECT_GT(process, 0) << words[0];
  Finished finished;
  if (process > 0) finished.exit_code = WaitForExit(process);
  finished.out = ReadFile(folder.File("out"));
  finished.err = ReadFile(folder.File("err"));
  return finished;
}

}  // namespace freshet::testing
