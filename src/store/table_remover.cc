#include "store/table_remover.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <rocksdb/convenience.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"

namespace freshet::store {
namespace {

// Requests are short: what they hold is let go soon.
constexpr int64_t kHeldPauseMs = 20;
constexpr int64_t kFailedPauseMs = 1'000;

struct StoredFile {
  std::string largest_key;
  uint64_t bytes = 0;
};

// The files that have nothing but rows of the table, in the order of their keys.
std::vector<StoredFile> FilesOf(const Database& database, const KeyRange& range) {
  rocksdb::ColumnFamilyMetaData family;
  database.db().GetColumnFamilyMetaData(database.rows(), &family);
  std::vector<StoredFile> files;
  for (const rocksdb::LevelMetaData& level : family.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) {
      if (file.smallestkey >= range.begin && file.largestkey < range.end)
        files.push_back({file.largestkey, file.size});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.largest_key < b.largest_key; });
  return files;
}

}  // namespace

TableRemover::TableRemover(Database& database, StateCache& cache, uint64_t bytes_per_second_max,
                           std::function<void(TableId table)> removed)
    : database_(database),
      cache_(cache),
      bytes_per_second_max_(std::max<uint64_t>(1, bytes_per_second_max)),
      removed_(std::move(removed)),
      thread_([this] { Run(); }) {}

TableRemover::~TableRemover() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TableRemover::Add(TableId table, std::shared_ptr<const void> hold) {
  ++count_;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({table, std::move(hold)});
  }
  changed_.notify_all();
}

Status TableRemover::RemoveNow(TableId table) {
  cache_.DropTables(TableKind::kRows, std::span(&table, 1));
  return RemoveRest(table);
}

void TableRemover::Run() {
  while (true) {
    Entry entry;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_ending_ || !queue_.empty(); });
      if (is_ending_) return;
    }
    if (TakeNext(&entry))
      Remove(std::move(entry));
    else
      Pause(kHeldPauseMs);
  }
}

bool TableRemover::TakeNext(Entry* entry) {
  std::lock_guard lock(mutex_);
  // Nobody can take a new hold of what is not served, so a count of one stays one.
  const auto next = std::find_if(queue_.begin(), queue_.end(),
                                 [](const Entry& queued) { return queued.hold.use_count() <= 1; });
  if (next == queue_.end()) return false;
  *entry = std::move(*next);
  queue_.erase(next);
  return true;
}

void TableRemover::Remove(Entry entry) {
  const TableId table = entry.table;
  cache_.DropTables(TableKind::kRows, std::span(&table, 1));
  const Result<bool> done = RemoveFiles(table);
  if (done.ok() && !*done) return;
  const Status status = done.ok() ? RemoveRest(table) : done.status();
  if (status.ok()) {
    removed_(table);
    --count_;
    return;
  }
  if (!entry.has_failed)
    LogWarning("rows of an old generation are still there, and are tried again: {}",
               status.message());
  entry.has_failed = true;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(entry));
  }
  Pause(kFailedPauseMs);
}

bool TableRemover::Pause(int64_t pause_ms) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::milliseconds(pause_ms),
                            [this] { return is_ending_; });
}

Result<bool> TableRemover::RemoveFiles(TableId table) {
  const KeyRange range = TableRange(table);
  for (const StoredFile& file : FilesOf(database_, range)) {
    const rocksdb::Slice begin = range.begin;
    const rocksdb::Slice end = file.largest_key;
    FRESHET_RETURN_IF_ERROR(FromRocks(
        rocksdb::DeleteFilesInRange(&database_.db(), database_.rows(), &begin, &end, true),
        "remove a file of old rows"));
    if (!Pause(static_cast<int64_t>(file.bytes * 1'000 / bytes_per_second_max_))) return false;
  }
  return true;
}

Status TableRemover::RemoveRest(TableId table) {
  FRESHET_RETURN_IF_ERROR(
      database_.DeleteRange(database_.rows(), TableRange(table), "remove old rows"));
  rocksdb::WriteBatch batch;
  batch.Delete(database_.meta(), DiscardedTableKey(table));
  return database_.Write(batch, Durability::kBuffered, "remove old rows");
}

}  // namespace freshet::store
