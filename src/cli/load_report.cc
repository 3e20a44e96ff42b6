#include "cli/load_report.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "base/limits.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

constexpr int64_t kTerminalIntervalMs = 100;
constexpr int64_t kLogIntervalMs = 3'000;
constexpr size_t kBarWidth = 24;

int64_t SteadyMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string Bar(double share, size_t width) {
  const auto full = static_cast<size_t>(share * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

std::string RenderReading(const LoadProgress& progress, const LoadPace& pace, size_t bar_width) {
  const double seconds = std::max(0.001, static_cast<double>(pace.elapsed_ms) / 1'000);
  const auto bytes = static_cast<double>(progress.bytes_read);
  const std::string rate =
      fmt::format("{} rows, {:.1f} MB/s", Grouped(progress.rows_read), bytes / 1e6 / seconds);
  if (pace.file_bytes == 0) return "reading " + rate;
  const double share = std::min(1.0, bytes / static_cast<double>(pace.file_bytes));
  std::string text = fmt::format("reading {}{:3.0f}%  {}",
                                 bar_width > 0 ? Bar(share, bar_width) : "", share * 100, rate);
  if (progress.bytes_read > 0)
    text += fmt::format(", {:.0f} s left", seconds * (1 - share) / share);
  return text;
}

}  // namespace

Result<double> ParseShare(std::string_view text) {
  std::string_view number = text;
  const bool percent = !number.empty() && number.back() == '%';
  if (percent) number.remove_suffix(1);
  double share = 0;
  const char* end = number.data() + number.size();
  const auto [stopped, error] = std::from_chars(number.data(), end, share);
  if (percent) share /= 100;
  if (error != std::errc() || stopped != end || !(share >= 0 && share <= 1))
    return Status::InvalidArgument(
        fmt::format("'{}' is no share: write 0.01 or 1%, from 0 to 1", text));
  return share;
}

std::string RenderProgress(const LoadProgress& progress, const LoadPace& pace, size_t bar_width) {
  switch (progress.phase) {
    case LoadProgress::Phase::kRead:
      return RenderReading(progress, pace, bar_width);
    case LoadProgress::Phase::kSort:
      return fmt::format("sorting {} of {} rows", Grouped(progress.rows_written),
                         Grouped(progress.rows_read - progress.rows_bad));
    case LoadProgress::Phase::kPublish:
      return fmt::format("publishing {} rows", Grouped(progress.rows_written));
    case LoadProgress::Phase::kDone:
      return "done";
  }
  return "";
}

std::string RenderBadRows(std::string_view file, const LoadProgress& progress) {
  std::string text;
  for (const BadRowReport& bad : progress.bad_rows)
    text += fmt::format("{}:{}: {}\n", bad.file.empty() ? file : Printable(bad.file), bad.line,
                        Printable(bad.reason));
  if (progress.rows_bad > progress.bad_rows.size())
    text += fmt::format("and {} more bad rows\n",
                        Grouped(progress.rows_bad - progress.bad_rows.size()));
  return text;
}

std::string RenderLoaded(std::string_view view, const LoadProgress& progress, int64_t elapsed_ms) {
  std::string text = fmt::format("loaded {}: {} rows served, of {} read", view,
                                 Grouped(progress.rows_written), Grouped(progress.rows_read));
  if (progress.rows_duplicate > 0)
    text +=
        fmt::format("; {} older ones of the same key left out", Grouped(progress.rows_duplicate));
  if (progress.rows_deleted > 0)
    text += fmt::format("; {} deleted", Grouped(progress.rows_deleted));
  if (progress.rows_older > 0)
    text += fmt::format("; {} older than what is served", Grouped(progress.rows_older));
  if (progress.rows_unchanged > 0)
    text += fmt::format("; {} as they were", Grouped(progress.rows_unchanged));
  if (progress.rows_bad > 0) text += fmt::format("; {} bad", Grouped(progress.rows_bad));
  return text + fmt::format("; {:.1f} s\n", static_cast<double>(elapsed_ms) / 1'000);
}

ProgressDisplay::ProgressDisplay(uint64_t file_bytes)
    : file_bytes_(file_bytes),
      on_terminal_(isatty(STDERR_FILENO) == 1),
      started_ms_(SteadyMs()),
      next_ms_(started_ms_ + (on_terminal_ ? kTerminalIntervalMs : kLogIntervalMs)) {}

void ProgressDisplay::Show(const LoadProgress& progress) {
  std::lock_guard lock(mutex_);
  const int64_t now_ms = SteadyMs();
  if (closed_ || now_ms < next_ms_) return;
  next_ms_ = now_ms + (on_terminal_ ? kTerminalIntervalMs : kLogIntervalMs);
  const LoadPace pace = {file_bytes_, now_ms - started_ms_};
  const std::string line = RenderProgress(progress, pace, on_terminal_ ? kBarWidth : 0);
  if (on_terminal_)
    fmt::print(stderr, "\r{}\x1b[K", line);
  else
    fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressDisplay::Close() {
  std::lock_guard lock(mutex_);
  if (on_terminal_ && drawn_ && !closed_) fmt::print(stderr, "\r\x1b[K");
  closed_ = true;
}

int64_t ProgressDisplay::elapsed_ms() const {
  return SteadyMs() - started_ms_;
}

}  // namespace freshet::cli
