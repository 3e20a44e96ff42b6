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
//
// An upsert has no step 3: it is served as soon as its files are the database's, which take the place of older
// rows in one step. What is left to do then is to discard the loads that it outdid, so that none of them is
// resumed and takes its rows away again, and its own record. A crash in between does no harm: among the files is
// the table's summary, which names the upsert, and the next start discards what the summary implies.
//
// Whatever is marked when the store opens is removed then, and so is every file of an unfinished
// load that is not kept for a resumption (kept_loads.h). A kept load has its table's mark too: rows
// that a crash between the steps 2 and 3 left in the database go, and are written again.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rocksdb/write_batch.h>

#include "freshet/status.h"

#include "base/clock.h"
#include "store/database.h"
#include "store/kept_loads.h"
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
    int64_t keep_unfinished_ms = 0;
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

  // As BeginLoad, for a load that is kept. Errors as Store::ResumeLoad has them.
  Result<LoadRecord> ResumeLoad(uint64_t load);
  std::vector<KeptLoad> ListKeptLoads();
  // As Store has them.
  Result<KeptLoad> FindKeptLoad(uint64_t load);
  Status DiscardLoad(uint64_t load);
  // Loads into the view that began before this one, which is an upsert and served by now.
  void DiscardOutdone(uint32_t view_id, TableId load);
  // Loads past their time, and more than may be kept. What goes wrong is logged, and tried again.
  void DiscardSurplusLoads();
  KeptLoads& kept_loads() { return kept_; }

  Status Drop(std::span<const uint32_t> view_ids);
  // As Store::SetRetention.
  void SetRetention(std::map<uint32_t, int64_t> retention_ms);

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
  // Loads that an upsert outdid before a crash, and that upsert itself. Their marks stay.
  Status RemoveOutdone();
  Status RemoveDiscarded();
  // Rows of a load that is kept, which are not served. Its mark stays.
  Status RemoveUnservedRows(TableId load);
  bool IsUnderWay(TableId load) const;
  // Files and mark of a load whose record is gone.
  void RemoveLoad(TableId load);
  bool HasKeptLoad(uint32_t view_id) const;
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
  std::map<uint32_t, TableId> loading_;  // by view
  KeptLoads kept_;

  mutable std::mutex mutex_;  // of what readers look at
  std::map<uint32_t, View> views_;
  std::map<uint32_t, int64_t> retention_ms_;
  std::map<TableId, std::shared_ptr<const RowLayout>> layouts_;

  TableRemover remover_;  // last: its thread uses the others
};

}  // namespace freshet::store
