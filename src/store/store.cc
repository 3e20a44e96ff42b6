#include "store/store.h"

#include <rocksdb/write_batch.h>

#include "store/database.h"
#include "store/event_log.h"
#include "store/format_file.h"
#include "store/generation.h"
#include "store/generation_writer.h"
#include "store/lookup.h"
#include "store/position.h"
#include "store/retention_sweeper.h"
#include "store/row.h"
#include "store/state_cache.h"
#include "store/timeline_writer.h"

namespace freshet::store {
namespace {

class RocksStore : public Store {
 public:
  RocksStore(std::unique_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)),
        cache_(options.cache_bytes),
        generations_(*database_, cache_,
                     {.loads_folder = LoadsFolder(options.path),
                      .clock = options.clock,
                      .keep_unfinished_ms = options.keep_unfinished_ms,
                      .removed_bytes_per_second_max = options.removed_bytes_per_second_max}),
        reader_(*database_, cache_, generations_),
        logs_(*database_),
        writers_{.database = *database_,
                 .cache = cache_,
                 .reader = reader_,
                 .checkpoints_folder = CheckpointsFolder(options.path),
                 .checkpoint_file_bytes = options.checkpoint_file_bytes},
        sweeper_(*database_, [this] { generations_.DiscardSurplusLoads(); }) {}

  Status Recover() {
    FRESHET_RETURN_IF_ERROR(ClearFolder(writers_.checkpoints_folder));
    FRESHET_RETURN_IF_ERROR(generations_.Recover());
    return logs_.Recover();
  }

  Result<std::optional<std::string>> ReadDefinitions() override {
    return database_->ReadMeta(DefinitionsKey());
  }
  Status WriteDefinitions(std::string_view record) override {
    rocksdb::WriteBatch batch;
    batch.Put(database_->meta(), DefinitionsKey(), ToSlice(record));
    return database_->Write(batch, Durability::kSynced, "store the definitions");
  }

  Status Lookup(std::span<const StateKey> keys, Visit visit, const Deadline& deadline) override {
    const auto visit_rows = [&](size_t i, std::string_view bytes, Note* note) {
      const bool is_deleted = keys[i].kind == TableKind::kRows && RowLayout::IsTombstone(bytes);
      visit(i, is_deleted ? std::string_view() : bytes, note);
    };
    return reader_.Lookup(keys, visit_rows, deadline);
  }
  void SetTimelineGuard(TimelineGuard guard) override {
    reader_.SetTimelineGuard(std::move(guard));
  }
  std::unique_ptr<TimelineWriter> NewTimelineWriter() override {
    return std::make_unique<CheckpointingWriter>(writers_);
  }
  Result<std::vector<Position>> ReadPositions(TableId table) override;
  Status DropTables(std::span<const TableId> tables) override;

  std::shared_ptr<const Generation> FindGeneration(uint32_t view_id) override {
    return generations_.Find(view_id);
  }
  std::shared_ptr<const Generation> FindPreviousGeneration(uint32_t view_id) override {
    return generations_.FindPrevious(view_id);
  }
  Status RollBack(uint32_t view_id) override { return generations_.RollBack(view_id); }
  Result<std::unique_ptr<GenerationWriter>> NewGeneration(uint32_t view_id,
                                                          std::vector<std::string> column_names,
                                                          std::vector<Type> column_types,
                                                          size_t memory_bytes) override {
    return NewWriter({.kind = LoadKind::kReplace,
                      .view_id = view_id,
                      .column_names = std::move(column_names),
                      .column_types = std::move(column_types),
                      .memory_bytes = memory_bytes});
  }
  Result<std::unique_ptr<GenerationWriter>> NewUpsert(uint32_t view_id,
                                                      std::vector<std::string> column_names,
                                                      std::vector<Type> column_types,
                                                      size_t memory_bytes) override {
    return NewWriter({.kind = LoadKind::kUpsert,
                      .view_id = view_id,
                      .column_names = std::move(column_names),
                      .column_types = std::move(column_types),
                      .memory_bytes = memory_bytes});
  }
  Result<std::unique_ptr<GenerationWriter>> ResumeLoad(uint64_t id,
                                                       std::vector<std::string> column_names,
                                                       std::vector<Type> column_types,
                                                       size_t memory_bytes) override {
    FRESHET_ASSIGN_OR_RETURN(
        std::unique_ptr<GenerationWriter> writer,
        SortingGenerationWriter::Resume(*database_, generations_, id,
                                        {.column_names = std::move(column_names),
                                         .column_types = std::move(column_types),
                                         .memory_bytes = memory_bytes}));
    return writer;
  }
  std::vector<KeptLoad> KeptLoads() override { return generations_.ListKeptLoads(); }
  Result<KeptLoad> FindKeptLoad(uint64_t id) override { return generations_.FindKeptLoad(id); }
  Status DiscardLoad(uint64_t id) override { return generations_.DiscardLoad(id); }
  void DiscardExpiredLoads() override { generations_.DiscardSurplusLoads(); }
  Result<ErasedRows> EraseRows(uint32_t view_id, std::string_view entity_key) override {
    return generations_.EraseRows(view_id, entity_key);
  }
  Status Purge(std::span<const StateKey> erased) override;
  void SetRetention(std::map<uint32_t, int64_t> retention_ms) override {
    generations_.SetRetention(std::move(retention_ms));
  }
  void SetStreamRetention(std::map<TableId, int64_t> retention_ms) override {
    database_->retention(TableKind::kTimelines).Set(std::move(retention_ms));
  }
  Status DropExpiredRows() override { return sweeper_.SweepNow(); }
  Status DropGenerations(std::span<const uint32_t> view_ids) override {
    return generations_.Drop(view_ids);
  }

  Result<int64_t> AppendLog(uint32_t source_id, std::span<const std::string_view> payloads,
                            int64_t timestamp_ms) override {
    return logs_.Append(source_id, payloads, timestamp_ms);
  }
  int64_t LogEnd(uint32_t source_id) override { return logs_.End(source_id); }
  Result<int64_t> LogBegin(uint32_t source_id) override { return logs_.Begin(source_id); }
  Status ReadLog(uint32_t source_id, int64_t offset, size_t records_max,
                 FunctionRef<void(const LogRecord& record)> visit) override {
    return logs_.Read(source_id, offset, records_max, visit);
  }
  bool WaitLog(uint32_t source_id, int64_t offset, int64_t timeout_ms) override {
    return logs_.Wait(source_id, offset, timeout_ms);
  }
  Status DropLog(uint32_t source_id) override { return logs_.Drop(source_id); }
  Result<uint64_t> EraseLogRecords(uint32_t source_id,
                                   FunctionRef<bool(const LogRecord& record)> is_wanted) override {
    return logs_.Erase(source_id, is_wanted);
  }

  StoreStats Stats() override;

 private:
  Result<std::unique_ptr<GenerationWriter>> NewWriter(SortingGenerationWriter::Options options) {
    FRESHET_ASSIGN_OR_RETURN(
        std::unique_ptr<GenerationWriter> writer,
        SortingGenerationWriter::Begin(*database_, generations_, std::move(options)));
    return writer;
  }

  std::unique_ptr<Database> database_;
  StateCache cache_;
  Generations generations_;
  StateReader reader_;
  EventLogs logs_;
  WriterSurroundings writers_;
  RetentionSweeper sweeper_;
};

Result<std::vector<Position>> RocksStore::ReadPositions(TableId table) {
  std::vector<Position> positions;
  Status status = database_->ScanMeta(
      PositionRange(table), [&](std::string_view key, std::string_view value) -> Status {
        Position position;
        position.table = table;
        if (!ParsePositionKey(key, &position.partition))
          return Status::Corruption("the key of a stored stream position cannot be read");
        FRESHET_ASSIGN_OR_RETURN(position.next_offset, DecodePosition(value));
        positions.push_back(position);
        return Status::Ok();
      });
  FRESHET_RETURN_IF_ERROR(status);
  return positions;
}

Status RocksStore::DropTables(std::span<const TableId> tables) {
  // First, so that a checkpoint which is written after the removal below cleans up behind itself.
  writers_.dropped.Add(tables);
  for (TableId table : tables) {
    FRESHET_RETURN_IF_ERROR(
        database_->DeleteRange(database_->timelines(), TableRange(table), "drop a table"));
    KeyRange positions = PositionRange(table);
    rocksdb::WriteBatch batch;
    batch.DeleteRange(database_->meta(), positions.begin, positions.end);
    FRESHET_RETURN_IF_ERROR(database_->Write(batch, Durability::kSynced, "drop a table"));
  }
  cache_.DropTables(TableKind::kTimelines, tables);
  return Status::Ok();
}

Status RocksStore::Purge(std::span<const StateKey> erased) {
  // The write-ahead log has old bytes too, until everything that it covers is in files.
  FRESHET_RETURN_IF_ERROR(database_->FlushAll());
  for (const StateKey& key : erased) {
    const std::string stored = StateKeyOf(key.table, key.entity_key);
    FRESHET_RETURN_IF_ERROR(database_->RewriteFiles(database_->family(key.kind), stored, stored));
  }
  return Status::Ok();
}

StoreStats RocksStore::Stats() {
  CacheTotals cache = cache_.Totals();
  StoreStats stats;
  stats.cache_bytes = cache.bytes;
  stats.cache_entries = cache.entries;
  stats.cache_hits = cache.hits;
  stats.cache_misses = cache.misses;
  stats.dirty_bytes = writers_.counters.dirty_bytes;
  stats.checkpoints = writers_.counters.checkpoints;
  stats.disk_bytes = database_->EstimateDiskBytes();
  stats.rows_expired = database_->retention(TableKind::kRows).rows_dropped() +
                       database_->retention(TableKind::kTimelines).rows_dropped();
  stats.generations_to_remove = generations_.count_to_remove();
  return stats;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(options));
  auto store = std::make_unique<RocksStore>(std::move(database), options);
  FRESHET_RETURN_IF_ERROR(store->Recover());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace freshet::store
