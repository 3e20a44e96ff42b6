// The seam to text formats: bytes in, rows of named fields out. A new format is one file and one
// line in row_reader.cc. Formats of columns are read by column_file.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "base/datum.h"
#include "base/function_ref.h"
#include "registry/definitions.h"

namespace freshet::load {

// One row as the reader saw it; the views are valid during the call that hands it over.
struct FileRow {
  uint64_t offset = 0;     // of text: where it begins, in bytes of the content that was fed
  uint64_t line = 0;       // where the format has no lines, the number of the row
  std::string_view error;  // not empty: the row cannot be read, and why; then the rest is not set
  std::string_view cause;  // what rows that cannot be read alike have in common, to count them by
  int64_t time_ms = 0;
  std::span<const Datum> values;      // per Source::fields, null where the file has nothing
  std::span<const uint32_t> lacking;  // fields that no row of the file has
  bool is_deletion = false;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // Takes the next bytes and hands over every row that they complete.
  virtual Status Feed(std::string_view bytes, FunctionRef<void(const FileRow& row)> visit) = 0;
  // The file has ended: hands over a last row without a newline. InvalidArgument when there was nothing in it that vouches for
  // an empty table, such as a header: a file that was cut off must not pass for one without rows.
  virtual Status Finish(FunctionRef<void(const FileRow& row)> visit) = 0;
  // How much of the content has to be read before rows further on can be: a header. Known once a row
  // was handed over.
  virtual uint64_t head_bytes() const = 0;
  // Reading goes on behind what was fed, which is the head: the next bytes are those from `offset` on,
  // where the row of this line begins.
  virtual void GoOn(uint64_t offset, uint64_t line) = 0;
};

class Targets;

// For a text format: csv or jsonl. `source` must outlive the reader.
std::unique_ptr<RowReader> NewRowReader(registry::FileFormat format, const registry::Source& source,
                                        Targets targets);

}  // namespace freshet::load
