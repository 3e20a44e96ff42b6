#include "ingest/checkpointer.h"

#include <chrono>

#include "base/check.h"
#include "ingest/timeouts.h"

namespace freshet::ingest {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

}  // namespace

Checkpointer::Checkpointer(store::TimelineWriter& writer, LaneState& state, const Clock& clock)
    : writer_(writer), state_(state), clock_(clock), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Checkpointer::idle() const {
  std::lock_guard lock(mutex_);
  return !job_.has_value();
}

int64_t Checkpointer::last_write_ms() const {
  std::lock_guard lock(mutex_);
  return last_write_ms_;
}

bool Checkpointer::WaitIdle(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                           [this] { return !job_.has_value(); });
}

void Checkpointer::Write(std::shared_ptr<LogReader> reader, Offsets positions, bool commits) {
  {
    std::lock_guard lock(mutex_);
    FRESHET_CHECK(!job_.has_value());
    job_ = Job{std::move(reader), std::move(positions), commits};
  }
  changed_.notify_all();
}

void Checkpointer::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || job_.has_value(); });
    if (stopping_) return;
    const Job job = *job_;
    lock.unlock();
    const SteadyTime began = SteadyClock::now();
    const bool written = Attempt(job);
    const SteadyTime ended = SteadyClock::now();
    lock.lock();
    if (written) {
      last_write_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(ended - began).count();
      job_.reset();
      changed_.notify_all();
    } else {
      changed_.wait_for(lock, std::chrono::milliseconds(kRetryMs), [this] { return stopping_; });
    }
  }
}

bool Checkpointer::Attempt(const Job& job) {
  // A refused record may only be left behind once its dead letter has arrived.
  const Status delivered =
      job.reader == nullptr ? Status::Ok() : job.reader->FlushDeadLetters(kDeliveryTimeoutMs);
  state_.Report(Part::kDeadLetters, delivered, clock_.NowMs());
  if (!delivered.ok()) return false;
  const Status written = writer_.Write().Prefixed("checkpoint");
  state_.Report(Part::kCheckpoint, written, clock_.NowMs());
  if (!written.ok()) return false;
  state_.SetCheckpointed(job.positions);
  if (job.commits && job.reader != nullptr) job.reader->Commit(job.positions);
  return true;
}

}  // namespace freshet::ingest
