// Several sequences of sorted rows, read as one.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "store/sorted_rows.h"

namespace freshet::store {

// By key, then the newest event time, then the run that comes last. A tree of losers (Knuth, The Art of Computer
// Programming, volume 3, 5.4.1): each node has the run that lost there, so that a step compares once a level.
// One thread.
class RunMerger {
 public:
  // In the order of their rows' age.
  explicit RunMerger(std::vector<std::unique_ptr<SortedRows>> runs);

  bool valid() const { return !runs_.empty() && runs_[winner_]->valid(); }
  // The bytes last until Next.
  std::string_view entity_key() const { return runs_[winner_]->entity_key(); }
  std::string_view row() const { return runs_[winner_]->row(); }
  Status Next();

 private:
  // The winner of the runs below the node; the others stay at the nodes.
  size_t Play(size_t node);
  bool ComesBefore(size_t a, size_t b) const {
    return prefixes_[a] != prefixes_[b] ? prefixes_[a] < prefixes_[b] : ComesBeforeByWholeKey(a, b);
  }
  bool ComesBeforeByWholeKey(size_t a, size_t b) const;
  uint64_t PrefixOf(size_t run) const;

  std::vector<std::unique_ptr<SortedRows>> runs_;
  std::vector<uint64_t> prefixes_;  // of the key of each run's row
  // The nodes, from 1: below node i are 2 i and 2 i + 1, and from the number of runs on, the runs.
  std::vector<size_t> losers_;
  size_t winner_ = 0;
};

}  // namespace freshet::store
