// What a start finds: generations as they were, and what a crash or a load that was not published left.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/generation.h"
#include "store/generation_record.h"

namespace freshet::store {

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

}  // namespace freshet::store
