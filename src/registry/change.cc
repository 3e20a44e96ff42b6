#include "registry/change.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "registry/change_draft.h"

namespace freshet::registry {
namespace {

std::vector<std::string> NamesOf(const FeatureService& service) {
  std::vector<std::string> names;
  for (const ServedFeature& each : service.features) {
    const std::string own = each.view->name + "." + each.view->features[each.feature].name;
    std::string text = each.name == own ? own : fmt::format("{} as {}", own, each.name);
    if (each.key_columns != nullptr) {
      for (const auto& [key, column] : *each.key_columns)
        text += fmt::format(" by {} = {}", key, column);
    }
    names.push_back(std::move(text));
  }
  return names;
}

bool Contains(const std::vector<std::string>& words, const std::string& word) {
  for (const std::string& each : words) {
    if (each == word) return true;
  }
  return false;
}

std::string ActionText(const FeatureService& service) {
  return service.stale_action.has_value() ? std::string(StaleActionName(*service.stale_action))
                                          : "";
}

void CompareService(const FeatureService& live, const FeatureService& next,
                    std::vector<Change>* changes) {
  ChangeDraft draft(fmt::format("feature service {}", next.name));
  draft.NoteIfDifferent("description", live.description, next.description);
  draft.NoteIfDifferent("max_staleness", DurationText(live.max_staleness_ms),
                        DurationText(next.max_staleness_ms));
  draft.NoteIfDifferent("stale_action", ActionText(live), ActionText(next));
  draft.NoteIfDifferent("timeout", DurationText(live.timeout_ms), DurationText(next.timeout_ms));
  std::vector<std::string> before = NamesOf(live);
  std::vector<std::string> after = NamesOf(next);
  std::vector<std::string> added;
  std::vector<std::string> removed;
  for (const std::string& name : after) {
    if (!Contains(before, name)) added.push_back(name);
  }
  for (const std::string& name : before) {
    if (!Contains(after, name)) removed.push_back(name);
  }
  if (!added.empty()) draft.Note(fmt::format("gains {}", Listed(added)));
  if (!removed.empty()) draft.Note(fmt::format("loses {}", Listed(removed)));
  if (added.empty() && removed.empty() && before != after)
    draft.Note(fmt::format("order: {} -> {}", Listed(before), Listed(after)));
  std::move(draft).AddTo(changes);
}

}  // namespace

void CompareServices(const Registry& live, const Registry& next, std::vector<Change>* changes) {
  for (const auto& service : next.feature_services()) {
    const FeatureService* before = live.FindFeatureService(service->name);
    if (before != nullptr) {
      CompareService(*before, *service, changes);
    } else {
      changes->push_back(Added(
          fmt::format("feature service {}", service->name),
          fmt::format("{} features: {}", service->features.size(), Listed(NamesOf(*service)))));
    }
  }
  for (const auto& service : live.feature_services()) {
    if (next.FindFeatureService(service->name) == nullptr)
      changes->push_back(Removed(fmt::format("feature service {}", service->name),
                                 "requests that name it will fail"));
  }
}

std::vector<Change> Compare(const Registry* live, const Registry& next) {
  static const std::shared_ptr<const Registry> kNothing = [] {
    yaml::Diagnostics none;
    return Registry::Build({}, Catalog(), &none);
  }();
  if (live == nullptr) live = kNothing.get();

  std::vector<Change> changes;
  std::vector<Change> features;
  CompareEntities(*live, next, &changes);
  CompareSources(*live, next, &changes);
  CompareViews(*live, next, &changes, &features);
  changes.insert(changes.end(), std::make_move_iterator(features.begin()),
                 std::make_move_iterator(features.end()));
  CompareServices(*live, next, &changes);
  return changes;
}

}  // namespace freshet::registry
