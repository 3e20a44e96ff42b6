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

  // Stands for a column that no row has: it reads as null.
  static constexpr uint32_t kNoColumn = UINT32_MAX;
  // What every row and tombstone has at least.
  static constexpr size_t kHeaderBytes = 1 + sizeof(int64_t);

  const std::vector<Type>& columns() const { return columns_; }

  // Appends a row. One datum per column, null or of the column's kind.
  void Encode(int64_t event_time_ms, std::span<const Datum> values, std::string& row) const;
  // The same, where the value of the i-th column is values[places[i]], which there must be.
  void Encode(int64_t event_time_ms, std::span<const Datum> values,
              std::span<const uint32_t> places, std::string& row) const;

  static void EncodeTombstone(int64_t event_time_ms, std::string& row);

  // Corruption unless the bytes are a tombstone, or a row that Encode can have written for this
  // layout. The readers below need such bytes.
  Status Validate(std::string_view row) const;
  static bool IsTombstone(std::string_view row);
  static int64_t EventTimeMs(std::string_view row) {
    return Load<int64_t>(row.data() + kEventTimeOffset);
  }
  // Borrows from `row`, which is no tombstone.
  Datum Read(std::string_view row, size_t column) const;
  // The values of some columns of a row that is no tombstone: `visit(i, value)` for columns[i]. Columns may be
  // kNoColumn, values null.
  template <typename Visit>
  void ReadRow(std::string_view row, std::span<const uint32_t> columns, Visit visit) const;
  // The values of one column in many rows, none a tombstone: `visit(i, value)` for the i-th, which may be null. Here, since an
  // answer reads thousands of them.
  template <typename Visit>
  void ReadColumn(std::span<const char* const> rows, size_t column, Visit visit) const;

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

  // Whether the slots of null columns are as Encode leaves them; nulls are few.
  bool HasSoundNulls(std::string_view row) const;
  // Whether the slot holds what Encode can have written, where the texts before it end at *text_end.
  static bool IsSound(const Slot& slot, std::string_view row, size_t* text_end);

  // `use(read)`, where `read(row, slot)` is what a slot of that type in a row says.
  template <typename Use>
  static void WithReader(Type::Kind type, Use use);

  // What `read(row, slot)` makes of the column in each row, where it is not null.
  template <typename Read, typename Visit>
  static void ReadEach(std::span<const char* const> rows, size_t column, const Slot& slot,
                       Read read, Visit visit) {
    const size_t byte = kBitmapOffset + column / 8;
    const auto bit = static_cast<uint8_t>(1u << (column % 8));
    const size_t offset = slot.offset;
    for (size_t i = 0; i < rows.size(); ++i) {
      const char* const row = rows[i];
      const bool is_null = (Load<uint8_t>(row + byte) & bit) != 0;
      visit(i, is_null ? Datum::Null() : read(row, row + offset));
    }
  }

  std::vector<Type> columns_;
  std::vector<Slot> slots_;         // of each column
  std::vector<uint32_t> in_order_;  // the columns
  std::vector<uint32_t> texts_;     // those with a variable part
  std::vector<uint32_t> unsure_;    // those whose slots can hold what no value is written as
  size_t fixed_bytes_ = 0;
};

template <typename Use>
void RowLayout::WithReader(Type::Kind type, Use use) {
  switch (type) {
    case Type::kBool:
      return use([](const char*, const char* at) { return Datum::Bool(*at != '\x00'); });
    case Type::kInt32:
      return use([](const char*, const char* at) { return Datum::Int(Load<int32_t>(at)); });
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      return use([](const char*, const char* at) { return Datum::Int(Load<int64_t>(at)); });
    case Type::kFloat:
      return use([](const char*, const char* at) { return Datum::Double(Load<float>(at)); });
    case Type::kDouble:
      return use([](const char*, const char* at) { return Datum::Double(Load<double>(at)); });
    case Type::kString:
    case Type::kBytes:
      return use([](const char* row, const char* at) {
        return Datum::String({row + Load<uint32_t>(at), Load<uint32_t>(at + sizeof(uint32_t))});
      });
  }
}

inline Datum RowLayout::Read(std::string_view row, size_t column) const {
  Datum value;
  if (IsNull(row, column)) return value;
  const Slot& slot = slots_.data()[column];
  WithReader(slot.type, [&](auto read) { value = read(row.data(), row.data() + slot.offset); });
  return value;
}

template <typename Visit>
void RowLayout::ReadRow(std::string_view row, std::span<const uint32_t> columns,
                        Visit visit) const {
  const char* const bytes = row.data();
  const Slot* const slots = slots_.data();
  size_t i = 0;
  for (const uint32_t column : columns) {
    if (column == kNoColumn || IsNull(row, column)) {
      visit(i, Datum::Null());
    } else {
      const Slot& slot = slots[column];
      WithReader(slot.type, [&](auto read) { visit(i, read(bytes, bytes + slot.offset)); });
    }
    ++i;
  }
}

template <typename Visit>
void RowLayout::ReadColumn(std::span<const char* const> rows, size_t column, Visit visit) const {
  const Slot& slot = slots_.data()[column];
  WithReader(slot.type, [&](auto read) { ReadEach(rows, column, slot, read, visit); });
}

}  // namespace freshet::store
