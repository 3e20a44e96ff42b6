#include "cli/interrupt.h"

namespace freshet::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

const volatile std::sig_atomic_t* WatchForInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  return &interrupted;
}

bool IsInterrupted() {
  return interrupted != 0;
}

}  // namespace freshet::cli
