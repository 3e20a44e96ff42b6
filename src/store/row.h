// Rows of batch views: version, event time, null bitmap, fixed-width columns, then variable-width
// ones. A column is read at an offset without parsing the row. A tombstone stands for a row that was
// deleted, so that an older one cannot bring the entity back. Specified in docs/formats.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/datum.h"

namespace freshet::store {

// The layout of the rows of one table. Immutable; any thread.
class RowLayout {
 public:
  explicit RowLayout(std::vector<Type> columns);

  // What every row and tombstone has at least.
  static constexpr size_t kHeaderBytes = 1 + sizeof(int64_t);

  const std::vector<Type>& columns() const { return columns_; }

  // Appends a row. One datum per column, null or of the column's kind.
  void Encode(int64_t event_time_ms, std::span<const Datum> values, std::string& row) const;

  static void EncodeTombstone(int64_t event_time_ms, std::string& row);

  // Corruption unless the bytes are a tombstone, or a row that Encode can have written for this
  // layout. The readers below need such bytes.
  Status Validate(std::string_view row) const;
  static bool IsTombstone(std::string_view row);
  static int64_t EventTimeMs(std::string_view row);
  // Borrows from `row`, which is no tombstone.
  Datum Read(std::string_view row, size_t column) const;

 private:
  std::vector<Type> columns_;
  std::vector<uint32_t> offsets_;
  size_t fixed_bytes_ = 0;
};

}  // namespace freshet::store
