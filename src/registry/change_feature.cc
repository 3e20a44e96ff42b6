// Changes of the features of one view.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/datum.h"
#include "base/time.h"
#include "registry/change_draft.h"
#include "registry/expressions.h"
#include "registry/parameters.h"
#include "registry/scope.h"

namespace freshet::registry {
namespace {

constexpr const char* kLiveReason = "it would change what a live feature means";
constexpr const char* kNewFeature = "add a feature with a new name, and remove this one later";

std::string TypeText(const Feature& feature) {
  return fmt::format("{}{}", feature.is_list ? "list of " : "", TypeName(feature.type));
}

std::string DefaultText(const Feature& feature) {
  return ToString(feature.is_list ? Type(Type::kString) : feature.type,
                  ToDatum(feature.default_value));
}

struct StreamFeature {
  const Aggregation& aggregation;
  std::optional<timeline::Window> window;
};

StreamFeature At(const FeatureView& view, uint32_t feature) {
  const StreamView& stream = *view.stream();
  const WindowedFeature& windowed = stream.windowed[feature];
  StreamFeature at{stream.aggregations[windowed.aggregation], std::nullopt};
  if (windowed.window.has_value()) at.window = at.aggregation.windows[*windowed.window];
  return at;
}

std::string WindowText(const StreamFeature& feature) {
  return feature.window.has_value() ? timeline::Describe(*feature.window) : "lifetime";
}

std::string HopText(const StreamFeature& feature) {
  const bool has_hop =
      feature.window.has_value() && feature.window->kind == timeline::WindowKind::kSliding;
  if (!has_hop) return "";
  return feature.window->exact ? "exact" : FormatDurationMs(feature.window->hop_ms);
}

std::string ParametersText(const aggregate::Aggregate& function) {
  std::string text;
  for (const auto& [key, value] : SpellParameters(function))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value);
  return text;
}

void RefuseOtherExpression(std::string_view what, const std::string& live, const std::string& next,
                           ChangeDraft& draft) {
  if (IsSameExpression(live, next)) return;
  draft.RefuseIfDifferent(what, live, next, kLiveReason, kNewFeature);
}

void CompareStream(const StreamFeature& live, const StreamFeature& next, ChangeDraft& draft) {
  draft.RefuseIfDifferent("function", std::string(live.aggregation.function->name),
                          std::string(next.aggregation.function->name), kLiveReason, kNewFeature);
  draft.RefuseIfDifferent("parameters", ParametersText(*live.aggregation.function),
                          ParametersText(*next.aggregation.function), kLiveReason, kNewFeature);
  RefuseOtherExpression("of", live.aggregation.of_text, next.aggregation.of_text, draft);
  RefuseOtherExpression("by", live.aggregation.by_text, next.aggregation.by_text, draft);
  RefuseOtherExpression("where", live.aggregation.where_text, next.aggregation.where_text, draft);
  draft.RefuseIfDifferent("window", WindowText(live), WindowText(next), kLiveReason, kNewFeature);
  draft.RefuseIfDifferent("hop", HopText(live), HopText(next), kLiveReason,
                          "a new view with a name of its own can have other hops");
}

std::string FieldOf(const FeatureView& view, uint32_t feature) {
  const BatchView& batch = *view.batch();
  return batch.source->fields[batch.feature_fields[feature]].name;
}

void CompareFeature(const FeatureView& live, uint32_t live_index, const FeatureView& next,
                    uint32_t next_index, std::vector<Change>* changes) {
  const Feature& before = live.features[live_index];
  const Feature& after = next.features[next_index];
  ChangeDraft draft(fmt::format("feature {}.{}", next.name, after.name));
  draft.NoteIfDifferent("description", before.description, after.description);
  draft.RefuseIfDifferent("type", TypeText(before), TypeText(after), kLiveReason, kNewFeature);
  if (live.stream() != nullptr) {
    CompareStream(At(live, live_index), At(next, next_index), draft);
  } else if (live.batch() != nullptr) {
    draft.RefuseIfDifferent("field", FieldOf(live, live_index), FieldOf(next, next_index),
                            kLiveReason, kNewFeature);
    draft.NoteIfDifferent("expect", ExpectationText(live.batch()->expectations[live_index]),
                          ExpectationText(next.batch()->expectations[next_index]));
  } else {
    RefuseOtherExpression("expr", live.on_demand()->derived[live_index].text,
                          next.on_demand()->derived[next_index].text, draft);
  }
  draft.NoteIfDifferent("max_staleness", DurationText(before.max_staleness_ms),
                        DurationText(after.max_staleness_ms));
  draft.NoteIfDifferent("default", DefaultText(before), DefaultText(after));
  std::move(draft).AddTo(changes);
}

std::string Describe(const FeatureView& view, uint32_t index) {
  std::string type = TypeText(view.features[index]);
  if (view.batch() != nullptr) {
    return fmt::format("{} from field {}{}", type, FieldOf(view, index),
                       view.fed_by() != nullptr ? "" : "; null until the next load");
  }
  if (view.on_demand() != nullptr)
    return fmt::format("{}: {}", type, view.on_demand()->derived[index].text);
  StreamFeature feature = At(view, index);
  std::string text = fmt::format("{}: {}", type, feature.aggregation.function->name);
  if (!feature.aggregation.of_text.empty())
    text += fmt::format(" of {}", feature.aggregation.of_text);
  if (!feature.aggregation.by_text.empty())
    text += fmt::format(" by {}", feature.aggregation.by_text);
  if (!feature.aggregation.where_text.empty())
    text += fmt::format(" where {}", feature.aggregation.where_text);
  if (const std::string parameters = ParametersText(*feature.aggregation.function);
      !parameters.empty())
    text += fmt::format(" with {}", parameters);
  if (!feature.window.has_value()) return text + " over the lifetime";
  text += fmt::format(" over {}", WindowText(feature));
  if (const std::string hop = HopText(feature); !hop.empty())
    text += fmt::format(" in hops of {}", hop);
  return text;
}

// The features of the table that holds `feature` which `next` still has.
std::vector<std::string> OthersInTable(const Registry& live_registry, const FeatureView& live,
                                       const std::string& feature, const FeatureView& next) {
  std::vector<std::string> others;
  for (const CatalogTable& table : live_registry.catalog().views.at(live.name).tables) {
    const std::vector<std::string>& all = table.features;
    if (std::find(all.begin(), all.end(), feature) == all.end()) continue;
    for (const std::string& other : all) {
      if (FindFeatureOf(next, other).has_value()) others.push_back(other);
    }
  }
  return others;
}

Change RemovedFeature(const Registry& live_registry, const FeatureView& live,
                      const Feature& feature, const FeatureView& next) {
  std::string subject = fmt::format("feature {}.{}", live.name, feature.name);
  if (live.fed_by() == nullptr) return Removed(std::move(subject), "no service uses it");
  const std::string_view state = live.stream() != nullptr ? "timeline" : "row";
  std::vector<std::string> others = OthersInTable(live_registry, live, feature.name, next);
  if (others.empty())
    return Removed(std::move(subject),
                   fmt::format("no service uses it; its {}s are deleted", state));
  Change change = Removed(std::move(subject), "no service uses it");
  change.refused = true;
  change.reason =
      fmt::format("its state stands in one {} with that of {}, which stays", state, Listed(others));
  change.way_out =
      "keep it, it costs nothing more; or make a new view without it, and remove this one once no "
      "service uses it";
  return change;
}

}  // namespace

void CompareFeatures(const Registry& live_registry, const FeatureView& live,
                     const FeatureView& next, std::vector<Change>* changes) {
  for (uint32_t i = 0; i < next.features.size(); ++i) {
    std::optional<uint32_t> before = FindFeatureOf(live, next.features[i].name);
    if (before.has_value()) {
      CompareFeature(live, *before, next, i, changes);
    } else {
      changes->push_back(
          Added(fmt::format("feature {}.{}", next.name, next.features[i].name), Describe(next, i)));
    }
  }
  for (const Feature& feature : live.features) {
    if (!FindFeatureOf(next, feature.name).has_value())
      changes->push_back(RemovedFeature(live_registry, live, feature, next));
  }
}

}  // namespace freshet::registry
