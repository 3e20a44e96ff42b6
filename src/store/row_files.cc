#include "store/row_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/database.h"
#include "store/row.h"

namespace freshet::store {

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
  return file_->FileSize() < file_bytes_max_ ? Status::Ok() : FinishFile();
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

Status RunMerger::AddRun(const rocksdb::Options& options, const std::string& file) {
  Run run;
  run.reader = std::make_unique<rocksdb::SstFileReader>(options);
  FRESHET_RETURN_IF_ERROR(FromRocks(run.reader->Open(file), fmt::format("read {}", file)));
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  run.rows.reset(run.reader->NewIterator(read));
  run.rows->SeekToFirst();
  runs_.push_back(std::move(run));
  return Push(runs_.size() - 1);
}

Status RunMerger::Next() {
  size_t run = heap_.front().run;
  std::pop_heap(heap_.begin(), heap_.end(), ComesAfter);
  heap_.pop_back();
  runs_[run].rows->Next();
  return Push(run);
}

bool RunMerger::ComesAfter(const Head& a, const Head& b) {
  if (int order = a.state_key.compare(b.state_key); order != 0) return order > 0;
  int64_t a_time_ms = RowLayout::EventTimeMs(a.row);
  int64_t b_time_ms = RowLayout::EventTimeMs(b.row);
  if (a_time_ms != b_time_ms) return a_time_ms < b_time_ms;
  return a.run < b.run;
}

Status RunMerger::Push(size_t run) {
  const rocksdb::Iterator& rows = *runs_[run].rows;
  if (!rows.Valid()) return FromRocks(rows.status(), "read a sorted run of rows");
  heap_.push_back({ToView(rows.key()), ToView(rows.value()), run});
  std::push_heap(heap_.begin(), heap_.end(), ComesAfter);
  return Status::Ok();
}

}  // namespace freshet::store
