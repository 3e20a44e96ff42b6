// The timeline: all windows of one table and entity in one value.
//
// A table has windows (window.h says which events each holds), a head hop H that divides the hops of all
// of them, aggregations, and a clock skew; over the lifetime, an event at t counts when
// align_down(t, H) <= now.
//
// A timeline is a flat byte string: a header, the lifetime cell (when something has folded into
// it), and cells in time order, newest last, none for empty time. A cell holds its start, the time
// of its newest event, and one slot per aggregation. With T the newest event time, cells younger than
// T - skew are H wide; older ones are as wide as the windows that reach so far back allow, as levels.h
// says, and what none reaches folds into the lifetime cell or goes. So a timeline is a pure function of
// (table, set of events) as long as nothing is truncated, and no reader at now >= T - skew can
// tell that cells were merged.
//
// The cells of one timeline are bounded (limits::kTimelineCellsMax, kTimelineBytesMax; the lifetime
// cell is not counted). When they would be exceeded, the oldest cells fold away early, a 32nd at a
// time, and `truncated_before` remembers up to where, until no window can reach behind it any more:
// windows that do are kTruncated. The lifetime keeps its exact value, but for a reader whose `now`
// is before cells that folded away, for whom it is kTruncated too. A late event before
// `truncated_before` still counts in the lifetime.
//
// What cells cannot tell, the tail does: the newest events one by one, for windows that cut through a
// cell (recent_events.h), and the identities of events, which tell repeats (seen_identities.h).
//
// The format is specified in docs/formats.md and owned by layout.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "aggregate/aggregate.h"
#include "base/datum.h"
#include "timeline/levels.h"
#include "timeline/round_duration.h"
#include "timeline/window.h"

namespace freshet::timeline {

// The shape of one table's timelines. Immutable; any thread.
class Schema {
 public:
  struct Options {
    std::vector<Window> windows;  // different ones; may be empty
    int64_t head_hop_ms = 0;      // divides every window's hop
    int64_t clock_skew_ms = 0;
    bool has_lifetime = false;  // whether the lifetime slots are kept
    std::vector<std::shared_ptr<const aggregate::Aggregate>> aggregations;
    size_t cells_max = 0;          // 0: limits::kTimelineCellsMax
    size_t recent_events_max = 0;  // kept one by one; 0: limits::kRecentEventsMax
    bool exact_head = false;       // an event counts from its own time on, not from its hop's
    int64_t deduplicate_ms = 0;    // how long an event's identity is remembered; 0: not at all
  };
  // InvalidArgument when the options break a rule above, or keep nothing: no window and no
  // lifetime.
  static Result<Schema> Create(Options options);

  const std::vector<Window>& windows() const { return options_.windows; }
  const std::vector<std::shared_ptr<const aggregate::Aggregate>>& aggregations() const {
    return options_.aggregations;
  }
  const Options& options() const { return options_; }
  // The most cells that a timeline can have when every hop has an event; for `plan` and for
  // validation.
  size_t CellsMax() const;
  // The bytes of one cell without its variable-size slots.
  size_t cell_fixed_bytes() const { return cell_fixed_bytes_; }

  // The most bytes of one cell whose events are such.
  size_t CellBytesMax(const aggregate::Fill& fill) const;
  // The most bytes of a timeline when the events of each of its cells are such. Cells and single
  // events that would need more than the limits above go.
  size_t BytesMax(const aggregate::Fill& fill) const;

  // The most events that are kept on their own, and the bytes of one without its variable-size slots.
  size_t SingleEventsMax() const;
  size_t single_event_bytes() const;
  // The most identities that are remembered, and the bytes of one.
  size_t IdentitiesMax() const;
  static size_t identity_bytes();
  bool has_sessions() const { return has_sessions_; }
  // Whether events or their identities are kept one by one, beside the cells.
  bool has_tail() const { return has_recent_events() || options_.deduplicate_ms > 0; }
  bool has_recent_events() const { return recent_depth_ms_ >= 0 || last_events_ > 0; }
  // Events that are at most so much older than the newest are kept one by one; negative: none are
  // for their age.
  int64_t recent_depth_ms() const { return recent_depth_ms_; }
  // The most that a window of the last events holds.
  size_t last_events() const { return last_events_; }

 private:
  friend class Layout;
  void SetTail();
  void BuildSlots();

  Options options_;
  std::vector<Level> levels_;  // youngest first
  // Where the fixed part of each aggregation's slot begins in a cell.
  std::vector<uint32_t> slot_offsets_;
  std::vector<uint32_t> variable_;  // the aggregations with variable-size slots
  size_t variable_begin_bytes_ = 0;
  size_t cell_fixed_bytes_ = 0;
  std::string empty_cell_;
  bool has_sessions_ = false;
  int64_t recent_depth_ms_ = -1;
  size_t last_events_ = 0;
};

// A hash of the value that tells events apart, wide enough to stand for it.
struct Identity {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

// One event as a table sees it.
struct Event {
  aggregate::EventOrder order;
  // One per aggregation: the value of `of` (null where there is none), and whether `where` let the
  // event in.
  std::span<const Datum> values;
  std::span<const uint8_t> admitted;
  // What a repeat of the event has in common with it; nothing: none is known.
  std::optional<Identity> identity = {};
  // One per aggregation: the value of `by`; empty when no aggregation takes one.
  std::span<const Datum> by = {};
};

enum class ApplyOutcome : uint8_t {
  kApplied,    //
  kTooOld,     // before every window that a reader can still ask for; the entity is still known as
               // seen
  kTruncated,  // older than what fits; windows that would need it are kTruncated
  kRepeated,   // an event of the same identity came before; this one counts nowhere
};

// Folds one event into a timeline; `bytes` is empty for an entity without one. `bytes` must be
// empty or valid for `schema`. Amortised O(1) for the newest time, O(cells) otherwise.
ApplyOutcome Apply(const Schema& schema, const Event& event, std::string& bytes);

// OK when `bytes` is a timeline that Apply can have written for this schema. For bytes that come
// from disk; Apply and Read need not be guarded against bytes that passed it.
Status Validate(const Schema& schema, std::string_view bytes);

// The time of the newest event; `bytes` must not be empty.
int64_t NewestEventTimeMs(std::string_view bytes);

enum class ReadOutcome : uint8_t {
  kValue,
  kNull,       // nothing in the window, and the aggregate has no value for that
  kOverflow,   // an int64 sum that does not fit
  kTooMany,    // more categories than are told apart
  kTruncated,  // the window reaches behind what could be kept, or a session behind its longest
  kTooEarly,   // now < newest event - clock skew: cells that such a reader would need were merged
};

// What a reader wants of a table: (aggregation, window) pairs, compiled once.
struct Want {
  uint32_t aggregation;            // index into Schema::aggregations
  std::optional<uint32_t> window;  // index into Schema::windows; none: the lifetime

  friend bool operator==(const Want&, const Want&) = default;
};

struct WindowedValue {
  Datum value;  // meaningful for kValue; may borrow from `bytes` or from the reader's scratch until
                // its next Read
  ReadOutcome outcome = ReadOutcome::kNull;
  // The time of the newest event in the window, whether or not the aggregation's `where` let it in;
  // INT64_MIN without one.
  int64_t newest_time_ms = INT64_MIN;
};

// Answers the wants of one query in a single pass from the newest cell back. Holds scratch memory:
// one per thread and query.
class Reader {
 public:
  // `schema` must outlive the reader.
  Reader(const Schema& schema, std::vector<Want> wants);
  ~Reader();
  Reader(Reader&&) noexcept;

  // One value per want, in their order; valid until the next Read. `bytes` must be non-empty and
  // valid.
  std::span<const WindowedValue> Read(std::string_view bytes, int64_t now_ms);

  // The moments at which the bytes of the last Read give the values that it gave: its own, and those around it until a window
  // slides on. None where any moment may have values of its own: before the newest event, where windows cut through cells,
  // and where a want ages.
  ReadTimes HoldsAt(std::string_view bytes) const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace freshet::timeline
