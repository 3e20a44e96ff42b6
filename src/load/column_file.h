// Files of columns: Parquet and Arrow IPC. Arrow's own types stay behind this header.
#pragma once

#include <cstdint>
#include <memory>

#include "freshet/load.h"
#include "freshet/status.h"

#include "base/function_ref.h"
#include "load/row_reader.h"
#include "load/targets.h"
#include "registry/definitions.h"

namespace freshet::load {

// Reads the columns that the targets ask for, and of the file no more than those need. One thread.
class ColumnFile {
 public:
  // InvalidArgument, before the first row is read, when the file is damaged or its columns do not
  // fit the targets: the message names each that does not, and what would. `file` must outlive it.
  // The first `rows_to_skip` rows are not handed over; of Parquet, row groups that have no others are
  // not read.
  static Result<std::unique_ptr<ColumnFile>> Open(registry::FileFormat format, LoadFile& file,
                                                  Targets targets, uint64_t rows_to_skip = 0);
  virtual ~ColumnFile() = default;

  // Hands over the next rows; false when there are none left.
  virtual Result<bool> ReadBatch(FunctionRef<void(const FileRow& row)> visit) = 0;
  // From 0 to 1: how far the reading is.
  virtual double share_read() const = 0;
};

}  // namespace freshet::load
