#include "store/row_retention.h"

#include <string>
#include <utility>

#include "base/coding.h"
#include "store/database.h"
#include "store/generation_record.h"
#include "store/key_layout.h"
#include "store/row.h"

namespace freshet::store {
namespace {

// Judges by the time at which its compaction began. One thread.
class ExpiryFilter : public rocksdb::CompactionFilter {
 public:
  ExpiryFilter(std::shared_ptr<const RowRetention::Retentions> retentions, size_t row_offset,
               int64_t now_ms, std::shared_ptr<std::atomic<uint64_t>> rows_dropped)
      : retentions_(std::move(retentions)),
        row_offset_(row_offset),
        now_ms_(now_ms),
        rows_dropped_(std::move(rows_dropped)) {}

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    if (key.size() <= kTablePrefixBytes || value.size() < row_offset_ + RowLayout::kHeaderBytes)
      return false;
    const std::string_view state_key = ToView(key);
    if (EntityKeyOf(state_key) == kSummaryEntityKey) return false;
    const int64_t retention_ms = RetentionOf(TableOf(state_key));
    const bool is_expired =
        retention_ms > 0 &&
        RowLayout::EventTimeMs(ToView(value).substr(row_offset_)) < now_ms_ - retention_ms;
    if (is_expired) rows_dropped_->fetch_add(1, std::memory_order_relaxed);
    return is_expired;
  }
  const char* Name() const override { return "freshet.ExpiryFilter"; }

 private:
  // 0: the table's rows stay. Keys of one table come together.
  int64_t RetentionOf(TableId table) const {
    if (table == last_table_) return last_retention_ms_;
    const auto found = retentions_->find(table);
    last_table_ = table;
    last_retention_ms_ = found == retentions_->end() ? 0 : found->second;
    return last_retention_ms_;
  }

  const std::shared_ptr<const RowRetention::Retentions> retentions_;
  const size_t row_offset_;
  const int64_t now_ms_;
  const std::shared_ptr<std::atomic<uint64_t>> rows_dropped_;
  // A compaction is one thread's.
  mutable TableId last_table_ = 0;
  mutable int64_t last_retention_ms_ = 0;
};

}  // namespace

void RowRetention::Set(Retentions retentions) {
  auto shared = std::make_shared<const Retentions>(std::move(retentions));
  std::lock_guard lock(mutex_);
  retentions_ = std::move(shared);
}

RowRetention::Retentions RowRetention::tables() const {
  std::lock_guard lock(mutex_);
  return *retentions_;
}

std::unique_ptr<rocksdb::CompactionFilter> RowRetention::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  std::lock_guard lock(mutex_);
  if (retentions_->empty()) return nullptr;
  return std::make_unique<ExpiryFilter>(retentions_, row_offset_, clock_.NowMs(), rows_dropped_);
}

}  // namespace freshet::store
