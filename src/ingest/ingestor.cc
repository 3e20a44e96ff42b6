#include "ingest/ingestor.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <variant>

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/kafka_log_reader.h"
#include "ingest/lane.h"

namespace freshet::ingest {
namespace {

using TablesBySource = std::map<std::string, std::vector<registry::TableId>>;

TablesBySource StreamTables(const registry::Registry& registry) {
  TablesBySource tables;
  for (const auto& view : registry.feature_views()) {
    if (view->fed_by() == nullptr) continue;
    for (const registry::TableId table : view->fed_tables())
      tables[view->fed_by()->name].push_back(table);
  }
  return tables;
}

// How many records lie between two positions. What is missing in one counts from 0.
int64_t Distance(const Offsets& a, const Offsets& b) {
  int64_t distance = 0;
  for (const auto& [partition, offset] : a) {
    const auto other = b.find(partition);
    distance += std::abs(offset - (other == b.end() ? 0 : other->second));
  }
  for (const auto& [partition, offset] : b) {
    if (!a.contains(partition)) distance += offset;
  }
  return distance;
}

int64_t Total(const Offsets& offsets) {
  return std::accumulate(offsets.begin(), offsets.end(), int64_t{0},
                         [](int64_t sum, const auto& entry) { return sum + entry.second; });
}

// Tables that are close enough to share a reader, the furthest group first.
std::vector<std::vector<Lane::Fill>> Group(std::vector<Lane::Fill> fills) {
  std::sort(fills.begin(), fills.end(), [](const Lane::Fill& a, const Lane::Fill& b) {
    return Total(a.positions) > Total(b.positions);
  });
  std::vector<std::vector<Lane::Fill>> groups;
  for (Lane::Fill& fill : fills) {
    const auto near = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return Distance(group.front().positions, fill.positions) <= limits::kLaneMergeRecordsMax;
    });
    if (near != groups.end()) {
      near->push_back(std::move(fill));
    } else {
      groups.emplace_back().push_back(std::move(fill));
    }
  }
  return groups;
}

class IngestorOfLanes : public Ingestor {
 public:
  IngestorOfLanes(const IngestOptions& options, store::Store& store, const Clock& clock)
      : options_(options), store_(store), clock_(clock) {}
  ~IngestorOfLanes() override { (void)Stop(); }

  Status Apply(std::shared_ptr<const registry::Registry> registry) override;
  bool CaughtUp() const override;
  int64_t AsOfMs(registry::TableId table) const override;
  Arrival WaitUntilIn(registry::TableId table, int32_t partition, int64_t offset,
                      std::chrono::steady_clock::time_point deadline) const override;
  Result<std::vector<bool>> Erase(std::span<const store::StateKey> timelines) override;
  std::vector<PartitionStatus> Positions(registry::TableId table) const override;
  Status Stop() override;
  std::vector<LaneStatus> Lanes() const override;
  std::vector<SourceCounters> Counters() const override;

 private:
  using AsOfEntry = std::pair<registry::TableId, std::shared_ptr<const std::atomic<int64_t>>>;
  using AsOfIndex = std::vector<AsOfEntry>;  // sorted by table
  using LaneList = std::vector<std::shared_ptr<Lane>>;

  Status CheckSources(const registry::Registry& registry, const TablesBySource& wanted) const;
  Status KeepLanes(const std::shared_ptr<const registry::Registry>& registry,
                   const TablesBySource& wanted);
  Status AddLanes(const std::shared_ptr<const registry::Registry>& registry,
                  const TablesBySource& wanted);
  Result<std::vector<Lane::Fill>> ReadFills(std::span<const registry::TableId> tables);
  std::shared_ptr<AtomicCounters> CountersOf(const std::string& source);
  void ChooseLeaders();
  void PublishAsOf();
  LaneList lanes() const;
  void SetLanes(LaneList lanes);

  const IngestOptions options_;
  store::Store& store_;
  const Clock& clock_;
  std::atomic<bool> stopped_{false};

  mutable std::mutex mutex_;  // guards the two below; never held while a lane is waited for
  LaneList lanes_;
  std::map<std::string, std::shared_ptr<AtomicCounters>> counters_;

  // Readers follow the pointer without a lock, so an index that was replaced must live on: there are as many as there were
  // changes of definitions, each of a few bytes a table.
  std::atomic<const AsOfIndex*> as_of_{nullptr};
  std::vector<std::unique_ptr<const AsOfIndex>> as_of_indexes_;
};

Status IngestorOfLanes::Apply(std::shared_ptr<const registry::Registry> registry) {
  if (stopped_) return Status::FailedPrecondition("ingest has been stopped");
  const TablesBySource wanted = StreamTables(*registry);
  FRESHET_RETURN_IF_ERROR(CheckSources(*registry, wanted));
  const Status kept = KeepLanes(registry, wanted);
  const Status added = AddLanes(registry, wanted);
  ChooseLeaders();
  PublishAsOf();
  return kept.ok() ? added : kept;
}

Status IngestorOfLanes::CheckSources(const registry::Registry& registry,
                                     const TablesBySource& wanted) const {
  if (!options_.kafka.brokers.empty()) return Status::Ok();
  for (const auto& [name, tables] : wanted) {
    const registry::Source* source = registry.FindSource(name);
    if (std::holds_alternative<registry::KafkaLog>(source->kind)) {
      return Status::FailedPrecondition(fmt::format(
          "source '{}' reads a kafka topic, and no kafka brokers are configured (kafka.brokers)",
          name));
    }
  }
  return Status::Ok();
}

// Hands the registry to the lanes that go on and ends those that have nothing left to feed.
Status IngestorOfLanes::KeepLanes(const std::shared_ptr<const registry::Registry>& registry,
                                  const TablesBySource& wanted) {
  std::set<registry::TableId> all;
  for (const auto& [source, tables] : wanted) all.insert(tables.begin(), tables.end());
  LaneList staying;
  LaneList leaving;
  Status outcome;
  for (const std::shared_ptr<Lane>& lane : lanes()) {
    std::vector<registry::TableId> tables;
    std::copy_if(lane->tables().begin(), lane->tables().end(), std::back_inserter(tables),
                 [&](registry::TableId table) { return all.contains(table); });
    if (tables.empty()) {
      lane->RequestStop();
      leaving.push_back(lane);
      continue;
    }
    staying.push_back(lane);
    const Status handed = lane->HandOver(registry, tables);
    if (!handed.ok()) outcome = handed;
  }
  SetLanes(std::move(staying));
  // Their last checkpoint is of tables that nobody wants any more.
  for (const std::shared_ptr<Lane>& lane : leaving) (void)lane->Join();
  return outcome;
}

Status IngestorOfLanes::AddLanes(const std::shared_ptr<const registry::Registry>& registry,
                                 const TablesBySource& wanted) {
  LaneList all = lanes();
  std::set<registry::TableId> fed;
  for (const std::shared_ptr<Lane>& lane : all) {
    fed.insert(lane->tables().begin(), lane->tables().end());
  }
  for (const auto& [source, tables] : wanted) {
    std::vector<registry::TableId> unfed;
    std::copy_if(tables.begin(), tables.end(), std::back_inserter(unfed),
                 [&](registry::TableId table) { return !fed.contains(table); });
    FRESHET_ASSIGN_OR_RETURN(std::vector<Lane::Fill> fills, ReadFills(unfed));
    for (const std::vector<Lane::Fill>& group : Group(std::move(fills))) {
      const bool leads = std::none_of(all.begin(), all.end(), [&name = source](const auto& lane) {
        return lane->state().source() == name;
      });
      all.push_back(std::make_shared<Lane>(Lane::Surroundings{options_, store_, clock_},
                                           CountersOf(source), registry, source, group, leads));
    }
    SetLanes(all);
  }
  return Status::Ok();
}

Result<std::vector<Lane::Fill>> IngestorOfLanes::ReadFills(
    std::span<const registry::TableId> tables) {
  std::vector<Lane::Fill> fills;
  for (const registry::TableId table : tables) {
    FRESHET_ASSIGN_OR_RETURN(const std::vector<store::Position> positions,
                             store_.ReadPositions(table));
    Lane::Fill& fill = fills.emplace_back();
    fill.table = table;
    for (const store::Position& position : positions) {
      fill.positions[position.partition] = position.next_offset;
    }
  }
  return fills;
}

std::shared_ptr<AtomicCounters> IngestorOfLanes::CountersOf(const std::string& source) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<AtomicCounters>& counters = counters_[source];
  if (counters == nullptr) counters = std::make_shared<AtomicCounters>();
  return counters;
}

// A source whose leading lane has ended gets another.
void IngestorOfLanes::ChooseLeaders() {
  std::set<std::string> led;
  const LaneList all = lanes();
  for (const auto& lane : all) {
    if (lane->leads()) led.insert(lane->state().source());
  }
  for (const auto& lane : all) {
    if (led.insert(lane->state().source()).second) lane->Lead();
  }
}

void IngestorOfLanes::PublishAsOf() {
  auto index = std::make_unique<AsOfIndex>();
  for (const auto& lane : lanes()) {
    for (const registry::TableId table : lane->tables()) {
      index->emplace_back(table, lane->state().as_of_ms());
    }
  }
  std::sort(index->begin(), index->end());
  const AsOfIndex* before = as_of_.load(std::memory_order_relaxed);
  if (before != nullptr && *before == *index) return;
  as_of_.store(index.get(), std::memory_order_release);
  as_of_indexes_.push_back(std::move(index));
}

int64_t IngestorOfLanes::AsOfMs(registry::TableId table) const {
  const AsOfIndex* index = as_of_.load(std::memory_order_acquire);
  if (index == nullptr) return INT64_MIN;
  const auto found = std::lower_bound(
      index->begin(), index->end(), table,
      [](const AsOfEntry& entry, registry::TableId wanted) { return entry.first < wanted; });
  if (found == index->end() || found->first != table) return INT64_MIN;
  return found->second->load(std::memory_order_acquire);
}

Arrival IngestorOfLanes::WaitUntilIn(registry::TableId table, int32_t partition, int64_t offset,
                                     std::chrono::steady_clock::time_point deadline) const {
  for (const std::shared_ptr<Lane>& lane : lanes()) {
    const LaneState& state = lane->state();
    if (!state.Feeds(table)) continue;
    if (state.WaitUntilIn(partition, offset, deadline)) return Arrival::kIn;
    return state.failed() || stopped_ ? Arrival::kNever : Arrival::kNotYet;
  }
  return Arrival::kNever;
}

std::vector<PartitionStatus> IngestorOfLanes::Positions(registry::TableId table) const {
  for (const std::shared_ptr<Lane>& lane : lanes()) {
    if (lane->state().Feeds(table)) return lane->state().Read().partitions;
  }
  return {};
}

bool IngestorOfLanes::CaughtUp() const {
  const LaneList all = lanes();
  return std::all_of(all.begin(), all.end(),
                     [](const auto& lane) { return lane->state().caught_up(); });
}

Result<std::vector<bool>> IngestorOfLanes::Erase(std::span<const store::StateKey> timelines) {
  std::vector<bool> found;
  const LaneList all = lanes();
  for (const store::StateKey& timeline : timelines) {
    const auto lane = std::find_if(all.begin(), all.end(), [&](const auto& candidate) {
      return candidate->state().Feeds(timeline.table);
    });
    if (lane == all.end()) {
      return Status::Unavailable(
          "a timeline's stream is not read at the moment, so it cannot be erased; apply the "
          "definitions again, or start the server again, then forget again");
    }
    FRESHET_ASSIGN_OR_RETURN(const bool was_there, (*lane)->Erase(timeline));
    found.push_back(was_there);
  }
  return found;
}

Status IngestorOfLanes::Stop() {
  stopped_ = true;
  const LaneList all = lanes();
  for (const auto& lane : all) lane->RequestStop();
  Status outcome;
  for (const auto& lane : all) {
    const Status last = lane->Join();
    if (!last.ok()) outcome = last;
  }
  return outcome;
}

std::vector<LaneStatus> IngestorOfLanes::Lanes() const {
  std::vector<LaneStatus> statuses;
  for (const auto& lane : lanes()) statuses.push_back(lane->state().Read());
  return statuses;
}

std::vector<SourceCounters> IngestorOfLanes::Counters() const {
  std::lock_guard lock(mutex_);
  std::vector<SourceCounters> all;
  for (const auto& [source, counters] : counters_) all.push_back(counters->Read(source));
  return all;
}

IngestorOfLanes::LaneList IngestorOfLanes::lanes() const {
  std::lock_guard lock(mutex_);
  return lanes_;
}

void IngestorOfLanes::SetLanes(LaneList lanes) {
  std::lock_guard lock(mutex_);
  lanes_ = std::move(lanes);
  std::erase_if(counters_, [&](const auto& entry) {
    return std::none_of(lanes_.begin(), lanes_.end(),
                        [&](const auto& lane) { return lane->state().source() == entry.first; });
  });
}

}  // namespace

Result<std::unique_ptr<Ingestor>> Ingestor::New(const IngestOptions& options, store::Store& store,
                                                const Clock& clock) {
  FRESHET_RETURN_IF_ERROR(CheckKafkaProperties(options.kafka));
  std::unique_ptr<Ingestor> ingestor = std::make_unique<IngestorOfLanes>(options, store, clock);
  return ingestor;
}

}  // namespace freshet::ingest
