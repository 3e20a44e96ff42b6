#include "rpc/workers.h"

#include <atomic>
#include <functional>
#include <future>
#include <sched.h>
#include <thread>
#include <vector>

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

// On one processor, so that nothing but a helper has reason to run what it may run.
void RunOnOneProcessor(const std::function<void()>& run) {
  std::thread([&] {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &processors);
    ASSERT_EQ(sched_setaffinity(0, sizeof(processors), &processors), 0);
    run();
  }).join();
}

TEST(Workers, AHelperRunsWhatCameMeanwhile) {
  RunOnOneProcessor([] {
    Workers workers(1, 100);
    ASSERT_TRUE(workers.TryHelp(1));
    EXPECT_FALSE(workers.TryHelp(1));
    std::vector<std::thread::id> ran_on;
    const auto task = [&] { ran_on.push_back(std::this_thread::get_id()); };
    EXPECT_TRUE(workers.Submit(1, task, Workers::Wake::kForProcessor));
    EXPECT_TRUE(workers.Submit(1, task, Workers::Wake::kForProcessor));
    EXPECT_FALSE(workers.TryHelp(2));  // what came first goes first
    workers.EndHelp(1);
    EXPECT_EQ(ran_on, std::vector(2, std::this_thread::get_id()));
    EXPECT_TRUE(workers.TryHelp(1));
    workers.EndHelp(1);
  });
}

TEST(Workers, WithoutAHelperAThreadIsWoken) {
  RunOnOneProcessor([] {
    Workers workers(1, 100);
    std::promise<void> ran;
    ASSERT_TRUE(workers.Submit(
        1, [&] { ran.set_value(); }, Workers::Wake::kForProcessor));
    ran.get_future().wait();
  });
}

// Each of the callers waits for its own task before it submits the next, so that one that nobody runs stops
// the test.
TEST(Workers, NoTaskIsLeftBehindByHelpersThatComeAndGo) {
  constexpr int kCallers = 4;
  constexpr int kTasks = 2'000;
  Workers workers(2, 1'000);
  std::vector<std::thread> callers;
  std::atomic<int> done = 0;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        if (workers.TryHelp(2)) {
          ++done;
          workers.EndHelp(2);
          continue;
        }
        std::promise<void> ran;
        ASSERT_TRUE(workers.Submit(
            1,
            [&] {
              ++done;
              ran.set_value();
            },
            Workers::Wake::kForProcessor));
        ran.get_future().wait();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, kCallers * kTasks);
}

}  // namespace
}  // namespace freshet::rpc
