// How a load is told: while it runs, and when it is over.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "freshet/engine.h"
#include "freshet/status.h"

namespace freshet::cli {

// "0.01" or "1%": 0 to 1. InvalidArgument else.
Result<double> ParseShare(std::string_view text);

struct LoadPace {
  uint64_t file_bytes = 0;  // 0: not known
  int64_t elapsed_ms = 0;
};

// One line without an end: the phase, how much of the file, the rate, the time left. With a bar of
// `bar_width` characters unless that is 0.
std::string RenderProgress(const LoadProgress& progress, const LoadPace& pace, size_t bar_width);

// "FILE:LINE: reason", one a line, and how many more there are. `file` is for rows that name none.
std::string RenderBadRows(std::string_view file, const LoadProgress& progress);

// What was loaded, for the end.
std::string RenderLoaded(std::string_view view, const LoadProgress& progress, int64_t elapsed_ms);

// Shows progress on standard error: a line that is written over on a terminal, else a line every
// few seconds. Any thread.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(uint64_t file_bytes);
  void Show(const LoadProgress& progress);
  // Clears the line that is written over. Show does nothing afterwards.
  void Close();
  int64_t elapsed_ms() const;

 private:
  const uint64_t file_bytes_;
  const bool on_terminal_;
  const int64_t started_ms_;
  std::mutex mutex_;
  int64_t next_ms_;
  bool drawn_ = false;
  bool closed_ = false;
};

}  // namespace freshet::cli
