#include "rpc/workers.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace freshet::rpc {
namespace {

// A task that keeps its thread until it is let go.
class Held {
 public:
  std::function<void()> task() {
    return [this] {
      started_.set_value();
      go_on_.get_future().wait();
    };
  }
  void WaitUntilStarted() { started_.get_future().wait(); }
  void LetGo() { go_on_.set_value(); }

 private:
  std::promise<void> started_;
  std::promise<void> go_on_;
};

TEST(Workers, RunsWhatIsSubmittedBeforeItStops) {
  std::atomic<int> done = 0;
  Workers workers(2, 1'000);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(workers.Submit(10, [&] { ++done; }));
  workers.Stop();
  EXPECT_EQ(done, 100);
  EXPECT_FALSE(workers.Submit(1, [&] { ++done; }));
}

TEST(Workers, RefusesWhatHasNoRoomToWait) {
  std::atomic<int> done = 0;
  Held held;
  Workers workers(1, 100);
  ASSERT_TRUE(workers.Submit(1'000, held.task()));
  held.WaitUntilStarted();
  EXPECT_TRUE(workers.Submit(60, [&] { ++done; }));
  EXPECT_FALSE(workers.Submit(60, [&] { ++done; }));
  EXPECT_TRUE(workers.Submit(40, [&] { ++done; }));
  held.LetGo();
  workers.Stop();
  EXPECT_EQ(done, 2);
}

TEST(Workers, WithoutRoomOnlyIdleThreadsTakeWork) {
  Held first;
  Held second;
  Workers workers(2, 0);
  ASSERT_TRUE(workers.Submit(1, first.task()));
  ASSERT_TRUE(workers.Submit(1, second.task()));
  EXPECT_FALSE(workers.Submit(1, [] {}));
  first.LetGo();
  second.LetGo();
}

}  // namespace
}  // namespace freshet::rpc
