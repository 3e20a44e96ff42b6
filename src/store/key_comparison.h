// Counts which keys of a load are new, and which served ones it lacks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/iterator.h>

#include "freshet/status.h"

#include "store/database.h"
#include "store/key_layout.h"
#include "store/store.h"

namespace freshet::store {

// Walks the served rows beside the sorted keys of a load. One thread; the served table must not
// change meanwhile.
class KeyComparison {
 public:
  // `served` is null for a view that was never loaded. `database` must outlive it.
  KeyComparison(const Database& database, const Generation* served);

  // Keys ascend, each once.
  Status Take(std::string_view entity_key);
  // No key is left.
  Status Finish();

  uint64_t new_keys() const { return new_keys_; }
  uint64_t gone_keys() const { return gone_keys_; }

 private:
  // The served key at which the walk stands; false at the end.
  bool HasServed() const;
  void SkipWhatIsNotServed();
  Status Next();

  KeyRange range_;
  rocksdb::Slice end_;
  std::unique_ptr<rocksdb::Iterator> served_;
  uint64_t new_keys_ = 0;
  uint64_t gone_keys_ = 0;
};

}  // namespace freshet::store
