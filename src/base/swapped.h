// Swapped: an object that many threads read while one replaces it, and that tells when its
// predecessor is no longer in use.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <utility>

namespace freshet {

// Get from any thread; Swap from one thread at a time, which must not hold anything that Get
// answered.
template <typename T>
class Swapped {
 public:
  // Null before the first Swap. Holding the answer keeps the object in use.
  std::shared_ptr<T> Get() const {
    std::lock_guard lock(mutex_);
    return current_ == nullptr ? nullptr : std::shared_ptr<T>(current_, current_->object.get());
  }

  // Puts `next` in the object's place, then waits until nobody holds the previous one, which is
  // gone by then.
  void Swap(std::unique_ptr<T> next) {
    auto holder = std::make_shared<Holder>(std::move(next));
    {
      std::lock_guard lock(mutex_);
      current_.swap(holder);
    }
    if (holder == nullptr) return;
    std::future<void> unused = holder->unused.get_future();
    holder.reset();
    unused.wait();
  }

 private:
  struct Holder {
    explicit Holder(std::unique_ptr<T> held) : object(std::move(held)) {}
    ~Holder() {
      object.reset();
      unused.set_value();
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    std::promise<void> unused;
    std::unique_ptr<T> object;
  };

  mutable std::mutex mutex_;
  std::shared_ptr<Holder> current_;
};

}  // namespace freshet
