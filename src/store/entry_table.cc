#include "store/state_cache.h"

namespace freshet::store {

EntryTable::EntryTable() : buckets_(kBucketsMin, nullptr) {
  PublishBuckets();
}

void EntryTable::PublishBuckets() {
  published_begin_.store(buckets_.data(), std::memory_order_relaxed);
  published_count_.store(buckets_.size(), std::memory_order_relaxed);
}

// There may be no such bucket any more: it is not looked at.
void EntryTable::PrefetchBucket(uint64_t hash) const {
  const size_t bucket = hash & (published_count_.load(std::memory_order_relaxed) - 1);
  PrefetchLine(published_begin_.load(std::memory_order_relaxed) + bucket);
}

CacheEntry* EntryTable::Find(const CacheKey& key) const {
  CacheEntry* entry = buckets_[BucketOf(key.hash)];
  while (entry != nullptr && !entry->Is(key)) entry = entry->chain;
  return entry;
}

void EntryTable::Insert(CacheEntry* entry) {
  if (size_ == buckets_.size()) Grow();
  CacheEntry*& bucket = buckets_[BucketOf(entry->hash)];
  entry->chain = bucket;
  bucket = entry;
  ++size_;
}

void EntryTable::Erase(CacheEntry* entry) {
  CacheEntry** link = &buckets_[BucketOf(entry->hash)];
  while (*link != entry) link = &(*link)->chain;
  *link = entry->chain;
  --size_;
}

void EntryTable::VisitBucket(size_t bucket, FunctionRef<void(CacheEntry* entry)> visit) {
  CacheEntry* next = nullptr;
  for (CacheEntry* entry = buckets_[bucket]; entry != nullptr; entry = next) {
    next = entry->chain;
    visit(entry);
  }
}

void EntryTable::Grow() {
  std::vector<CacheEntry*> old(buckets_.size() * 2, nullptr);
  old.swap(buckets_);
  PublishBuckets();
  for (CacheEntry* chain : old) {
    CacheEntry* next = nullptr;
    for (CacheEntry* entry = chain; entry != nullptr; entry = next) {
      next = entry->chain;
      CacheEntry*& bucket = buckets_[BucketOf(entry->hash)];
      entry->chain = bucket;
      bucket = entry;
    }
  }
}

void EntryQueue::PushNewest(CacheEntry* entry) {
  entry->older = newest_;
  entry->newer = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer) = entry;
  newest_ = entry;
}

void EntryQueue::Remove(CacheEntry* entry) {
  (entry->older == nullptr ? oldest_ : entry->older->newer) = entry->newer;
  (entry->newer == nullptr ? newest_ : entry->newer->older) = entry->older;
}

}  // namespace freshet::store
