#include "support/server_process.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/send_signal.h"
#include "support/subprocess.h"

namespace freshet::testing {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(5);
// Nobody's exit code.
constexpr int kNotRunning = -1'000;

// Empty while either is missing.
std::string Between(const std::string& text, const std::string& before, const std::string& after) {
  const size_t found = text.find(before);
  if (found == std::string::npos) return "";
  const size_t begin = found + before.size();
  const size_t end = text.find(after, begin);
  return end == std::string::npos ? "" : text.substr(begin, end - begin);
}

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
  if (std::find(arguments_.begin(), arguments_.end(), "--http") == arguments_.end())
    words.insert(words.end(), {"--http", "127.0.0.1:0"});
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  process_ = StartProgram(words, nothing, folder_ + "/server.out", folder_ + "/server.log");
  close(nothing);
  if (process_ <= 0) {
    ADD_FAILURE() << "cannot start " << binary_;
    return false;
  }
  while (true) {
    const std::string log = Log().substr(log_begin_);
    address_ = Between(log, "listening on ", ",");
    http_address_ = Between(log, "HTTP on ", ",");
    if (!address_.empty()) return true;
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
  if (!SendSignal(process_, signal)) return kNotRunning;
  return WaitForExit(std::exchange(process_, -1));
}

std::unique_ptr<Client> ServerProcess::NewClient() const {
  return Client::New({.address = address_});
}

std::string ServerProcess::Log() const {
  return ReadFile(folder_ + "/server.log");
}

}  // namespace freshet::testing
