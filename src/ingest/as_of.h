// As-of: the moment up to which a stream is known to be complete.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>

#include "ingest/log_reader.h"

namespace freshet::ingest {

// A log was asked at wall time w where it ends; once the reader stands at those ends, everything
// that was appended before w is in. Questions that are not reached yet wait here. Any thread.
class AsOfProbes {
 public:
  // `asked_ms` is the time before the question went out; questions come in the order of their
  // times. Of more than limits::kAsOfProbesMax that wait, every second one is forgotten.
  void Add(int64_t asked_ms, Offsets ends);

  // The latest moment whose ends `positions` has reached; INT64_MIN when there is none.
  int64_t Reached(const Offsets& positions);

 private:
  struct Probe {
    int64_t asked_ms;
    Offsets ends;
  };

  void Thin();

  std::mutex mutex_;
  std::deque<Probe> waiting_;
  int64_t reached_ms_ = INT64_MIN;
};

}  // namespace freshet::ingest
