// Rows of a load that are gathered in memory, to be handed on in the order of their keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"

namespace freshet::store {

using RowSink = FunctionRef<Status(std::string_view entity_key, std::string_view row)>;

// One thread at a time.
class RowBuffer {
 public:
  explicit RowBuffer(size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  // Whether a row of this size, its key included, keeps what is held within the budget. There is
  // always room for a first row.
  bool HasRoomFor(size_t size) const;
  // Of rows with one key the newest event time stays, and of equal times the greatest sequence.
  void Add(std::string_view entity_key, std::string_view row, uint64_t sequence);

  bool empty() const { return records_.empty(); }
  // What is gathered, with the room that is kept for more; never above the budget, unless a single
  // row is.
  size_t held_bytes() const;
  // Whether the rows came in the order of their keys.
  bool is_sorted() const { return is_sorted_; }
  bool has_tombstones() const { return has_tombstones_; }

  // Of what was added last; there is something.
  std::string_view last_key() const { return records_.back().key(); }
  std::string_view last_row() const { return records_.back().row(); }

  // Moves what stays of the greatest key to `next`, which is empty: more rows of it may come. For
  // rows that came in order.
  void MoveLastKeyTo(RowBuffer& next);
  // Hands over the rows in the order of their keys, each key once, and lets go of them.
  Status Take(RowSink sink);

 private:
  struct Record {
    uint64_t key_prefix = 0;  // the key's first 8 bytes as a big-endian number
    const char* bytes = nullptr;
    uint32_t key_size = 0;
    uint32_t row_size = 0;
    uint64_t sequence = 0;

    std::string_view key() const { return {bytes, key_size}; }
    std::string_view row() const { return {bytes + key_size, row_size}; }
  };

  static int CompareKeys(const Record& a, const Record& b);
  static bool SortsBefore(const Record& a, const Record& b);
  // At its peak, what taking a row of `size` bytes adds to what is held.
  size_t BytesFor(size_t size) const;
  size_t BlockBytesFor(size_t size) const;
  size_t NextCapacity() const;
  char* Allocate(size_t size);
  void Clear();

  size_t memory_bytes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t blocks_bytes_ = 0;
  size_t block_left_ = 0;
  char* block_next_ = nullptr;
  std::vector<Record> records_;
  bool is_sorted_ = true;
  bool has_tombstones_ = false;
};

}  // namespace freshet::store
