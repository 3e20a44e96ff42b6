// Folds decoded events into the timelines of the tables that a lane feeds.
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
#include "registry/definitions.h"
#include "store/store.h"

namespace freshet::ingest {

// One table to feed. The pointers must outlive the applier.
struct TableTarget {
  const registry::FeatureView* view = nullptr;
  const registry::TimelineTable* table = nullptr;
  Offsets start;  // records before these are in the table already
};

struct ApplyCounts {
  uint64_t applied = 0;
  uint64_t too_old = 0;
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

  // Asked when a timeline cannot be read back from disk: true tries the same again, false gives up.
  using RetryQuestion = FunctionRef<bool(const Status& status)>;

  // Folds the event into every table that does not have it yet and whose view's `where` chooses it.
  // A view whose join key the event lacks is left out, which refuses the event on behalf of that
  // view: then *refusal and *detail say why, and the other views have it all the same. An error
  // means that the event is in some tables and not in others.
  Status Apply(const Record& record, const DecodedEvent& event, RetryQuestion retry,
               Refusal* refusal, std::string* detail);

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

  Status ApplyToView(View& view, const Record& record, const DecodedEvent& event,
                     RetryQuestion retry, bool* applied);
  Status Update(const Table& table, std::string_view key, const timeline::Event& event,
                RetryQuestion retry, bool* applied);
  bool Holds(size_t condition, const DecodedEvent& event);
  void Evaluate(View& view, const DecodedEvent& event);
  Datum ValueOf(size_t expression, const DecodedEvent& event);
  std::optional<timeline::Identity> IdentityOf(const DecodedEvent& event) const;
  const Expression& Evaluate(size_t expression, const DecodedEvent& event);
  Refusal EncodeKey(Key& key, const DecodedEvent& event, std::string* detail);

  const registry::Source& source_;
  store::TimelineWriter& writer_;
  std::vector<Expression> expressions_;
  std::vector<Key> keys_;
  std::vector<View> views_;
  uint64_t event_number_ =
      0;  // tells what was computed for this event from what is left of an earlier one
  std::optional<timeline::Identity> identity_;  // of this event
  ApplyCounts counts_;
};

}  // namespace freshet::ingest
