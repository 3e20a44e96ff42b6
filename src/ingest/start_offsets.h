// Up to where a table was filled when its lane began.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/log_reader.h"

namespace freshet::ingest {

class StartOffsets {
 public:
  explicit StartOffsets(const Offsets& offsets) {
    if (offsets.empty()) return;
    by_partition_.resize(static_cast<size_t>(offsets.rbegin()->first) + 1, INT64_MIN);
    for (const auto& [partition, offset] : offsets)
      by_partition_[static_cast<size_t>(partition)] = offset;
  }

  // Whether the table has the record already.
  bool Cover(const Record& record) const {
    const auto partition = static_cast<size_t>(record.partition);
    return partition < by_partition_.size() && record.offset < by_partition_[partition];
  }

 private:
  std::vector<int64_t> by_partition_;
};

}  // namespace freshet::ingest
