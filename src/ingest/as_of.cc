#include "ingest/as_of.h"

#include <algorithm>

#include "base/limits.h"

namespace freshet::ingest {
namespace {

bool StandsAt(const Offsets& positions, const Offsets& ends) {
  return std::all_of(ends.begin(), ends.end(), [&](const auto& end) {
    const auto position = positions.find(end.first);
    return position != positions.end() && position->second >= end.second;
  });
}

}  // namespace

void AsOfProbes::Add(int64_t asked_ms, Offsets ends) {
  std::lock_guard lock(mutex_);
  if (waiting_.size() >= limits::kAsOfProbesMax) Thin();
  waiting_.push_back({asked_ms, std::move(ends)});
}

// Every second one goes: what is left still reaches from the oldest to now, only less finely.
void AsOfProbes::Thin() {
  std::deque<Probe> kept;
  for (size_t i = 0; i < waiting_.size(); i += 2) kept.push_back(std::move(waiting_[i]));
  waiting_ = std::move(kept);
}

int64_t AsOfProbes::Reached(const Offsets& positions) {
  std::lock_guard lock(mutex_);
  while (!waiting_.empty() && StandsAt(positions, waiting_.front().ends)) {
    // The wall clock may be set back; what is known to be complete stays so.
    reached_ms_ = std::max(reached_ms_, waiting_.front().asked_ms);
    waiting_.pop_front();
  }
  return reached_ms_;
}

}  // namespace freshet::ingest
