// A lane: one thread that polls one log, decodes, and applies to a set of tables; two more write checkpoints and ask the log
// for its ends.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "ingest/applier.h"
#include "ingest/as_of.h"
#include "ingest/checkpointer.h"
#include "ingest/decoder.h"
#include "ingest/ingestor.h"
#include "ingest/lane_state.h"
#include "ingest/prober.h"
#include "registry/registry.h"

namespace freshet::ingest {

class Lane {
 public:
  // What all lanes of an ingestor share; outlives them.
  struct Surroundings {
    const IngestOptions& options;
    store::Store& store;
    const Clock& clock;
  };

  // A table and up to where it has been filled.
  struct Fill {
    registry::TableId table = 0;
    Offsets positions;
  };

  // Starts. `registry` has the source and the tables. The lane that leads its source commits to the log and sends dead letters
  // for records that no view could use; others would only repeat it.
  Lane(const Surroundings& surroundings, std::shared_ptr<AtomicCounters> counters,
       std::shared_ptr<const registry::Registry> registry, std::string source,
       const std::vector<Fill>& fills, bool leads);
  ~Lane();

  // Goes on with another registry and, of its tables, those in `tables`. Returns once no other is written any more.
  Status HandOver(std::shared_ptr<const registry::Registry> registry,
                  const std::vector<registry::TableId>& tables);
  // Erases one of its timelines, durably on return; true when there was one.
  Result<bool> Erase(const store::StateKey& timeline);
  void Lead() { leads_ = true; }
  bool leads() const { return leads_; }

  // Asks the threads to end.
  void RequestStop();
  // Waits for the last checkpoint and the end of all threads. An error means that records since the last checkpoint will be
  // read again.
  Status Join();

  const LaneState& state() const { return state_; }
  // Of the thread that hands over.
  const std::vector<registry::TableId>& tables() const { return tables_; }

 private:
  struct DeadLetter {
    Record record;
    std::string reason;
  };
  struct Order {
    uint64_t number = 0;
    std::shared_ptr<const registry::Registry> registry;
    std::vector<registry::TableId> tables;
  };

  struct Erasure {
    registry::TableId table = 0;
    std::string entity_key;
    bool was_there = false;
    bool is_done = false;
    Status status;
  };

  // A record on its way from the batch to the tables. Its memory serves one record after the other.
  struct Passage {
    std::unique_ptr<Decoder> decoder;
    DecodedEvent event;  // borrows from the decoder
    bool is_decoded = false;
    Refusal refusal = Refusal::kNone;  // of the decoder
    std::string detail;                // of the refusal
    Applier::Foresight foresight;
  };
  // A record is decoded, its entries are fetched, its timelines are fetched, and it is applied: one step a round, so that memory
  // has a round's time for each fetch while other records are worked on.
  static constexpr size_t kPassages = 4;

  void Run();
  void Step();
  void Wait(int64_t timeout_ms);
  void WaitForStop(int64_t timeout_ms);
  bool stopping();

  void Adopt(std::shared_ptr<const registry::Registry> registry,
             const std::vector<registry::TableId>& tables);
  // Those of its tables that the registry has.
  std::vector<TableTarget> Targets() const;
  void TakeOrder();
  void TakeErasure();
  Status EraseNow(Erasure& erasure);
  Status Settle();

  bool EnsureReader();
  bool ReleaseReader();
  Offsets FirstOffsets() const;
  void GoOnPastMissing(const Status& missing);

  void PollBatch();
  void ReportLogTrouble(const Status& trouble);
  void EndLogTrouble();
  void ApplyBatch();
  Passage& PassageOf(size_t record) { return passages_[record % kPassages]; }
  void Decode(const Record& record, Passage& passage);
  void ApplyRecord(const Record& record, Passage& passage);
  void Refuse(const Record& record, Refusal refusal, const std::string& detail, bool by_view);
  void PublishCounts();
  void PublishPositions();
  bool SendDeadLetters();

  void MaybeCheckpoint();
  Status Freeze();
  std::vector<store::Position> TablePositions() const;

  const Surroundings surroundings_;
  const std::shared_ptr<AtomicCounters> counters_;
  const std::string source_name_;
  std::vector<registry::TableId> tables_;
  std::atomic<bool> leads_;
  LaneState state_;
  const std::unique_ptr<store::TimelineWriter> writer_;

  // The lane thread's own.
  std::shared_ptr<const registry::Registry> registry_;
  const registry::Source* source_ = nullptr;
  std::map<registry::TableId, Offsets>
      fills_;              // the lane's tables, and up to where each was filled at its start
  bool has_rows_ = false;  // some view of the source has rows, so that its tombstones say something
  std::unique_ptr<Applier> applier_;
  ApplyCounts published_;
  std::shared_ptr<LogReader> reader_;
  bool reader_started_ = false;
  // The newest, while there is any.
  std::optional<std::chrono::steady_clock::time_point> log_trouble_at_;
  Offsets resume_;  // where a reader starts
  Offsets positions_;
  Offsets frozen_;  // the positions of the last freeze
  std::chrono::steady_clock::time_point frozen_at_;
  bool torn_ =
      false;  // an event is in some tables and not in others: memory must not become durable
  std::vector<Record> batch_;
  std::array<Passage, kPassages> passages_;
  std::vector<DeadLetter> dead_letters_;  // their payloads live until the next poll
  std::array<std::unique_ptr<LogLimiter>, kRefusalCount> refusal_limiters_;
  AsOfProbes probes_;
  std::optional<Checkpointer> checkpointer_;
  std::optional<Prober> prober_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::optional<Order> order_;
  std::shared_ptr<Erasure> erasure_;  // to be done next
  uint64_t orders_given_ = 0;
  uint64_t order_done_ = 0;  // the number of the last one that was carried out, and its outcome
  Status order_outcome_;
  Status last_checkpoint_;
  std::thread thread_;
};

}  // namespace freshet::ingest
