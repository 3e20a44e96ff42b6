// Rows of a load that are gathered in memory, to be handed on in the order of their keys.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/coding.h"
#include "base/function_ref.h"
#include "store/row_arena.h"

namespace freshet::store {

using RowSink = FunctionRef<Status(std::string_view entity_key, std::string_view row)>;

// One thread at a time.
class RowBuffer {
 public:
  explicit RowBuffer(size_t memory_bytes) : memory_bytes_(memory_bytes), arena_(memory_bytes) {}

  // Whether a row of this size, its key included, keeps what is held within the budget. There is
  // always room for a first row.
  bool HasRoomFor(size_t size) const;
  // Of rows with one key the newest event time stays, and of equal times the greatest sequence.
  void Add(std::string_view entity_key, std::string_view row, uint64_t sequence);

  bool empty() const { return records_.empty(); }
  // The memory of what is gathered, and what is kept for more; never above the budget, unless a single
  // row is.
  size_t held_bytes() const;
  // What of it the gathered rows take.
  size_t filled_bytes() const;
  // Whether the rows came in the order of their keys.
  bool is_sorted() const { return is_sorted_; }
  bool has_tombstones() const { return has_tombstones_; }

  // Of what was added last; there is something.
  std::string_view last_key() const { return records_.back().key(); }
  std::string_view last_row() const { return records_.back().row(); }

  // Moves what stays of the greatest key to `next`, which is empty: more rows of it may come. For
  // rows that came in order.
  void MoveLastKeyTo(RowBuffer& next);
  // Hands over the rows in the order of their keys, each key once, and lets go of them; their memory is
  // kept for others.
  Status Take(RowSink sink);

 private:
  // A row in the arena: sequence, size of the key, size of the row, key, row.
  struct Record {
    uint64_t key_prefix = 0;  // the key's first 8 bytes as a big-endian number
    const char* bytes = nullptr;

    uint64_t sequence() const { return Load<uint64_t>(bytes); }
    size_t key_size() const { return Load<uint32_t>(bytes + sizeof(uint64_t)); }
    size_t row_size() const { return Load<uint32_t>(bytes + sizeof(uint64_t) + sizeof(uint32_t)); }
    std::string_view key() const { return {bytes + kHeaderBytes, key_size()}; }
    std::string_view row() const { return {bytes + kHeaderBytes + key_size(), row_size()}; }
  };
  static constexpr size_t kHeaderBytes = sizeof(uint64_t) + 2 * sizeof(uint32_t);

  static int CompareKeys(const Record& a, const Record& b);
  static bool SortsBefore(const Record& a, const Record& b);
  // Has the processor fetch what comes some records after this one: rows that were sorted lie all over the memory, and
  // fetched one by one each would be waited for.
  void PrefetchAhead(size_t at) const;
  // Whether a record of this size does not go into what is under way.
  bool NeedsMemory(size_t size) const {
    return arena_.BytesFor(size) > 0 || records_.size() == records_.capacity();
  }
  void MakeRoomFor(size_t size);
  // What the records add to what is held while they move to where one more has room.
  size_t RecordGrowthBytes() const;
  size_t NextCapacity() const;
  void Clear();

  size_t memory_bytes_;
  RowArena arena_;
  std::vector<Record> records_;
  bool is_sorted_ = true;
  bool has_tombstones_ = false;
};

}  // namespace freshet::store
