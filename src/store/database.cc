#include "store/database.h"

#include <filesystem>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "base/limits.h"
#include "store/format_file.h"

namespace freshet::store {
namespace {

constexpr double kFilterBitsPerKey = 10;
constexpr double kMemtableBloomShare = 0.05;  // of the memtable's bytes
constexpr uint64_t kLogFileBytes = 16u << 20;
constexpr size_t kSmallWriteBufferBytes = 4u << 20;

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.max_background_jobs = options.background_threads;
  db.max_open_files = limits::kStoreOpenFilesMax;
  db.bytes_per_sync = 1u << 20;
  // Bounds the replay at the next start.
  db.max_total_wal_size = 2 * options.write_buffer_bytes;
  // A torn end of the log is cut off, over all column families at one point.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.keep_log_file_num = 4;
  db.max_log_file_size = kLogFileBytes;
  db.stats_dump_period_sec = 0;
  db.skip_stats_update_on_db_open = true;
  db.skip_checking_sst_file_sizes_on_db_open = true;
  return db;
}

// State is looked up key by key, so whole-key filters stand in front of the memtable and of every
// file.
rocksdb::ColumnFamilyOptions StateOptions(const StoreOptions& options,
                                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  family.compression = rocksdb::kLZ4Compression;
  family.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

rocksdb::ColumnFamilyOptions SmallOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = kSmallWriteBufferBytes;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

// Logs are written and read in order, and never looked up by a key that may be missing.
rocksdb::ColumnFamilyOptions LogOptions(const StoreOptions& options,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = SmallOptions(cache);
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 3;
  family.compression = rocksdb::kLZ4Compression;
  return family;
}

rocksdb::Options ReadBackOptions(const rocksdb::DBOptions& db) {
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return {db, family};
}

Status OpenFailed(const rocksdb::Status& status, const std::string& path) {
  std::string message = status.ToString();
  // RocksDB has no code of its own for a lock that is held, by another process or by this one.
  if (status.IsIOError() && message.find("lock") != std::string::npos) {
    return Status::FailedPrecondition(
        fmt::format("the data folder {} is in use by another process; stop that one, or choose "
                    "another folder",
                    path));
  }
  return FromRocks(status, fmt::format("open the data folder {}", path));
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return Status::Ok();
  std::string message = fmt::format("cannot {}: {}", doing, status.ToString());
  if (status.IsCorruption()) return Status::Corruption(std::move(message));
  return Status::IoError(std::move(message));
}

RowFileOptions NewRowFileOptions(const StoreOptions& options) {
  const rocksdb::DBOptions db_options = DatabaseOptions(options);
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  return {rocksdb::Options(db_options, StateOptions(options, cache)), ReadBackOptions(db_options)};
}

Result<std::unique_ptr<Database>> Database::Open(const StoreOptions& options) {
  FRESHET_RETURN_IF_ERROR(CheckOrWriteFormatFile(options.path));
  auto database = std::unique_ptr<Database>(new Database(*options.clock));
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::DBOptions db_options = DatabaseOptions(options);
  rocksdb::ColumnFamilyOptions state_options = StateOptions(options, cache);
  rocksdb::ColumnFamilyOptions row_options = state_options;
  row_options.compaction_filter_factory = database->retention_;
  rocksdb::ColumnFamilyOptions timeline_options = state_options;
  timeline_options.compaction_filter_factory = database->stream_retention_;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, SmallOptions(cache)},
      {"timelines", timeline_options},
      {"rows", row_options},
      {"meta", SmallOptions(cache)},
      {"log", LogOptions(options, cache)},
  };
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(db_options, DatabaseFolder(options.path), descriptors,
                                             &database->families_, &db);
  if (!status.ok()) return OpenFailed(status, options.path);
  database->db_.reset(db);
  database->row_files_ = {rocksdb::Options(db_options, state_options), ReadBackOptions(db_options)};
  database->timeline_file_options_ = rocksdb::Options(db_options, timeline_options);
  database->meta_file_options_ = rocksdb::Options(db_options, SmallOptions(cache));
  return database;
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  db_->Close();
}

Status Database::Write(rocksdb::WriteBatch& batch, Durability durability, std::string_view doing) {
  // After an error, such as a full disk, RocksDB refuses writes until it is told to try again.
  if (write_failed_.exchange(false)) db_->Resume();
  rocksdb::WriteOptions write;
  write.sync = durability == Durability::kSynced;
  rocksdb::Status status = db_->Write(write, &batch);
  if (!status.ok()) write_failed_ = true;
  return FromRocks(status, doing);
}

Status Database::TakeOver(const std::vector<rocksdb::IngestExternalFileArg>& files,
                          std::string_view doing) {
  if (write_failed_.exchange(false)) db_->Resume();
  // What is in the log and was not synced could otherwise be lost by a crash that leaves the files.
  rocksdb::Status status = db_->SyncWAL();
  if (status.ok()) status = db_->IngestExternalFiles(files);
  if (!status.ok()) write_failed_ = true;
  return FromRocks(status, doing);
}

Status Database::DeleteRange(rocksdb::ColumnFamilyHandle* family, const KeyRange& range,
                             std::string_view doing) {
  rocksdb::Slice begin = range.begin;
  rocksdb::Slice end = range.end;
  FRESHET_RETURN_IF_ERROR(
      FromRocks(rocksdb::DeleteFilesInRange(db_.get(), family, &begin, &end, false), doing));
  rocksdb::WriteBatch batch;
  FRESHET_RETURN_IF_ERROR(FromRocks(batch.DeleteRange(family, begin, end), doing));
  return Write(batch, Durability::kBuffered, doing);
}

Status Database::FlushAll() {
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = false;
  return FromRocks(db_->Flush(flush, families_), "write what is in memory to files");
}

Status Database::RewriteFiles(rocksdb::ColumnFamilyHandle* family, const std::string& first_key,
                              const std::string& last_key, std::atomic<bool>* is_cancelled) {
  rocksdb::CompactRangeOptions compact;
  compact.canceled = is_cancelled;
  compact.exclusive_manual_compaction = false;
  // The last level too, where the deletion itself is dropped.
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const rocksdb::Slice first = first_key;
  const rocksdb::Slice last = last_key;
  return FromRocks(db_->CompactRange(compact, family, &first, &last), "rewrite files");
}

Status Database::ScanMeta(
    const KeyRange& range,
    FunctionRef<Status(std::string_view key, std::string_view value)> visit) const {
  rocksdb::ReadOptions read;
  rocksdb::Slice end = range.end;
  read.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read, meta()));
  for (it->Seek(range.begin); it->Valid(); it->Next())
    FRESHET_RETURN_IF_ERROR(visit(ToView(it->key()), ToView(it->value())));
  return FromRocks(it->status(), "read the store's own records");
}

Result<std::optional<std::string>> Database::ReadMeta(const std::string& key) const {
  std::string value;
  rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), meta(), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  FRESHET_RETURN_IF_ERROR(FromRocks(status, "read the store's own records"));
  return std::optional<std::string>(std::move(value));
}

uint64_t Database::EstimateDiskBytes() const {
  uint64_t total = 0;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    uint64_t bytes = 0;
    if (db_->GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes))
      total += bytes;
  }
  return total;
}

}  // namespace freshet::store
