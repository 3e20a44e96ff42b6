#include "base/threads.h"

#include <sched.h>
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
  EXPECT_GE(lowered, 10);
  EXPECT_EQ(inherited, lowered);
  EXPECT_EQ(Niceness(), before);
}

TEST(ProcessorCount, IsOfThoseThatTheThreadMayRunOn) {
  size_t all = 0;
  size_t one = 0;
  std::thread([&] {
    all = ProcessorCount();
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &processors);
    ASSERT_EQ(sched_setaffinity(0, sizeof(processors), &processors), 0);
    one = ProcessorCount();
  }).join();
  EXPECT_GE(all, 1u);
  EXPECT_EQ(one, 1u);
}

}  // namespace
}  // namespace freshet
