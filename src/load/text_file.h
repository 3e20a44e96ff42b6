// Text files as rows: unpacked where they are compressed, then read by their format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "freshet/status.h"

#include "load/decompressor.h"
#include "load/row_reader.h"
#include "load/targets.h"

namespace freshet::load {

// One thread.
class TextFile {
 public:
  // Where a row begins.
  struct Place {
    uint64_t head_bytes = 0;  // RowReader::head_bytes
    uint64_t offset = 0;      // in the content
    uint64_t line = 0;
  };

  // `source` must outlive it.
  TextFile(registry::FileFormat format, const registry::Source& source, Targets targets)
      : reader_(NewRowReader(format, source, std::move(targets))) {}

  // Rows are those from this one on. Before the first byte.
  void BeginAt(const Place& place) { begin_ = place; }
  // How many bytes of the file may be left out at this point of feeding it, as if they had been fed:
  // what lies before the row to begin at, unless the file is compressed.
  uint64_t SkipAhead();

  // As RowReader has them, for the bytes of the file as it is.
  Status Feed(std::string_view bytes, FunctionRef<void(const FileRow& row)> visit);
  Status Finish(FunctionRef<void(const FileRow& row)> visit);
  uint64_t head_bytes() const { return reader_->head_bytes(); }

 private:
  Status TakeContent(std::string_view content, FunctionRef<void(const FileRow& row)> visit);
  // The content has come to the row to begin at.
  void Begin();

  Decompressor decompressor_;
  const std::unique_ptr<RowReader> reader_;
  std::optional<Place> begin_;  // until it has come
  uint64_t passed_bytes_ = 0;   // of the content, until then
};

}  // namespace freshet::load
