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

#include "base/coding.h"
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
  static int64_t EventTimeMs(std::string_view row) {
    return Load<int64_t>(row.data() + kEventTimeOffset);
  }
  // Borrows from `row`, which is no tombstone. Here, since an answer reads thousands of columns.
  Datum Read(std::string_view row, size_t column) const {
    if (IsNull(row, column)) return Datum::Null();
    const char* slot = row.data() + slots_.data()[column].offset;
    switch (slots_.data()[column].type) {
      case Type::kBool:
        return Datum::Bool(*slot != '\x00');
      case Type::kInt32:
        return Datum::Int(Load<int32_t>(slot));
      case Type::kInt64:
      case Type::kTimestamp:
      case Type::kDecimal:
        return Datum::Int(Load<int64_t>(slot));
      case Type::kFloat:
        return Datum::Double(Load<float>(slot));
      case Type::kDouble:
        return Datum::Double(Load<double>(slot));
      case Type::kString:
      case Type::kBytes:
        return Datum::String(
            {row.data() + Load<uint32_t>(slot), Load<uint32_t>(slot + sizeof(uint32_t))});
    }
    return Datum::Null();
  }

 private:
  // They are on disk, as docs/formats.md says.
  static constexpr size_t kEventTimeOffset = 1;
  static constexpr size_t kBitmapOffset = kHeaderBytes;
  static constexpr size_t kTombstoneBytes = kHeaderBytes;

  static bool IsNull(std::string_view row, size_t column) {
    const auto bits = Load<uint8_t>(row.data() + kBitmapOffset + column / 8);
    return (bits >> (column % 8) & 1) != 0;
  }

  // Where a column stands in the fixed part of a row.
  struct Slot {
    uint32_t offset = 0;
    uint8_t bytes = 0;
    Type::Kind type = Type::kBool;
    Datum::Kind kind = Datum::Kind::kNull;  // of its values in memory
  };

  static bool IsSound(const Slot& slot, bool is_null, std::string_view row, size_t* text_end);

  std::vector<Type> columns_;
  std::vector<Slot> slots_;  // of each column
  size_t fixed_bytes_ = 0;
};

}  // namespace freshet::store
