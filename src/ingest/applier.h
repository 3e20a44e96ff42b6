// Folds decoded events into the timelines and rows of the tables that a lane feeds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/event_delays.h"
#include "freshet/status.h"

#include "base/function_ref.h"
#include "ingest/decoder.h"
#include "ingest/log_reader.h"
#include "ingest/row_tables.h"
#include "registry/definitions.h"
#include "store/store.h"

namespace freshet::ingest {

// One table to feed. The pointers must outlive the applier.
struct TableTarget {
  const registry::FeatureView* view = nullptr;
  const registry::TimelineTable* table = nullptr;
  Offsets start;                             // records before these are in the table already
  const registry::RowTable* rows = nullptr;  // in the place of `table`, of a view of rows
};

struct ApplyCounts {
  uint64_t applied = 0;
  uint64_t too_old = 0;  // before every window, or than the entity's row
  uint64_t truncated = 0;
  uint64_t repeated = 0;
  uint64_t filter_failures = 0;
  EventDelays delays;
};

// Everything that hangs on definitions is decided when it is made: which expressions there are,
// each once, which keys, which tables. An event allocates nothing. One thread.
class Applier {
 public:
  // `writer` and what the targets point at must outlive it. All targets are fed by `source`.
  Applier(const registry::Source& source, const std::vector<TableTarget>& targets,
          store::TimelineWriter& writer);
  ~Applier();

  // Which entities an event is of, and where their timelines are. Its memory serves one event after the other.
  struct Foresight {
    struct Key {
      Refusal refusal = Refusal::kNone;  // why the event has no such key
      std::string bytes;
      uint32_t missing_field = 0;  // of kMissingField
      std::string detail;          // of other refusals
    };
    std::vector<Key> keys;                     // per key of the applier
    std::vector<store::TimelinePlace> places;  // borrow the keys
  };
  // Apply wants what Foresee finds. The others bring nearer to the processor what Apply will look at, each with other work since
  // the one before, as TimelineWriter's functions for it do. None changes state. What views that choose among events look at is
  // not fetched: it often would be in vain.
  void Foresee(const DecodedEvent& event, Foresight* foresight) const;
  void PrefetchEntries(const Foresight& foresight) const;
  void PrefetchTimelines(const Foresight& foresight) const;

  // Asked when a timeline cannot be read back from disk: true tries the same again, false gives up.
  using RetryQuestion = FunctionRef<bool(const Status& status)>;

  // Folds the event, of which `foresight` is, into every table that does not have it yet and whose view's `where` chooses it.
  // A view whose join key the event lacks is left out, which refuses the event on behalf of that
  // view: then *refusal and *detail say why, and the other views have it all the same. An error
  // means that the event is in some tables and not in others.
  Status Apply(const Record& record, const DecodedEvent& event, const Foresight& foresight,
               RetryQuestion retry, Refusal* refusal, std::string* detail);
  // Likewise of a tombstone, which deletes the rows of the entity that its key names; views without
  // rows do not look at it.
  Status Delete(const Record& tombstone, RetryQuestion retry, Refusal* refusal,
                std::string* detail);

  // Since the applier was made.
  const ApplyCounts& counts() const { return counts_; }

 private:
  struct Expression;
  struct Key;
  struct View;
  struct Table;

  size_t AddExpression(const std::shared_ptr<const expr::Program>& program);
  size_t AddKey(const registry::FeatureView& view);
  View& AddView(const registry::FeatureView& view);
  void AddTable(const TableTarget& target);
  static bool Covers(const View& view, const Record& record);

  Status ApplyToView(View& view, std::string_view key, const Record& record,
                     const DecodedEvent& event, RetryQuestion retry, bool* applied);
  Status ApplyToRows(View& view, std::string_view key, const Record& record,
                     const DecodedEvent& event, bool deletes, RetryQuestion retry, bool* applied);
  // Calls `write`, the writing of an event or of a tombstone to rows, with what updates a table.
  Status WriteRows(RetryQuestion retry,
                   FunctionRef<Status(RowTables::Update update, RowOutcome* outcome)> write,
                   bool* applied);
  Status Fold(const Table& table, std::string_view key, const timeline::Event& event,
              RetryQuestion retry, bool* applied);
  Status Update(store::TableId table, std::string_view key,
                FunctionRef<void(std::string& bytes)> change, RetryQuestion retry);
  bool Holds(size_t condition, const DecodedEvent& event);
  void Evaluate(View& view, const DecodedEvent& event);
  Datum ValueOf(size_t expression, const DecodedEvent& event);
  std::optional<timeline::Identity> IdentityOf(const DecodedEvent& event) const;
  const Expression& Evaluate(size_t expression, const DecodedEvent& event);
  void EncodeKey(const Key& key, const DecodedEvent& event, Foresight::Key* encoded) const;
  // Why there is no such key.
  std::string DetailOf(const Foresight::Key& key) const;

  const registry::Source& source_;
  store::TimelineWriter& writer_;
  std::vector<Expression> expressions_;
  std::vector<Key> keys_;
  std::vector<View> views_;
  uint64_t event_number_ =
      0;  // tells what was computed for this event from what is left of an earlier one
  std::optional<timeline::Identity> identity_;  // of this event
  std::string tombstone_key_;
  ApplyCounts counts_;
};

}  // namespace freshet::ingest
