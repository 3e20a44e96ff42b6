#include "store/generation.h"

#include <algorithm>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/generation_record.h"

namespace freshet::store {
namespace {

Status NoSuchLoad(uint64_t load) {
  return Status::NotFound(
      fmt::format("nothing is kept of a load {}: it ended well, ended before its first part was "
                  "finished, or was "
                  "discarded; freshet status shows what can be resumed",
                  load));
}

}  // namespace

Generations::Generations(Database& database, StateCache& cache, Options options)
    : database_(database),
      cache_(cache),
      options_(std::move(options)),
      kept_(database, options_.loads_folder),
      remover_(database, cache, options_.removed_bytes_per_second_max,
               [this](TableId table) { ForgetLayout(table); }) {}

Status Generations::Recover() {
  FRESHET_ASSIGN_OR_RETURN(std::optional<std::string> next, database_.ReadMeta(NextRowTableKey()));
  if (next.has_value()) {
    FRESHET_ASSIGN_OR_RETURN(next_table_, DecodeRowTable(*next));
  }
  FRESHET_RETURN_IF_ERROR(RecoverServed());
  FRESHET_RETURN_IF_ERROR(RecoverPrevious());
  FRESHET_RETURN_IF_ERROR(kept_.Recover());
  FRESHET_RETURN_IF_ERROR(RemoveOutdone());
  FRESHET_RETURN_IF_ERROR(RemoveDiscarded());
  DiscardSurplusLoads();
  return Status::Ok();
}

Status Generations::RecoverServed() {
  return database_.ScanMeta(GenerationRange(), [&](std::string_view key, std::string_view value) {
    uint32_t view_id = 0;
    if (!ParseGenerationKey(key, &view_id))
      return Status::Corruption("the key of a batch view's generation cannot be read");
    FRESHET_ASSIGN_OR_RETURN(Generation generation, DecodeGeneration(value));
    FRESHET_RETURN_IF_ERROR(ReadSummary(&generation));
    Show(view_id, {.served = WithHold(std::move(generation))});
    return Status::Ok();
  });
}

Status Generations::RecoverPrevious() {
  return database_.ScanMeta(
      PreviousGenerationRange(), [&](std::string_view key, std::string_view value) {
        uint32_t view_id = 0;
        if (!ParseGenerationKey(key, &view_id))
          return Status::Corruption("the key of a previous generation cannot be read");
        FRESHET_ASSIGN_OR_RETURN(Generation generation, DecodeGeneration(value));
        FRESHET_RETURN_IF_ERROR(ReadSummary(&generation));
        View view = ViewOf(view_id);
        view.previous = WithHold(std::move(generation));
        Show(view_id, std::move(view));
        return Status::Ok();
      });
}

Status Generations::ReadSummary(Generation* generation) {
  std::string summary;
  const rocksdb::Status status =
      database_.db().Get(rocksdb::ReadOptions(), database_.rows(),
                         StateKeyOf(generation->table, kSummaryEntityKey), &summary);
  if (status.IsNotFound()) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(FromRocks(status, "read the summary of a row table"));
  return DecodeSummary(summary, generation);
}

Status Generations::RemoveOutdone() {
  for (const auto& [view_id, view] : views_) {
    if (view.served == nullptr || view.served->last_upsert == 0) continue;
    for (const TableId load : kept_.Before(view_id, view.served->last_upsert + 1))
      FRESHET_RETURN_IF_ERROR(kept_.Remove(load));
  }
  return Status::Ok();
}

Status Generations::RemoveDiscarded() {
  std::vector<TableId> tables;
  FRESHET_RETURN_IF_ERROR(
      database_.ScanMeta(DiscardedTableRange(), [&](std::string_view key, std::string_view) {
        TableId table = 0;
        if (!ParseDiscardedTableKey(key, &table))
          return Status::Corruption("the key of a discarded row table cannot be read");
        tables.push_back(table);
        return Status::Ok();
      }));
  for (TableId table : tables) {
    if (kept_.Has(table))
      FRESHET_RETURN_IF_ERROR(RemoveUnservedRows(table));
    else
      remover_.Add(table, nullptr);
  }
  return Status::Ok();
}

Status Generations::RemoveUnservedRows(TableId load) {
  const KeyRange range = TableRange(load);
  rocksdb::ReadOptions read;
  const rocksdb::Slice end = range.end;
  read.iterate_upper_bound = &end;
  read.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> rows(database_.db().NewIterator(read, database_.rows()));
  rows->Seek(range.begin);
  FRESHET_RETURN_IF_ERROR(FromRocks(rows->status(), "look for rows of an unfinished load"));
  if (!rows->Valid()) return Status::Ok();
  return database_.DeleteRange(database_.rows(), range, "remove rows of an unfinished load");
}

void Generations::Show(uint32_t view_id, View view) {
  std::lock_guard lock(mutex_);
  for (const auto& generation : {view.served, view.previous}) {
    if (generation == nullptr || layouts_.contains(generation->table)) continue;
    layouts_[generation->table] = std::make_shared<const RowLayout>(generation->column_types);
  }
  views_[view_id] = std::move(view);
  ApplyRetention();
}

void Generations::SetRetention(std::map<uint32_t, int64_t> retention_ms) {
  std::lock_guard lock(mutex_);
  retention_ms_ = std::move(retention_ms);
  ApplyRetention();
}

void Generations::ApplyRetention() {
  RowRetention::Retentions tables;
  for (const auto& [view_id, retention_ms] : retention_ms_) {
    const auto view = views_.find(view_id);
    if (view == views_.end()) continue;
    for (const auto& generation : {view->second.served, view->second.previous}) {
      if (generation != nullptr) tables[generation->table] = retention_ms;
    }
  }
  database_.retention(TableKind::kRows).Set(std::move(tables));
}

std::shared_ptr<const Generation> Generations::WithHold(Generation generation) {
  generation.hold = std::make_shared<const int>(0);
  return std::make_shared<const Generation>(std::move(generation));
}

void Generations::ForgetLayout(TableId table) {
  std::lock_guard lock(mutex_);
  layouts_.erase(table);
}

Generations::View Generations::ViewOf(uint32_t view_id) const {
  std::lock_guard lock(mutex_);
  const auto view = views_.find(view_id);
  return view == views_.end() ? View() : view->second;
}

std::shared_ptr<const Generation> Generations::Find(uint32_t view_id) const {
  std::lock_guard lock(mutex_);
  auto view = views_.find(view_id);
  return view == views_.end() ? nullptr : view->second.served;
}

std::shared_ptr<const Generation> Generations::FindPrevious(uint32_t view_id) const {
  return ViewOf(view_id).previous;
}

std::shared_ptr<const RowLayout> Generations::FindLayout(TableId table) const {
  std::lock_guard lock(mutex_);
  auto layout = layouts_.find(table);
  return layout == layouts_.end() ? nullptr : layout->second;
}

Result<TableId> Generations::BeginLoad(uint32_t view_id) {
  std::lock_guard lock(change_mutex_);
  if (loading_.contains(view_id)) {
    return Status::ResourceExhausted(
        fmt::format("view {} is being loaded already; wait until that load has ended", view_id));
  }
  const TableId table = next_table_;
  rocksdb::WriteBatch batch;
  batch.Put(database_.meta(), NextRowTableKey(), EncodeRowTable(table + 1));
  batch.Put(database_.meta(), DiscardedTableKey(table), "");
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "begin a load"));
  ++next_table_;
  loading_[view_id] = table;
  return table;
}

Status Generations::Publish(uint32_t view_id, Generation generation) {
  std::lock_guard lock(change_mutex_);
  const View before = ViewOf(view_id);
  rocksdb::WriteBatch batch;
  batch.Put(database_.meta(), GenerationKey(view_id), EncodeGeneration(generation));
  batch.Delete(database_.meta(), DiscardedTableKey(generation.table));
  const std::vector<TableId> outdone = kept_.Before(view_id, generation.table);
  kept_.AddRemoval(generation.table, batch);
  for (const TableId load : outdone) kept_.AddRemoval(load, batch);
  if (before.served != nullptr) {
    batch.Put(database_.meta(), PreviousGenerationKey(view_id), EncodeGeneration(*before.served));
    if (before.previous != nullptr)
      batch.Put(database_.meta(), DiscardedTableKey(before.previous->table), "");
  }
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "publish a generation"));
  const TableId table = generation.table;
  Show(view_id, {.served = WithHold(std::move(generation)), .previous = before.served});
  if (before.previous != nullptr) remover_.Add(before.previous->table, before.previous->hold);
  kept_.Forget(table);
  for (const TableId load : outdone) RemoveLoad(load);
  return Status::Ok();
}

Status Generations::RollBack(uint32_t view_id) {
  std::lock_guard lock(change_mutex_);
  if (loading_.contains(view_id)) {
    return Status::FailedPrecondition(
        "the view is being loaded; roll back when that load has ended, or cancel it");
  }
  const View before = ViewOf(view_id);
  if (before.previous == nullptr) {
    return Status::FailedPrecondition(
        before.served == nullptr
            ? "the view was never loaded"
            : "no earlier load of the view is kept: only the one before the last whole load is, "
              "until a rollback brings it back; load the earlier files again");
  }
  rocksdb::WriteBatch batch;
  batch.Put(database_.meta(), GenerationKey(view_id), EncodeGeneration(*before.previous));
  batch.Delete(database_.meta(), PreviousGenerationKey(view_id));
  batch.Put(database_.meta(), DiscardedTableKey(before.served->table), "");
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "roll back a batch view"));
  Show(view_id, {.served = before.previous});
  remover_.Add(before.served->table, before.served->hold);
  return Status::Ok();
}

void Generations::Update(uint32_t view_id, Generation generation) {
  const TableId table = generation.table;
  {
    std::lock_guard lock(mutex_);
    std::shared_ptr<const Generation>& served = views_[view_id].served;
    generation.hold = served->hold;
    served = std::make_shared<const Generation>(std::move(generation));
  }
  cache_.DropTables(TableKind::kRows, std::span(&table, 1));
}

Result<Store::ErasedRows> Generations::EraseRows(uint32_t view_id, std::string_view entity_key) {
  std::lock_guard lock(change_mutex_);
  if (loading_.contains(view_id)) {
    return Status::FailedPrecondition(
        "the view is being loaded, which may bring the row back; forget when that load has ended");
  }
  if (HasKeptLoad(view_id)) {
    return Status::FailedPrecondition(
        "an unfinished load of the view is kept, which may have the row (freshet status shows it): "
        "resume it or discard it (freshet load --discard), then forget");
  }
  View view = ViewOf(view_id);
  rocksdb::WriteBatch batch;
  Store::ErasedRows erased;
  std::vector<TableId> tables;
  const auto erase = [&](std::shared_ptr<const Generation>& generation, bool* was_there) {
    if (generation == nullptr) return Status::Ok();
    FRESHET_ASSIGN_OR_RETURN(auto after, EraseFrom(*generation, entity_key, batch));
    *was_there = after != nullptr;
    if (!*was_there) return Status::Ok();
    tables.push_back(generation->table);
    generation = std::move(after);
    return Status::Ok();
  };
  FRESHET_RETURN_IF_ERROR(erase(view.served, &erased.was_served));
  FRESHET_RETURN_IF_ERROR(erase(view.previous, &erased.was_previous));
  if (tables.empty()) return erased;
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "erase rows"));
  Show(view_id, std::move(view));
  cache_.DropTables(TableKind::kRows, tables);
  return erased;
}

Result<std::shared_ptr<const Generation>> Generations::EraseFrom(const Generation& generation,
                                                                 std::string_view entity_key,
                                                                 rocksdb::WriteBatch& batch) {
  const std::string key = StateKeyOf(generation.table, entity_key);
  std::string row;
  const rocksdb::Status status =
      database_.db().Get(rocksdb::ReadOptions(), database_.rows(), key, &row);
  if (status.IsNotFound()) return std::shared_ptr<const Generation>();
  FRESHET_RETURN_IF_ERROR(FromRocks(status, "read the row that is to be erased"));
  Generation after = generation;
  // What stands for a deleted row is no row, but names the entity all the same.
  if (!RowLayout::IsTombstone(row)) --after.row_count;
  batch.Delete(database_.rows(), key);
  batch.Put(database_.rows(), StateKeyOf(generation.table, kSummaryEntityKey),
            EncodeSummary(after));
  return std::make_shared<const Generation>(std::move(after));
}

Status Generations::DiscardTable(TableId table) {
  return remover_.RemoveNow(table);
}

void Generations::EndLoad(uint32_t view_id) {
  {
    std::lock_guard lock(change_mutex_);
    loading_.erase(view_id);
  }
  DiscardSurplusLoads();
}

Status Generations::Drop(std::span<const uint32_t> view_ids) {
  std::lock_guard lock(change_mutex_);
  rocksdb::WriteBatch batch;
  std::vector<std::shared_ptr<const Generation>> dropped;
  std::vector<TableId> loads;
  for (uint32_t view_id : view_ids) {
    if (loading_.contains(view_id)) {
      return Status::FailedPrecondition(
          fmt::format("view {} is being loaded; wait until the load has ended", view_id));
    }
    const View view = ViewOf(view_id);
    batch.Delete(database_.meta(), GenerationKey(view_id));
    batch.Delete(database_.meta(), PreviousGenerationKey(view_id));
    for (const TableId load : kept_.Before(view_id, next_table_)) {
      kept_.AddRemoval(load, batch);
      loads.push_back(load);
    }
    for (const auto& generation : {view.previous, view.served}) {
      if (generation == nullptr) continue;
      batch.Put(database_.meta(), DiscardedTableKey(generation->table), "");
      dropped.push_back(generation);
    }
  }
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "drop a batch view"));
  {
    std::lock_guard reader_lock(mutex_);
    for (uint32_t view_id : view_ids) views_.erase(view_id);
  }
  for (const auto& generation : dropped) remover_.Add(generation->table, generation->hold);
  for (const TableId load : loads) RemoveLoad(load);
  return Status::Ok();
}

Result<LoadRecord> Generations::ResumeLoad(uint64_t number) {
  std::lock_guard lock(change_mutex_);
  const auto load = static_cast<TableId>(number);
  std::optional<LoadRecord> record = kept_.Find(load);
  if (!record.has_value() || load != number) return NoSuchLoad(number);
  if (loading_.contains(record->view_id)) {
    return Status::ResourceExhausted(
        IsUnderWay(load)
            ? fmt::format("load {} is under way already", load)
            : "the view is being loaded; wait until that load has ended, or cancel it");
  }
  loading_[record->view_id] = load;
  return *std::move(record);
}

std::vector<KeptLoad> Generations::ListKeptLoads() {
  std::lock_guard lock(change_mutex_);
  std::vector<KeptLoad> loads;
  for (auto& [load, record] : kept_.All()) {
    loads.push_back({load, record.view_id, record.kind, IsUnderWay(load), record.began_at_ms,
                     record.kept_at_ms + options_.keep_unfinished_ms, record.parts.bytes(),
                     record.state});
  }
  return loads;
}

Result<KeptLoad> Generations::FindKeptLoad(uint64_t load) {
  for (KeptLoad& kept : ListKeptLoads()) {
    if (kept.id == load) return std::move(kept);
  }
  return NoSuchLoad(load);
}

Status Generations::DiscardLoad(uint64_t number) {
  std::lock_guard lock(change_mutex_);
  const auto load = static_cast<TableId>(number);
  if (!kept_.Has(load) || load != number) return NoSuchLoad(number);
  if (IsUnderWay(load)) {
    return Status::FailedPrecondition(
        fmt::format("load {} is under way; wait until it has ended, or cancel it", load));
  }
  FRESHET_RETURN_IF_ERROR(kept_.Remove(load));
  return remover_.RemoveNow(load);
}

void Generations::DiscardOutdone(uint32_t view_id, TableId load) {
  for (const TableId outdone : kept_.Before(view_id, load)) {
    if (Status status = DiscardLoad(outdone); !status.ok())
      LogWarning("what is kept of load {} stays for now: {}", outdone, status.message());
  }
}

void Generations::DiscardSurplusLoads() {
  const int64_t now_ms = clock().NowMs();
  const std::vector<KeptLoad> loads = ListKeptLoads();
  size_t surplus = loads.size() - std::min(loads.size(), limits::kUnfinishedLoadsMax);
  for (const KeptLoad& load : loads) {
    if (load.is_under_way || (surplus == 0 && now_ms < load.expires_at_ms)) continue;
    surplus -= std::min<size_t>(surplus, 1);
    // One that was resumed at this moment stays.
    if (Status status = DiscardLoad(load.id); !status.ok())
      LogWarning("what is kept of load {} stays for now: {}", load.id, status.message());
  }
}

bool Generations::IsUnderWay(TableId load) const {
  return std::any_of(loading_.begin(), loading_.end(),
                     [load](const auto& loading) { return loading.second == load; });
}

void Generations::RemoveLoad(TableId load) {
  kept_.Forget(load);
  if (Status status = kept_.RemoveFolder(load); !status.ok())
    LogWarning("files of a load are left until the next start: {}", status.message());
  remover_.Add(load, nullptr);
}

bool Generations::HasKeptLoad(uint32_t view_id) const {
  return !kept_.Before(view_id, next_table_).empty();
}

}  // namespace freshet::store
