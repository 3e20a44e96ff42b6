#include "store/generation.h"

#include <filesystem>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "store/generation_record.h"

namespace freshet::store {

Status Generations::Recover() {
  FRESHET_ASSIGN_OR_RETURN(std::optional<std::string> next, database_.ReadMeta(NextRowTableKey()));
  if (next.has_value()) {
    FRESHET_ASSIGN_OR_RETURN(next_table_, DecodeRowTable(*next));
  }
  FRESHET_RETURN_IF_ERROR(RecoverServed());
  FRESHET_RETURN_IF_ERROR(RemoveDiscarded());
  return RemoveLoadFiles();
}

Status Generations::RecoverServed() {
  return database_.ScanMeta(GenerationRange(), [&](std::string_view key, std::string_view value) {
    uint32_t view_id = 0;
    if (!ParseGenerationKey(key, &view_id))
      return Status::Corruption("the key of a batch view's generation cannot be read");
    FRESHET_ASSIGN_OR_RETURN(Generation generation, DecodeGeneration(value));
    FRESHET_RETURN_IF_ERROR(ReadSummary(&generation));
    Remember(view_id, std::move(generation));
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
  for (TableId table : tables) FRESHET_RETURN_IF_ERROR(DiscardTable(table));
  return Status::Ok();
}

Status Generations::RemoveLoadFiles() {
  std::error_code error;
  std::filesystem::remove_all(loads_folder_, error);
  if (!error) std::filesystem::create_directories(loads_folder_, error);
  if (!error) return Status::Ok();
  return Status::IoError(
      fmt::format("cannot clear the folder {}: {}", loads_folder_, error.message()));
}

std::shared_ptr<const Generation> Generations::Remember(uint32_t view_id, Generation generation) {
  auto layout = std::make_shared<const RowLayout>(generation.column_types);
  auto served = std::make_shared<const Generation>(std::move(generation));
  std::lock_guard lock(mutex_);
  layouts_[served->table] = std::move(layout);
  View& view = views_[view_id];
  std::shared_ptr<const Generation> retired = std::move(view.previous);
  view.previous = std::move(view.served);
  view.served = std::move(served);
  return retired;
}

void Generations::RemoveRetired() {
  // Nobody can take a new hold of what is not in views_, so a count of one stays one.
  std::erase_if(retired_, [this](const std::shared_ptr<const Generation>& retired) {
    if (retired.use_count() > 1) return false;
    if (Status status = DiscardTable(retired->table); !status.ok()) {
      LogWarning("rows of an old generation are left for now: {}", status.message());
      return false;
    }
    std::lock_guard lock(mutex_);
    layouts_.erase(retired->table);
    return true;
  });
}

std::shared_ptr<const Generation> Generations::Find(uint32_t view_id) const {
  std::lock_guard lock(mutex_);
  auto view = views_.find(view_id);
  return view == views_.end() ? nullptr : view->second.served;
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
  loading_.insert(view_id);
  return table;
}

Status Generations::Publish(uint32_t view_id, Generation generation) {
  std::lock_guard lock(change_mutex_);
  rocksdb::WriteBatch batch;
  batch.Put(database_.meta(), GenerationKey(view_id), EncodeGeneration(generation));
  batch.Delete(database_.meta(), DiscardedTableKey(generation.table));
  if (std::shared_ptr<const Generation> served = Find(view_id); served != nullptr)
    batch.Put(database_.meta(), DiscardedTableKey(served->table), "");
  FRESHET_RETURN_IF_ERROR(database_.Write(batch, Durability::kSynced, "publish a generation"));
  if (auto retired = Remember(view_id, std::move(generation)); retired != nullptr)
    retired_.push_back(std::move(retired));
  RemoveRetired();
  return Status::Ok();
}

void Generations::Update(uint32_t view_id, Generation generation) {
  const TableId table = generation.table;
  auto served = std::make_shared<const Generation>(std::move(generation));
  {
    std::lock_guard lock(mutex_);
    views_[view_id].served = std::move(served);
  }
  cache_.DropTables(TableKind::kRows, std::span(&table, 1));
}

Status Generations::DiscardTable(TableId table) {
  cache_.DropTables(TableKind::kRows, std::span(&table, 1));
  FRESHET_RETURN_IF_ERROR(
      database_.DeleteRange(database_.rows(), TableRange(table), "remove old rows"));
  rocksdb::WriteBatch batch;
  batch.Delete(database_.meta(), DiscardedTableKey(table));
  return database_.Write(batch, Durability::kBuffered, "remove old rows");
}

void Generations::EndLoad(uint32_t view_id) {
  std::lock_guard lock(change_mutex_);
  loading_.erase(view_id);
}

Status Generations::Drop(std::span<const uint32_t> view_ids) {
  std::lock_guard lock(change_mutex_);
  rocksdb::WriteBatch batch;
  std::vector<std::shared_ptr<const Generation>> dropped;
  for (uint32_t view_id : view_ids) {
    if (loading_.contains(view_id)) {
      return Status::FailedPrecondition(
          fmt::format("view {} is being loaded; wait until the load has ended", view_id));
    }
    std::lock_guard reader_lock(mutex_);
    auto view = views_.find(view_id);
    if (view == views_.end()) continue;
    batch.Delete(database_.meta(), GenerationKey(view_id));
    for (const auto& generation : {view->second.previous, view->second.served}) {
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
  for (auto& generation : dropped) retired_.push_back(std::move(generation));
  RemoveRetired();
  return Status::Ok();
}

std::string Generations::LoadFolder(TableId table) const {
  return fmt::format("{}/{}", loads_folder_, table);
}

}  // namespace freshet::store
