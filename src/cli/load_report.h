// How a load is told: while it runs, and when it is over.
#pragma once

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "freshet/engine.h"
#include "freshet/status.h"

namespace freshet::cli {

// How many bad rows are let pass: a number of them, or a share of all rows.
struct BadRowsAllowed {
  uint64_t rows_max = 0;
  double share_max = 0;  // 0..1

  friend bool operator==(const BadRowsAllowed&, const BadRowsAllowed&) = default;
};
// "10" or "1%". InvalidArgument else.
Result<BadRowsAllowed> ParseBadRowsAllowed(std::string_view text);

struct LoadPace {
  uint64_t file_bytes = 0;  // 0: not known
  int64_t elapsed_ms = 0;
};

// One line without an end: the phase, how much of the file, the rate, the time left. With a bar of
// `bar_width` characters unless that is 0.
std::string RenderProgress(const LoadProgress& progress, const LoadPace& pace, size_t bar_width);

// "FILE:LINE: reason", one a line, and how many more there are. `file` is for rows that name none.
std::string RenderBadRows(std::string_view file, const LoadProgress& progress);

// "VIEW expects otherwise: age: 3 of 10 rows are null", one a line.
std::string RenderBrokenExpectations(std::string_view view, const LoadProgress& progress);

// What was loaded, for the end, or, unless `built_in` is empty, built in this folder.
std::string RenderLoaded(std::string_view view, const LoadProgress& progress,
                         std::string_view built_in, int64_t elapsed_ms);

// What a dry run found out.
std::string RenderProfile(std::string_view view, const LoadProgress& progress);

// The report of a load that ended, well or not, as one JSON object; `built_in` as above.
std::string RenderLoadJson(std::string_view view, const Status& status,
                           const LoadProgress& progress, std::string_view built_in,
                           int64_t elapsed_ms);

std::string RenderRolledBack(std::string_view view, const RollbackOutcome& outcome, bool as_json);

// A file of bad rows as JSON lines. The rows may be added by another thread than the one that closes
// the file.
class RejectFile {
 public:
  RejectFile() = default;
  ~RejectFile();
  RejectFile(const RejectFile&) = delete;
  RejectFile& operator=(const RejectFile&) = delete;

  // An empty file in the place of one that is there, or one that goes on after what it has.
  Status Open(const std::string& path, bool appends = false);
  // `file` is for rows that name none.
  void Add(std::string_view file, const BadRowReport& bad);
  // What went wrong so far. Any thread.
  Status status();
  // Everything is in the file, or the error that kept it out.
  Status Close();

 private:
  std::mutex mutex_;
  std::string path_;
  std::FILE* file_ = nullptr;
  Status status_;
};

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
