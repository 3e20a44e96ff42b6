// Loads that ended before their rows were served: going on with them, and when they go.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/generation.h"

namespace freshet::store {
namespace {

Status NoSuchLoad(uint64_t load) {
  return Status::NotFound(
      fmt::format("nothing is kept of a load {}: it ended well, ended before its first part was "
                  "finished, or was discarded; freshet status shows what can be resumed",
                  load));
}

}  // namespace

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
