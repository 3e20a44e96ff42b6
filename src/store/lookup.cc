#include "store/lookup.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/limits.h"
#include "store/row.h"

namespace freshet::store {
namespace {

// How many keys ahead the place of an entry, the entry and its bytes are fetched: memory answers in the time that a
// few keys take. Of a few keys nothing is gained.
constexpr size_t kBucketLead = 8;
constexpr size_t kEntryLead = 4;
constexpr size_t kBytesLead = 1;
constexpr size_t kPrefetchedKeysMin = 8;

std::string Describe(const CacheKey& key) {
  return fmt::format("{} table {}, entity key {}",
                     key.kind == TableKind::kTimelines ? "timeline" : "row", key.table,
                     Hex(key.entity_key));
}

Status ReadError(const rocksdb::Status& status, const CacheKey& key) {
  return FromRocks(status, "read").Prefixed(Describe(key));
}

}  // namespace

void StateReader::SetTimelineGuard(Store::TimelineGuard guard) {
  auto shared =
      guard == nullptr ? nullptr : std::make_shared<const Store::TimelineGuard>(std::move(guard));
  std::lock_guard lock(guard_mutex_);
  guard_ = std::move(shared);
}

Status StateReader::Lookup(std::span<const StateKey> keys, Store::Visit visit,
                           const Store::Deadline& deadline) {
  size_t begin = 0;
  while (begin < keys.size()) {
    const size_t end = std::min(keys.size(), begin + limits::kLookupKeysMax);
    FRESHET_RETURN_IF_ERROR(LookupRange(keys, begin, end, visit));
    begin = end;
    if (deadline.has_value() && std::chrono::steady_clock::now() >= *deadline) break;
  }
  return Status::Ok();
}

Status StateReader::LookupRange(std::span<const StateKey> keys, size_t begin, size_t end,
                                Store::Visit visit) {
  std::vector<Miss> misses;
  const bool prefetches = end - begin >= kPrefetchedKeysMin;
  // Each key is hashed once, when its place is first asked for.
  std::array<CacheKey, kBucketLead> ahead;
  const auto slot_of = [&](size_t i) -> CacheKey& { return ahead[i % kBucketLead]; };
  const auto begin_key = [&](size_t i) {
    slot_of(i) = CacheKey(keys[i]);
    if (prefetches) cache_.PrefetchBucket(slot_of(i));
  };
  for (size_t i = begin; i < std::min(end, begin + kBucketLead); ++i) begin_key(i);
  for (size_t i = begin; i < end; ++i) {
    const CacheKey key = slot_of(i);
    if (i + kBucketLead < end) begin_key(i + kBucketLead);
    if (prefetches && i + kEntryLead < end) cache_.PrefetchEntry(slot_of(i + kEntryLead));
    if (prefetches && i + kBytesLead < end) cache_.PrefetchBytes(slot_of(i + kBytesLead));
    uint64_t epoch = 0;
    if (!cache_.Read(
            key, [&](std::string_view bytes, Note* note) { visit(i, bytes, note); }, &epoch))
      misses.push_back({i, key, epoch});
  }
  for (int attempt = 0; attempt < limits::kStaleReadsMax && !misses.empty(); ++attempt)
    FRESHET_RETURN_IF_ERROR(ReadMisses(misses, visit));
  for (const Miss& miss : misses) {
    FRESHET_RETURN_IF_ERROR(cache_.FillLocked(
        miss.key, [&](std::string& bytes) { return ReadDisk(miss.key, bytes); },
        [&](std::string_view bytes) { visit(miss.index, bytes, nullptr); }));
  }
  return Status::Ok();
}

Status StateReader::ReadMisses(std::vector<Miss>& misses, Store::Visit visit) {
  const size_t count = misses.size();
  std::vector<std::string> keys(count);
  std::vector<rocksdb::Slice> slices(count);
  std::vector<rocksdb::ColumnFamilyHandle*> families(count);
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> statuses(count);
  for (size_t i = 0; i < count; ++i) {
    keys[i] = StateKeyOf(misses[i].key.table, misses[i].key.entity_key);
    slices[i] = keys[i];
    families[i] = database_.family(misses[i].key.kind);
  }
  database_.db().MultiGet(rocksdb::ReadOptions(), count, families.data(), slices.data(),
                          values.data(), statuses.data());
  std::vector<Miss> again;
  for (size_t i = 0; i < count; ++i) {
    Miss& miss = misses[i];
    std::string_view bytes;
    if (!statuses[i].IsNotFound()) {
      if (!statuses[i].ok()) return ReadError(statuses[i], miss.key);
      bytes = ToView(values[i]);
      FRESHET_RETURN_IF_ERROR(Check(miss.key, bytes));
    }
    bool kept = cache_.Fill(miss.key, bytes, &miss.epoch,
                            [&](std::string_view now) { visit(miss.index, now, nullptr); });
    if (!kept) again.push_back(miss);
  }
  misses = std::move(again);
  return Status::Ok();
}

Status StateReader::ReadDisk(const CacheKey& key, std::string& bytes) {
  rocksdb::PinnableSlice value;
  rocksdb::Status status = database_.db().Get(rocksdb::ReadOptions(), database_.family(key.kind),
                                              StateKeyOf(key.table, key.entity_key), &value);
  bytes.clear();
  if (status.IsNotFound()) return Status::Ok();
  if (!status.ok()) return ReadError(status, key);
  FRESHET_RETURN_IF_ERROR(Check(key, ToView(value)));
  bytes.assign(value.data(), value.size());
  return Status::Ok();
}

Status StateReader::Check(const CacheKey& key, std::string_view bytes) const {
  Status status;
  if (key.kind == TableKind::kRows) {
    if (std::shared_ptr<const RowLayout> layout = generations_.FindLayout(key.table))
      status = layout->Validate(bytes);
  } else {
    std::shared_ptr<const Store::TimelineGuard> guard;
    {
      std::lock_guard lock(guard_mutex_);
      guard = guard_;
    }
    if (guard != nullptr) status = (*guard)(key.table, bytes);
  }
  if (status.ok()) return status;
  // Whatever the guard calls it: bytes that were stored cannot be used.
  return Status::Corruption(fmt::format("{}: {}", Describe(key), status.message()));
}

}  // namespace freshet::store
