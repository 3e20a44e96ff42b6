#include "base/thread_priority.h"

#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace freshet {
namespace {

int Niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

TEST(ThreadPriority, IsLoweredForAThreadAndThoseThatItStartsAndForNoOther) {
  const int before = Niceness();
  int lowered = 0;
  int inherited = 0;
  std::thread([&] {
    LowerThreadPriority();
    lowered = Niceness();
    std::thread([&] { inherited = Niceness(); }).join();
  }).join();
  EXPECT_EQ(lowered, 19);
  EXPECT_EQ(inherited, lowered);
  EXPECT_EQ(Niceness(), before);
}

}  // namespace
}  // namespace freshet
