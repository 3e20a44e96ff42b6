#include "base/processors.h"

#include <sched.h>
#include <thread>

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(UsableProcessors, AreThoseThatTheThreadMayRunOn) {
  EXPECT_GE(UsableProcessors(), 1u);
  std::thread([] {
    cpu_set_t one = {};
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(UsableProcessors(), 1u);
  }).join();
}

}  // namespace
}  // namespace freshet
