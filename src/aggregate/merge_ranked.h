// Two lists, each in the order of `is_before`, as one.
#pragma once

#include <cstddef>
#include <vector>

namespace freshet::aggregate {

// Hands the first `k` of both to `take`, in order; of equal ones that of `ours` first.
template <typename Item, typename IsBefore, typename Take>
void MergeRanked(const std::vector<Item>& ours, const std::vector<Item>& theirs, size_t k,
                 IsBefore is_before, Take take) {
  auto next = theirs.begin();
  auto item = ours.begin();
  for (size_t taken = 0; taken < k; ++taken) {
    if (item == ours.end() && next == theirs.end()) return;
    const bool is_theirs = item == ours.end() || (next != theirs.end() && is_before(*next, *item));
    take(is_theirs ? *next++ : *item++);
  }
}

}  // namespace freshet::aggregate
