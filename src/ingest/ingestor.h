// Ingest: poll -> decode -> apply -> checkpoint, one lane a thread.
//
// A lane reads one source for a set of its tables. Positions are kept per table: a table that is
// new starts at the beginning of the log in a lane of its own, so that live tables do not wait for
// it; at a start, tables of one source whose positions are close share a lane, and each skips the
// events that it already has.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "freshet/event_delays.h"
#include "freshet/status.h"

#include "base/clock.h"
#include "ingest/log_reader.h"
#include "registry/registry.h"
#include "store/store.h"

namespace freshet::ingest {

struct IngestOptions {
  KafkaOptions kafka;
  int64_t checkpoint_interval_ms = 1'000;
  size_t checkpoint_dirty_bytes = 128u << 20;  // a checkpoint starts early when this much is dirty
  int64_t as_of_interval_ms = 200;             // how often a log is asked for its ends
  bool skip_missing_offsets =
      false;  // go on past records that Kafka has deleted unread, and count them
};

// A source's standing, for `freshet status`. One entry per lane partition.
struct PartitionStatus {
  int32_t partition = 0;
  int64_t next_offset = 0;
  int64_t checkpointed_offset = 0;
  int64_t end_offset = -1;  // -1 while unknown
};

struct LaneStatus {
  std::string source;
  std::vector<std::string> views;
  std::string state;  // "catching up", "live", or what is wrong
  bool failed = false;
  int64_t as_of_ms = INT64_MIN;
  std::vector<PartitionStatus> partitions;
};

// Counts since the start of the process, of all lanes of the source together: a record that the lane of a new table reads
// again counts again.
struct SourceCounters {
  std::string source;
  uint64_t events = 0;
  uint64_t applied = 0;  // folded into at least one timeline, or an entity's row
  uint64_t too_old = 0;  // (event, table) pairs before every window, or older than the entity's row
  uint64_t truncated = 0;  // (event, table) pairs that did not fit into their timeline
  uint64_t repeated = 0;   // (event, table) pairs that an event of the same identity came before
  uint64_t filter_failures = 0;  // `where` that was null or failed, `of` that failed
  uint64_t lost = 0;  // records that Kafka deleted before they were read, when skipping is allowed
  std::map<std::string, uint64_t> refused;  // by RefusalName
  EventDelays delays;
};

// Whether an event is in its table.
enum class Arrival : uint8_t {
  kIn,
  kNotYet,
  kNever,  // nothing feeds the table, or what does has failed or stopped
};

class Ingestor {
 public:
  // `store` and `clock` must outlive it. InvalidArgument for a Kafka property that does not exist
  // or cannot have its value.
  static Result<std::unique_ptr<Ingestor>> New(const IngestOptions& options, store::Store& store,
                                               const Clock& clock);
  virtual ~Ingestor() = default;  // stops first

  // Starts lanes for the tables that streams feed of `registry`; on a later call starts lanes for new tables,
  // stops those of removed ones, and hands the registry to the others. Returns once removed tables
  // are no longer written. One caller at a time.
  virtual Status Apply(std::shared_ptr<const registry::Registry> registry) = 0;

  // True once every lane has caught up to where its log stood when the lane started. A lane that
  // cannot reach its log, or failed, has not.
  virtual bool CaughtUp() const = 0;

  // The least as-of of the lane that feeds the table; INT64_MIN while unknown. Any thread, no lock
  // that ingest holds.
  virtual int64_t AsOfMs(registry::TableId table) const = 0;

  // Waits until the event at that place of the table's stream is in, or `deadline`. Any thread.
  virtual Arrival WaitUntilIn(registry::TableId table, int32_t partition, int64_t offset,
                              std::chrono::steady_clock::time_point deadline) const = 0;

  // Erases the timelines and rows of entities, durably on return; events that are read later begin new ones. One
  // answer for each key: whether there was a timeline. Unavailable while the lane of one of them does not get to it.
  virtual Result<std::vector<bool>> Erase(std::span<const store::StateKey> timelines) = 0;

  // Per partition of the table's stream: every event before the place is in. Empty while nothing feeds
  // the table, or nothing is known of its log.
  virtual std::vector<PartitionStatus> Positions(registry::TableId table) const = 0;

  // Stops reading, writes a last checkpoint, and joins all threads.
  virtual Status Stop() = 0;

  virtual std::vector<LaneStatus> Lanes() const = 0;
  virtual std::vector<SourceCounters> Counters() const = 0;
};

}  // namespace freshet::ingest
