#include "store/run_merger.h"

#include <utility>

#include "store/key_prefix.h"
#include "store/row.h"

namespace freshet::store {

RunMerger::RunMerger(std::vector<std::unique_ptr<SortedRows>> runs)
    : runs_(std::move(runs)), losers_(runs_.size()) {
  for (size_t run = 0; run < runs_.size(); ++run) prefixes_.push_back(PrefixOf(run));
  if (!runs_.empty()) winner_ = Play(1);
}

Status RunMerger::Next() {
  FRESHET_RETURN_IF_ERROR(runs_[winner_]->Next());
  prefixes_[winner_] = PrefixOf(winner_);
  for (size_t node = (winner_ + runs_.size()) / 2; node > 0; node /= 2) {
    if (ComesBefore(losers_[node], winner_)) std::swap(losers_[node], winner_);
  }
  return Status::Ok();
}

size_t RunMerger::Play(size_t node) {
  if (node >= runs_.size()) return node - runs_.size();
  const size_t left = Play(2 * node);
  const size_t right = Play(2 * node + 1);
  const bool left_wins = ComesBefore(left, right);
  losers_[node] = left_wins ? right : left;
  return left_wins ? left : right;
}

bool RunMerger::ComesBeforeByWholeKey(size_t a, size_t b) const {
  if (!runs_[a]->valid() || !runs_[b]->valid()) return runs_[a]->valid();
  const int order = runs_[a]->entity_key().compare(runs_[b]->entity_key());
  if (order != 0) return order < 0;
  const int64_t a_time_ms = RowLayout::EventTimeMs(runs_[a]->row());
  const int64_t b_time_ms = RowLayout::EventTimeMs(runs_[b]->row());
  return a_time_ms != b_time_ms ? a_time_ms > b_time_ms : a > b;
}

// That of a run without more rows comes behind all others.
uint64_t RunMerger::PrefixOf(size_t run) const {
  return runs_[run]->valid() ? KeyPrefix(runs_[run]->entity_key()) : UINT64_MAX;
}

}  // namespace freshet::store
