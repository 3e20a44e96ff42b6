// Lines from a file or a pipe, without waiting for more than there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet::cli {

class LineReader {
 public:
  enum class Event : uint8_t { kLine, kQuiet, kEnd };

  // Reads from `descriptor`, which must stay open. A line, without its newline, has at most
  // `line_bytes_max`.
  LineReader(int descriptor, size_t line_bytes_max);

  // The next line in *line, valid until the next call; kQuiet when none came within `wait_ms`
  // (below zero: waits for ever). ResourceExhausted for a line that is too long, IoError.
  Result<Event> Next(int64_t wait_ms, std::string_view* line);

  // Of the line that was handed out or refused last; from 1.
  uint64_t line_number() const { return line_number_; }

 private:
  bool TakeLine(std::string_view* line);
  // False when nothing came in time.
  Result<bool> Fill(int64_t wait_ms);

  const int descriptor_;
  const size_t line_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0;    // of what was not handed out yet
  size_t scanned_ = 0;  // up to here there is no newline
  bool at_end_ = false;
  uint64_t line_number_ = 0;
};

}  // namespace freshet::cli
