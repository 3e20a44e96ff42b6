#include "support/server_process.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/subprocess.h"

namespace freshet::testing {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(5);

}  // namespace

ServerProcess::ServerProcess(std::string binary, std::string folder,
                             std::vector<std::string> arguments)
    : binary_(std::move(binary)), folder_(std::move(folder)), arguments_(std::move(arguments)) {}

ServerProcess::~ServerProcess() {
  if (process_ > 0) Kill();
}

bool ServerProcess::Start() {
  return StartListening() && WaitUntilReady();
}

bool ServerProcess::StartListening() {
  log_begin_ = Log().size();
  std::vector<std::string> words = {binary_,           "serve",     "--data",
                                    folder_ + "/data", "--address", "127.0.0.1:0"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  process_ = StartProgram(words, nothing, folder_ + "/server.out", folder_ + "/server.log");
  close(nothing);
  if (process_ <= 0) {
    ADD_FAILURE() << "cannot start " << binary_;
    return false;
  }
  const std::string sign = "listening on ";
  while (true) {
    const std::string log = Log();
    const size_t found = log.find(sign, log_begin_);
    const size_t end = found == std::string::npos ? found : log.find(',', found);
    if (end != std::string::npos) {
      address_ = log.substr(found + sign.size(), end - found - sign.size());
      return true;
    }
    if (HasEnded()) return false;
    std::this_thread::sleep_for(kPoll);
  }
}

bool ServerProcess::WaitUntilReady() {
  const auto client = NewClient();
  while (true) {
    const auto status = client->GetStatus();
    if (status.ok() && status->ready) return true;
    if (HasEnded()) return false;
    std::this_thread::sleep_for(kPoll);
  }
}

bool ServerProcess::HasEnded() {
  int status = 0;
  if (waitpid(process_, &status, WNOHANG) != process_) return false;
  process_ = -1;
  ADD_FAILURE() << "the server has ended, status " << status << "; its log:\n"
                << Log().substr(log_begin_);
  return true;
}

int ServerProcess::End(int signal) {
  kill(process_, signal);
  return WaitForExit(std::exchange(process_, -1));
}

std::unique_ptr<Client> ServerProcess::NewClient() const {
  return Client::New({.address = address_});
}

std::string ServerProcess::Log() const {
  return ReadFile(folder_ + "/server.log");
}

}  // namespace freshet::testing
