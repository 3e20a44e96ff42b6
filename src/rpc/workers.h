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

  // Runs `task` soon on one of the threads. False, and it will not run, when it would have to wait
  // and there is no room, or after Stop. Any thread.
  bool Submit(size_t bytes, std::function<void()> task);
  // Whether a task waits for a thread, as of just now.
  bool HasWaiting() const { return waiting_count_.load(std::memory_order_relaxed) > 0; }
  // Runs what waits, then ends the threads. Idempotent.
  void Stop();

 private:
  struct Task {
    size_t bytes;
    std::function<void()> run;
  };

  void Work(Urgency urgency);

  const size_t waiting_bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  std::atomic<size_t> waiting_count_{0};
  size_t waiting_bytes_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace freshet::rpc
