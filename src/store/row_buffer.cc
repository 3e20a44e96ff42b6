#include "store/row_buffer.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "store/row.h"

namespace freshet::store {
namespace {

constexpr size_t kBlockBytes = 1u << 20;
// So that a small budget is not all taken by its first block.
constexpr size_t kBlocksPerBudget = 16;
constexpr size_t kRecordsMin = 16;
constexpr size_t kRowsAhead = 8;
constexpr size_t kCacheLineBytes = 64;
constexpr size_t kPrefetchedBytesMax = 256;

uint64_t KeyPrefix(std::string_view key) {
  char bytes[sizeof(uint64_t)] = {};
  std::copy_n(key.data(), std::min(key.size(), sizeof(bytes)), bytes);
  return LoadBigEndian64(bytes);
}

// Inlined whatever the optimiser thinks: GCC drops calls of a function that does nothing but this.
[[gnu::always_inline]] inline void Prefetch(const char* bytes, size_t size) {
  for (size_t offset = 0; offset < std::min(size, kPrefetchedBytesMax); offset += kCacheLineBytes)
    __builtin_prefetch(bytes + offset);
}

}  // namespace

int RowBuffer::CompareKeys(const Record& a, const Record& b) {
  if (a.key_prefix != b.key_prefix) return a.key_prefix < b.key_prefix ? -1 : 1;
  return a.key().compare(b.key());
}

bool RowBuffer::SortsBefore(const Record& a, const Record& b) {
  if (const int order = CompareKeys(a, b); order != 0) return order < 0;
  const int64_t a_time_ms = RowLayout::EventTimeMs(a.row());
  const int64_t b_time_ms = RowLayout::EventTimeMs(b.row());
  if (a_time_ms != b_time_ms) return a_time_ms > b_time_ms;
  return a.sequence > b.sequence;
}

bool RowBuffer::HasRoomFor(size_t size) const {
  return records_.empty() || held_bytes() + BytesFor(size) <= memory_bytes_;
}

void RowBuffer::Add(std::string_view entity_key, std::string_view row, uint64_t sequence) {
  if (records_.size() == records_.capacity()) records_.reserve(NextCapacity());
  char* bytes = Allocate(entity_key.size() + row.size());
  entity_key.copy(bytes, entity_key.size());
  row.copy(bytes + entity_key.size(), row.size());
  records_.push_back({KeyPrefix(entity_key), bytes, static_cast<uint32_t>(entity_key.size()),
                      static_cast<uint32_t>(row.size()), sequence});
  if (is_sorted_ && records_.size() > 1)
    is_sorted_ = CompareKeys(records_[records_.size() - 2], records_.back()) <= 0;
  has_tombstones_ = has_tombstones_ || RowLayout::IsTombstone(row);
}

size_t RowBuffer::held_bytes() const {
  return blocks_bytes_ + records_.capacity() * sizeof(Record);
}

size_t RowBuffer::BytesFor(size_t size) const {
  size_t bytes = size > block_left_ ? BlockBytesFor(size) : 0;
  // The records stand twice while they move.
  if (records_.size() == records_.capacity()) bytes += NextCapacity() * sizeof(Record);
  return bytes;
}

size_t RowBuffer::BlockBytesFor(size_t size) const {
  return std::max(size, std::min(kBlockBytes, memory_bytes_ / kBlocksPerBudget));
}

size_t RowBuffer::NextCapacity() const {
  return std::max(kRecordsMin, records_.capacity() + records_.capacity() / 2);
}

char* RowBuffer::Allocate(size_t size) {
  if (size > block_left_) {
    const size_t block_bytes = BlockBytesFor(size);
    blocks_.push_back(std::unique_ptr<char[]>(new char[block_bytes]));
    blocks_bytes_ += block_bytes;
    block_next_ = blocks_.back().get();
    block_left_ = block_bytes;
  }
  char* bytes = block_next_;
  block_next_ += size;
  block_left_ -= size;
  return bytes;
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
  next.Add(kept.key(), kept.row(), kept.sequence);
}

Status RowBuffer::Take(RowSink sink) {
  // Files often come sorted.
  if (!is_sorted_) std::sort(records_.begin(), records_.end(), SortsBefore);
  for (size_t begin = 0; begin < records_.size();) {
    // Sorted rows lie all over the memory: fetched one by one, each would be waited for.
    if (begin + kRowsAhead < records_.size()) {
      const Record& record = records_[begin + kRowsAhead];
      Prefetch(record.bytes, record.key_size + record.row_size);
    }
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
  records_ = {};
  blocks_.clear();
  blocks_bytes_ = 0;
  block_left_ = 0;
  is_sorted_ = true;
  has_tombstones_ = false;
}

}  // namespace freshet::store
