#include "cli/open_loop.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <sys/prctl.h>

#include "freshet/client.h"

namespace freshet::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// More than this many unanswered ones would only fill the memory: the next waits, late as it is.
constexpr size_t kUnderWayMax = 10'000;
// For what is due at the very end.
constexpr auto kOverrunMax = std::chrono::seconds(1);
constexpr auto kProgressInterval = std::chrono::seconds(1);
// How long an interrupt may go unseen.
constexpr auto kLookInterval = std::chrono::milliseconds(50);

// Counts what the threads of the clients report.
class Recorder {
 public:
  void Sent(nanoseconds delay) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ < kUnderWayMax; });
    ++under_way_;
    for (OpenLoopFigures* figures : {&total_, &interval_}) {
      ++figures->sent;
      figures->send_delay.Add(delay.count());
    }
  }

  void Done(const Status& status, nanoseconds latency) {
    std::lock_guard lock(mutex_);
    for (OpenLoopFigures* figures : {&total_, &interval_}) {
      if (status.ok()) {
        ++figures->answered;
        figures->latency.Add(latency.count());
      } else {
        ++figures->errors[status.code()];
        figures->last_error = status;
      }
    }
    --under_way_;
    // Under the lock: who waits for the last one may then be gone.
    room_.notify_all();
  }

  void TakeInterval(double seconds, const std::function<void(const OpenLoopFigures&)>& show) {
    OpenLoopFigures taken;
    {
      std::lock_guard lock(mutex_);
      std::swap(taken, interval_);
    }
    taken.elapsed_seconds = seconds;
    show(taken);
  }

  OpenLoopFigures TakeAll() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ == 0; });
    return std::move(total_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  size_t under_way_ = 0;
  OpenLoopFigures total_;
  OpenLoopFigures interval_;
};

// When each request is due.
class Schedule {
 public:
  Schedule(Clock::time_point begin, const OpenLoopOptions& options)
      : begin_(begin),
        interval_seconds_(1 / options.requests_per_second),
        count_(std::max<uint64_t>(
            1, static_cast<uint64_t>(options.requests_per_second *
                                     static_cast<double>(options.duration_ms) / 1'000))) {}
  uint64_t count() const { return count_; }
  // How many are due by then.
  uint64_t DueBy(Clock::time_point now) const {
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    return std::min(count_, static_cast<uint64_t>(seconds / interval_seconds_) + 1);
  }
  Clock::time_point Due(uint64_t index) const {
    return begin_ + std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(
                        static_cast<double>(index) * interval_seconds_));
  }

 private:
  const Clock::time_point begin_;
  const double interval_seconds_;
  const uint64_t count_;
};

double SecondsBetween(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// Waits for due moments, and shows progress meanwhile.
class Pacer {
 public:
  Pacer(Recorder& recorder, const volatile std::sig_atomic_t* interrupted,
        const std::function<void(const OpenLoopFigures&)>& progress)
      : recorder_(recorder), interrupted_(interrupted), progress_(progress) {
    // The kernel may else wake this thread 50 us late, to save power.
    prctl(PR_SET_TIMERSLACK, 1);
  }

  // False when interrupted.
  bool SleepUntil(Clock::time_point due) {
    while (*interrupted_ == 0) {
      const auto now = Clock::now();
      const auto next_progress = shown_ + kProgressInterval;
      if (now >= next_progress) {
        recorder_.TakeInterval(SecondsBetween(shown_, now), progress_);
        shown_ = now;
      } else if (now >= due) {
        return true;
      } else {
        std::this_thread::sleep_for(
            std::min<Clock::duration>({due - now, next_progress - now, kLookInterval}));
      }
    }
    return false;
  }

 private:
  Recorder& recorder_;
  const volatile std::sig_atomic_t* const interrupted_;
  const std::function<void(const OpenLoopFigures&)>& progress_;
  Clock::time_point shown_ = Clock::now();
};

// Connected, so that no request pays for that. What goes wrong does so again where it is counted.
std::vector<std::unique_ptr<Client>> Connect(const OpenLoopOptions& options,
                                             const FeatureRequest& request) {
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < options.connections; ++i) {
    clients.push_back(Client::New({.address = options.address, .timeout_ms = options.timeout_ms}));
    FeatureResponse response;
    static_cast<void>(clients.back()->GetFeatures(request, &response));
  }
  return clients;
}

}  // namespace

uint64_t OpenLoopFigures::failed() const {
  uint64_t failed = 0;
  for (const auto& [code, count] : errors) failed += count;
  return failed;
}

double OpenLoopFigures::answered_per_second() const {
  return elapsed_seconds > 0 ? static_cast<double>(answered) / elapsed_seconds : 0;
}

OpenLoopFigures RunOpenLoop(const OpenLoopOptions& options,
                            const std::function<FeatureRequest(uint64_t)>& request,
                            const volatile std::sig_atomic_t* interrupted,
                            const std::function<void(const OpenLoopFigures&)>& progress) {
  Recorder recorder;
  const auto clients = Connect(options, request(0));
  Pacer pacer(recorder, interrupted, progress);
  const auto begin = Clock::now();
  const Schedule schedule(begin, options);
  for (uint64_t i = 0; i < schedule.count(); ++i) {
    const auto due = schedule.Due(i);
    if (!pacer.SleepUntil(due) || Clock::now() > schedule.Due(schedule.count()) + kOverrunMax)
      break;
    const FeatureRequest next = request(i);
    recorder.Sent(Clock::now() - due);
    clients[i % clients.size()]->StartGetFeatures(
        next, [&recorder, due](const Status& status, const FeatureResponse&) {
          recorder.Done(status, Clock::now() - due);
        });
  }
  const uint64_t due_by_now = schedule.DueBy(Clock::now());
  OpenLoopFigures figures = recorder.TakeAll();
  figures.due = due_by_now;
  figures.elapsed_seconds = SecondsBetween(begin, Clock::now());
  return figures;
}

}  // namespace freshet::cli
