#include "store/generation.h"

#include <memory>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "store/generation_record.h"

namespace freshet::store {

Generations::Generations(Database& database, StateCache& cache, Options options)
    : database_(database),
      cache_(cache),
      options_(std::move(options)),
      kept_(database, options_.loads_folder),
      remover_(database, cache, options_.removed_bytes_per_second_max,
               [this](TableId table) { ForgetLayout(table); }) {}

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

}  // namespace freshet::store
