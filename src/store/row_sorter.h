// Sorts the rows of a load within a memory budget.
//
// Rows are gathered in memory. Before they exceed the budget they are sorted and written as a run,
// and at the end the runs are merged; what fits into memory is handed on at once. Of several rows with
// one key the newest event time stays, and of equal times the one added last.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/database.h"
#include "store/row_files.h"

namespace freshet::store {

// One thread.
class RowSorter {
 public:
  using Sink = FunctionRef<Status(std::string_view entity_key, std::string_view row)>;

  // Runs go into `folder`, which there is; `database` must outlive the sorter.
  RowSorter(const Database& database, std::string folder, TableId table, size_t memory_bytes);

  Status Add(std::string_view entity_key, std::string_view row);
  // Hands over the rows in key order, each key once. Once, last.
  Status Finish(Sink sink);

  uint64_t duplicate_count() const { return added_ - sorted_; }  // after Finish
  // What is gathered, with the room that is kept for more; never above the budget, unless a single
  // row is.
  size_t held_bytes() const;

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

  static bool SortsBefore(const Record& a, const Record& b);
  // At its peak, what taking a row of `size` bytes adds to what is held.
  size_t BytesFor(size_t size) const;
  size_t BlockBytesFor(size_t size) const;
  size_t NextCapacity() const;
  char* Allocate(size_t size);
  // Hands over the gathered rows, sorted and each key once.
  Status TakeRecords(Sink sink);
  Status SpillRun();
  // Merges neighbouring runs until one merge can take them all.
  Status ReduceRuns();
  Status MergeRuns(std::span<const std::string> runs, Sink sink);
  // Writes what `rows(sink)` hands over as one run.
  Status WriteRun(FunctionRef<Status(Sink sink)> rows, std::vector<std::string>* runs);

  const Database& database_;
  const std::string folder_;
  const TableId table_;
  const size_t memory_bytes_;

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t blocks_bytes_ = 0;
  size_t block_left_ = 0;
  char* block_next_ = nullptr;
  std::vector<Record> records_;

  std::vector<std::string> runs_;  // in the order of their rows' adding
  uint64_t next_run_ = 0;
  uint64_t added_ = 0;
  uint64_t sorted_ = 0;
};

}  // namespace freshet::store
