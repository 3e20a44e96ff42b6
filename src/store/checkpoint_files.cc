#include "store/checkpoint_files.h"

#include <filesystem>
#include <vector>

#include <fmt/format.h>

namespace freshet::store {

CheckpointFiles::CheckpointFiles(Database& database, const std::string& folder, uint64_t number)
    : database_(database),
      states_{database.timelines(), database.timeline_file_options(),
              fmt::format("{}/{}-timelines.sst", folder, number)},
      positions_{database.meta(), database.meta_file_options(),
                 fmt::format("{}/{}-meta.sst", folder, number)} {}

CheckpointFiles::~CheckpointFiles() {
  for (File* file : {&states_, &positions_}) {
    if (file->writer == nullptr) continue;
    file->writer.reset();
    std::error_code ignored;
    std::filesystem::remove(file->path, ignored);
  }
}

Status CheckpointFiles::AddState(std::string_view key, std::string_view bytes) {
  if (states_.writer == nullptr) FRESHET_RETURN_IF_ERROR(Open(states_));
  const rocksdb::Status status = bytes.empty() ? states_.writer->Delete(ToSlice(key))
                                               : states_.writer->Put(ToSlice(key), ToSlice(bytes));
  return status.ok() ? Status::Ok() : FromRocks(status, fmt::format("write {}", states_.path));
}

Status CheckpointFiles::AddPosition(std::string_view key, std::string_view value) {
  if (positions_.writer == nullptr) FRESHET_RETURN_IF_ERROR(Open(positions_));
  return FromRocks(positions_.writer->Put(ToSlice(key), ToSlice(value)),
                   fmt::format("write {}", positions_.path));
}

Status CheckpointFiles::TakeOver() {
  std::vector<rocksdb::IngestExternalFileArg> wanted;
  for (File* file : {&states_, &positions_}) {
    if (file->writer == nullptr) continue;
    FRESHET_RETURN_IF_ERROR(FromRocks(file->writer->Finish(), fmt::format("write {}", file->path)));
    rocksdb::IngestExternalFileArg& arg = wanted.emplace_back();
    arg.column_family = file->family;
    arg.external_files = {file->path};
    arg.options.move_files = true;
    arg.options.write_global_seqno = false;
  }
  return database_.TakeOver(wanted, "take a checkpoint's files over");
}

Status CheckpointFiles::Open(File& file) {
  // What was just written is read again soon, by a compaction.
  constexpr bool kInvalidatesPageCache = false;
  file.writer = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), file.options,
                                                         file.family, kInvalidatesPageCache);
  return FromRocks(file.writer->Open(file.path), fmt::format("make {}", file.path));
}

}  // namespace freshet::store
