// Sorting by numbers that most records are told apart by.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace freshet::store {

// Sorts by `sorts_before`, a strict weak order in which the record with the less `key_prefix` comes first. In place,
// by the highest bits that differ, then each bucket by the next ones (American flag sort: McIlroy, Bostic, McIlroy,
// Engineering Radix Sort, 1993); what is small or has one prefix by comparing.
template <typename Record, typename SortsBefore>
void SortByPrefix(std::span<Record> records, SortsBefore sorts_before) {
  constexpr size_t kCompared = 64;  // where a pass over the buckets costs more than it sorts
  constexpr int kBits = 8;
  constexpr size_t kBuckets = size_t{1} << kBits;

  uint64_t differing = 0;
  if (records.size() > kCompared) {
    for (const Record& record : records) differing |= record.key_prefix ^ records[0].key_prefix;
  }
  if (differing == 0) {
    std::sort(records.begin(), records.end(), sorts_before);
    return;
  }
  const int shift = std::max(0, static_cast<int>(std::bit_width(differing)) - kBits);
  const auto bucket_of = [shift](const Record& record) {
    return static_cast<size_t>(record.key_prefix >> shift) % kBuckets;
  };

  std::array<size_t, kBuckets> ends = {};
  for (const Record& record : records) ++ends[bucket_of(record)];
  std::array<size_t, kBuckets> next = {};
  for (size_t bucket = 1; bucket < kBuckets; ++bucket) {
    next[bucket] = ends[bucket - 1];
    ends[bucket] += ends[bucket - 1];
  }
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    while (next[bucket] < ends[bucket]) {
      Record& place = records[next[bucket]];
      const size_t wanted = bucket_of(place);
      std::swap(place, records[next[wanted]++]);
    }
  }
  size_t begin = 0;
  for (const size_t end : ends) {
    if (end - begin > 1) SortByPrefix(records.subspan(begin, end - begin), sorts_before);
    begin = end;
  }
}

}  // namespace freshet::store
