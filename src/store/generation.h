// Generations of batch views: which is served, which was served before, which is being loaded, and
// which are on their way out.
//
// A row table's life, so that a crash between any two steps loses no space and serves no half load:
//   1. The table gets its id and a mark "discarded", in one durable write, before its first row.
//   2. Rows are sorted into files beside the database, then handed over to it.
//   3. One durable write lets the view serve the table, takes the mark off it, keeps the generation
//      that was served so far as the previous one, and marks the one that was the previous.
//   4. A rollback is one durable write too: the previous generation is served, and the table that
//      was served is marked.
//   5. Marked tables are removed in the background, once no reader uses them any more, a file at a
//      time; then their marks.
// Whatever is marked when the store opens is removed then, and so is every file of an unfinished
// load.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <rocksdb/write_batch.h>

#include "freshet/status.h"

#include "base/clock.h"
#include "store/database.h"
#include "store/row.h"
#include "store/state_cache.h"
#include "store/store.h"
#include "store/table_remover.h"

namespace freshet::store {

// Any thread.
class Generations {
 public:
  struct Options {
    std::string loads_folder;
    const Clock* clock = &Clock::System();
    uint64_t removed_bytes_per_second_max = 0;
  };

  // All must outlive it.
  Generations(Database& database, StateCache& cache, Options options);

  // Reads what is stored and begins to remove what is marked. Once, first.
  Status Recover();

  std::shared_ptr<const Generation> Find(uint32_t view_id) const;
  std::shared_ptr<const Generation> FindPrevious(uint32_t view_id) const;
  // Null for a table that is not published, or is removed.
  std::shared_ptr<const RowLayout> FindLayout(TableId table) const;

  // Steps 1, 3 and the removal of a table that is not published after all. A view is loading from
  // BeginLoad until EndLoad.
  Result<TableId> BeginLoad(uint32_t view_id);
  Status Publish(uint32_t view_id, Generation generation);
  // Step 4.
  Status RollBack(uint32_t view_id);
  // What is served has changed in place: an upsert is in the database.
  void Update(uint32_t view_id, Generation generation);
  // As Store::EraseRows.
  Result<Store::ErasedRows> EraseRows(uint32_t view_id, std::string_view entity_key);
  Status DiscardTable(TableId table);
  void EndLoad(uint32_t view_id);

  Status Drop(std::span<const uint32_t> view_ids);
  // As Store::SetRetention.
  void SetRetention(std::map<uint32_t, int64_t> retention_ms);

  std::string LoadFolder(TableId table) const;
  const Clock& clock() const { return *options_.clock; }
  size_t count_to_remove() const { return remover_.count(); }

 private:
  struct View {
    std::shared_ptr<const Generation> served;
    std::shared_ptr<const Generation> previous;
  };

  Status RecoverServed();
  Status RecoverPrevious();
  // Adds the erasure of a row to the batch, with what the generation is after it; null when it has no
  // such row.
  Result<std::shared_ptr<const Generation>> EraseFrom(const Generation& generation,
                                                      std::string_view entity_key,
                                                      rocksdb::WriteBatch& batch);
  // What upserts have made of the generation.
  Status ReadSummary(Generation* generation);
  Status RemoveDiscarded();
  // Lets rows of what is served and kept expire as their views say. Under mutex_.
  void ApplyRetention();
  // What readers are given from now on. The generations have holds.
  void Show(uint32_t view_id, View view);
  static std::shared_ptr<const Generation> WithHold(Generation generation);
  void ForgetLayout(TableId table);
  View ViewOf(uint32_t view_id) const;

  Database& database_;
  StateCache& cache_;
  const Options options_;

  std::mutex change_mutex_;  // held over writes to disk; before mutex_
  TableId next_table_ = 1;
  std::set<uint32_t> loading_;

  mutable std::mutex mutex_;  // of what readers look at
  std::map<uint32_t, View> views_;
  std::map<uint32_t, int64_t> retention_ms_;
  std::map<TableId, std::shared_ptr<const RowLayout>> layouts_;

  TableRemover remover_;  // last: its thread uses the others
};

}  // namespace freshet::store
