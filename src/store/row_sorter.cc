#include "store/row_sorter.h"

#include <algorithm>
#include <filesystem>
#include <malloc.h>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/thread_priority.h"
#include "store/run_file.h"
#include "store/run_merger.h"

namespace freshet::store {
namespace {

// One part is gathered while the other is written.
constexpr size_t kParts = 2;

}  // namespace

RowSorter::RowSorter(const RowFileOptions& files, Options options)
    : files_(files),
      options_(std::move(options)),
      gathered_(options_.memory_bytes / kParts),
      written_(options_.memory_bytes / kParts),
      in_order_(options_.keeps_ordered_files) {}

RowSorter::~RowSorter() {
  if (writing_.valid()) writing_.wait();
}

void RowSorter::KeepParts(Keeper keeper) {
  keeper_ = std::move(keeper);
}

void RowSorter::Resume(const SortedParts& parts) {
  added_ = parts.rows_added;
  spilled_bytes_ = parts.bytes();
  next_file_ = parts.next_file;
  in_order_ = in_order_ && parts.in_order;
  std::vector<std::string> files;
  for (const SortedParts::File& file : parts.files)
    files.push_back(fmt::format("{}/{}", options_.folder, file.name));
  if (in_order_) {
    BeginOrderedFiles(UINT64_MAX);
    ordered_->Continue(std::move(files), parts.rows_written, parts.bytes());
  } else {
    runs_ = std::move(files);
  }
  // Before all rows that are added from now on.
  if (!parts.held_key.empty()) gathered_.Add(parts.held_key, parts.held_row, 0);
}

Status RowSorter::Add(std::string_view entity_key, std::string_view row) {
  const bool is_full = gathered_.filled_bytes() >= PartBytes() ||
                       !gathered_.HasRoomFor(entity_key.size() + row.size());
  if (is_full) FRESHET_RETURN_IF_ERROR(Spill(true));
  gathered_.Add(entity_key, row, added_++);
  return Status::Ok();
}

size_t RowSorter::PartBytes() const {
  if (in_order_ && gathered_.is_sorted())
    return options_.processors > 1 ? limits::kOrderedPartBytes : limits::kCachedPartBytes;
  return std::max<size_t>(limits::kSortedPartBytes, spilled_bytes_ / limits::kSortedPartShare);
}

Status RowSorter::Spill(bool more_come) {
  FRESHET_RETURN_IF_ERROR(WaitForWriting());
  std::swap(gathered_, written_);
  in_order_ = in_order_ && written_.is_sorted() && !written_.has_tombstones();
  if (in_order_ && more_come) written_.MoveLastKeyTo(gathered_);
  if (written_.empty()) return Status::Ok();
  spilled_bytes_ += written_.filled_bytes();
  written_bytes_ = written_.held_bytes();
  const bool writes_beside = options_.processors > 1 || !in_order_;
  std::optional<Mark> mark;
  if (!in_order_ || EndsFile(more_come)) mark = MarkHere();
  writing_ = std::async(
      writes_beside ? std::launch::async : std::launch::deferred,
      [this, in_order = in_order_, mark = std::move(mark)] { return Write(in_order, mark); });
  return writes_beside ? Status::Ok() : WaitForWriting();
}

bool RowSorter::EndsFile(bool more_come) const {
  return !more_come || not_kept_bytes_ + written_.filled_bytes() >= KeptBytes();
}

std::optional<RowSorter::Mark> RowSorter::MarkHere() const {
  if (!keeper_.has_value()) return std::nullopt;
  Mark mark = {.state = keeper_->state(), .rows_added = added_};
  if (!gathered_.empty()) {
    mark.held_key = gathered_.last_key();
    mark.held_row = gathered_.last_row();
  }
  return mark;
}

Status RowSorter::WaitForWriting() {
  if (!writing_.valid()) return Status::Ok();
  Status status = writing_.get();
  written_bytes_ = written_.held_bytes();
  return status;
}

Status RowSorter::Write(bool in_order, const std::optional<Mark>& mark) {
  if (in_order) return WriteInOrder(mark);
  FRESHET_RETURN_IF_ERROR(EndOrderedFiles());
  FRESHET_RETURN_IF_ERROR(WriteRun([&](RowSink sink) { return written_.Take(sink); }, &runs_));
  return mark.has_value() ? Keep(*mark) : Status::Ok();
}

Status RowSorter::WriteInOrder(const std::optional<Mark>& mark) {
  // Files of parts that are kept end where a part does.
  if (!ordered_.has_value())
    BeginOrderedFiles(keeper_.has_value() ? UINT64_MAX : limits::kSortedFileBytes);
  not_kept_bytes_ += written_.filled_bytes();
  FRESHET_RETURN_IF_ERROR(written_.Take([&](std::string_view entity_key, std::string_view row) {
    return ordered_->Add(entity_key, row);
  }));
  if (!mark.has_value()) return Status::Ok();
  not_kept_bytes_ = 0;
  FRESHET_RETURN_IF_ERROR(ordered_->Finish());
  return Keep(*mark);
}

void RowSorter::BeginOrderedFiles(uint64_t file_bytes_max) {
  ordered_.emplace(files_.served, options_.table, file_bytes_max,
                   [this] { return NewFile(".sst"); });
}

size_t RowSorter::KeptBytes() const {
  return std::min<size_t>(limits::kSortedFileBytes, options_.memory_bytes / kParts / 2);
}

Status RowSorter::Keep(const Mark& mark) {
  SortedParts parts = {.in_order = ordered_.has_value(),
                       .rows_added = mark.rows_added,
                       .rows_written = ordered_.has_value() ? ordered_->rows_written() : 0,
                       .next_file = next_file_,
                       .held_key = mark.held_key,
                       .held_row = mark.held_row};
  for (const std::string& path : ordered_.has_value() ? ordered_->files() : runs_) {
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) return Status::IoError(fmt::format("cannot look at {}: {}", path, error.message()));
    parts.files.push_back({std::filesystem::path(path).filename().string(), bytes});
  }
  return keeper_->keep(parts, mark.state);
}

Status RowSorter::EndOrderedFiles() {
  if (!ordered_.has_value()) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(ordered_->Finish());
  runs_ = ordered_->files();
  ordered_.reset();
  return Status::Ok();
}

Status RowSorter::Seal() {
  const bool is_all_in_memory = !writing_.valid() && !ordered_.has_value() && runs_.empty();
  if (is_all_in_memory) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(Spill(false));
  FRESHET_RETURN_IF_ERROR(WaitForWriting());
  // All is in files: what merges them has the memory for itself. The C library would keep it, and take more for others.
  gathered_ = RowBuffer(0);
  written_ = RowBuffer(0);
  written_bytes_ = 0;
  malloc_trim(0);
  return ordered_.has_value() ? ordered_->Finish() : Status::Ok();
}

const RowFileWriter* RowSorter::ordered_files() const {
  return ordered_.has_value() ? &*ordered_ : nullptr;
}

Status RowSorter::Finish(RowSink sink) {
  const auto counted = [&](std::string_view entity_key, std::string_view row) {
    ++sorted_;
    return sink(entity_key, row);
  };
  FRESHET_RETURN_IF_ERROR(EndOrderedFiles());
  if (runs_.empty()) return gathered_.Take(counted);
  FRESHET_RETURN_IF_ERROR(ReduceRuns());
  FRESHET_RETURN_IF_ERROR(MergeRuns(runs_, counted));
  // Until they are served, the rows must be found again.
  return keeper_.has_value() ? Status::Ok() : RemoveRuns(std::exchange(runs_, {}));
}

uint64_t RowSorter::duplicate_count() const {
  return added_ - (ordered_.has_value() ? ordered_->rows_written() : sorted_);
}

Status RowSorter::ReduceRuns() {
  while (runs_.size() > limits::kMergeRunsMax) {
    std::vector<std::string> merged;
    for (size_t begin = 0; begin < runs_.size(); begin += limits::kMergeRunsMax) {
      const size_t count = std::min(limits::kMergeRunsMax, runs_.size() - begin);
      const auto some = std::span<const std::string>(runs_).subspan(begin, count);
      FRESHET_RETURN_IF_ERROR(
          WriteRun([&](RowSink sink) { return MergeRuns(some, sink); }, &merged));
      if (!keeper_.has_value()) FRESHET_RETURN_IF_ERROR(RemoveRuns(some));
    }
    const std::vector<std::string> replaced = std::exchange(runs_, std::move(merged));
    if (const std::optional<Mark> mark = MarkHere()) {
      FRESHET_RETURN_IF_ERROR(Keep(*mark));
      FRESHET_RETURN_IF_ERROR(RemoveRuns(replaced));
    }
  }
  return Status::Ok();
}

Status RowSorter::WriteRun(FunctionRef<Status(RowSink sink)> rows, std::vector<std::string>* runs) {
  runs->push_back(NewFile(kRunEnding));
  FRESHET_ASSIGN_OR_RETURN(RunWriter writer, RunWriter::Create(runs->back(), RunBlockBytes()));
  FRESHET_RETURN_IF_ERROR(rows([&](std::string_view entity_key, std::string_view row) {
    return writer.Add(entity_key, row);
  }));
  return writer.Finish(keeper_.has_value() ? Durability::kSynced : Durability::kBuffered);
}

size_t RowSorter::RunBlockBytes() const {
  return std::min(limits::kRunBlockBytes, options_.memory_bytes / limits::kMergeRunsMax);
}

Result<std::unique_ptr<SortedRows>> RowSorter::OpenRun(const std::string& path) const {
  if (path.ends_with(kRunEnding)) return RunReader::Open(path);
  return RowFileReader::Open(files_.read_back, path);
}

Status RowSorter::MergeRuns(std::span<const std::string> paths, RowSink sink) const {
  std::vector<std::unique_ptr<SortedRows>> runs;
  for (const std::string& path : paths) {
    FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<SortedRows> run, OpenRun(path));
    runs.push_back(std::move(run));
  }
  RunMerger merger(std::move(runs));
  Yielder yielder;
  std::string kept_key;
  bool kept = false;
  for (; merger.valid(); yielder.Step()) {
    if (!kept || kept_key != merger.entity_key()) {
      kept = true;
      kept_key = merger.entity_key();
      FRESHET_RETURN_IF_ERROR(sink(kept_key, merger.row()));
    }
    FRESHET_RETURN_IF_ERROR(merger.Next());
  }
  return Status::Ok();
}

Status RowSorter::RemoveRuns(std::span<const std::string> runs) {
  for (const std::string& run : runs) {
    std::error_code error;
    if (!std::filesystem::remove(run, error))
      return Status::IoError(fmt::format("cannot remove {}: {}", run, error.message()));
  }
  return Status::Ok();
}

std::string RowSorter::NewFile(std::string_view ending) {
  return fmt::format("{}/sorted-{:06}{}", options_.folder, next_file_++, ending);
}

}  // namespace freshet::store
