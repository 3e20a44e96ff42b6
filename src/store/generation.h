// Generations of batch views: which is served, which is being loaded, and which are on their way
// out.
//
// A row table's life, so that a crash between any two steps loses no space and serves no half load:
//   1. The table gets its id and a mark "discarded", in one durable write, before its first row.
//   2. Rows are sorted into files beside the database, then handed over to it.
//   3. One durable write lets the view serve the table, takes the mark off it, and marks the table
//      that was served so far.
//   4. At the next publication the marked table, which no reader uses any more, is removed, and
//   then
//      its mark.
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

#include "freshet/status.h"

#include "base/clock.h"
#include "store/database.h"
#include "store/row.h"
#include "store/state_cache.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class Generations {
 public:
  // All must outlive it.
  Generations(Database& database, StateCache& cache, std::string loads_folder, const Clock& clock)
      : database_(database), cache_(cache), loads_folder_(std::move(loads_folder)), clock_(clock) {}

  // Reads what is stored and removes what is marked. Once, first.
  Status Recover();

  std::shared_ptr<const Generation> Find(uint32_t view_id) const;
  // Null for a table that is not published, or is removed.
  std::shared_ptr<const RowLayout> FindLayout(TableId table) const;

  // Steps 1, 3 and the removal of a table that is not published after all. A view is loading from
  // BeginLoad until EndLoad.
  Result<TableId> BeginLoad(uint32_t view_id);
  Status Publish(uint32_t view_id, Generation generation);
  // What is served has changed in place: an upsert is in the database.
  void Update(uint32_t view_id, Generation generation);
  Status DiscardTable(TableId table);
  void EndLoad(uint32_t view_id);

  Status Drop(std::span<const uint32_t> view_ids);

  std::string LoadFolder(TableId table) const;
  const Clock& clock() const { return clock_; }

 private:
  struct View {
    std::shared_ptr<const Generation> served;
    std::shared_ptr<const Generation> previous;
  };

  Status RecoverServed();
  // What upserts have made of the generation.
  Status ReadSummary(Generation* generation);
  Status RemoveDiscarded();
  Status RemoveLoadFiles();
  // Answers the generation that the view's readers are no longer given, if there was one.
  std::shared_ptr<const Generation> Remember(uint32_t view_id, Generation generation);
  // Removes what has retired and is not held any more.
  void RemoveRetired();

  Database& database_;
  StateCache& cache_;
  const std::string loads_folder_;
  const Clock& clock_;

  std::mutex change_mutex_;  // held over writes to disk; before mutex_
  TableId next_table_ = 1;
  std::set<uint32_t> loading_;
  std::vector<std::shared_ptr<const Generation>> retired_;

  mutable std::mutex mutex_;  // of what readers look at
  std::map<uint32_t, View> views_;
  std::map<TableId, std::shared_ptr<const RowLayout>> layouts_;
};

}  // namespace freshet::store
