// Text files as rows: unpacked where they are compressed, then read by their format.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "freshet/status.h"

#include "load/decompressor.h"
#include "load/row_draft.h"
#include "load/row_reader.h"

namespace freshet::load {

// One thread.
class TextFile {
 public:
  // `source` must outlive it.
  TextFile(registry::FileFormat format, const registry::Source& source, Targets targets)
      : reader_(NewRowReader(format, source, std::move(targets))) {}

  // As RowReader has them, for the bytes of the file as it is.
  Status Feed(std::string_view bytes, FunctionRef<void(const FileRow& row)> visit) {
    return decompressor_.Feed(
        bytes, [&](std::string_view content) { return reader_->Feed(content, visit); });
  }
  Status Finish(FunctionRef<void(const FileRow& row)> visit) {
    FRESHET_RETURN_IF_ERROR(decompressor_.Finish(
        [&](std::string_view content) { return reader_->Feed(content, visit); }));
    return reader_->Finish(visit);
  }

 private:
  Decompressor decompressor_;
  const std::unique_ptr<RowReader> reader_;
};

}  // namespace freshet::load
