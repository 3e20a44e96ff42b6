#include "store/row_buffer.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/coding.h"
#include "base/prefetch.h"
#include "base/thread_priority.h"
#include "store/key_prefix.h"
#include "store/prefix_sort.h"
#include "store/row.h"

namespace freshet::store {
namespace {

constexpr size_t kRecordsMin = 16;
constexpr size_t kRowsAhead = 8;
constexpr size_t kPrefetchedBytesMax = 256;

}  // namespace

void RowBuffer::PrefetchAhead(size_t at) const {
  if (at + 2 * kRowsAhead < records_.size()) PrefetchLine(records_[at + 2 * kRowsAhead].bytes);
  if (at + kRowsAhead >= records_.size()) return;
  const Record& record = records_[at + kRowsAhead];
  const size_t size = kHeaderBytes + record.key_size() + record.row_size();
  for (size_t offset = kCacheLineBytes; offset < std::min(size, kPrefetchedBytesMax);
       offset += kCacheLineBytes)
    PrefetchLine(record.bytes + offset);
}

int RowBuffer::CompareKeys(const Record& a, const Record& b) {
  if (a.key_prefix != b.key_prefix) return a.key_prefix < b.key_prefix ? -1 : 1;
  return a.key().compare(b.key());
}

bool RowBuffer::SortsBefore(const Record& a, const Record& b) {
  if (const int order = CompareKeys(a, b); order != 0) return order < 0;
  const int64_t a_time_ms = RowLayout::EventTimeMs(a.row());
  const int64_t b_time_ms = RowLayout::EventTimeMs(b.row());
  if (a_time_ms != b_time_ms) return a_time_ms > b_time_ms;
  return a.sequence() > b.sequence();
}

bool RowBuffer::HasRoomFor(size_t size) const {
  if (records_.empty() || !NeedsMemory(kHeaderBytes + size)) return true;
  // Spare memory is no hindrance: it is dropped where it is not what is needed.
  const size_t filled = arena_.filled_bytes() + records_.capacity() * sizeof(Record);
  return filled + arena_.BytesFor(kHeaderBytes + size) + RecordGrowthBytes() <= memory_bytes_;
}

void RowBuffer::Add(std::string_view entity_key, std::string_view row, uint64_t sequence) {
  const size_t size = kHeaderBytes + entity_key.size() + row.size();
  if (NeedsMemory(size)) MakeRoomFor(size);
  char* const bytes = arena_.Allocate(size);
  Save(bytes, sequence);
  Save(bytes + sizeof(uint64_t), static_cast<uint32_t>(entity_key.size()));
  Save(bytes + sizeof(uint64_t) + sizeof(uint32_t), static_cast<uint32_t>(row.size()));
  entity_key.copy(bytes + kHeaderBytes, entity_key.size());
  row.copy(bytes + kHeaderBytes + entity_key.size(), row.size());
  records_.push_back({KeyPrefix(entity_key), bytes});
  if (is_sorted_ && records_.size() > 1)
    is_sorted_ = CompareKeys(records_[records_.size() - 2], records_.back()) <= 0;
  has_tombstones_ = has_tombstones_ || RowLayout::IsTombstone(row);
}

void RowBuffer::MakeRoomFor(size_t size) {
  if (held_bytes() + arena_.NewBytesFor(size) + RecordGrowthBytes() > memory_bytes_)
    arena_.DropSpare();
  if (records_.size() == records_.capacity()) records_.reserve(NextCapacity());
}

size_t RowBuffer::held_bytes() const {
  return arena_.held_bytes() + records_.capacity() * sizeof(Record);
}

size_t RowBuffer::filled_bytes() const {
  return arena_.used_bytes() + records_.size() * sizeof(Record);
}

size_t RowBuffer::RecordGrowthBytes() const {
  return records_.size() == records_.capacity() ? NextCapacity() * sizeof(Record) : 0;
}

size_t RowBuffer::NextCapacity() const {
  return std::max(kRecordsMin, records_.capacity() + records_.capacity() / 2);
}

void RowBuffer::MoveLastKeyTo(RowBuffer& next) {
  FRESHET_CHECK(is_sorted_ && next.empty());
  if (records_.empty()) return;
  const Record last = records_.back();
  Record kept = last;
  while (!records_.empty() && CompareKeys(records_.back(), last) == 0) {
    if (SortsBefore(records_.back(), kept)) kept = records_.back();
    records_.pop_back();
  }
  next.Add(kept.key(), kept.row(), kept.sequence());
  if (records_.empty()) Clear();
}

Status RowBuffer::Take(RowSink sink) {
  // Files often come sorted.
  if (!is_sorted_) SortByPrefix(std::span(records_), SortsBefore);
  Yielder yielder;
  for (size_t begin = 0; begin < records_.size();) {
    yielder.Step();
    if (!is_sorted_) PrefetchAhead(begin);
    const Record* kept = &records_[begin];
    size_t end = begin + 1;
    for (; end < records_.size() && CompareKeys(records_[end], *kept) == 0; ++end) {
      if (SortsBefore(records_[end], *kept)) kept = &records_[end];
    }
    FRESHET_RETURN_IF_ERROR(sink(kept->key(), kept->row()));
    begin = end;
  }
  Clear();
  return Status::Ok();
}

void RowBuffer::Clear() {
  records_.clear();
  arena_.Reset();
  is_sorted_ = true;
  has_tombstones_ = false;
}

}  // namespace freshet::store
