// RocksDB as the store uses it: one database, its column families, its options. Private to the
// module.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/key_layout.h"
#include "store/row_file_options.h"
#include "store/row_retention.h"
#include "store/store.h"
#include "store/stream_row.h"

namespace freshet::store {

// The same error as a Status: "cannot <doing>: <what RocksDB says>".
Status FromRocks(const rocksdb::Status& status, std::string_view doing);

inline rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
inline std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// Whether a write waits until the disk has it. kBuffered writes survive the end of the process, and
// after a crash of the machine a prefix of all writes survives.
enum class Durability : uint8_t { kBuffered, kSynced };

class Database {
 public:
  static Result<std::unique_ptr<Database>> Open(const StoreOptions& options);
  ~Database();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* timelines() const { return families_[1]; }
  rocksdb::ColumnFamilyHandle* rows() const { return families_[2]; }
  rocksdb::ColumnFamilyHandle* meta() const { return families_[3]; }
  rocksdb::ColumnFamilyHandle* log() const { return families_[4]; }
  rocksdb::ColumnFamilyHandle* family(TableKind kind) const {
    return kind == TableKind::kTimelines ? timelines() : rows();
  }

  Status Write(rocksdb::WriteBatch& batch, Durability durability, std::string_view doing);
  // Files of several column families become theirs in one step, durable on return, and not before what was written earlier.
  Status TakeOver(const std::vector<rocksdb::IngestExternalFileArg>& files, std::string_view doing);
  // Removes a range: whole files at once, the rest by a tombstone.
  Status DeleteRange(rocksdb::ColumnFamilyHandle* family, const KeyRange& range,
                     std::string_view doing);
  // Everything that was written is in files, and the write-ahead log is empty.
  Status FlushAll();
  // The files that may hold one of these keys are written anew, without what was deleted, overwritten
  // or past its retention. `is_cancelled` breaks it off with an error.
  Status RewriteFiles(rocksdb::ColumnFamilyHandle* family, const std::string& first_key,
                      const std::string& last_key, std::atomic<bool>* is_cancelled = nullptr);
  // Visits the entries of a range of `meta` in order.
  Status ScanMeta(const KeyRange& range,
                  FunctionRef<Status(std::string_view key, std::string_view value)> visit) const;
  // Nothing when there is no such key.
  Result<std::optional<std::string>> ReadMeta(const std::string& key) const;

  const RowFileOptions& row_files() const { return row_files_; }
  // For files of checkpoints, to be ingested into `timelines` and `meta`.
  const rocksdb::Options& timeline_file_options() const { return timeline_file_options_; }
  const rocksdb::Options& meta_file_options() const { return meta_file_options_; }

  // Of loaded rows, and of rows that streams feed.
  RowRetention& retention(TableKind kind) const {
    return kind == TableKind::kTimelines ? *stream_retention_ : *retention_;
  }
  uint64_t EstimateDiskBytes() const;

 private:
  explicit Database(const Clock& clock)
      : retention_(std::make_shared<RowRetention>(0, clock)),
        stream_retention_(std::make_shared<RowRetention>(StreamRow::kHeaderBytes, clock)) {}

  // RocksDB holds them too.
  const std::shared_ptr<RowRetention> retention_;
  const std::shared_ptr<RowRetention> stream_retention_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  RowFileOptions row_files_;
  rocksdb::Options timeline_file_options_;
  rocksdb::Options meta_file_options_;
  std::atomic<bool> write_failed_{false};
};

}  // namespace freshet::store
