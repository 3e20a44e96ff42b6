// All rows are read: whether they may be served, and how they come to be.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "load/file_load.h"

namespace freshet::load {
namespace {

std::string PlaceOf(const BadRow& row) {
  return row.file.empty() ? fmt::format("line {}", row.line)
                          : fmt::format("{}:{}", row.file, row.line);
}

// The share or the number that the options allow, whichever is more.
uint64_t BadRowsAllowed(const LoadOptions& options, uint64_t rows_read) {
  const auto count = static_cast<double>(rows_read);
  // A product with a share may be rounded to the wrong side of a whole number; a quotient is not.
  uint64_t by_share = static_cast<uint64_t>(options.bad_rows_share_max * count) + 1;
  while (by_share > 0 && static_cast<double>(by_share) / count > options.bad_rows_share_max)
    --by_share;
  return std::max(by_share, options.bad_rows_max);
}

}  // namespace

Status FileLoad::Finish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) {
  FRESHET_RETURN_IF_ERROR(CheckOpen());
  Status status = FinishReading();
  timer_.AddTo(&report_.read_ms);
  if (!status.ok()) return Fail(std::move(status));
  status = Publish(progress);
  if (!status.ok()) {
    const bool was_cancelled = status.code() == StatusCode::kCancelled;
    return Fail(std::move(status), was_cancelled);
  }
  writer_.reset();
  return Status::Ok();
}

Status FileLoad::FinishReading() {
  if (files_read_ == 0) {
    FRESHET_ASSIGN_OR_RETURN(TextFile * text, FedFile());
    FRESHET_RETURN_IF_ERROR(text->Finish([this](const FileRow& row) { TakeRow(row); }));
    FRESHET_RETURN_IF_ERROR(status_);
  }
  if (is_kept() && files_read_ < state_.files.size()) {
    return Status::FailedPrecondition(
        fmt::format("only {} of the {} files were read", files_read_, state_.files.size()));
  }
  // From here on there is no row to go on with.
  state_.file = files_read_;
  state_.place = {};
  return Judge();
}

Status FileLoad::Judge() const {
  if (report_.rows_bad == 0) return Status::Ok();
  const BadRow& first = report_.bad_rows.front();
  const uint64_t allowed = BadRowsAllowed(options_, report_.rows_read);
  if (report_.rows_bad > allowed) {
    return Status::FailedPrecondition(fmt::format(
        "{} of {} rows are bad, at most {} are allowed; nothing was changed. The first: {}: {}",
        report_.rows_bad, report_.rows_read, allowed, PlaceOf(first), first.reason));
  }
  if (report_.rows_bad == report_.rows_read) {
    return Status::FailedPrecondition(
        fmt::format("all {} rows are bad; nothing was changed. The first: {}: {}",
                    report_.rows_read, PlaceOf(first), first.reason));
  }
  return Status::Ok();
}

Status FileLoad::Publish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) {
  progress(LoadPhase::kSort, 0);
  const Status sorted = Sort(progress);
  timer_.AddTo(&report_.sort_ms);
  FRESHET_RETURN_IF_ERROR(sorted);
  const store::LoadCounts& counts = writer_->counts();
  TakeCounts(counts);
  FRESHET_RETURN_IF_ERROR(CheckExpectations(counts.served));
  if (options_.is_dry_run) return Status::Ok();
  progress(LoadPhase::kPublish, counts.served);
  FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
  writer_->SetReadCounts({report_.bytes_read, report_.rows_read, report_.rows_bad});
  FRESHET_RETURN_IF_ERROR(writer_->Publish());
  timer_.AddTo(&report_.publish_ms);
  report_.rows_kept = counts.served;
  return Status::Ok();
}

Status FileLoad::Sort(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) {
  if (options_.kind == store::LoadKind::kUpsert)
    FRESHET_RETURN_IF_ERROR(writer_->Keep(KeptColumns()));
  const auto tell = [&](uint64_t rows) {
    progress(LoadPhase::kSort, rows);
    if (cancelled_) writer_->Cancel();
  };
  return options_.is_dry_run ? writer_->Rehearse(tell) : writer_->Finish(tell);
}

void FileLoad::TakeCounts(const store::LoadCounts& counts) {
  report_.rows_duplicate = counts.duplicates;
  report_.rows_deleted = counts.deleted;
  report_.rows_older = counts.older;
  report_.rows_unchanged = counts.unchanged;
  report_.bytes_written = counts.written_bytes;
  if (!profiler_.has_value()) return;
  LoadProfile& profile = report_.profile.emplace();
  profile.keys_distinct = report_.rows_read - report_.rows_bad - counts.duplicates;
  profile.keys_served = counts.served + counts.gone_keys - counts.new_keys;
  profile.keys_new = counts.new_keys;
  profile.keys_gone = counts.gone_keys;
  profile.columns = profiler_->Columns();
}

Status FileLoad::CheckExpectations(uint64_t rows_served) {
  report_.broken_expectations = expectations_.Broken(rows_served);
  if (report_.broken_expectations.empty()) return Status::Ok();
  return Status::FailedPrecondition(fmt::format(
      "the rows break {} of the view's expectations; nothing was changed. The first: {}",
      report_.broken_expectations.size(), report_.broken_expectations.front()));
}

std::vector<bool> FileLoad::KeptColumns() const {
  std::vector<bool> kept;
  for (const uint32_t field : view_.batch()->feature_fields) {
    kept.push_back(lacking_.has_value() &&
                   std::find(lacking_->begin(), lacking_->end(), field) != lacking_->end());
  }
  return kept;
}

}  // namespace freshet::load
