// Ctrl-C, as a command that can end early takes it.
#pragma once

#include <csignal>

namespace freshet::cli {

// From now on the first Ctrl-C sets the flag that this answers, to 1, and a second one ends the process.
const volatile std::sig_atomic_t* WatchForInterrupt();
// Whether it is set.
bool IsInterrupted();

}  // namespace freshet::cli
