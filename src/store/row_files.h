// Sorted files of rows as the database has them, RocksDB's SST files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>

#include "freshet/status.h"

#include "store/sorted_rows.h"
#include "store/store.h"

namespace freshet::store {

// A finished file.
struct RowFile {
  std::string path;
  uint64_t bytes = 0;
  uint64_t rows = 0;
  std::string first_key;  // entity keys
  std::string last_key;
  std::string checksum;  // as RocksDB has it, where the options ask for one
};

// Writes rows in key order, into files of about `file_bytes_max` each. One thread.
class RowFileWriter {
 public:
  // `options` must outlive the writer.
  RowFileWriter(const rocksdb::Options& options, TableId table, uint64_t file_bytes_max,
                std::function<std::string()> new_file);

  // Goes on after files that another writer has finished. Once, first.
  void Continue(std::vector<std::string> files, uint64_t rows, uint64_t bytes);

  // Keys ascend, each once.
  Status Add(std::string_view entity_key, std::string_view row);
  // Ends the file under way; more rows begin another one.
  Status Finish();

  uint64_t rows_written() const { return rows_written_; }
  uint64_t bytes_written() const { return bytes_written_; }  // in finished files
  const std::vector<std::string>& files() const { return files_; }
  const std::vector<RowFile>& finished() const { return finished_; }

 private:
  Status BeginFile();
  Status FinishFile();
  bool IsFull();

  const rocksdb::Options& options_;
  const uint64_t file_bytes_max_;
  const std::function<std::string()> new_file_;
  std::string key_;  // of the row under way; begins with the table
  std::unique_ptr<rocksdb::SstFileWriter> file_;
  uint64_t bytes_since_look_ = 0;  // at how large the file is
  std::vector<std::string> files_;
  std::vector<RowFile> finished_;
  uint64_t rows_written_ = 0;
  uint64_t bytes_written_ = 0;
};

// Reads a file back. One thread.
class RowFileReader final : public SortedRows {
 public:
  // At the first row. `options` must outlive the reader.
  static Result<std::unique_ptr<SortedRows>> Open(const rocksdb::Options& options,
                                                  const std::string& path);

  Status Next() override;

 private:
  RowFileReader(const rocksdb::Options& options, std::string path)
      : path_(std::move(path)), reader_(options) {}

  // Of where the iterator is.
  Status TakeRow();

  const std::string path_;
  rocksdb::SstFileReader reader_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace freshet::store
