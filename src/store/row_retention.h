// Rows past their retention: which are, and dropping them as compaction comes by.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <rocksdb/compaction_filter.h>

#include "base/clock.h"
#include "store/store.h"

namespace freshet::store {

// Any thread. RocksDB asks it for a filter at the beginning of each compaction of its column family.
class RowRetention : public rocksdb::CompactionFilterFactory {
 public:
  using Retentions = std::map<TableId, int64_t>;  // in milliseconds

  // Rows begin `row_offset` bytes into the values of the tables that have a retention. `clock` must
  // outlive it.
  RowRetention(size_t row_offset, const Clock& clock) : row_offset_(row_offset), clock_(clock) {}

  // Rows of other tables stay.
  void Set(Retentions retentions);
  Retentions tables() const;
  uint64_t rows_dropped() const { return *rows_dropped_; }

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "freshet.RowRetention"; }

 private:
  const size_t row_offset_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Retentions> retentions_ = std::make_shared<const Retentions>();
  // Shared with filters, which may outlive it for a moment.
  const std::shared_ptr<std::atomic<uint64_t>> rows_dropped_ =
      std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace freshet::store
