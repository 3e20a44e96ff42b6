// Sorted files of rows: written one after the other, and several merged into one order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>

#include "freshet/status.h"

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

  const rocksdb::Options& options_;
  const uint64_t file_bytes_max_;
  const std::function<std::string()> new_file_;
  std::string key_;  // of the row under way; begins with the table
  std::unique_ptr<rocksdb::SstFileWriter> file_;
  std::vector<std::string> files_;
  std::vector<RowFile> finished_;
  uint64_t rows_written_ = 0;
  uint64_t bytes_written_ = 0;
};

// Reads several sorted files as one: by key, then the newest event time, then the file added last.
// One thread.
class RunMerger {
 public:
  // Files are added in the order of their rows' age.
  Status AddRun(const rocksdb::Options& options, const std::string& file);

  bool valid() const { return !heap_.empty(); }
  std::string_view state_key() const { return heap_.front().state_key; }
  std::string_view row() const { return heap_.front().row; }
  Status Next();

 private:
  struct Head {
    std::string_view state_key;
    std::string_view row;
    size_t run = 0;
  };
  struct Run {
    std::unique_ptr<rocksdb::SstFileReader> reader;
    std::unique_ptr<rocksdb::Iterator> rows;
  };

  static bool ComesAfter(const Head& a, const Head& b);
  Status Push(size_t run);

  std::vector<Run> runs_;
  std::vector<Head> heap_;
};

}  // namespace freshet::store
