// A large checkpoint as sorted files, which RocksDB takes over in one step, past its log and its memtables: the bytes are
// compressed and written once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/sst_file_writer.h>

#include "freshet/status.h"

#include "store/database.h"

namespace freshet::store {

// The files of one checkpoint; what was not taken over is removed when it goes. One thread.
class CheckpointFiles {
 public:
  // `number` is the folder's own: no other checkpoint under way has it. `database` must outlive it.
  CheckpointFiles(Database& database, const std::string& folder, uint64_t number);
  ~CheckpointFiles();

  // Keys ascend, each once. A state without bytes is a deletion.
  Status AddState(std::string_view key, std::string_view bytes);
  Status AddPosition(std::string_view key, std::string_view value);
  // Both or neither, and never before what was written to the log earlier: durable on return.
  Status TakeOver();

 private:
  struct File {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    const rocksdb::Options& options;
    std::string path;
    std::unique_ptr<rocksdb::SstFileWriter> writer = nullptr;
  };

  static Status Open(File& file);

  Database& database_;
  File states_;
  File positions_;
};

}  // namespace freshet::store
