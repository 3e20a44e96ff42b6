// Rows of a table that a stream feeds: the place of the event that the row is of, then the row or the
// tombstone. The place tells which of two with one event time is newer. Specified in docs/formats.md.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "base/coding.h"
#include "store/row.h"

namespace freshet::store {

// Of two rows of one entity the greater is newer, whichever came first.
struct RowOrder {
  int64_t event_time_ms = 0;
  int32_t partition = 0;
  int64_t offset = 0;

  friend auto operator<=>(const RowOrder&, const RowOrder&) = default;
};

class StreamRow {
 public:
  // Appends what stands before the row; the row or tombstone comes next.
  static void AppendHeader(int32_t partition, int64_t offset, std::string& bytes);

  // Corruption unless the bytes are such a row of the layout, or a tombstone. The readers below need
  // such bytes.
  static Status Validate(const RowLayout& layout, std::string_view bytes);
  static RowOrder Order(std::string_view bytes) {
    return {RowLayout::EventTimeMs(Row(bytes)), Load<int32_t>(bytes.data() + kPartitionOffset),
            Load<int64_t>(bytes.data() + kOffsetOffset)};
  }
  // The row or tombstone.
  static std::string_view Row(std::string_view bytes) { return bytes.substr(kHeaderBytes); }

  // Puts `newer` in the place of `stored` (empty: there is none) unless that is the newer one. True
  // when it did.
  static bool Merge(std::string_view newer, std::string& stored);

  static constexpr size_t kPartitionOffset = 2;
  static constexpr size_t kOffsetOffset = kPartitionOffset + sizeof(int32_t);
  static constexpr size_t kHeaderBytes = kOffsetOffset + sizeof(int64_t);
};

}  // namespace freshet::store
