// What the operating system says of this process.
#pragma once

#include <cstdint>
#include <optional>

namespace freshet::http {

struct ProcessFigures {
  double cpu_seconds = 0;
  double started_at_seconds = 0;  // since the epoch
  uint64_t virtual_bytes = 0;
  uint64_t resident_bytes = 0;
  uint64_t threads = 0;
  uint64_t open_files = 0;
  uint64_t open_files_max = 0;
};

// Nothing where /proc cannot be read.
std::optional<ProcessFigures> ReadProcessFigures();

}  // namespace freshet::http
