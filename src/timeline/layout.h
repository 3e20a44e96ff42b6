// Where everything stands in the bytes of a timeline. The one place that knows the offsets;
// docs/formats.md describes them.
//
//   header   u8 kind, u8 version, u16 flags, u32 cells, i64 newest, i64 truncated_before,
//            i64 fold_at
//   [recent events (tail.h)]
//   cell     i64 start, i64 newest, [i64 oldest], fixed parts of the slots, bytes of the
//            variable-size slots, [u32 length of the cell]
//   [seen identities and counts (tail.h)]
//
// The lifetime cell, when there is one, is the first; its start is INT64_MIN. The fixed part of a
// variable-size slot is the u32 end of its bytes, counted from the end of the cell's fixed parts;
// they begin where those of the slot before end. A cell has the time of its oldest event only in a
// schema with sessions, and ends with its length only in a schema with variable-size slots, so that
// one can walk backwards.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/time.h"
#include "timeline/tail.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

// Of a cell in a timeline: its first byte, and how many cells are before it, the lifetime cell
// among them.
struct Position {
  size_t offset;
  size_t index;
};

class Layout {
 public:
  static constexpr uint8_t kKind = 'T';
  static constexpr uint8_t kVersionPlain = 1;
  static constexpr uint8_t kVersionExtended = 2;  // of schemas with sessions or a tail
  static constexpr uint16_t kFlagLifetimeCell = 1;
  static constexpr size_t kHeaderBytes = 32;
  static constexpr size_t kCellHeaderBytes = 16;
  static constexpr size_t kOldestBytes = 8;
  static constexpr size_t kSlotEndBytes = 4;
  static constexpr size_t kCellLengthBytes = 4;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kAfterAll = std::numeric_limits<int64_t>::max();

  explicit Layout(const Schema& schema) : schema_(schema) {}

  // Header.
  static uint8_t Kind(std::string_view bytes) { return Load<uint8_t>(bytes.data()); }
  static uint8_t Version(std::string_view bytes) { return Load<uint8_t>(bytes.data() + 1); }
  static uint16_t Flags(std::string_view bytes) { return Load<uint16_t>(bytes.data() + 2); }
  static bool HasLifetimeCell(std::string_view bytes) {
    return (Flags(bytes) & kFlagLifetimeCell) != 0;
  }
  // Without the lifetime cell.
  static uint32_t Cells(std::string_view bytes) { return Load<uint32_t>(bytes.data() + 4); }
  static int64_t NewestMs(std::string_view bytes) { return Load<int64_t>(bytes.data() + 8); }
  // kNever when nothing was truncated that a window could still reach.
  static int64_t TruncatedBeforeMs(std::string_view bytes) {
    return Load<int64_t>(bytes.data() + 16);
  }
  // The newest time at which cells fold the next time; it saves the fast path all divisions.
  static int64_t FoldAtMs(std::string_view bytes) { return Load<int64_t>(bytes.data() + 24); }

  static void SetFlags(std::string& bytes, uint16_t flags) { Save(bytes.data() + 2, flags); }
  static void SetCells(std::string& bytes, uint32_t cells) { Save(bytes.data() + 4, cells); }
  static void SetNewestMs(std::string& bytes, int64_t ms) { Save(bytes.data() + 8, ms); }
  static void SetTruncatedBeforeMs(std::string& bytes, int64_t ms) { Save(bytes.data() + 16, ms); }
  static void SetFoldAtMs(std::string& bytes, int64_t ms) { Save(bytes.data() + 24, ms); }
  // A timeline without cells.
  std::string Empty(int64_t newest_ms) const;
  uint8_t ExpectedVersion() const {
    return HasOldest() || HasTail() ? kVersionExtended : kVersionPlain;
  }
  bool HasTail() const { return schema_.has_tail(); }
  size_t CellsEnd(std::string_view bytes) const {
    return bytes.size() - (HasTail() ? Tail::BytesBehindCells(bytes) : 0);
  }

  // Levels, youngest first.
  size_t Levels() const { return schema_.levels_.size(); }
  int64_t HeadHopMs() const { return schema_.options_.head_hop_ms; }
  int64_t CellStartMs(size_t level, int64_t time_ms) const {
    return schema_.levels_[level].CellStartMs(time_ms);
  }
  // Of the cell that holds a time.
  int64_t CellEndMs(size_t level, int64_t time_ms) const {
    return schema_.levels_[level].CellEndMs(time_ms);
  }
  // Where the cells of a level begin.
  int64_t BoundaryMs(size_t level, int64_t newest_ms) const;
  // What is before it has no cell.
  int64_t HorizonMs(int64_t newest_ms) const { return BoundaryMs(Levels() - 1, newest_ms); }
  // The level of a time; Levels() when it is before the horizon.
  size_t LevelOf(int64_t time_ms, int64_t newest_ms) const;
  int64_t NextFoldMs(int64_t newest_ms) const;

  // Cells.
  static int64_t StartMs(const char* cell) { return Load<int64_t>(cell); }
  static int64_t CellNewestMs(const char* cell) { return Load<int64_t>(cell + 8); }
  static void SetStartMs(char* cell, int64_t ms) { Save(cell, ms); }
  static void SetCellNewestMs(char* cell, int64_t ms) { Save(cell + 8, ms); }
  bool HasOldest() const { return schema_.has_sessions(); }
  static int64_t CellOldestMs(const char* cell) { return Load<int64_t>(cell + 16); }
  static void SetCellOldestMs(char* cell, int64_t ms) { Save(cell + 16, ms); }
  bool HasVariableSlots() const { return !schema_.variable_.empty(); }
  size_t CellFixedBytes() const { return schema_.cell_fixed_bytes_; }
  size_t CellBytes(const char* cell) const {
    if (!HasVariableSlots()) return CellFixedBytes();
    return CellFixedBytes() + SlotEnd(cell, schema_.variable_.back());
  }
  // Of the cell that ends before `end`.
  size_t CellBytesBefore(const char* end) const {
    return HasVariableSlots() ? Load<uint32_t>(end - kCellLengthBytes) : CellFixedBytes();
  }
  const std::string& EmptyCell() const { return schema_.empty_cell_; }

  // Slots.
  size_t SlotOffset(size_t aggregation) const { return schema_.slot_offsets_[aggregation]; }
  const std::vector<uint32_t>& VariableSlots() const { return schema_.variable_; }
  size_t VariableBytesBegin() const { return schema_.variable_begin_bytes_; }
  uint32_t SlotEnd(const char* cell, size_t aggregation) const {
    return Load<uint32_t>(cell + SlotOffset(aggregation));
  }
  // `ordinal` counts the variable-size slots.
  std::string_view VariableSlot(const char* cell, size_t ordinal) const {
    const uint32_t begin = ordinal == 0 ? 0 : SlotEnd(cell, schema_.variable_[ordinal - 1]);
    const uint32_t end = SlotEnd(cell, schema_.variable_[ordinal]);
    return {cell + VariableBytesBegin() + begin, end - begin};
  }

  // Positions.
  Position AllBegin(std::string_view bytes) const {
    return {kHeaderBytes + (HasTail() ? Tail::RecentBytes(bytes) : 0), 0};
  }
  // Past the lifetime cell.
  Position CellsBegin(std::string_view bytes) const {
    const Position begin = AllBegin(bytes);
    if (!HasLifetimeCell(bytes)) return begin;
    return {begin.offset + CellBytes(bytes.data() + begin.offset), 1};
  }
  Position End(std::string_view bytes) const {
    return {CellsEnd(bytes), Cells(bytes) + size_t{HasLifetimeCell(bytes)}};
  }
  // The first cell in [begin, end) that starts at or after `start_ms`; `end` when there is none.
  Position LowerBound(std::string_view bytes, Position begin, Position end, int64_t start_ms) const;

 private:
  const Schema& schema_;
};

}  // namespace freshet::timeline
