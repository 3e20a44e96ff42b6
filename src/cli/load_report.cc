#include "cli/load_report.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/steady_time.h"
#include "base/time.h"
#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

constexpr int64_t kTerminalIntervalMs = 100;
constexpr int64_t kLogIntervalMs = 3'000;
constexpr size_t kBarWidth = 24;

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

std::string RenderPhase(const LoadProgress& progress, const LoadPace& pace, size_t bar_width) {
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

std::string Percent(uint64_t part, uint64_t whole) {
  const double share = whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  return fmt::format("{:.1f}%", share * 100);
}

Json ToJson(const LoadProfile& profile) {
  Json columns = Json::array();
  for (const LoadProfile::Column& column : profile.columns)
    columns.push_back({{"name", column.name},
                       {"type", TypeName(column.type)},
                       {"rows", column.rows},
                       {"nulls", column.nulls},
                       {"least", column.least},
                       {"greatest", column.greatest}});
  return {{"keys_distinct", profile.keys_distinct},
          {"keys_served", profile.keys_served},
          {"keys_new", profile.keys_new},
          {"keys_gone", profile.keys_gone},
          {"columns", columns}};
}

Json ToJson(const LoadBuild& build) {
  return {{"built_at_ms", build.built_at_ms},       {"bytes_read", build.bytes_read},
          {"rows_read", build.rows_read},           {"rows_rejected", build.rows_bad},
          {"rows_duplicate", build.rows_duplicate}, {"rows_deleted", build.rows_deleted}};
}

}  // namespace

Result<BadRowsAllowed> ParseBadRowsAllowed(std::string_view text) {
  const bool is_share = text.ends_with('%');
  const std::string_view number = is_share ? text.substr(0, text.size() - 1) : text;
  const char* end = number.data() + number.size();
  BadRowsAllowed allowed;
  double percent = 0;
  const auto [stopped, error] = is_share ? std::from_chars(number.data(), end, percent)
                                         : std::from_chars(number.data(), end, allowed.rows_max);
  if (error != std::errc() || stopped != end || !(percent >= 0 && percent <= 100)) {
    return Status::InvalidArgument(fmt::format(
        "'{}' is neither a number of rows nor a share: write 10, or 1% of all rows", text));
  }
  allowed.share_max = percent / 100;
  return allowed;
}

std::string RenderProgress(const LoadProgress& progress, const LoadPace& pace, size_t bar_width) {
  const std::string phase = RenderPhase(progress, pace, bar_width);
  return progress.load_id == 0 ? phase : fmt::format("load {}: {}", progress.load_id, phase);
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

std::string RenderBrokenExpectations(std::string_view view, const LoadProgress& progress) {
  std::string text;
  for (const std::string& broken : progress.broken_expectations)
    text += fmt::format("{} expects otherwise: {}\n", view, Printable(broken));
  return text;
}

std::string RenderLoaded(std::string_view view, const LoadProgress& progress,
                         std::string_view built_in, int64_t elapsed_ms) {
  std::string text =
      built_in.empty()
          ? fmt::format("loaded {}: {} rows served", view, Grouped(progress.rows_written))
          : fmt::format("built {}: {} rows in {}", view, Grouped(progress.rows_written),
                        Printable(built_in));
  text += progress.build.has_value() ? fmt::format(", built at {} of {} read",
                                                   FormatRfc3339Ms(progress.build->built_at_ms),
                                                   Grouped(progress.build->rows_read))
                                     : fmt::format(", of {} read", Grouped(progress.rows_read));
  if (progress.rows_resumed > 0)
    text += fmt::format("; {} of them before it was resumed", Grouped(progress.rows_resumed));
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

std::string RenderProfile(std::string_view view, const LoadProgress& progress) {
  const LoadProfile& profile = *progress.profile;
  std::string text = fmt::format(
      "dry run of {}: {} rows read, {} bad; nothing was changed\n"
      "{} distinct keys; {} new ({}), {} of the {} served ones would be gone ({})\n\n",
      view, Grouped(progress.rows_read), Grouped(progress.rows_bad), Grouped(profile.keys_distinct),
      Grouped(profile.keys_new), Percent(profile.keys_new, profile.keys_distinct),
      Grouped(profile.keys_gone), Grouped(profile.keys_served),
      Percent(profile.keys_gone, profile.keys_served));
  Table table({{"column"},
               {"type"},
               {"rows", Align::kRight},
               {"nulls", Align::kRight},
               {"", Align::kRight},
               {"least"},
               {"greatest"}});
  for (const LoadProfile::Column& column : profile.columns) {
    table.Add({column.name, std::string(TypeName(column.type)), Grouped(column.rows),
               Grouped(column.nulls), Percent(column.nulls, column.rows), Printable(column.least),
               Printable(column.greatest)});
  }
  return text + table.Render("  ");
}

std::string RenderLoadJson(std::string_view view, const Status& status,
                           const LoadProgress& progress, std::string_view built_in,
                           int64_t elapsed_ms) {
  const auto seconds = [](int64_t ms) { return static_cast<double>(ms) / 1'000; };
  Json rejected = Json::array();
  for (const BadRowReport& bad : progress.bad_rows)
    rejected.push_back({{"file", bad.file}, {"line", bad.line}, {"reason", bad.reason}});
  const bool is_built = status.ok() && !built_in.empty();
  const bool is_loaded = status.ok() && !is_built && !progress.profile.has_value();
  const Json json = {{"view", view},
                     {"loaded", is_loaded},
                     {"error", status.ok() ? Json() : Json(status.message())},
                     {"load_id", progress.load_id == 0 ? Json() : Json(progress.load_id)},
                     {"rows_resumed", progress.rows_resumed},
                     {"rows_read", progress.rows_read},
                     {"rows_served", is_loaded ? Json(progress.rows_written) : Json()},
                     {"rows_built", is_built ? Json(progress.rows_written) : Json()},
                     {"rows_rejected", progress.rows_bad},
                     {"rejected_by_reason", Json(progress.bad_rows_by_cause)},
                     {"rejected", rejected},
                     {"rows_duplicate", progress.rows_duplicate},
                     {"rows_deleted", progress.rows_deleted},
                     {"rows_older", progress.rows_older},
                     {"rows_unchanged", progress.rows_unchanged},
                     {"broken_expectations", progress.broken_expectations},
                     {"profile", progress.profile.has_value() ? ToJson(*progress.profile) : Json()},
                     {"build", progress.build.has_value() ? ToJson(*progress.build) : Json()},
                     {"bytes_read", progress.bytes_read},
                     {"bytes_written", progress.bytes_written},
                     {"seconds",
                      {{"read", seconds(progress.read_ms)},
                       {"sort", seconds(progress.sort_ms)},
                       {"publish", seconds(progress.publish_ms)},
                       {"total", seconds(elapsed_ms)}}}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string RenderRolledBack(std::string_view view, const RollbackOutcome& outcome, bool as_json) {
  if (!as_json) {
    return fmt::format("rolled back {}: {} rows served, loaded at {}\n", view,
                       Grouped(outcome.rows), FormatRfc3339Ms(outcome.loaded_at_ms));
  }
  const Json json = {
      {"view", view}, {"rows_served", outcome.rows}, {"loaded_at_ms", outcome.loaded_at_ms}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RejectFile::~RejectFile() {
  if (file_ != nullptr) std::fclose(file_);
}

Status RejectFile::Open(const std::string& path, bool appends) {
  path_ = path;
  file_ = std::fopen(path.c_str(), appends ? "ae" : "we");
  if (file_ != nullptr) return Status::Ok();
  return Status::IoError(fmt::format("cannot make {}: {}", path, std::strerror(errno)));
}

void RejectFile::Add(std::string_view file, const BadRowReport& bad) {
  const Json json = {
      {"file", bad.file.empty() ? file : bad.file}, {"line", bad.line}, {"reason", bad.reason}};
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::lock_guard lock(mutex_);
  if (file_ == nullptr || !status_.ok()) return;
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size())
    status_ = Status::IoError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

Status RejectFile::status() {
  std::lock_guard lock(mutex_);
  return status_;
}

Status RejectFile::Close() {
  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return status_;
  const int closed = std::fclose(file_);
  file_ = nullptr;
  if (closed != 0 && status_.ok())
    status_ = Status::IoError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  return status_;
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
