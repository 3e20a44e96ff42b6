// The store: the one owner of persistent bytes. RocksDB stays behind this header.
//
// What it keeps, all of it specified in docs/formats.md:
//   timelines    (table, entity key) -> what a stream has made of its events: a timeline, or the
//                newest row
//   rows         (table, entity key) -> row; a table is one generation of one batch view
//   positions    (table, partition) -> the next offset to read
//   definitions  the YAML files as applied, and the catalog
//   event logs   (source, offset) -> record, for push sources
//
// Hot timelines and rows live in a sharded cache with a byte budget. Writers change timelines
// there; readers see the change at once; checkpoints make it durable together with the positions
// that it covers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/clock.h"
#include "base/function_ref.h"
#include "base/limits.h"

namespace freshet::store {

using TableId = uint32_t;

struct StoreOptions {
  std::string path;                       // a folder; made when it is missing
  size_t cache_bytes = 512u << 20;        // state cache: hot timelines and rows
  size_t block_cache_bytes = 128u << 20;  // RocksDB's cache of blocks from disk
  size_t write_buffer_bytes = 64u << 20;  // RocksDB's memtable per column family
  int background_threads = 2;             // RocksDB's flushes and compactions
  // A checkpoint of so many bytes goes into files of its own; a smaller one through RocksDB's log.
  size_t checkpoint_file_bytes = limits::kCheckpointFileBytes;
  // How fast the files of generations that went out are removed.
  uint64_t removed_bytes_per_second_max = limits::kRemovedBytesPerSecondMax;
  // How long what is kept of an unfinished load stays, since it was last added to.
  int64_t keep_unfinished_ms = 86'400'000;
  const Clock* clock = &Clock::System();  // tells when a generation was loaded; outlives the store
};

// kTimelines: what streams feed, timelines or rows (StreamRow, tombstones too). kRows: what loads bring.
enum class TableKind : uint8_t { kTimelines, kRows };

struct StateKey {
  TableKind kind = TableKind::kTimelines;
  TableId table = 0;
  std::string_view entity_key;
};

// What a visit of an entity's bytes leaves beside them for the next, in memory alone: what it made of them, say. It goes when
// the bytes change or leave the cache, and counts in the cache's budget.
class Note {
 public:
  // Empty when nothing was left.
  std::string_view bytes() const { return {bytes_.get(), size_}; }
  // The bytes that are now to be filled in.
  char* Leave(size_t bytes);
  void Clear() { size_ = 0; }
  size_t held_bytes() const { return held_bytes_; }

 private:
  std::unique_ptr<char[]> bytes_;
  uint32_t size_ = 0;
  uint32_t held_bytes_ = 0;
};

// (table, partition) -> next offset.
struct Position {
  TableId table = 0;
  int32_t partition = 0;
  int64_t next_offset = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

// Where a timeline is found, or will be: what a writer makes of a table and a key. Borrows the key.
struct TimelinePlace {
  TableId table = 0;
  std::string_view entity_key;
  uint64_t hash = 0;
};

// One writer of timelines, and of the rows that a stream feeds, which are written and looked up as
// timelines are: it alone changes the tables that it is given. Update and Freeze belong
// to one thread; Write may run on another, one at a time. Changes that were not written when the
// writer goes are taken back: the tables stand again where their stored positions say. A writer
// must go before its store does.
class TimelineWriter {
 public:
  virtual ~TimelineWriter() = default;

  // Hands the timeline's bytes (empty for an unknown entity) to `change`, under the lock that
  // readers take, and keeps what it leaves there. Visible to readers when it returns. IoError or
  // Corruption when the bytes cannot be read: then `change` was not called.
  virtual Status Update(TableId table, std::string_view entity_key,
                        FunctionRef<void(std::string& bytes)> change) = 0;

  // Bring nearer to the processor what an Update that is to come will look at, each with other work since the one before, which
  // memory takes its time for: where the timeline is found, then what is there, then its bytes. They change nothing, and belong to
  // the thread of Update.
  virtual TimelinePlace PrefetchPlace(TableId table, std::string_view entity_key) const = 0;
  virtual void PrefetchEntry(const TimelinePlace& place) const = 0;
  virtual void PrefetchBytes(const TimelinePlace& place) const = 0;

  // Bytes of timelines that were changed and are not yet frozen.
  virtual size_t dirty_bytes() const = 0;
  virtual size_t dirty_count() const = 0;

  // Fixes what Write will make durable: all changes so far together with `positions`. Cheap: what
  // is changed again before it was written is copied first. FailedPrecondition while an earlier
  // freeze is not written.
  virtual Status Freeze(std::vector<Position> positions) = 0;
  // Writes the frozen changes and positions in one atomic batch. On error they stay frozen: call it
  // again.
  virtual Status Write() = 0;
};

struct StoreStats {
  size_t cache_bytes = 0;
  size_t cache_entries = 0;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  // Changed and not on disk. Of what a writer has not frozen yet, up to 64 KiB may be missing or too much.
  size_t dirty_bytes = 0;
  uint64_t checkpoints = 0;
  uint64_t disk_bytes = 0;  // estimated
  size_t generations_to_remove = 0;
  uint64_t rows_expired = 0;  // dropped past their retention, since the store was opened
};

// One record of an event log; the views are valid inside the visit that hands them over.
struct LogRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::string_view payload;
  bool is_erased = false;  // there was one, and its payload is gone
};

// What a load does to a view: of Store::NewGeneration, and of Store::NewUpsert.
enum class LoadKind : uint8_t { kReplace, kUpsert };

// What a load has read.
struct ReadCounts {
  uint64_t bytes_read = 0;
  uint64_t rows_read = 0;
  uint64_t rows_bad = 0;

  friend bool operator==(const ReadCounts&, const ReadCounts&) = default;
};

// What became of the rows of a load.
struct LoadCounts {
  uint64_t served = 0;         // rows of the view once it is published
  uint64_t duplicates = 0;     // rows of a key that the load has a newer one of
  uint64_t written = 0;        // rows and tombstones that are new or differ from what was served
  uint64_t deleted = 0;        // keys whose newest row is a tombstone
  uint64_t older = 0;          // keys of which a newer row is served
  uint64_t unchanged = 0;      // keys of which the same row is served
  uint64_t new_keys = 0;       // served after it, and not before
  uint64_t gone_keys = 0;      // served before it, and not after
  uint64_t written_bytes = 0;  // of the files that the written rows are in
};

// A load under construction: rows go into files beside the serving path. Dropping it unpublished
// removes its files, except those of parts that are to be kept.
class GenerationWriter {
 public:
  virtual ~GenerationWriter() = default;
  // The store's number of the load, which no other load gets; 0 of a row folder, of which no parts are
  // kept.
  virtual TableId id() const { return 0; }
  // From now on sorted files that are whole are kept when the writer goes or its process does, so that
  // Store::ResumeLoad goes on after them. `state` tells what its caller has to know of the rows added so
  // far: it is asked in Add, before the row counts, and in Finish. Before the first row.
  virtual void KeepParts(std::function<std::string()> /*state*/) {}
  // Nothing is to be kept after all. The writer takes no more rows.
  virtual void Discard() {}
  // Rows and tombstones in any order, as RowLayout writes those of the columns: the bytes are not looked at. Of several with one key the newest event time stays, and of
  // equal times the last added.
  virtual Status Add(std::string_view entity_key, std::string_view row) = 0;
  // Of an upsert, before Finish: the marked columns stay as they are served, whatever the rows have
  // in them.
  virtual Status Keep(std::vector<bool> columns) = 0;
  // Sorts and writes what is left. `progress` is called now and then with the rows written so far.
  virtual Status Finish(FunctionRef<void(uint64_t rows_written)> progress) = 0;
  // In the place of Finish, for a load that is not published: sorts and counts, new and gone keys too,
  // and writes nothing.
  virtual Status Rehearse(FunctionRef<void(uint64_t rows_done)> progress) = 0;
  // Any thread: a Finish or a Rehearse that is under way or to come soon ends with Cancelled.
  virtual void Cancel() = 0;
  virtual const LoadCounts& counts() const = 0;  // after Finish
  // What the rows come from, before Publish: a row folder keeps it.
  virtual void SetReadCounts(const ReadCounts& /*counts*/) {}
  // Makes the rows served in one atomic step; those of a row folder can be adopted from then on. Call
  // after Finish.
  virtual Status Publish() = 0;
};

// What is kept of a load that is not published.
struct KeptLoad {
  TableId id = 0;
  uint32_t view_id = 0;
  LoadKind kind = LoadKind::kReplace;
  bool is_under_way = false;
  int64_t began_at_ms = 0;
  int64_t expires_at_ms = 0;
  uint64_t bytes = 0;
  std::string state;  // see GenerationWriter::KeepParts
};

// What is served of a batch view.
struct Generation {
  TableId table = 0;
  int64_t loaded_at_ms = 0;
  uint64_t row_count = 0;
  std::vector<std::string> column_names;
  std::vector<Type> column_types;
  TableId last_upsert = 0;  // the number of the load that last went into it; 0: none that is known
  // Shared by all that tells of the table: it is not removed while somebody holds one of them.
  std::shared_ptr<const void> hold;
};

class Store {
 public:
  // Opens or makes the folder. FailedPrecondition when another process has it open or its format is
  // of another version.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options);
  virtual ~Store() = default;

  // --- definitions

  // An opaque record that the engine writes in one piece, durable on return; nothing before the
  // first write.
  virtual Result<std::optional<std::string>> ReadDefinitions() = 0;
  virtual Status WriteDefinitions(std::string_view record) = 0;

  // --- timelines and rows

  // Calls `visit(i, bytes, note)` once for each key, in any order: bytes are empty when there is no
  // such entity, and the note is null where none is kept, as of an entity that is not asked for again
  // and again. Both last for the visit and no longer; a visit must be short and must not call the
  // store. Of every limits::kLookupKeysMax keys, those that the cache lacks cost one MultiGet together;
  // the keys after the first that many are not visited once `deadline` has come. Corruption and
  // IoError name the table and the key; some keys may have been visited by then. Any thread.
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  using Visit = FunctionRef<void(size_t i, std::string_view bytes, Note* note)>;
  virtual Status Lookup(std::span<const StateKey> keys, Visit visit, const Deadline& deadline) = 0;
  Status Lookup(std::span<const StateKey> keys,
                FunctionRef<void(size_t i, std::string_view bytes)> visit) {
    return Lookup(
        keys, [&](size_t i, std::string_view bytes, Note*) { visit(i, bytes); }, std::nullopt);
  }

  // Guards every timeline that comes from disk: it is called with the table and the bytes, and an
  // error keeps them from use.
  using TimelineGuard = std::function<Status(TableId table, std::string_view bytes)>;
  virtual void SetTimelineGuard(TimelineGuard guard) = 0;

  virtual std::unique_ptr<TimelineWriter> NewTimelineWriter() = 0;
  virtual Result<std::vector<Position>> ReadPositions(TableId table) = 0;

  // Removes everything stored under tables that are no longer defined. No reader or writer may use
  // them any more.
  virtual Status DropTables(std::span<const TableId> tables) = 0;

  // --- batch generations

  // Null when the view was never loaded. Any thread. The rows stay readable while the answer is held;
  // hold it for one request, not longer.
  virtual std::shared_ptr<const Generation> FindGeneration(uint32_t view_id) = 0;
  // What was served before the last load that replaced it; null when none is kept.
  virtual std::shared_ptr<const Generation> FindPreviousGeneration(uint32_t view_id) = 0;
  // The previous generation is served again, in one atomic step, and what was served goes.
  // FailedPrecondition when none is kept, and while the view is being loaded.
  virtual Status RollBack(uint32_t view_id) = 0;
  // Starts a load that replaces what is served of the view. ResourceExhausted when the view is being
  // loaded already.
  virtual Result<std::unique_ptr<GenerationWriter>> NewGeneration(
      uint32_t view_id, std::vector<std::string> column_names, std::vector<Type> column_types,
      size_t memory_bytes) = 0;
  // Starts a load that goes into what is served: a row takes the place of one that is not newer.
  // FailedPrecondition when what is served has other columns.
  virtual Result<std::unique_ptr<GenerationWriter>> NewUpsert(uint32_t view_id,
                                                              std::vector<std::string> column_names,
                                                              std::vector<Type> column_types,
                                                              size_t memory_bytes) = 0;
  // The load goes on with what is kept of it, and has its rows by then; call KeepParts first. NotFound
  // when nothing of that number is kept, ResourceExhausted while its view is being loaded,
  // FailedPrecondition when its rows had other columns.
  virtual Result<std::unique_ptr<GenerationWriter>> ResumeLoad(
      uint64_t id, std::vector<std::string> column_names, std::vector<Type> column_types,
      size_t memory_bytes) = 0;
  // In the order of their beginning. What is past its time, and more than limits::kUnfinishedLoadsMax of
  // them, the oldest first, go by themselves; those of a view go when it is dropped, and when a load that
  // began later is published, whatever crash comes between.
  virtual std::vector<KeptLoad> KeptLoads() = 0;
  // NotFound as above.
  virtual Result<KeptLoad> FindKeptLoad(uint64_t id) = 0;
  // NotFound as above, FailedPrecondition while it is under way.
  virtual Status DiscardLoad(uint64_t id) = 0;
  // What is past its time goes now; otherwise a thread of the store sees to it every minute.
  virtual void DiscardExpiredLoads() = 0;
  // Erases an entity's row from what is served of a view and from what a rollback would bring back, in
  // one atomic step. FailedPrecondition while the view is being loaded, and while an unfinished load of it
  // is kept.
  struct ErasedRows {
    bool was_served = false;
    bool was_previous = false;
  };
  virtual Result<ErasedRows> EraseRows(uint32_t view_id, std::string_view entity_key) = 0;
  // Rewrites the files that still have bytes of what was erased, or changed, under these keys. Takes as
  // long as rewriting those files does; everything else goes on.
  virtual Status Purge(std::span<const StateKey> erased) = 0;
  // How long rows of views are kept, by view id, from now on: compaction drops rows and tombstones, of
  // what is served and of what a rollback would bring back, whose event time is longer ago. Rows of
  // other views stay. Counts of rows do not follow until the next whole load.
  virtual void SetRetention(std::map<uint32_t, int64_t> retention_ms) = 0;
  // Likewise of rows that streams feed, by table. They are not counted.
  virtual void SetStreamRetention(std::map<TableId, int64_t> retention_ms) = 0;
  // Drops all rows past their retention now; otherwise a thread of the store does it now and then.
  virtual Status DropExpiredRows() = 0;
  // Removes every generation of views that are no longer defined. No reader may use them any more.
  // FailedPrecondition while one of them is being loaded.
  virtual Status DropGenerations(std::span<const uint32_t> view_ids) = 0;

  // --- event logs

  // Appends records with consecutive offsets, durable on return; answers the offset of the last.
  // Any thread.
  virtual Result<int64_t> AppendLog(uint32_t source_id, std::span<const std::string_view> payloads,
                                    int64_t timestamp_ms) = 0;
  // The offset that the next record will get, and the first one that is still kept.
  virtual int64_t LogEnd(uint32_t source_id) = 0;
  virtual Result<int64_t> LogBegin(uint32_t source_id) = 0;
  // Visits records from `offset` on in order, at most `records_max`.
  virtual Status ReadLog(uint32_t source_id, int64_t offset, size_t records_max,
                         FunctionRef<void(const LogRecord& record)> visit) = 0;
  // Waits until the log reaches beyond `offset` or until the time is out; true when it does.
  virtual bool WaitLog(uint32_t source_id, int64_t offset, int64_t timeout_ms) = 0;
  virtual Status DropLog(uint32_t source_id) = 0;
  // Takes the payloads of those records that `is_wanted` out of the log and out of its files, durably on
  // return; their offsets stay. Answers how many there were. What is appended meanwhile is not looked at.
  virtual Result<uint64_t> EraseLogRecords(
      uint32_t source_id, FunctionRef<bool(const LogRecord& record)> is_wanted) = 0;

  virtual StoreStats Stats() = 0;
};

}  // namespace freshet::store
