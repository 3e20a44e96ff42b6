#include "store/row_files.h"

#include <fmt/format.h>

#include "store/database.h"

namespace freshet::store {
namespace {

constexpr uint64_t kBytesPerLook = 4096;  // a block, by which a file grows

}  // namespace

RowFileWriter::RowFileWriter(const rocksdb::Options& options, TableId table,
                             uint64_t file_bytes_max, std::function<std::string()> new_file)
    : options_(options),
      file_bytes_max_(file_bytes_max),
      new_file_(std::move(new_file)),
      key_(StateKeyOf(table, "")) {}

void RowFileWriter::Continue(std::vector<std::string> files, uint64_t rows, uint64_t bytes) {
  files_ = std::move(files);
  rows_written_ = rows;
  bytes_written_ = bytes;
}

Status RowFileWriter::Add(std::string_view entity_key, std::string_view row) {
  if (file_ == nullptr) FRESHET_RETURN_IF_ERROR(BeginFile());
  key_.resize(kTablePrefixBytes);
  key_.append(entity_key);
  const rocksdb::Status status = file_->Put(key_, ToSlice(row));
  if (!status.ok()) return FromRocks(status, fmt::format("write {}", files_.back()));
  ++rows_written_;
  bytes_since_look_ += key_.size() + row.size();
  return IsFull() ? FinishFile() : Status::Ok();
}

bool RowFileWriter::IsFull() {
  if (bytes_since_look_ < kBytesPerLook) return false;
  bytes_since_look_ = 0;
  return file_->FileSize() >= file_bytes_max_;
}

Status RowFileWriter::Finish() {
  return file_ == nullptr ? Status::Ok() : FinishFile();
}

Status RowFileWriter::BeginFile() {
  files_.push_back(new_file_());
  file_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_);
  return FromRocks(file_->Open(files_.back()), fmt::format("make {}", files_.back()));
}

Status RowFileWriter::FinishFile() {
  rocksdb::ExternalSstFileInfo about;
  Status status = FromRocks(file_->Finish(&about), fmt::format("write {}", files_.back()));
  bytes_written_ += file_->FileSize();
  file_.reset();
  if (!status.ok()) return status;
  finished_.push_back({files_.back(), about.file_size, about.num_entries,
                       std::string(EntityKeyOf(about.smallest_key)),
                       std::string(EntityKeyOf(about.largest_key)), about.file_checksum});
  return Status::Ok();
}

Result<std::unique_ptr<SortedRows>> RowFileReader::Open(const rocksdb::Options& options,
                                                        const std::string& path) {
  std::unique_ptr<RowFileReader> rows(new RowFileReader(options, path));
  FRESHET_RETURN_IF_ERROR(FromRocks(rows->reader_.Open(path), fmt::format("read {}", path)));
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  rows->iterator_.reset(rows->reader_.NewIterator(read));
  rows->iterator_->SeekToFirst();
  FRESHET_RETURN_IF_ERROR(rows->TakeRow());
  return std::unique_ptr<SortedRows>(std::move(rows));
}

Status RowFileReader::Next() {
  iterator_->Next();
  return TakeRow();
}

Status RowFileReader::TakeRow() {
  valid_ = iterator_->Valid();
  if (!valid_) return FromRocks(iterator_->status(), fmt::format("read {}", path_));
  entity_key_ = EntityKeyOf(ToView(iterator_->key()));
  row_ = ToView(iterator_->value());
  return Status::Ok();
}

}  // namespace freshet::store
