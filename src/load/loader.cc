#include "load/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "load/built_row.h"
#include "load/column_file.h"
#include "load/expectations.h"
#include "load/kept_load.h"
#include "load/load_state.h"
#include "load/profile.h"
#include "load/row_encoder.h"
#include "load/text_file.h"
#include "load/view_shape.h"
#include "registry/file_format.h"
#include "store/row_folder_writer.h"

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

// Times the phases of a load. One thread.
class PhaseTimer {
 public:
  // Adds the time since the last call, or since the start, to *phase_ms.
  void AddTo(int64_t* phase_ms) {
    const auto now = std::chrono::steady_clock::now();
    *phase_ms += std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
    since_ = now;
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

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

class FileLoad final : public Load {
 public:
  FileLoad(std::shared_ptr<const registry::Registry> registry, const FeatureView& view,
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

  // As if what the state tells had happened here. Once, first.
  Status Restore();

  uint64_t id() const override { return id_; }

  Status Feed(std::string_view bytes) override;
  Status ReadFile(LoadFile& file, FunctionRef<void()> progress) override;
  Status ReadFolder(const store::RowFolder& folder, FunctionRef<void()> progress) override;
  Status Finish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) override;
  void Cancel() override { cancelled_ = true; }
  const LoadReport& report() const override { return report_; }

 private:
  // Whether the load can be resumed.
  bool is_kept() const { return !state_.files.empty() && !options_.is_dry_run; }
  // What has to be known to go on with the row under way.
  std::string State();
  // The file is the next one that was listed, where files were.
  Status CheckListed(const LoadFile& file) const;

  // What keeps the load from going on.
  Status CheckOpen() const;
  // The text file that is fed; made when the first bytes come.
  Result<TextFile*> FedFile();
  Status FeedText(TextFile& text, std::string_view bytes);
  Status ReadTextFile(LoadFile& file, FunctionRef<void()> progress);
  Status ReadColumnFile(LoadFile& file, FunctionRef<void()> progress);
  Status ReadBuiltFile(const store::RowFolder& folder, const store::Manifest::File& file,
                       FunctionRef<void()> progress);
  Status CheckNotCancelled() const;
  Status FinishReading();
  // OK when the rows may be published.
  Status Judge() const;
  Status Publish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress);
  // All of it but the writing.
  Status Sort(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress);
  void TakeCounts(const store::LoadCounts& counts);
  // OK when the rows are what the view expects.
  Status CheckExpectations(uint64_t rows_served);
  // Files of one load lack the same fields.
  Status TakeLacking(std::span<const uint32_t> lacking);
  // The columns of the view that the files do without.
  std::vector<bool> KeptColumns() const;
  void TakeRow(const FileRow& file_row);
  // What the view expects, and what the rows are like.
  void Look(const FileRow& file_row);
  void ReportBad(uint64_t line, std::string reason, std::string cause);
  // Nothing is kept of a load that would fail again.
  Status Fail(Status status, bool may_go_on = false);

  const std::shared_ptr<const registry::Registry> registry_;
  const LoadOptions options_;
  const FeatureView& view_;
  const registry::Source& source_;
  const Wanted wanted_;
  std::optional<std::vector<uint32_t>> lacking_;  // fields that the files do without
  RowEncoder encoder_;
  ExpectationCheck expectations_;
  std::optional<Profiler> profiler_;  // of a dry run
  std::unique_ptr<TextFile> fed_;
  uint32_t files_read_ = 0;
  std::string file_name_;                            // of the file under way
  std::unique_ptr<store::GenerationWriter> writer_;  // null once the load has ended, well or not
  LoadState state_;          // its counters are report_'s, until they are asked for
  uint32_t first_file_ = 0;  // to read; those before it are in what was kept
  std::optional<TextFile::Place> first_place_;  // in it
  const TextFile* text_ = nullptr;              // the one under way
  const uint64_t id_ = is_kept() ? writer_->id() : 0;
  LoadReport report_;
  PhaseTimer timer_;
  std::atomic<bool> cancelled_{false};
  Status status_;  // of the store while rows are read, and what ended the load
};

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

Status FileLoad::CheckNotCancelled() const {
  if (!cancelled_) return Status::Ok();
  return Status::Cancelled("the load was cancelled: nothing was changed");
}

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

Status FileLoad::TakeLacking(std::span<const uint32_t> lacking) {
  if (!lacking_.has_value()) lacking_.emplace(lacking.begin(), lacking.end());
  if (std::equal(lacking.begin(), lacking.end(), lacking_->begin(), lacking_->end()))
    return Status::Ok();
  return Status::InvalidArgument(
      "it has not the same columns as the files before it; load it on its own");
}

std::vector<bool> FileLoad::KeptColumns() const {
  std::vector<bool> kept;
  for (const uint32_t field : view_.batch()->feature_fields) {
    kept.push_back(lacking_.has_value() &&
                   std::find(lacking_->begin(), lacking_->end(), field) != lacking_->end());
  }
  return kept;
}

void FileLoad::TakeRow(const FileRow& file_row) {
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
  if (status_.ok()) status_ = TakeLacking(file_row.lacking);
  if (!file_row.is_deletion) Look(file_row);
}

void FileLoad::Look(const FileRow& file_row) {
  expectations_.Take(file_row, file_name_);
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

// Gives the files of an unfinished generation back at once, and lets the view be loaded again.
Status FileLoad::Fail(Status status, bool may_go_on) {
  if (writer_ != nullptr && !may_go_on) writer_->Discard();
  writer_.reset();
  status_ = std::move(status);
  return status_;
}

Status CheckOptions(const LoadOptions& options) {
  if (!(options.bad_rows_share_max >= 0 && options.bad_rows_share_max <= 1)) {
    return Status::InvalidArgument(
        fmt::format("the share of bad rows that is allowed is {}; it must be from 0 to 1",
                    options.bad_rows_share_max));
  }
  if (options.memory_bytes < limits::kLoadMemoryBytesMin) {
    return Status::InvalidArgument(
        fmt::format("a load needs at least {} bytes of memory to sort in, not {}",
                    limits::kLoadMemoryBytesMin, options.memory_bytes));
  }
  return Status::Ok();
}

LoadState StateOf(const FeatureView& view, const LoadOptions& options) {
  LoadState state;
  state.view_text = ViewText(view);
  state.format = options.format;
  state.bad_rows_share_max = options.bad_rows_share_max;
  state.bad_rows_max = options.bad_rows_max;
  state.delete_column = options.delete_column;
  state.origin = options.origin;
  const bool can_tell_changes =
      std::all_of(options.files.begin(), options.files.end(),
                  [](const LoadFileIdentity& file) { return file.modified_at_ns != 0; });
  if (can_tell_changes) state.files = options.files;
  return state;
}

}  // namespace

Result<const FeatureView*> FindBatchView(const registry::Registry& registry,
                                         std::string_view name) {
  const FeatureView* view = registry.FindFeatureView(name);
  if (view != nullptr && view->batch() != nullptr && view->fed_by() == nullptr) return view;
  if (view != nullptr && view->batch() != nullptr) {
    const bool is_push = std::holds_alternative<registry::PushLog>(view->fed_by()->kind);
    return Status::FailedPrecondition(
        fmt::format("the rows of feature view '{}' come from the stream '{}' and not from loads; "
                    "{} rows there: "
                    "those that are older than what an entity has change nothing",
                    name, view->fed_by()->name, is_push ? "push" : "produce"));
  }
  if (view != nullptr) {
    return Status::FailedPrecondition(fmt::format(
        "the feature view '{}' is not loaded from files: only a view whose source has 'file:' is",
        name));
  }
  std::vector<std::string> loadable;
  for (const auto& known : registry.feature_views()) {
    if (known->batch() != nullptr && known->fed_by() == nullptr) loadable.push_back(known->name);
  }
  return Status::NotFound(
      fmt::format("no feature view is called '{}'{}", name, Suggestion(name, loadable)));
}

Result<std::unique_ptr<Load>> Load::Start(std::shared_ptr<const registry::Registry> registry,
                                          std::string_view view_name, const LoadOptions& options,
                                          store::Store& store) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  FRESHET_ASSIGN_OR_RETURN(const FeatureView* view, FindBatchView(*registry, view_name));
  auto started =
      options.kind == store::LoadKind::kUpsert
          ? store.NewUpsert(view->id, ColumnNames(*view), ColumnTypes(*view), options.memory_bytes)
          : store.NewGeneration(view->id, ColumnNames(*view), ColumnTypes(*view),
                                options.memory_bytes);
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<store::GenerationWriter> writer, std::move(started));
  return std::unique_ptr<Load>(std::make_unique<FileLoad>(
      std::move(registry), *view, options, StateOf(*view, options), std::move(writer)));
}

Result<std::unique_ptr<Load>> Load::Resume(std::shared_ptr<const registry::Registry> registry,
                                           uint64_t id, const LoadOptions& options,
                                           store::Store& store) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  FRESHET_ASSIGN_OR_RETURN(KeptLoad kept, FindKept(*registry, id, store));
  FRESHET_RETURN_IF_ERROR(CheckSameFiles(kept.state.files, options.files));
  const FeatureView& view = *kept.view;
  FRESHET_ASSIGN_OR_RETURN(
      std::unique_ptr<store::GenerationWriter> writer,
      store.ResumeLoad(kept.id, ColumnNames(view), ColumnTypes(view), options.memory_bytes));
  // What was kept may have grown until the load was ours.
  FRESHET_ASSIGN_OR_RETURN(kept, FindKept(*registry, id, store));
  LoadOptions resumed = options;
  resumed.format = kept.state.format;
  resumed.bad_rows_share_max = kept.state.bad_rows_share_max;
  resumed.bad_rows_max = kept.state.bad_rows_max;
  resumed.kind = kept.kind;
  resumed.delete_column = kept.state.delete_column;
  resumed.is_dry_run = false;
  auto load = std::make_unique<FileLoad>(std::move(registry), view, resumed, std::move(kept.state),
                                         std::move(writer));
  FRESHET_RETURN_IF_ERROR(load->Restore());
  return std::unique_ptr<Load>(std::move(load));
}

Result<std::unique_ptr<Load>> Load::StartBuild(std::shared_ptr<const registry::Registry> registry,
                                               std::string_view view_name,
                                               const LoadOptions& options,
                                               const std::string& folder) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  if (options.kind == store::LoadKind::kUpsert || options.is_dry_run) {
    return Status::InvalidArgument(
        "rows are built whole: an upsert and a dry run need the rows that are served");
  }
  FRESHET_ASSIGN_OR_RETURN(const FeatureView* view, FindBatchView(*registry, view_name));
  FRESHET_ASSIGN_OR_RETURN(
      std::unique_ptr<store::GenerationWriter> writer,
      store::NewRowFolder(
          {.folder = folder, .shape = ShapeOf(*view), .memory_bytes = options.memory_bytes}));
  return std::unique_ptr<Load>(std::make_unique<FileLoad>(std::move(registry), *view, options,
                                                          LoadState(), std::move(writer)));
}

}  // namespace freshet::load
