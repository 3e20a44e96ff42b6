#include "rpc/workers.h"

#include <utility>

#include "base/threads.h"

namespace freshet::rpc {

Workers::Workers(size_t threads, size_t waiting_bytes_max, Urgency urgency)
    : waiting_bytes_max_(waiting_bytes_max), processors_(ProcessorCount()), idle_(threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this, urgency] { Work(urgency); });
}

Workers::~Workers() {
  Stop();
}

bool Workers::Submit(size_t bytes, std::function<void()> task, Wake wake) {
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  const bool starts_at_once = waiting_.size() < idle_;
  if (!starts_at_once && waiting_bytes_ + bytes > waiting_bytes_max_) return false;
  waiting_bytes_ += bytes;
  waiting_.push_back({bytes, std::move(task)});
  // Before helpers_ is read: a helper that is counted here sees the task once it is done.
  waiting_count_.store(waiting_.size());
  const size_t at_work = threads_.size() - idle_ + helpers_.load();
  if (wake == Wake::kAlways || at_work < processors_) changed_.notify_one();
  return true;
}

bool Workers::TryHelp(size_t helpers_max) {
  return waiting_count_.load(std::memory_order_relaxed) == 0 && BecomeHelper(helpers_max);
}

bool Workers::BecomeHelper(size_t helpers_max) {
  size_t helpers = helpers_.load();
  while (helpers < helpers_max)
    if (helpers_.compare_exchange_weak(helpers, helpers + 1)) return true;
  return false;
}

void Workers::EndHelp(size_t helpers_max) {
  while (true) {
    helpers_.fetch_sub(1);
    // After helpers_ was changed: a task that was left to this helper is seen, by it or by the one that came
    // in its place.
    if (waiting_count_.load() == 0 || !BecomeHelper(helpers_max)) return;
    std::unique_lock lock(mutex_);
    if (!waiting_.empty()) RunFirst(lock);
  }
}

void Workers::RunFirst(std::unique_lock<std::mutex>& lock) {
  Task task = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_count_.store(waiting_.size());
  waiting_bytes_ -= task.bytes;
  lock.unlock();
  task.run();
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
  if (urgency == Urgency::kBackground) LowerThreadPriority();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    --idle_;
    RunFirst(lock);
    lock.lock();
    ++idle_;
  }
}

}  // namespace freshet::rpc
