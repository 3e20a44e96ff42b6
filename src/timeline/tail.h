// What a timeline keeps of single events, if its schema has a tail. Before the cells, which are few bytes to
// move when one comes:
//
//   recent events   each i32 partition, i64 offset, and a cell of its own, in the order of events
//
// and behind them:
//
//   seen            each u64 high, u64 low of an identity, i64 time; ascending by identity
//   end             u32 bytes and u32 number of the recent events, u32 number of those seen,
//                   i64 time, i32 partition, i64 offset of the newest event that is not among the
//                   recent ones any more; without one INT64_MIN, 0, 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "aggregate/aggregate.h"
#include "base/coding.h"

namespace freshet::timeline {

struct Tail {
  static constexpr size_t kRecentHeaderBytes = 12;
  static constexpr size_t kSeenBytes = 24;
  static constexpr size_t kEndBytes = 32;
  // Removing moves what is kept: it is done so many times while the span that is kept passes by.
  static constexpr int64_t kRemovalsPerSpan = 32;

  static uint32_t RecentBytes(std::string_view bytes) { return Load<uint32_t>(End(bytes)); }
  static uint32_t RecentCount(std::string_view bytes) { return Load<uint32_t>(End(bytes) + 4); }
  static uint32_t SeenCount(std::string_view bytes) { return Load<uint32_t>(End(bytes) + 8); }
  static aggregate::EventOrder Lost(std::string_view bytes) {
    const char* end = End(bytes);
    return {Load<int64_t>(end + 12), Load<int32_t>(end + 20), Load<int64_t>(end + 24)};
  }
  static void SetRecent(std::string& bytes, size_t recent_bytes, size_t count) {
    Save(End(bytes), static_cast<uint32_t>(recent_bytes));
    Save(End(bytes) + 4, static_cast<uint32_t>(count));
  }
  static void SetSeenCount(std::string& bytes, size_t count) {
    Save(End(bytes) + 8, static_cast<uint32_t>(count));
  }
  static void SetLost(std::string& bytes, const aggregate::EventOrder& lost) {
    Save(End(bytes) + 12, lost.time_ms);
    Save(End(bytes) + 20, lost.partition);
    Save(End(bytes) + 24, lost.offset);
  }

  static size_t BytesBehindCells(std::string_view bytes) {
    return SeenCount(bytes) * kSeenBytes + kEndBytes;
  }
  static size_t SeenBegin(std::string_view bytes) {
    return bytes.size() - kEndBytes - SeenCount(bytes) * kSeenBytes;
  }
  static std::string Empty() {
    std::string bytes(kEndBytes, '\0');
    SetLost(bytes, {std::numeric_limits<int64_t>::min(), 0, 0});
    return bytes;
  }

 private:
  static const char* End(std::string_view bytes) { return bytes.data() + bytes.size() - kEndBytes; }
  static char* End(std::string& bytes) { return bytes.data() + bytes.size() - kEndBytes; }
};

}  // namespace freshet::timeline
