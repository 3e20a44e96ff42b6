#include "base/thread_priority.h"

#include <algorithm>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace freshet {
namespace {

int Niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

TEST(ThreadPriority, IsLoweredForAThreadAndThoseThatItStartsAndForNoOther) {
  const int before = Niceness();
  const std::pair<ThreadShare, int> shares[] = {{ThreadShare::kThird, 5},
                                                {ThreadShare::kHundredth, 19}};
  for (const auto& [share, niceness] : shares) {
    int lowered = 0;
    int inherited = 0;
    std::thread([&, share = share] {
      LowerThreadPriority(share);
      lowered = Niceness();
      std::thread([&] { inherited = Niceness(); }).join();
    }).join();
    EXPECT_EQ(lowered, std::max(before, niceness));
    EXPECT_EQ(inherited, lowered);
  }
  EXPECT_EQ(Niceness(), before);
}

TEST(ThreadPriority, IsNeverRaised) {
  int lowered = 0;
  std::thread([&] {
    LowerThreadPriority(ThreadShare::kHundredth);
    LowerThreadPriority(ThreadShare::kThird);
    lowered = Niceness();
  }).join();
  EXPECT_EQ(lowered, 19);
}

}  // namespace
}  // namespace freshet
