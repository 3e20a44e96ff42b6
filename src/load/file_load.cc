// What a load does with each row, and where it goes on after a break.
#include "load/file_load.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "load/built_row.h"
#include "load/column_file.h"
#include "registry/file_format.h"

namespace freshet::load {
namespace {

using registry::FeatureView;

constexpr uint64_t kBuiltRowsPerStep = 16'384;

// What ends the reading of a file now, and may not another time.
bool MayPass(const Status& status) {
  switch (status.code()) {
    case StatusCode::kCancelled:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kUnavailable:
    case StatusCode::kIoError:
      return true;
    default:
      return false;
  }
}

bool IsText(registry::FileFormat format) {
  return format == registry::FileFormat::kCsv || format == registry::FileFormat::kJsonl;
}

// An upsert may leave out what is neither a join key nor the event time.
Wanted WantedOf(const FeatureView& view, const LoadOptions& options) {
  Wanted wanted;
  wanted.delete_column = options.delete_column;
  const std::vector<uint32_t>& keys = view.batch()->key_fields;
  wanted.key_fields = keys;
  if (options.kind != store::LoadKind::kUpsert) return wanted;
  for (uint32_t field = 0; field < view.batch()->source->fields.size(); ++field) {
    if (std::find(keys.begin(), keys.end(), field) == keys.end())
      wanted.optional_fields.push_back(field);
  }
  return wanted;
}

}  // namespace

FileLoad::FileLoad(std::shared_ptr<const registry::Registry> registry, const FeatureView& view,
                   const LoadOptions& options, LoadState state,
                   std::unique_ptr<store::GenerationWriter> writer)
    : registry_(std::move(registry)),
      options_(options),
      view_(view),
      source_(*view.batch()->source),
      wanted_(WantedOf(view, options)),
      encoder_(view),
      expectations_(view),
      writer_(std::move(writer)),
      state_(std::move(state)) {
  if (options_.is_dry_run) profiler_.emplace(view);
  if (is_kept()) writer_->KeepParts([this] { return State(); });
}

Status FileLoad::Restore() {
  report_.rows_read = report_.rows_resumed = state_.rows_read;
  report_.rows_bad = state_.rows_bad();
  report_.bad_rows = state_.bad_rows;
  report_.bad_rows_by_cause = state_.bad_rows_by_cause;
  lacking_ = state_.lacking;
  first_file_ = state_.file;
  if (first_file_ < state_.files.size()) first_place_ = state_.place;
  if (expectations_.Restore(state_.expectations)) return Status::Ok();
  return Status::Corruption("the state of an unfinished load is not of its view");
}

std::string FileLoad::State() {
  state_.place.head_bytes = text_ == nullptr ? 0 : text_->head_bytes();
  state_.rows_read = report_.rows_read;
  state_.bad_rows = report_.bad_rows;
  state_.bad_rows_by_cause = report_.bad_rows_by_cause;
  state_.lacking = lacking_;
  state_.expectations = expectations_.counts();
  return EncodeLoadState(state_);
}

Status FileLoad::CheckOpen() const {
  FRESHET_RETURN_IF_ERROR(status_);
  if (writer_ == nullptr) return Status::FailedPrecondition("the load is finished");
  return Status::Ok();
}

Status FileLoad::Feed(std::string_view bytes) {
  FRESHET_RETURN_IF_ERROR(CheckOpen());
  if (bytes.size() > limits::kLoadChunkBytesMax) {
    return Status::InvalidArgument(fmt::format("a chunk of {} bytes; at most {} are allowed",
                                               bytes.size(), limits::kLoadChunkBytesMax));
  }
  const auto text = FedFile();
  if (!text.ok()) return Fail(text.status());
  if (Status status = FeedText(**text, bytes); !status.ok()) return Fail(std::move(status));
  report_.bytes_read += bytes.size();
  return Status::Ok();
}

Result<TextFile*> FileLoad::FedFile() {
  if (files_read_ > 0)
    return Status::FailedPrecondition("a load takes files, or the bytes of one, not both");
  if (!IsText(options_.format)) {
    return Status::InvalidArgument(fmt::format(
        "{} cannot be read from a stream of bytes: its index stands at the end; load a file",
        registry::FileFormatName(options_.format)));
  }
  if (fed_ == nullptr) {
    FRESHET_ASSIGN_OR_RETURN(Targets targets, Targets::Create(source_, {}, wanted_));
    fed_ = std::make_unique<TextFile>(options_.format, source_, std::move(targets));
  }
  return fed_.get();
}

// A row that the store refuses ends the load too.
Status FileLoad::FeedText(TextFile& text, std::string_view bytes) {
  FRESHET_RETURN_IF_ERROR(text.Feed(bytes, [this](const FileRow& row) { TakeRow(row); }));
  return status_;
}

Status FileLoad::ReadFile(LoadFile& file, FunctionRef<void()> progress) {
  FRESHET_RETURN_IF_ERROR(CheckOpen());
  if (fed_ != nullptr)
    return Fail(Status::FailedPrecondition("a load takes files, or the bytes of one, not both"));
  FRESHET_RETURN_IF_ERROR(CheckListed(file));
  file_name_ = is_kept() ? state_.files[files_read_].name : file.name();
  state_.file = files_read_++;
  const uint64_t bytes_after = report_.bytes_read + file.size();
  Status status;
  if (state_.file >= first_file_)
    status =
        IsText(options_.format) ? ReadTextFile(file, progress) : ReadColumnFile(file, progress);
  text_ = nullptr;
  if (!status.ok()) return Fail(status.Prefixed(file_name_), status_.ok() && MayPass(status));
  report_.bytes_read = bytes_after;
  return Status::Ok();
}

Status FileLoad::CheckListed(const LoadFile& file) const {
  if (!is_kept()) return Status::Ok();
  if (files_read_ < state_.files.size() && state_.files[files_read_].bytes == file.size())
    return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("{} is not the next of the files that the load was told of", file.name()));
}

Status FileLoad::ReadTextFile(LoadFile& file, FunctionRef<void()> progress) {
  FRESHET_ASSIGN_OR_RETURN(Targets targets, Targets::Create(source_, file.path_values(), wanted_));
  TextFile text(options_.format, source_, std::move(targets));
  text_ = &text;
  if (const auto place = std::exchange(first_place_, std::nullopt)) text.BeginAt(*place);
  const uint64_t bytes_before = report_.bytes_read;
  std::string bytes;
  for (uint64_t offset = 0; offset < file.size(); offset += text.SkipAhead()) {
    bytes.resize(std::min<uint64_t>(limits::kLoadChunkBytesMax, file.size() - offset));
    FRESHET_RETURN_IF_ERROR(file.ReadAt(offset, bytes.size(), bytes.data()));
    FRESHET_RETURN_IF_ERROR(FeedText(text, bytes));
    offset += bytes.size();
    report_.bytes_read = bytes_before + offset;
    progress();
  }
  FRESHET_RETURN_IF_ERROR(text.Finish([this](const FileRow& row) { TakeRow(row); }));
  return status_;
}

Status FileLoad::ReadColumnFile(LoadFile& file, FunctionRef<void()> progress) {
  FRESHET_ASSIGN_OR_RETURN(Targets targets, Targets::Create(source_, file.path_values(), wanted_));
  const auto place = std::exchange(first_place_, std::nullopt);
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<ColumnFile> columns,
                           ColumnFile::Open(options_.format, file, std::move(targets),
                                            place.has_value() ? place->line - 1 : 0));
  const uint64_t bytes_before = report_.bytes_read;
  while (true) {
    FRESHET_ASSIGN_OR_RETURN(const bool any,
                             columns->ReadBatch([this](const FileRow& row) { TakeRow(row); }));
    FRESHET_RETURN_IF_ERROR(status_);
    if (!any) return Status::Ok();
    report_.bytes_read = bytes_before + static_cast<uint64_t>(columns->share_read() *
                                                              static_cast<double>(file.size()));
    progress();
  }
}

Status FileLoad::ReadFolder(const store::RowFolder& folder, FunctionRef<void()> progress) {
  FRESHET_RETURN_IF_ERROR(CheckOpen());
  for (const store::Manifest::File& file : folder.manifest().files) {
    const uint64_t bytes_before = report_.bytes_read;
    Status status = ReadBuiltFile(folder, file, progress);
    if (!status.ok()) return Fail(std::move(status));
    report_.bytes_read = bytes_before + file.bytes;
  }
  ++files_read_;
  return Status::Ok();
}

Status FileLoad::ReadBuiltFile(const store::RowFolder& folder, const store::Manifest::File& file,
                               FunctionRef<void()> progress) {
  FRESHET_RETURN_IF_ERROR(folder.CheckBytes(file, [this] { return CheckNotCancelled(); }));
  file_name_ = file.name;
  const uint64_t bytes_before = report_.bytes_read;
  BuiltRow built(view_);
  const bool is_looked_at = expectations_.looks_at_rows() || profiler_.has_value();
  return folder.ReadRows(file, [&](uint64_t number, std::string_view key, std::string_view row) {
    if (Status status = writer_->Add(key, row); !status.ok())
      return status.Prefixed(fmt::format("{}/{}: row {}", folder.path(), file.name, number));
    ++report_.rows_read;
    if (is_looked_at) Look(built.Read(number, row));
    if (number % kBuiltRowsPerStep != 0) return Status::Ok();
    report_.bytes_read = bytes_before + static_cast<uint64_t>(static_cast<double>(number) /
                                                              static_cast<double>(file.rows) *
                                                              static_cast<double>(file.bytes));
    progress();
    return CheckNotCancelled();
  });
}

Status FileLoad::TakeLacking(std::span<const uint32_t> lacking) {
  if (!lacking_.has_value()) lacking_.emplace(lacking.begin(), lacking.end());
  if (std::equal(lacking.begin(), lacking.end(), lacking_->begin(), lacking_->end()))
    return Status::Ok();
  return Status::InvalidArgument(
      "it has not the same columns as the files before it; load it on its own");
}

void FileLoad::TakeRow(const FileRow& file_row) {
  yielder_.Step();
  state_.place.line = file_row.line;
  state_.place.offset = file_row.offset;
  if (!file_row.error.empty()) {
    return ReportBad(file_row.line, std::string(file_row.error), std::string(file_row.cause));
  }
  if (std::optional<Problems> problems = encoder_.Encode(file_row)) {
    return ReportBad(file_row.line, std::move(problems->reason), std::move(problems->cause));
  }
  // First: it may ask for the state, which is to go on with this row.
  if (status_.ok()) status_ = writer_->Add(encoder_.key(), encoder_.row());
  ++report_.rows_read;
  const bool may_lack = options_.kind == store::LoadKind::kUpsert;
  if (may_lack && status_.ok()) status_ = TakeLacking(file_row.lacking);
  if (!file_row.is_deletion) Look(file_row);
}

void FileLoad::Look(const FileRow& file_row) {
  if (expectations_.looks_at_rows()) expectations_.Take(file_row, file_name_);
  if (profiler_.has_value()) profiler_->Take(file_row);
}

void FileLoad::ReportBad(uint64_t line, std::string reason, std::string cause) {
  ++report_.rows_read;
  ++report_.rows_bad;
  ++report_.bad_rows_by_cause[std::move(cause)];
  const bool is_listed = report_.bad_rows.size() < limits::kBadRowReportsMax;
  if (!is_listed && options_.on_bad_row == nullptr) return;
  BadRow row = {line, std::move(reason), file_name_};
  if (options_.on_bad_row != nullptr) options_.on_bad_row(row);
  if (is_listed) report_.bad_rows.push_back(std::move(row));
}

Status FileLoad::CheckNotCancelled() const {
  if (!cancelled_) return Status::Ok();
  return Status::Cancelled("the load was cancelled: nothing was changed");
}

// Gives the files of an unfinished generation back at once, and lets the view be loaded again.
Status FileLoad::Fail(Status status, bool may_go_on) {
  if (writer_ != nullptr && !may_go_on) writer_->Discard();
  writer_.reset();
  status_ = std::move(status);
  return status_;
}

}  // namespace freshet::load
