#include "load/kept_load.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "registry/file_format.h"

namespace freshet::load {
namespace {

const registry::FeatureView* FindView(const registry::Registry& registry, uint32_t view_id) {
  const auto& views = registry.feature_views();
  const auto found = std::find_if(views.begin(), views.end(),
                                  [view_id](const auto& view) { return view->id == view_id; });
  const bool is_loaded =
      found != views.end() && (*found)->batch() != nullptr && (*found)->fed_by() == nullptr;
  return is_loaded ? found->get() : nullptr;
}

Result<KeptLoad> Read(const registry::Registry& registry, const store::KeptLoad& stored) {
  KeptLoad kept = {.id = stored.id, .kind = stored.kind};
  FRESHET_ASSIGN_OR_RETURN(kept.state, DecodeLoadState(stored.state));
  kept.view = FindView(registry, stored.view_id);
  if (kept.view != nullptr && ViewText(*kept.view) == kept.state.view_text) return kept;
  return Status::FailedPrecondition(fmt::format(
      "the definition of the view was changed since load {} began; discard it, and load "
      "anew",
      stored.id));
}

}  // namespace

Result<KeptLoad> FindKept(const registry::Registry& registry, uint64_t id, store::Store& store) {
  FRESHET_ASSIGN_OR_RETURN(const store::KeptLoad stored, store.FindKeptLoad(id));
  return Read(registry, stored);
}

std::vector<UnfinishedLoad> ListUnfinished(const registry::Registry& registry,
                                           store::Store& store) {
  std::vector<UnfinishedLoad> loads;
  for (const store::KeptLoad& stored : store.KeptLoads()) {
    const Result<KeptLoad> kept = Read(registry, stored);
    if (!kept.ok()) continue;
    loads.push_back({.id = stored.id,
                     .view = kept->view->name,
                     .upsert = stored.kind == store::LoadKind::kUpsert,
                     .is_under_way = stored.is_under_way,
                     .began_at_ms = stored.began_at_ms,
                     .expires_at_ms = stored.expires_at_ms,
                     .rows = kept->state.rows_read,
                     .bytes = stored.bytes,
                     .format = std::string(registry::FileFormatName(kept->state.format)),
                     .origin = kept->state.origin});
  }
  return loads;
}

Status DiscardUnfit(const registry::Registry& registry, store::Store& store) {
  Status first_error;
  for (const store::KeptLoad& stored : store.KeptLoads()) {
    const Result<KeptLoad> kept = Read(registry, stored);
    if (kept.ok()) continue;
    Status status = store.DiscardLoad(stored.id);
    if (status.ok()) {
      LogWarning("what was kept of load {} is removed: {}", stored.id, kept.status().message());
    } else if (status.code() != StatusCode::kNotFound && first_error.ok()) {
      first_error = std::move(status);
    }
  }
  return first_error;
}

}  // namespace freshet::load
