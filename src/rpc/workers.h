// A few threads for the calls that take their time, so that the threads of gRPC stay free for
// GetFeatures.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace freshet::rpc {

class Workers {
 public:
  // Background: other threads go first when all want the processors.
  enum class Urgency : uint8_t { kCaller, kBackground };

  // Tasks that wait for a thread may hold `waiting_bytes_max` together; 0: none may wait.
  Workers(size_t threads, size_t waiting_bytes_max, Urgency urgency = Urgency::kCaller);
  // As Stop.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Whether a thread is woken for a task even when threads and helpers at work are as many as processors, which
  // costs more than a short task does; it runs in its turn then.
  enum class Wake : uint8_t { kAlways, kForProcessor };
  // Runs `task` soon on one of the threads. False, and it will not run, when it would have to wait
  // and there is no room, or after Stop. Any thread.
  bool Submit(size_t bytes, std::function<void()> task, Wake wake = Wake::kAlways);

  // Makes the calling thread, which is none of these, a helper: it does work of its own, and then, in
  // EndHelp, runs tasks as long as some wait. False when there are `helpers_max` already, and while tasks
  // wait: what came first goes first.
  bool TryHelp(size_t helpers_max);
  void EndHelp(size_t helpers_max);
  // Runs what waits, then ends the threads. Idempotent.
  void Stop();

 private:
  struct Task {
    size_t bytes;
    std::function<void()> run;
  };

  void Work(Urgency urgency);
  bool BecomeHelper(size_t helpers_max);
  // Runs the first task that waits, without the lock.
  void RunFirst(std::unique_lock<std::mutex>& lock);

  const size_t waiting_bytes_max_;
  const size_t processors_;
  std::atomic<size_t> helpers_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  std::atomic<size_t> waiting_count_{0};  // of waiting_, for those without the lock
  size_t waiting_bytes_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace freshet::rpc
