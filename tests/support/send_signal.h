// Signals to the processes that a test has started.
#pragma once

#include <csignal>

#include <gtest/gtest.h>
#include <sys/types.h>

namespace freshet::testing {

// False, as a test failure, for a process that was not started or has been waited for: kill() takes 0 and -1 for
// a whole group, and for every process of the machine.
inline bool SendSignal(pid_t process, int signal) {
  if (process > 0) return kill(process, signal) == 0;
  ADD_FAILURE() << "signal " << signal << " for a process that does not run";
  return false;
}

}  // namespace freshet::testing
