#include "store/generation_writer.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/generation_record.h"
#include "store/key_comparison.h"
#include "store/row_check.h"
#include "store/row_pipe.h"
#include "store/row_upsert.h"

namespace freshet::store {
namespace {

constexpr uint64_t kRowsPerProgress = 65'536;

}  // namespace

Result<std::unique_ptr<SortingGenerationWriter>> SortingGenerationWriter::Begin(
    Database& database, Generations& generations, Options options) {
  if (options.column_names.size() != options.column_types.size()) {
    return Status::InvalidArgument(fmt::format("{} column names for {} column types",
                                               options.column_names.size(),
                                               options.column_types.size()));
  }
  FRESHET_ASSIGN_OR_RETURN(const TableId load, generations.BeginLoad(options.view_id));
  // From here on the destructor cleans up.
  auto writer = std::unique_ptr<SortingGenerationWriter>(
      new SortingGenerationWriter(database, generations, std::move(options), load));
  FRESHET_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

Result<std::unique_ptr<SortingGenerationWriter>> SortingGenerationWriter::Resume(
    Database& database, Generations& generations, uint64_t load, Options options) {
  FRESHET_ASSIGN_OR_RETURN(const LoadRecord record, generations.ResumeLoad(load));
  options.kind = record.kind;
  options.view_id = record.view_id;
  auto writer = std::unique_ptr<SortingGenerationWriter>(new SortingGenerationWriter(
      database, generations, std::move(options), static_cast<TableId>(load)));
  FRESHET_RETURN_IF_ERROR(writer->TakeUp(record));
  FRESHET_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

SortingGenerationWriter::SortingGenerationWriter(Database& database, Generations& generations,
                                                 Options options, TableId load)
    : database_(database),
      generations_(generations),
      options_(std::move(options)),
      load_(load),
      kept_(options_.column_types.size(), false),
      began_at_ms_(generations.clock().NowMs()) {
  sorter_.emplace(database.row_files(),
                  RowSorter::Options{.folder = generations.kept_loads().Folder(load),
                                     .table = load,
                                     .memory_bytes = options_.memory_bytes,
                                     .keeps_ordered_files = options_.kind == LoadKind::kReplace});
  generation_.table = load;
  generation_.column_names = options_.column_names;
  generation_.column_types = options_.column_types;
}

Status SortingGenerationWriter::Begin() {
  if (options_.kind == LoadKind::kUpsert) base_ = generations_.Find(options_.view_id);
  if (goes_into_served()) {
    if (base_->column_names != generation_.column_names ||
        base_->column_types != generation_.column_types) {
      return Status::FailedPrecondition(
          "the features of the view are not those that its rows were loaded with; load it whole "
          "once, then upsert");
    }
    generation_.table = base_->table;
    generation_.last_upsert = load_;
    counts_.served = base_->row_count;
  }
  return generations_.kept_loads().MakeFolder(load_);
}

Status SortingGenerationWriter::TakeUp(const LoadRecord& record) {
  keeps_parts_ = true;
  began_at_ms_ = record.began_at_ms;
  if (record.column_names != options_.column_names ||
      record.column_types != options_.column_types) {
    return Status::FailedPrecondition(
        "the features of the view are not those that the load began with; discard it, and load "
        "anew");
  }
  sorter_->Resume(record.parts);
  return generations_.kept_loads().RemoveUnnamed(load_);
}

void SortingGenerationWriter::KeepParts(std::function<std::string()> state) {
  keeps_parts_ = true;
  sorter_->KeepParts({.state = std::move(state),
                      .keep = [this](const SortedParts& parts, const std::string& state) {
                        return generations_.kept_loads().Keep(load_, RecordOf(parts, state));
                      }});
}

LoadRecord SortingGenerationWriter::RecordOf(const SortedParts& parts,
                                             const std::string& state) const {
  return {.view_id = options_.view_id,
          .kind = options_.kind,
          .began_at_ms = began_at_ms_,
          .kept_at_ms = generations_.clock().NowMs(),
          .column_names = options_.column_names,
          .column_types = options_.column_types,
          .parts = parts,
          .state = state};
}

void SortingGenerationWriter::Discard() {
  keeps_parts_ = false;
  stage_ = Stage::kFailed;
}

SortingGenerationWriter::~SortingGenerationWriter() {
  sorter_.reset();  // it may be writing into the folder
  CleanUp();
  generations_.EndLoad(options_.view_id);
}

void SortingGenerationWriter::CleanUp() {
  KeptLoads& kept = generations_.kept_loads();
  const bool is_ingested = stage_ == Stage::kIngested || stage_ == Stage::kPublished;
  const bool is_kept = keeps_parts_ && !is_ingested && kept.Has(load_);
  if (Status status = is_kept ? kept.RemoveUnnamed(load_) : kept.Remove(load_); !status.ok())
    LogWarning("files of a load are left until the next start: {}", status.message());
  // A load that is still kept needs its mark when it is resumed.
  if (kept.Has(load_) || (stage_ == Stage::kPublished && !goes_into_served())) return;
  if (Status status = generations_.DiscardTable(load_); !status.ok())
    LogWarning("rows of a load are left until the next start: {}", status.message());
}

Status SortingGenerationWriter::Add(std::string_view entity_key, std::string_view row) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("rows cannot be added to a load that was finished or failed");
  FRESHET_RETURN_IF_ERROR(CheckSizes(entity_key, row));
  Status status = sorter_->Add(entity_key, row);
  if (!status.ok()) stage_ = Stage::kFailed;
  return status;
}

Status SortingGenerationWriter::Keep(std::vector<bool> columns) {
  if (options_.kind != LoadKind::kUpsert || columns.size() != kept_.size())
    return Status::InvalidArgument("an upsert keeps columns, each of them or not");
  kept_ = std::move(columns);
  return Status::Ok();
}

Status SortingGenerationWriter::Finish(FunctionRef<void(uint64_t rows_written)> progress) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("a load can be finished once, unless it failed before");
  stage_ = Stage::kFailed;
  FRESHET_RETURN_IF_ERROR(sorter_->Seal());
  FRESHET_RETURN_IF_ERROR(WriteFiles(progress));
  FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
  counts_.duplicates = sorter_->duplicate_count();
  generation_.row_count = counts_.served;
  generation_.loaded_at_ms = generations_.clock().NowMs();
  if (goes_into_served()) FRESHET_RETURN_IF_ERROR(WriteSummary());
  stage_ = Stage::kFinished;
  return Status::Ok();
}

Status SortingGenerationWriter::WriteFiles(FunctionRef<void(uint64_t rows_written)> progress) {
  if (const RowFileWriter* ordered = sorter_->ordered_files()) {
    FRESHET_RETURN_IF_ERROR(TakeOrderedFiles(*ordered));
    progress(ordered->rows_written());
    return Status::Ok();
  }
  RowFileWriter files(database_.row_files().served, generation_.table, limits::kSortedFileBytes,
                      [this] { return NewFile(); });
  RowPipe pipe(files);
  FRESHET_RETURN_IF_ERROR(SortRows([&](std::string_view entity_key, std::string_view row) {
    if (counts_.written % kRowsPerProgress == 0) progress(counts_.written);
    return pipe.Add(entity_key, row);
  }));
  FRESHET_RETURN_IF_ERROR(pipe.Finish());
  progress(files.rows_written());
  counts_.written_bytes = files.bytes_written();
  return Status::Ok();
}

Status SortingGenerationWriter::TakeOrderedFiles(const RowFileWriter& files) {
  for (const std::string& file : files.files()) {
    // The database takes its files away. What is kept stays until the view serves the rows.
    std::error_code error;
    const std::string taken = keeps_parts_ ? NewFile() : files_.emplace_back(file);
    if (keeps_parts_) std::filesystem::create_hard_link(file, taken, error);
    // Not every file system has links.
    if (error) std::filesystem::copy_file(file, taken, error);
    if (error) return Status::IoError(fmt::format("cannot copy {}: {}", file, error.message()));
  }
  counts_.served = files.rows_written();
  counts_.written = files.rows_written();
  counts_.written_bytes = files.bytes_written();
  return Status::Ok();
}

Status SortingGenerationWriter::Rehearse(FunctionRef<void(uint64_t rows_done)> progress) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("a load can be finished once, unless it failed before");
  stage_ = Stage::kFailed;
  FRESHET_RETURN_IF_ERROR(sorter_->Seal());
  const std::shared_ptr<const Generation> served = generations_.Find(options_.view_id);
  std::optional<KeyComparison> comparison;
  if (!goes_into_served()) comparison.emplace(database_, served.get());
  uint64_t rows = 0;
  FRESHET_RETURN_IF_ERROR(SortRows([&](std::string_view entity_key, std::string_view row) {
    if (++rows % kRowsPerProgress == 0) progress(rows);
    if (!comparison.has_value() || RowLayout::IsTombstone(row)) return Status::Ok();
    return comparison->Take(entity_key);
  }));
  counts_.duplicates = sorter_->duplicate_count();
  if (!comparison.has_value()) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(comparison->Finish());
  counts_.new_keys = comparison->new_keys();
  counts_.gone_keys = comparison->gone_keys();
  return Status::Ok();
}

Status SortingGenerationWriter::SortRows(RowSink write) {
  if (!goes_into_served()) return WriteNewRows(write);
  RowUpsert upsert(database_, *base_, kept_, write, counts_);
  FRESHET_RETURN_IF_ERROR(sorter_->Finish([&](std::string_view entity_key, std::string_view row) {
    FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
    return upsert.Add(entity_key, row);
  }));
  return upsert.Flush();
}

Status SortingGenerationWriter::WriteNewRows(RowSink write) {
  return sorter_->Finish([&](std::string_view entity_key, std::string_view row) {
    FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
    const bool is_deleted = RowLayout::IsTombstone(row);
    ++(is_deleted ? counts_.deleted : counts_.served);
    // Only a later upsert has to know what was deleted.
    if (is_deleted && options_.kind == LoadKind::kReplace) return Status::Ok();
    ++counts_.written;
    return write(entity_key, row);
  });
}

Status SortingGenerationWriter::CheckNotCancelled() const {
  if (!cancelled_.load(std::memory_order_relaxed)) return Status::Ok();
  return Status::Cancelled("the load was cancelled: nothing was changed");
}

Status SortingGenerationWriter::WriteSummary() {
  RowFileWriter file(database_.row_files().served, generation_.table, limits::kSortedFileBytes,
                     [this] { return NewFile(); });
  FRESHET_RETURN_IF_ERROR(file.Add(kSummaryEntityKey, EncodeSummary(generation_)));
  return file.Finish();
}

std::string SortingGenerationWriter::NewFile() {
  files_.push_back(
      fmt::format("{}/rows-{:06}.sst", generations_.kept_loads().Folder(load_), files_.size()));
  return files_.back();
}

Status SortingGenerationWriter::Publish() {
  FRESHET_RETURN_IF_ERROR(Ingest());
  return Flip();
}

Status SortingGenerationWriter::Ingest() {
  if (stage_ == Stage::kIngested) return Status::Ok();
  if (stage_ != Stage::kFinished)
    return Status::FailedPrecondition("only a finished load can be published, and once");
  if (!files_.empty()) {
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    // A file that is kept shares its bytes.
    ingest.write_global_seqno = false;
    // Table ids are never used again, so nothing that is read now lies in a new table's key range.
    ingest.snapshot_consistency = goes_into_served();
    FRESHET_RETURN_IF_ERROR(
        FromRocks(database_.db().IngestExternalFile(database_.rows(), files_, ingest),
                  "take the loaded rows over"));
  }
  stage_ = Stage::kIngested;
  return Status::Ok();
}

Status SortingGenerationWriter::Flip() {
  if (stage_ != Stage::kIngested)
    return Status::FailedPrecondition("only a finished load can be published, and once");
  if (goes_into_served()) {
    generations_.Update(options_.view_id, generation_);
    generations_.DiscardOutdone(options_.view_id, load_);
  } else {
    generation_.loaded_at_ms = generations_.clock().NowMs();
    FRESHET_RETURN_IF_ERROR(generations_.Publish(options_.view_id, generation_));
  }
  stage_ = Stage::kPublished;
  return Status::Ok();
}

}  // namespace freshet::store
