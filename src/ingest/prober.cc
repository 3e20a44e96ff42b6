#include "ingest/prober.h"

#include <chrono>

#include "ingest/timeouts.h"

namespace freshet::ingest {

Prober::Prober(int64_t interval_ms, AsOfProbes& probes, LaneState& state, const Clock& clock)
    : interval_ms_(interval_ms), probes_(probes), state_(state), clock_(clock), thread_([this] {
        Run();
      }) {}

Prober::~Prober() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prober::SetReader(std::shared_ptr<LogReader> reader) {
  {
    std::lock_guard lock(mutex_);
    reader_ = std::move(reader);
    partitions_changed_ = false;
  }
  changed_.notify_all();
}

void Prober::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (std::shared_ptr<LogReader> reader = reader_) {
      lock.unlock();
      Ask(*reader);
      const bool changed = reader->partitions_changed();
      lock.lock();
      if (reader == reader_) partitions_changed_ = changed;
    }
    const std::shared_ptr<LogReader> asked = reader_;
    changed_.wait_for(lock, std::chrono::milliseconds(interval_ms_),
                      [&] { return stopping_ || reader_ != asked; });
  }
}

void Prober::Ask(LogReader& reader) {
  // Before the question: what was appended by then is below the ends.
  const int64_t asked_ms = clock_.NowMs();
  Result<Offsets> ends = reader.Ends(kAskTimeoutMs);
  state_.Report(Part::kLogEnds, ends.status(), clock_.NowMs());
  if (!ends.ok()) return;
  state_.SetEnds(*ends);
  probes_.Add(asked_ms, std::move(*ends));
}

}  // namespace freshet::ingest
