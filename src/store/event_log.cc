#include "store/event_log.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "base/coding.h"
#include "base/limits.h"

namespace freshet::store {
namespace {

constexpr uint8_t kRecordVersion = 1;
constexpr uint8_t kErasedVersion = 2;  // without a payload
constexpr size_t kErasedPerRead = 4'096;

void EncodeRecord(int64_t timestamp_ms, std::string_view payload, std::string& bytes) {
  bytes.clear();
  Append(bytes, kRecordVersion);
  Append(bytes, timestamp_ms);
  bytes.append(payload);
}

bool DecodeRecord(std::string_view bytes, LogRecord* record) {
  ByteReader reader(bytes);
  auto version = reader.Read<uint8_t>();
  record->timestamp_ms = reader.Read<int64_t>();
  record->payload = reader.rest();
  record->is_erased = version == kErasedVersion;
  if (!reader.ok()) return false;
  return version == kRecordVersion || (record->is_erased && record->payload.empty());
}

void EncodeErased(int64_t timestamp_ms, std::string& bytes) {
  bytes.clear();
  Append(bytes, kErasedVersion);
  Append(bytes, timestamp_ms);
}

Status Broken(uint32_t source_id, int64_t offset, std::string_view what) {
  return Status::Corruption(
      fmt::format("event log of source {}, offset {}: {}", source_id, offset, what));
}

// The keys of the first and of the last record of each stored log.
struct Ends {
  uint32_t source_id = 0;
  int64_t first = 0;
  int64_t last = 0;
};

Status FindEnds(Database& database, std::vector<Ends>& logs) {
  std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(rocksdb::ReadOptions(), database.log()));
  it->SeekToFirst();
  while (it->Valid()) {
    Ends ends;
    uint32_t last_source = 0;
    bool sound = ParseLogKey(ToView(it->key()), &ends.source_id, &ends.first);
    if (sound) {
      it->SeekForPrev(LogKey(ends.source_id, INT64_MAX));
      sound = it->Valid() && ParseLogKey(ToView(it->key()), &last_source, &ends.last) &&
              last_source == ends.source_id;
    }
    if (!sound) return Status::Corruption("the key of an event log's record cannot be read");
    logs.push_back(ends);
    it->Seek(LogRange(ends.source_id).end);
  }
  return FromRocks(it->status(), "read the event logs");
}

}  // namespace

Status EventLogs::Recover() {
  std::vector<Ends> stored;
  FRESHET_RETURN_IF_ERROR(FindEnds(database_, stored));
  for (const Ends& ends : stored) {
    std::shared_ptr<Log> log = FindOrMake(ends.source_id);
    log->begin = ends.first;
    log->end = ends.last + 1;
  }
  return Status::Ok();
}

std::shared_ptr<EventLogs::Log> EventLogs::FindOrMake(uint32_t source_id) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Log>& log = logs_[source_id];
  if (log == nullptr) log = std::make_shared<Log>();
  return log;
}

Result<int64_t> EventLogs::Append(uint32_t source_id, std::span<const std::string_view> payloads,
                                  int64_t timestamp_ms) {
  std::shared_ptr<Log> log = FindOrMake(source_id);
  Pending mine{payloads, timestamp_ms};
  for (std::string_view payload : payloads) mine.bytes += payload.size();

  std::unique_lock lock(log->mutex);
  log->queue.push_back(&mine);
  log->turn.wait(lock, [&] { return mine.done || log->queue.front() == &mine; });
  if (!mine.done) {
    std::vector<Pending*> group = TakeGroup(*log);
    const int64_t first_offset = log->end;
    lock.unlock();
    Status status = WriteGroup(source_id, first_offset, group);
    lock.lock();
    int64_t end = first_offset;
    for (Pending* pending : group) {
      if (status.ok()) end += static_cast<int64_t>(pending->payloads.size());
      pending->last_offset = end - 1;
      pending->status = status;
      pending->done = true;
      log->queue.pop_front();
    }
    log->end = end;
    log->turn.notify_all();
    log->grown.notify_all();
  }
  if (!mine.status.ok()) return mine.status;
  return mine.last_offset;
}

std::vector<EventLogs::Pending*> EventLogs::TakeGroup(const Log& log) {
  std::vector<Pending*> group;
  size_t bytes = 0;
  for (Pending* pending : log.queue) {
    bytes += pending->bytes;
    if (!group.empty() && bytes > limits::kLogGroupBytesMax) break;
    group.push_back(pending);
  }
  return group;
}

Status EventLogs::WriteGroup(uint32_t source_id, int64_t first_offset,
                             std::span<Pending* const> group) {
  rocksdb::WriteBatch batch;
  int64_t offset = first_offset;
  std::string record;
  for (const Pending* pending : group) {
    for (std::string_view payload : pending->payloads) {
      EncodeRecord(pending->timestamp_ms, payload, record);
      batch.Put(database_.log(), LogKey(source_id, offset++), record);
    }
  }
  return database_.Write(batch, Durability::kSynced, "append to an event log");
}

int64_t EventLogs::Begin(uint32_t source_id) {
  std::shared_ptr<Log> log = FindOrMake(source_id);
  std::lock_guard lock(log->mutex);
  return log->begin;
}

int64_t EventLogs::End(uint32_t source_id) {
  std::shared_ptr<Log> log = FindOrMake(source_id);
  std::lock_guard lock(log->mutex);
  return log->end;
}

Status EventLogs::Read(uint32_t source_id, int64_t offset, size_t records_max,
                       FunctionRef<void(const LogRecord& record)> visit) {
  const int64_t end = End(source_id);
  int64_t next = std::max(offset, Begin(source_id));
  if (next >= end || records_max == 0) return Status::Ok();
  const auto left = static_cast<uint64_t>(end - next);
  const int64_t stop = left <= records_max ? end : next + static_cast<int64_t>(records_max);
  rocksdb::ReadOptions read;
  const std::string upper_bound = LogKey(source_id, stop);
  rocksdb::Slice upper_slice = upper_bound;
  read.iterate_upper_bound = &upper_slice;
  std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(read, database_.log()));
  for (it->Seek(LogKey(source_id, next)); it->Valid(); it->Next(), ++next) {
    LogRecord record;
    uint32_t key_source = 0;
    if (!ParseLogKey(ToView(it->key()), &key_source, &record.offset) || record.offset != next)
      return Broken(source_id, next, "the record is missing");
    if (!DecodeRecord(ToView(it->value()), &record))
      return Broken(source_id, next, "the record cannot be read");
    visit(record);
  }
  FRESHET_RETURN_IF_ERROR(FromRocks(it->status(), "read an event log"));
  return next == stop ? Status::Ok() : Broken(source_id, next, "the record is missing");
}

bool EventLogs::Wait(uint32_t source_id, int64_t offset, int64_t timeout_ms) {
  std::shared_ptr<Log> log = FindOrMake(source_id);
  std::unique_lock lock(log->mutex);
  return log->grown.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                             [&] { return log->end > offset; });
}

Result<uint64_t> EventLogs::Erase(uint32_t source_id,
                                  FunctionRef<bool(const LogRecord& record)> is_wanted) {
  const int64_t end = End(source_id);
  int64_t first = INT64_MAX;
  int64_t last = -1;
  uint64_t count = 0;
  std::string bytes;
  for (int64_t next = Begin(source_id); next < end;) {
    rocksdb::WriteBatch batch;
    int64_t read = next;
    FRESHET_RETURN_IF_ERROR(Read(source_id, next, kErasedPerRead, [&](const LogRecord& record) {
      read = record.offset + 1;
      if (record.is_erased || record.offset >= end || !is_wanted(record)) return;
      EncodeErased(record.timestamp_ms, bytes);
      batch.Put(database_.log(), LogKey(source_id, record.offset), bytes);
      first = std::min(first, record.offset);
      last = record.offset;
      ++count;
    }));
    if (read == next) break;
    next = read;
    if (batch.Count() > 0)
      FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "erase logged events"));
  }
  if (count == 0) return count;
  FRESHET_RETURN_IF_ERROR(database_.FlushAll());
  FRESHET_RETURN_IF_ERROR(
      database_.RewriteFiles(database_.log(), LogKey(source_id, first), LogKey(source_id, last)));
  return count;
}

Status EventLogs::Drop(uint32_t source_id) {
  {
    std::lock_guard lock(mutex_);
    logs_.erase(source_id);
  }
  return database_.DeleteRange(database_.log(), LogRange(source_id), "drop an event log");
}

}  // namespace freshet::store
