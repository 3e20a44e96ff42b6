// Writes sorted rows in a thread of its own, so that they are made while those before them are written.
#pragma once

#include <future>
#include <string_view>

#include "freshet/status.h"

#include "store/row_buffer.h"
#include "store/row_files.h"

namespace freshet::store {

// One thread calls it.
class RowPipe {
 public:
  // Nothing else may use the writer meanwhile; it must outlive the pipe.
  explicit RowPipe(RowFileWriter& writer);
  // Waits for what is being written.
  ~RowPipe();

  // Keys ascend, each once. An error is that of a row before, or of this one.
  Status Add(std::string_view entity_key, std::string_view row);
  // All rows have come.
  Status Finish();

 private:
  Status HandOver();
  Status Wait();

  RowFileWriter& writer_;
  RowBuffer gathered_;
  RowBuffer written_;  // what is being written
  uint64_t added_ = 0;
  std::future<Status> writing_;
};

}  // namespace freshet::store
