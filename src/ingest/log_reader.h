// The seam to the logs that events come from: Kafka topics and the event logs of push sources have
// the same shape, ordered partitions of records with offsets and timestamps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "registry/definitions.h"
#include "store/store.h"

namespace freshet::ingest {

struct KafkaOptions {
  std::string brokers;  // host:port,...; empty: no kafka source can be served
  std::map<std::string, std::string>
      properties;  // handed to librdkafka as they are, e.g. security.protocol
  std::string consumer_group =
      "freshet";  // positions are committed to it for Kafka's own tools to show
};

struct Record {
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;             // of the record, as the log has it
  std::string_view payload;             // valid until the next poll
  bool is_erased = false;               // it has no payload any more, and is passed over
  bool is_tombstone = false;            // it never had one: of Kafka, a record whose value is null
  std::optional<std::string_view> key;  // of Kafka; likewise valid until the next poll
};

// partition -> offset.
using Offsets = std::map<int32_t, int64_t>;

// One reader of all partitions of one log. Start, Poll and positions() belong to one thread; the
// others may be called from any thread.
class LogReader {
 public:
  virtual ~LogReader() = default;

  // The partitions there are, ascending; Unavailable when the log cannot be asked. They do not
  // change while the reader lives, except that partitions_changed() tells when a new reader would
  // find others.
  virtual Result<std::vector<int32_t>> Partitions() = 0;
  virtual bool partitions_changed() = 0;

  // Starts each partition at its offset, or at the beginning of what is kept where `offsets` has
  // none. Once, before Poll.
  virtual Status Start(const Offsets& offsets) = 0;

  // Waits up to `timeout_ms` for the first record, then takes what is there without waiting, at
  // most `records_max`. An empty batch is no error. Unavailable: nothing came, and why; polling
  // again may help. Corruption: records that the positions need are gone from the log; nothing was
  // skipped, and polling again repeats the answer.
  virtual Status Poll(size_t records_max, int64_t timeout_ms, std::vector<Record>& records) = 0;

  // How far each partition has been read: the next offset, past gaps such as transaction markers. A
  // partition that started at its beginning is missing until that offset is known.
  virtual Offsets positions() const = 0;

  // The ends of all partitions at a moment within the call. Unavailable when the log cannot be
  // asked in time.
  virtual Result<Offsets> Ends(int64_t timeout_ms) = 0;
  // Likewise the first offsets that are still kept.
  virtual Result<Offsets> Begins(int64_t timeout_ms) = 0;

  // Tells the log how far state is durable, so that its own tools show the lag. Best effort.
  virtual void Commit(const Offsets& next_offsets) = 0;

  // Sends a record that was refused to where the source wants it. OK when the source wants none.
  // Returns once it is queued for sending; Flush waits for the delivery. Unavailable when the queue
  // is full: send it again later.
  virtual Status SendDeadLetter(const Record& record, std::string_view reason) = 0;
  // OK when all dead letters so far were delivered. What could not be delivered is sent again by
  // the next call.
  virtual Status FlushDeadLetters(int64_t timeout_ms) = 0;
};

// Makes the reader that the kind of the source asks for. `store` must outlive it.
// FailedPrecondition for a kafka source without brokers.
Result<std::unique_ptr<LogReader>> NewLogReader(const registry::Source& source,
                                                const KafkaOptions& kafka, store::Store& store);

}  // namespace freshet::ingest
