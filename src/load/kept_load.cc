#include "load/kept_load.h"

#include <algorithm>
#include <string>
#include <string_view>
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

// Whether a load that began with this text of its view can go on.
Status CheckView(const registry::FeatureView* view, store::TableId load,
                 std::string_view view_text) {
  if (view == nullptr) {
    return Status::FailedPrecondition(fmt::format(
        "the view '{}' was removed, or is not loaded from files any more, since load {} "
        "began; discard it",
        NameInViewText(view_text), load));
  }
  if (ViewText(*view) == view_text) return Status::Ok();
  return Status::FailedPrecondition(fmt::format(
      "the definition of the view '{}' was changed since load {} began; discard it, and "
      "load anew",
      view->name, load));
}

struct Found {
  KeptLoad load;
  Status fit;  // OK: it can go on
  bool is_readable() const { return fit.code() != StatusCode::kCorruption; }
};

Found Read(const registry::Registry& registry, const store::KeptLoad& stored) {
  Found found;
  found.load = {.id = stored.id,
                .view = FindView(registry, stored.view_id),
                .kind = stored.kind,
                .state = {}};
  Result<LoadState> state = DecodeLoadState(stored.state);
  if (!state.ok()) {
    found.fit =
        Status::Corruption(fmt::format("{}; discard it, and load anew", state.status().message()));
    return found;
  }
  found.load.state = *std::move(state);
  found.fit = CheckView(found.load.view, stored.id, found.load.state.view_text);
  return found;
}

UnfinishedLoad Describe(const store::KeptLoad& stored, const Found& found) {
  UnfinishedLoad load = {.id = stored.id,
                         .view = found.load.view == nullptr ? "" : found.load.view->name,
                         .upsert = stored.kind == store::LoadKind::kUpsert,
                         .is_under_way = stored.is_under_way,
                         .began_at_ms = stored.began_at_ms,
                         .expires_at_ms = stored.expires_at_ms,
                         .bytes = stored.bytes,
                         .obstacle = std::string(found.fit.message())};
  if (!found.is_readable()) return load;
  const LoadState& state = found.load.state;
  load.view = NameInViewText(state.view_text);
  load.rows = state.rows_read;
  load.format = registry::FileFormatName(state.format);
  load.origin = state.origin;
  return load;
}

}  // namespace

Result<KeptLoad> FindKept(const registry::Registry& registry, uint64_t id, store::Store& store) {
  FRESHET_ASSIGN_OR_RETURN(const store::KeptLoad stored, store.FindKeptLoad(id));
  Found found = Read(registry, stored);
  FRESHET_RETURN_IF_ERROR(std::move(found.fit));
  return std::move(found.load);
}

std::vector<UnfinishedLoad> ListUnfinished(const registry::Registry& registry,
                                           store::Store& store) {
  std::vector<UnfinishedLoad> loads;
  for (const store::KeptLoad& stored : store.KeptLoads())
    loads.push_back(Describe(stored, Read(registry, stored)));
  return loads;
}

Status DiscardUnfit(const registry::Registry& registry, store::Store& store) {
  Status first_error;
  for (const store::KeptLoad& stored : store.KeptLoads()) {
    const Status fit = Read(registry, stored).fit;
    if (fit.ok()) continue;
    Status status = store.DiscardLoad(stored.id);
    if (status.ok()) {
      LogWarning("what was kept of load {} is removed: {}", stored.id, fit.message());
    } else if (status.code() != StatusCode::kNotFound && first_error.ok()) {
      first_error = std::move(status);
    }
  }
  return first_error;
}

}  // namespace freshet::load
