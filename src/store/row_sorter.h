// Sorts the rows of a load within a memory budget.
//
// Rows are gathered in memory; few of them are handed on at once. Else a part of them is sorted and
// written as a run while the next part is gathered, and at the end the runs are merged. Rows that come in the order of
// their keys, as those of an export often do, are written just once: as files that can be served. Of
// several rows with one key the newest event time stays, and of equal times the one added last.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/processors.h"
#include "store/kept_load.h"
#include "store/row_buffer.h"
#include "store/row_file_options.h"
#include "store/row_files.h"
#include "store/sorted_rows.h"

namespace freshet::store {

// One thread calls it; it writes in one of its own, but rows in order in the caller's where one processor is all.
class RowSorter {
 public:
  struct Options {
    std::string folder;  // for what is written; there is such a folder
    TableId table = 0;
    size_t memory_bytes = 0;
    bool keeps_ordered_files = false;  // see ordered_files()
    size_t processors = UsableProcessors();
  };

  // `files` must outlive the sorter.
  RowSorter(const RowFileOptions& files, Options options);
  // Waits for what is being written.
  ~RowSorter();

  // How a sorter tells what it has in files. `state` is asked what goes with the rows added so far:
  // in Add, before its row counts, and in Seal and Finish. `keep` is told, from any thread, what is whole
  // and synced since, and must make it last before files go that an earlier call named.
  struct Keeper {
    std::function<std::string()> state;
    std::function<Status(const SortedParts& parts, const std::string& state)> keep;
  };
  // Before the first row.
  void KeepParts(Keeper keeper);
  // Goes on after what another sorter of the folder told, of which this one tells too. Before the first row.
  void Resume(const SortedParts& parts);

  Status Add(std::string_view entity_key, std::string_view row);
  // No more rows come. Once, before what follows.
  Status Seal();
  // The files that have all rows, no tombstone among them, in order and as the table's own files are;
  // null when the rows came otherwise, or few enough for memory. Their owner may take them.
  const RowFileWriter* ordered_files() const;
  // Hands over the rows in key order, each key once. Once, last.
  Status Finish(RowSink sink);

  uint64_t duplicate_count() const;  // after Finish, or of ordered_files()
  size_t held_bytes() const { return gathered_.held_bytes() + written_bytes_; }

 private:
  // What there is to tell once the rows up to it are in files.
  struct Mark {
    std::string state;
    uint64_t rows_added = 0;
    std::string held_key;
    std::string held_row;
  };

  // What is gathered before it goes to disk, where the memory has room for it.
  size_t PartBytes() const;
  // Nothing when nobody wants to know.
  std::optional<Mark> MarkHere() const;
  // Whether the part about to be written ends a file of rows in order.
  bool EndsFile(bool more_come) const;
  // What is gathered goes to disk; once nothing more comes, all of it.
  Status Spill(bool more_come);
  Status WaitForWriting();
  // Nothing else of the sorter may be used beside it.
  Status Write(bool in_order, const std::optional<Mark>& mark);
  Status WriteInOrder(const std::optional<Mark>& mark);
  void BeginOrderedFiles(uint64_t file_bytes_max);
  // How much of rows in order is worth a file of its own.
  size_t KeptBytes() const;
  Status Keep(const Mark& mark);
  // What was written in order becomes a run, since not all came so.
  Status EndOrderedFiles();
  // Merges neighbouring runs until one merge can take them all.
  Status ReduceRuns();
  Status MergeRuns(std::span<const std::string> paths, RowSink sink) const;
  // A run, or a file of rows that came in order.
  Result<std::unique_ptr<SortedRows>> OpenRun(const std::string& path) const;
  static Status RemoveRuns(std::span<const std::string> runs);
  // Writes what `rows(sink)` hands over as one run.
  Status WriteRun(FunctionRef<Status(RowSink sink)> rows, std::vector<std::string>* runs);
  // So that the blocks of all runs that are merged at once have room in the memory.
  size_t RunBlockBytes() const;
  std::string NewFile(std::string_view ending);

  const RowFileOptions& files_;
  const Options options_;

  RowBuffer gathered_;
  RowBuffer written_;         // the part that is being written, then its memory
  bool in_order_;             // all rows up to the last part
  size_t written_bytes_ = 0;  // what it holds
  std::optional<RowFileWriter> ordered_;
  uint64_t spilled_bytes_ = 0;     // of the parts before
  size_t not_kept_bytes_ = 0;      // of the rows in the file under way, as they were held
  std::vector<std::string> runs_;  // in the order of their rows' adding
  uint64_t next_file_ = 0;
  uint64_t added_ = 0;
  uint64_t sorted_ = 0;
  std::optional<Keeper> keeper_;
  std::future<Status> writing_;
};

}  // namespace freshet::store
