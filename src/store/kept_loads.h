// The loads that can be resumed: their records in the database, and their files beside it.
//
// A record is written after its files are synced, and goes before they do, so that what a record names
// is there. A file that no record names is of no use: it goes at the next start, if not before.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <rocksdb/write_batch.h>

#include "freshet/status.h"

#include "store/database.h"
#include "store/kept_load.h"
#include "store/store.h"

namespace freshet::store {

// Any thread.
class KeptLoads {
 public:
  // `database` must outlive it.
  KeptLoads(Database& database, std::string folder)
      : database_(database), folder_(std::move(folder)) {}

  // Reads the records, and removes every file that none of them names. A load whose record cannot be
  // read, or whose files are not those that it names, is logged and not kept. Once, first.
  Status Recover();

  // What the load has in its folder, durable on return.
  Status Keep(TableId load, const LoadRecord& record);
  std::optional<LoadRecord> Find(TableId load) const;
  bool Has(TableId load) const { return Find(load).has_value(); }
  std::map<TableId, LoadRecord> All() const;
  // Loads into this view that began before `load`.
  std::vector<TableId> Before(uint32_t view_id, TableId load) const;

  // Takes the record away with the batch. Forget once that is written.
  void AddRemoval(TableId load, rocksdb::WriteBatch& batch) const;
  void Forget(TableId load);
  // The record, durably, then the files. The files go although the record stays, where the disk has no room for
  // its removal: a record without its files is useless, and goes at the next start. The load is still kept after an
  // error only if neither went.
  Status Remove(TableId load);

  // An empty folder for a new load.
  Status MakeFolder(TableId load) const;
  std::string Folder(TableId load) const;
  Status RemoveFolder(TableId load) const;
  // What the record does not name.
  Status RemoveUnnamed(TableId load) const;

 private:
  Status ReadRecords();
  bool HasFiles(TableId load, const LoadRecord& record) const;

  Database& database_;
  const std::string folder_;

  mutable std::mutex mutex_;
  std::map<TableId, LoadRecord> loads_;
};

}  // namespace freshet::store
