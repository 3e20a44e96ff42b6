#include "store/row_folder_writer.h"

#include <atomic>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/durable_file.h"
#include "store/file_checksum.h"
#include "store/key_layout.h"
#include "store/row_check.h"
#include "store/row_file_options.h"
#include "store/row_files.h"
#include "store/row_pipe.h"
#include "store/row_sorter.h"

namespace freshet::store {
namespace {

constexpr uint64_t kRowsPerStep = 65'536;

Status FileError(std::string_view doing, const std::string& path, const std::error_code& error) {
  return Status::IoError(fmt::format("cannot {} {}: {}", doing, path, error.message()));
}

RowFileOptions ChecksummedFiles() {
  RowFileOptions files = NewRowFileOptions({});
  files.served.file_checksum_gen_factory = NewFileChecksums();
  return files;
}

class RowFolderWriter final : public GenerationWriter {
 public:
  explicit RowFolderWriter(RowFolderOptions options)
      : options_(std::move(options)),
        building_(options_.folder + "/building"),
        files_(ChecksummedFiles()) {}
  ~RowFolderWriter() override;

  Status Begin();

  Status Add(std::string_view entity_key, std::string_view row) override;
  Status Keep(std::vector<bool> /*columns*/) override {
    return Status::InvalidArgument("rows are built whole: no column of them stays as it is served");
  }
  Status Finish(FunctionRef<void(uint64_t rows_written)> progress) override;
  Status Rehearse(FunctionRef<void(uint64_t rows_done)> /*progress*/) override {
    return Status::InvalidArgument(
        "rows that are built have no served ones beside them; rehearse "
        "the load itself");
  }
  void Cancel() override { cancelled_ = true; }
  const LoadCounts& counts() const override { return counts_; }
  void SetReadCounts(const ReadCounts& counts) override { read_ = counts; }
  Status Publish() override;

 private:
  enum class Stage : uint8_t { kAdding, kFinished, kPublished, kFailed };

  Status MakeFolder();
  Status WriteFiles(FunctionRef<void(uint64_t rows_written)> progress);
  Status TakeRow(std::string_view entity_key, std::string_view row, RowPipe& pipe);
  Status CheckNotCancelled() const;
  // The finished files get their names.
  Status MoveFiles();
  static std::string NameOf(size_t file) { return fmt::format("rows-{:06}.sst", file); }
  std::string PathOf(size_t file) const { return options_.folder + "/" + NameOf(file); }
  Manifest Describe() const;
  void TakeBack();

  const RowFolderOptions options_;
  const std::string building_;  // for what is under way
  const RowFileOptions files_;
  bool has_begun_ = false;
  bool has_made_folder_ = false;
  std::optional<RowSorter> sorter_;  // while rows come
  std::vector<RowFile> built_;
  ReadCounts read_;
  LoadCounts counts_;
  Stage stage_ = Stage::kAdding;
  std::atomic<bool> cancelled_{false};
};

Status RowFolderWriter::Begin() {
  FRESHET_RETURN_IF_ERROR(MakeFolder());
  std::error_code error;
  const bool is_ours = std::filesystem::create_directory(building_, error);
  if (error) return FileError("make the folder", building_, error);
  if (!is_ours)
    return Status::FailedPrecondition(
        fmt::format("another build has begun in {}", options_.folder));
  has_begun_ = true;
  sorter_.emplace(files_, RowSorter::Options{.folder = building_,
                                             .table = kBuiltTable,
                                             .memory_bytes = options_.memory_bytes,
                                             .keeps_ordered_files = true});
  return Status::Ok();
}

Status RowFolderWriter::MakeFolder() {
  std::error_code error;
  has_made_folder_ = std::filesystem::create_directories(options_.folder, error);
  if (error) return FileError("make the folder", options_.folder, error);
  if (has_made_folder_) {
    FRESHET_RETURN_IF_ERROR(
        SyncPath(std::filesystem::absolute(options_.folder).parent_path().string()));
  }
  if (std::filesystem::is_empty(options_.folder, error)) return Status::Ok();
  if (error) return FileError("read the folder", options_.folder, error);
  const auto has = [&](const std::string& path) { return std::filesystem::exists(path, error); };
  const bool is_left =
      has(building_) ||
      (has(PathOf(0)) && !has(fmt::format("{}/{}", options_.folder, kManifestName)));
  return Status::FailedPrecondition(fmt::format(
      "{} is not empty{}; rows are built in a folder of their own: remove what is there, or choose "
      "another one",
      options_.folder,
      is_left ? ": it has what a build under way or one that was killed made" : ""));
}

RowFolderWriter::~RowFolderWriter() {
  sorter_.reset();  // it may be writing into the folder
  if (stage_ != Stage::kPublished) TakeBack();
}

void RowFolderWriter::TakeBack() {
  std::error_code error;
  if (has_begun_) {
    const std::string manifest = fmt::format("{}/{}", options_.folder, kManifestName);
    std::filesystem::remove(manifest, error);
    std::filesystem::remove(manifest + ".new", error);
    std::filesystem::remove_all(building_, error);
    for (size_t file = 0; file < built_.size(); ++file)
      std::filesystem::remove(PathOf(file), error);
  }
  if (has_made_folder_) std::filesystem::remove(options_.folder, error);
  if (error) LogWarning("files of a build are left in {}: {}", options_.folder, error.message());
}

Status RowFolderWriter::Add(std::string_view entity_key, std::string_view row) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("rows cannot be added to a load that was finished or failed");
  FRESHET_RETURN_IF_ERROR(CheckSizes(entity_key, row));
  Status status = sorter_->Add(entity_key, row);
  if (!status.ok()) stage_ = Stage::kFailed;
  return status;
}

Status RowFolderWriter::Finish(FunctionRef<void(uint64_t rows_written)> progress) {
  if (stage_ != Stage::kAdding)
    return Status::FailedPrecondition("a load can be finished once, unless it failed before");
  stage_ = Stage::kFailed;
  FRESHET_RETURN_IF_ERROR(sorter_->Seal());
  FRESHET_RETURN_IF_ERROR(WriteFiles(progress));
  FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
  counts_.duplicates = sorter_->duplicate_count();
  for (const RowFile& file : built_) {
    counts_.served += file.rows;
    counts_.written_bytes += file.bytes;
  }
  counts_.written = counts_.served;
  progress(counts_.served);
  stage_ = Stage::kFinished;
  return Status::Ok();
}

Status RowFolderWriter::WriteFiles(FunctionRef<void(uint64_t rows_written)> progress) {
  if (const RowFileWriter* ordered = sorter_->ordered_files()) {
    built_ = ordered->finished();
    return Status::Ok();
  }
  size_t files = 0;
  RowFileWriter writer(files_.served, kBuiltTable, limits::kSortedFileBytes,
                       [&] { return building_ + "/" + NameOf(files++); });
  RowPipe pipe(writer);
  uint64_t taken = 0;
  FRESHET_RETURN_IF_ERROR(sorter_->Finish([&](std::string_view entity_key, std::string_view row) {
    if (taken++ % kRowsPerStep == 0) progress(taken - 1);
    return TakeRow(entity_key, row, pipe);
  }));
  FRESHET_RETURN_IF_ERROR(pipe.Finish());
  built_ = writer.finished();
  return Status::Ok();
}

Status RowFolderWriter::TakeRow(std::string_view entity_key, std::string_view row, RowPipe& pipe) {
  FRESHET_RETURN_IF_ERROR(CheckNotCancelled());
  if (!RowLayout::IsTombstone(row)) return pipe.Add(entity_key, row);
  ++counts_.deleted;
  return Status::Ok();
}

Status RowFolderWriter::CheckNotCancelled() const {
  if (!cancelled_.load(std::memory_order_relaxed)) return Status::Ok();
  return Status::Cancelled("the load was cancelled: nothing was changed");
}

Status RowFolderWriter::Publish() {
  if (stage_ != Stage::kFinished)
    return Status::FailedPrecondition("only a finished load can be published, and once");
  stage_ = Stage::kFailed;
  const std::string manifest = EncodeManifest(Describe());
  if (manifest.size() > limits::kManifestBytesMax) {
    return Status::ResourceExhausted(fmt::format(
        "the manifest of {} files takes {} bytes; at most {} are allowed. Build the rows in "
        "the data folder, or shorten the join keys",
        built_.size(), manifest.size(), limits::kManifestBytesMax));
  }
  FRESHET_RETURN_IF_ERROR(MoveFiles());
  FRESHET_RETURN_IF_ERROR(WriteDurably(options_.folder, std::string(kManifestName), manifest));
  stage_ = Stage::kPublished;
  return Status::Ok();
}

Status RowFolderWriter::MoveFiles() {
  std::error_code error;
  for (size_t file = 0; file < built_.size() && !error; ++file)
    std::filesystem::rename(built_[file].path, PathOf(file), error);
  if (!error) std::filesystem::remove_all(building_, error);
  if (error) return FileError("move the files of", options_.folder, error);
  return SyncPath(options_.folder);
}

Manifest RowFolderWriter::Describe() const {
  Manifest manifest;
  manifest.shape = options_.shape;
  manifest.built_at_ms = options_.clock->NowMs();
  manifest.read = read_;
  manifest.rows_duplicate = counts_.duplicates;
  manifest.rows_deleted = counts_.deleted;
  for (size_t file = 0; file < built_.size(); ++file) {
    const RowFile& built = built_[file];
    manifest.files.push_back({NameOf(file), built.bytes, ChecksumOf(built.checksum), built.rows,
                              built.first_key, built.last_key});
  }
  return manifest;
}

}  // namespace

Result<std::unique_ptr<GenerationWriter>> NewRowFolder(RowFolderOptions options) {
  // From here on the destructor cleans up.
  auto writer = std::make_unique<RowFolderWriter>(std::move(options));
  FRESHET_RETURN_IF_ERROR(writer->Begin());
  return std::unique_ptr<GenerationWriter>(std::move(writer));
}

}  // namespace freshet::store
