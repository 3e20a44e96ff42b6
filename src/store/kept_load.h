// What is kept of a load before it is published, so that it can go on after its process or its caller
// is gone: which sorted files have its rows so far, and what the module that loads has to know.
//
// The stored form, version 1, under `U` and the load's number in `meta` (docs/formats.md):
//
//   u8      version, 1
//   u32     view
//   u8      0: it replaces what is served; 1: an upsert
//   i64     when it began, milliseconds since 1970-01-01T00:00:00Z
//   i64     when this was written
//           the columns of its rows, as in the record of a generation
//   u8      1 when the rows came in the order of their keys, and the files are the table's own; else 0,
//           and each file is sorted by itself: one of run_file.h by its name's ending, or an SST file
//   u64     rows added so far, those that a newer one of their key outdoes too
//   u64     rows in the files; of runs 0
//   u64     number of the next file
//   u32     number of files, at least 1; for each its name in the load's folder, and u64 bytes
//           entity key and row of the last row, to whose key more rows may come; both empty if none waits
//           the state of the module that loads
//
// Text and bytes of variable size have u32, their size, in front. A record tells of files that are whole
// and synced: it is written after them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "store/store.h"

namespace freshet::store {

// What a sorter has in files, of the rows that were added up to some point.
struct SortedParts {
  struct File {
    std::string name;  // in the load's folder
    uint64_t bytes = 0;

    friend bool operator==(const File&, const File&) = default;
  };
  bool in_order = false;  // the files can be the table's own; else each is sorted by itself
  uint64_t rows_added = 0;
  uint64_t rows_written = 0;  // of files in order
  uint64_t next_file = 0;
  std::vector<File> files;  // in the order in which their rows were added
  // Of files in order: what is held back of the greatest key; empty if nothing is.
  std::string held_key;
  std::string held_row;

  uint64_t bytes() const;
  friend bool operator==(const SortedParts&, const SortedParts&) = default;
};

struct LoadRecord {
  uint32_t view_id = 0;
  LoadKind kind = LoadKind::kReplace;
  int64_t began_at_ms = 0;
  int64_t kept_at_ms = 0;
  std::vector<std::string> column_names;
  std::vector<Type> column_types;
  SortedParts parts;
  std::string state;

  friend bool operator==(const LoadRecord&, const LoadRecord&) = default;
};

std::string EncodeLoadRecord(const LoadRecord& record);
// Corruption for bytes that are no record, and for a record that cannot be true.
Result<LoadRecord> DecodeLoadRecord(std::string_view bytes);

}  // namespace freshet::store
