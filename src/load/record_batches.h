// Files of columns as Arrow's record batches, whatever their format.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/api.h>

#include "freshet/load.h"
#include "freshet/status.h"

#include "registry/definitions.h"

namespace freshet::load {

// One thread. InvalidArgument where the file is damaged; errors of the file itself as they are.
class RecordBatches {
 public:
  // Reads what tells the schema. `file` must outlive it.
  static Result<std::unique_ptr<RecordBatches>> Open(registry::FileFormat format, LoadFile& file);
  virtual ~RecordBatches() = default;

  virtual const arrow::Schema& schema() const = 0;
  // Batches will have these columns of the schema alone, in this order. Answers how many of the first
  // rows are left out: not more than are to be skipped.
  virtual Result<uint64_t> Begin(const std::vector<int>& columns, uint64_t rows_to_skip) = 0;
  // Null at the end.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
  // From 0 to 1: how far the reading is.
  virtual double share_read() const = 0;
};

}  // namespace freshet::load
