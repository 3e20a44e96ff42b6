#include "store/generation_writer.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"

namespace freshet::store {

Result<std::unique_ptr<SortingGenerationWriter>> SortingGenerationWriter::Begin(
    Database& database, Generations& generations, uint32_t view_id,
    std::vector<std::string> column_names, std::vector<Type> column_types, size_t memory_bytes) {
  if (column_names.size() != column_types.size()) {
    return Status::InvalidArgument(fmt::format("{} column names for {} column types",
                                               column_names.size(), column_types.size()));
  }
  Generation generation;
  generation.column_names = std::move(column_names);
  generation.column_types = std::move(column_types);
  FRESHET_ASSIGN_OR_RETURN(generation.table, generations.BeginLoad(view_id));
  const std::string folder = generations.LoadFolder(generation.table);
  // From here on the destructor cleans up.
  auto writer = std::unique_ptr<SortingGenerationWriter>(new SortingGenerationWriter(
      database, generations, view_id, std::move(generation), memory_bytes));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Status::IoError(fmt::format("cannot make the folder {}: {}", folder, error.message()));
  return writer;
}

SortingGenerationWriter::SortingGenerationWriter(Database& database, Generations& generations,
                                                 uint32_t view_id, Generation generation,
                                                 size_t memory_bytes)
    : database_(database),
      generations_(generations),
      view_id_(view_id),
      generation_(std::move(generation)),
      layout_(generation_.column_types),
      sorter_(database, generations.LoadFolder(generation_.table), generation_.table,
              memory_bytes) {}

SortingGenerationWriter::~SortingGenerationWriter() {
  std::error_code error;
  std::filesystem::remove_all(generations_.LoadFolder(generation_.table), error);
  if (error) LogWarning("files of a load are left until the next start: {}", error.message());
  if (stage_ != Stage::kPublished) {
    if (Status status = generations_.DiscardTable(generation_.table); !status.ok())
      LogWarning("rows of a load are left until the next start: {}", status.message());
  }
  generations_.EndLoad(view_id_);
}

Status SortingGenerationWriter::Add(std::string_view entity_key, std::string_view row) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("rows cannot be added to a load that was finished or failed");
  if (entity_key.size() > limits::kEntityKeyBytesMax) {
    return Status::InvalidArgument(fmt::format("an entity key of {} bytes is too long; at most {}",
                                               entity_key.size(), limits::kEntityKeyBytesMax));
  }
  if (Status status = layout_.Validate(row); !status.ok())
    return Status::InvalidArgument(std::string(status.message()));
  Status status = sorter_.Add(entity_key, row);
  if (!status.ok()) stage_ = Stage::kFailed;
  return status;
}

Status SortingGenerationWriter::Finish(FunctionRef<void(uint64_t rows_written)> progress) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("a load can be finished once, unless it failed before");
  stage_ = Stage::kFailed;
  FRESHET_RETURN_IF_ERROR(sorter_.Finish(progress));
  generation_.row_count = sorter_.row_count();
  stage_ = Stage::kFinished;
  return Status::Ok();
}

Status SortingGenerationWriter::Publish() {
  FRESHET_RETURN_IF_ERROR(Ingest());
  return Flip();
}

Status SortingGenerationWriter::Ingest() {
  if (stage_ == Stage::kIngested) return Status::Ok();
  if (stage_ != Stage::kFinished)
    return Status::FailedPrecondition("only a finished load can be published, and once");
  if (!sorter_.files().empty()) {
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    // Table ids are never used again, so nothing that is read now lies in the files' key range.
    ingest.snapshot_consistency = false;
    FRESHET_RETURN_IF_ERROR(
        FromRocks(database_.db().IngestExternalFile(database_.rows(), sorter_.files(), ingest),
                  "take the loaded rows over"));
  }
  stage_ = Stage::kIngested;
  return Status::Ok();
}

Status SortingGenerationWriter::Flip() {
  if (stage_ != Stage::kIngested)
    return Status::FailedPrecondition("only a finished load can be published, and once");
  generation_.loaded_at_ms = generations_.clock().NowMs();
  FRESHET_RETURN_IF_ERROR(generations_.Publish(view_id_, generation_));
  stage_ = Stage::kPublished;
  return Status::Ok();
}

}  // namespace freshet::store
