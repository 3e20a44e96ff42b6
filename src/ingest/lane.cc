#include "ingest/lane.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "ingest/timeouts.h"

namespace freshet::ingest {
namespace {

constexpr int64_t kSettleTimeoutMs = 10'000;
constexpr std::chrono::seconds kHandOverTimeout(30);

std::vector<std::string> ViewNames(const std::vector<TableTarget>& targets) {
  std::set<std::string> names;
  for (const TableTarget& target : targets) names.insert(target.view->name);
  return {names.begin(), names.end()};
}

std::vector<registry::TableId> TablesOf(const std::vector<Lane::Fill>& fills) {
  std::vector<registry::TableId> tables;
  for (const Lane::Fill& fill : fills) tables.push_back(fill.table);
  return tables;
}

}  // namespace

Lane::Lane(const Surroundings& surroundings, std::shared_ptr<AtomicCounters> counters,
           std::shared_ptr<const registry::Registry> registry, std::string source,
           const std::vector<Fill>& fills, bool leads)
    : surroundings_(surroundings),
      counters_(std::move(counters)),
      source_name_(std::move(source)),
      tables_(TablesOf(fills)),
      leads_(leads),
      state_(source_name_),
      writer_(surroundings_.store.NewTimelineWriter()) {
  for (const Fill& fill : fills) fills_[fill.table] = fill.positions;
  Adopt(std::move(registry), tables_);
  resume_ = FirstOffsets();
  frozen_at_ = std::chrono::steady_clock::now();
  checkpointer_.emplace(*writer_, state_, surroundings_.clock);
  prober_.emplace(surroundings_.options.as_of_interval_ms, probes_, state_, surroundings_.clock);
  thread_ = std::thread([this] { Run(); });
}

Lane::~Lane() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void Lane::RequestStop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

Status Lane::Join() {
  if (thread_.joinable()) thread_.join();
  return last_checkpoint_;
}

Status Lane::HandOver(std::shared_ptr<const registry::Registry> registry,
                      const std::vector<registry::TableId>& tables) {
  std::unique_lock lock(mutex_);
  const uint64_t number = ++orders_given_;
  order_ = Order{number, std::move(registry), tables};
  tables_ = tables;
  changed_.notify_all();
  if (changed_.wait_for(lock, kHandOverTimeout, [&] { return order_done_ == number; })) {
    return order_outcome_;
  }
  return Status::Unavailable(
      fmt::format("source '{}' is busy and takes its new definitions later", source_name_));
}

Result<bool> Lane::Erase(const store::StateKey& timeline) {
  const auto erasure = std::make_shared<Erasure>();
  erasure->table = timeline.table;
  erasure->entity_key = timeline.entity_key;
  const Status busy = Status::Unavailable(
      fmt::format("source '{}' is busy or stops; forget again a little later", source_name_));
  std::unique_lock lock(mutex_);
  if (erasure_ != nullptr) return busy;
  erasure_ = erasure;
  changed_.notify_all();
  changed_.wait_for(lock, kHandOverTimeout, [&] { return erasure->is_done || stopping_; });
  if (!erasure->is_done) {
    if (erasure_ == erasure) erasure_.reset();
    return busy;
  }
  if (!erasure->status.ok()) return erasure->status;
  return erasure->was_there;
}

void Lane::Run() {
  while (!stopping()) {
    TakeOrder();
    TakeErasure();
    Step();
    MaybeCheckpoint();
  }
  prober_.reset();
  if (torn_) {
    last_checkpoint_ = Status::Unavailable(
        fmt::format("source '{}': its last events are read again at the next start", source_name_));
  } else {
    last_checkpoint_ = Settle();
  }
  checkpointer_.reset();
  reader_.reset();
}

// One round of the loop: reads a batch, or waits for what keeps it from reading one.
void Lane::Step() {
  const size_t dirty_bytes_max = 2 * surroundings_.options.checkpoint_dirty_bytes;
  if (state_.failed() || !EnsureReader()) {
    Wait(kRetryMs);
  } else if (!SendDeadLetters()) {
    Wait(kRetryMs);
  } else if (writer_->dirty_bytes() > dirty_bytes_max && !checkpointer_->idle()) {
    checkpointer_->WaitIdle(kRetryMs);
  } else if (prober_->partitions_changed()) {
    if (!ReleaseReader()) Wait(kRetryMs);
  } else {
    PollBatch();
  }
}

void Lane::Wait(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [this] { return stopping_ || order_.has_value() || erasure_ != nullptr; });
}

void Lane::WaitForStop(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return stopping_; });
}

bool Lane::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Lane::TakeOrder() {
  std::unique_lock lock(mutex_);
  if (!order_) return;
  Order order = std::move(*order_);
  order_.reset();
  lock.unlock();
  // What is dirty may belong to a table that is about to be dropped: none of it may be written later.
  const bool keeps_all = order.tables.size() == fills_.size();
  Status settled = keeps_all || torn_ ? Status::Ok() : Settle();
  Adopt(std::move(order.registry), order.tables);
  lock.lock();
  order_done_ = order.number;
  order_outcome_ = std::move(settled);
  lock.unlock();
  changed_.notify_all();
}

void Lane::TakeErasure() {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Erasure> erasure = std::move(erasure_);
  if (erasure == nullptr) return;
  lock.unlock();
  Status status = EraseNow(*erasure);
  lock.lock();
  erasure->status = std::move(status);
  erasure->is_done = true;
  lock.unlock();
  changed_.notify_all();
}

Status Lane::EraseNow(Erasure& erasure) {
  if (torn_) {
    return Status::Unavailable(fmt::format(
        "source '{}' has failed, and what it holds may not be written; start the server again, "
        "then forget again",
        source_name_));
  }
  FRESHET_RETURN_IF_ERROR(
      writer_->Update(erasure.table, erasure.entity_key, [&](std::string& bytes) {
        erasure.was_there = !bytes.empty();
        bytes.clear();
      }));
  // Of nothing too: an erasure before this one may not have come to its end, and nothing is waited for when
  // all is written.
  return Settle();
}

void Lane::Adopt(std::shared_ptr<const registry::Registry> registry,
                 const std::vector<registry::TableId>& tables) {
  // The old registry stays alive until nothing points into it.
  const std::shared_ptr<const registry::Registry> old = std::move(registry_);
  registry_ = std::move(registry);
  source_ = registry_->FindSource(source_name_);
  FRESHET_CHECK(source_ != nullptr);
  std::map<registry::TableId, Offsets> fills;
  for (const registry::TableId table : tables) fills[table] = fills_[table];
  fills_ = std::move(fills);
  has_rows_ = false;
  for (const auto& view : registry_->feature_views())
    has_rows_ = has_rows_ || (view->batch() != nullptr && view->fed_by() == source_);
  const std::vector<TableTarget> targets = Targets();
  FRESHET_CHECK(targets.size() == fills_.size());
  PublishCounts();
  for (Passage& passage : passages_) passage.decoder = NewJsonDecoder(*source_);
  applier_ = std::make_unique<Applier>(*source_, targets, *writer_);
  published_ = {};
  state_.SetFed(ViewNames(targets), tables);
}

std::vector<TableTarget> Lane::Targets() const {
  std::vector<TableTarget> targets;
  for (const auto& view : registry_->feature_views()) {
    if (view->fed_by() != source_) continue;
    const auto add = [&](registry::TableId id, const registry::TimelineTable* table,
                         const registry::RowTable* rows) {
      const auto fill = fills_.find(id);
      if (fill != fills_.end()) targets.push_back({view.get(), table, fill->second, rows});
    };
    if (view->stream() != nullptr) {
      for (const registry::TimelineTable& table : view->stream()->tables)
        add(table.id, &table, nullptr);
    } else {
      for (const registry::RowTable& table : view->batch()->tables) add(table.id, nullptr, &table);
    }
  }
  return targets;
}

// Makes everything that was applied so far durable.
Status Lane::Settle() {
  const std::string late = fmt::format(
      "source '{}': its last checkpoint is not written after {} ms; what it lacks is read again",
      source_name_, kSettleTimeoutMs);
  if (!checkpointer_->WaitIdle(kSettleTimeoutMs)) return Status::Unavailable(late);
  if (reader_ != nullptr && !SendDeadLetters()) return Status::Unavailable(late);
  FRESHET_RETURN_IF_ERROR(Freeze());
  if (!checkpointer_->WaitIdle(kSettleTimeoutMs)) return Status::Unavailable(late);
  return Status::Ok();
}

void Lane::MaybeCheckpoint() {
  if (torn_ || !dead_letters_.empty() || !checkpointer_->idle()) return;
  const IngestOptions& options = surroundings_.options;
  // Under load a write takes long; waiting a few times as long before the next lets hot timelines coalesce.
  const int64_t stretched_ms = limits::kCheckpointPauseWrites * checkpointer_->last_write_ms();
  const int64_t interval_ms =
      std::clamp(stretched_ms, options.checkpoint_interval_ms,
                 limits::kCheckpointIntervalsMax * options.checkpoint_interval_ms);
  const bool is_time =
      std::chrono::steady_clock::now() - frozen_at_ >= std::chrono::milliseconds(interval_ms);
  if (!is_time && writer_->dirty_bytes() < options.checkpoint_dirty_bytes) return;
  const Status frozen = Freeze();
  if (!frozen.ok()) state_.Report(Part::kCheckpoint, frozen, surroundings_.clock.NowMs());
}

Status Lane::Freeze() {
  frozen_at_ = std::chrono::steady_clock::now();
  if (writer_->dirty_count() == 0 && frozen_ == positions_) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(writer_->Freeze(TablePositions()).Prefixed("checkpoint"));
  frozen_ = positions_;
  checkpointer_->Write(reader_, positions_, leads_);
  return Status::Ok();
}

std::vector<store::Position> Lane::TablePositions() const {
  std::vector<store::Position> positions;
  for (const auto& [table, fill] : fills_) {
    for (const auto& [partition, next_offset] : positions_) {
      const auto filled = fill.find(partition);
      const int64_t at_least = filled == fill.end() ? next_offset : filled->second;
      positions.push_back({table, partition, std::max(next_offset, at_least)});
    }
  }
  return positions;
}

}  // namespace freshet::ingest
