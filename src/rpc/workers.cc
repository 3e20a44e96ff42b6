#include "rpc/workers.h"

#include <utility>

#include "base/thread_priority.h"

namespace freshet::rpc {

Workers::Workers(size_t threads, size_t waiting_bytes_max, Urgency urgency)
    : waiting_bytes_max_(waiting_bytes_max), idle_(threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this, urgency] { Work(urgency); });
}

Workers::~Workers() {
  Stop();
}

bool Workers::Submit(size_t bytes, std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  const bool starts_at_once = waiting_.size() < idle_;
  if (!starts_at_once && waiting_bytes_ + bytes > waiting_bytes_max_) return false;
  waiting_bytes_ += bytes;
  waiting_.push_back({bytes, std::move(task)});
  waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
  changed_.notify_one();
  return true;
}

void Workers::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::Work(Urgency urgency) {
  // The threads that read what comes in go first: a call that is refused is to be told so at once.
  LowerThreadPriority(urgency == Urgency::kCaller ? ThreadShare::kThird : ThreadShare::kHundredth);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
    waiting_bytes_ -= task.bytes;
    --idle_;
    lock.unlock();
    task.run();
    task.run = nullptr;
    lock.lock();
    ++idle_;
  }
}

}  // namespace freshet::rpc
