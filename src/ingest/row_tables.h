// The row tables of one view that a stream feeds: the newest row of each entity.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/datum.h"
#include "base/function_ref.h"
#include "ingest/decoder.h"
#include "ingest/start_offsets.h"
#include "ingest/tombstone_key.h"
#include "registry/definitions.h"
#include "store/row.h"
#include "store/store.h"

namespace freshet::ingest {

// A row or a deletion, and how many tables took it or had a newer row.
struct RowOutcome {
  uint64_t taken = 0;
  uint64_t older = 0;
};

// One thread.
class RowTables {
 public:
  // Changes the state of an entity in a table; tries again as the applier is asked to.
  using Update = FunctionRef<Status(store::TableId table, std::string_view entity_key,
                                    FunctionRef<void(std::string& bytes)> change)>;

  // `view` must outlive it.
  explicit RowTables(const registry::FeatureView& view);
  void Add(const registry::RowTable& table, const Offsets& start);

  // Whether every table has the record already.
  bool Cover(const Record& record) const;

  // Whether the event can be a row; *detail says why not.
  Refusal CheckRow(const DecodedEvent& event, std::string* detail) const;
  // The event becomes the entity's row where that is not newer, or deletes it.
  Status Put(const Record& record, const DecodedEvent& event, std::string_view entity_key,
             Update update, RowOutcome* outcome);
  Status Delete(const Record& record, int64_t time_ms, std::string_view entity_key, Update update,
                RowOutcome* outcome);

  // The entity that a tombstone is about.
  Refusal DecodeKey(const Record& tombstone, std::string* entity_key, std::string* detail);

 private:
  struct Table {
    store::TableId id = 0;
    std::vector<uint32_t> fields;  // per column: the index into the source's
    store::RowLayout layout;
    StartOffsets start;
  };

  // The row that stands encoded in row_.
  Status Merge(const Table& table, std::string_view entity_key, Update update, RowOutcome* outcome);

  const registry::FeatureView& view_;
  std::vector<uint32_t>
      text_fields_;  // of all features that have no fixed width, if they can be too much
  std::vector<Table> tables_;
  TombstoneKeyDecoder keys_;
  std::vector<Datum> values_;
  std::string row_;
};

}  // namespace freshet::ingest
