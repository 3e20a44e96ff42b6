// Changes of feature views as wholes.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "registry/change_draft.h"
#include "registry/expressions.h"
#include "registry/scope.h"
#include "registry/tables.h"

namespace freshet::registry {
namespace {

constexpr std::string_view kNewView = "make a new view with a name of its own";

std::string KindText(const FeatureView& view) {
  if (view.stream() != nullptr) return "stream";
  if (view.batch() == nullptr) return "on-demand";
  return view.fed_by() != nullptr ? "row" : "batch";
}

std::string SourceText(const FeatureView& view) {
  if (view.stream() != nullptr) return view.stream()->source->name;
  return view.batch() != nullptr ? view.batch()->source->name : "";
}

std::string EntityText(const FeatureView& view) {
  return view.entity == nullptr ? "" : view.entity->name;
}

std::string MaxAgeText(const FeatureView& view) {
  return view.batch() == nullptr ? "" : DurationText(view.batch()->max_age_ms);
}

std::string RetentionText(const FeatureView& view) {
  return view.batch() == nullptr ? "" : DurationText(view.batch()->retention_ms);
}

std::string RowsMinText(const FeatureView& view) {
  const bool is_any = view.batch() != nullptr && view.batch()->rows_min > 0;
  return is_any ? fmt::format("{}", view.batch()->rows_min) : "";
}

std::string FeaturesText(const FeatureView& view) {
  std::vector<std::string> names;
  for (const Feature& feature : view.features) names.push_back(feature.name);
  return fmt::format("{} features: {}", names.size(), Listed(names));
}

void CompareDeletions(const BatchView& live, const BatchView& next, ChangeDraft& draft) {
  if (IsSameExpression(live.delete_when_text, next.delete_when_text)) return;
  draft.RefuseIfDifferent("delete_when", live.delete_when_text, next.delete_when_text,
                          "it says which events have deleted their entity", std::string(kNewView));
}

void NoteRowTables(const BatchView& live, const BatchView& next, ChangeDraft& draft) {
  const auto has = [](const BatchView& view, TableId id) {
    return std::any_of(view.tables.begin(), view.tables.end(),
                       [&](const RowTable& table) { return table.id == id; });
  };
  for (const RowTable& table : next.tables) {
    if (!has(live, table.id))
      draft.Note(
          fmt::format("one more row an entity, of {} columns, filled from the beginning of "
                      "its stream",
                      table.features.size()));
  }
  for (const RowTable& table : live.tables) {
    if (!has(next, table.id)) draft.Note("the rows of the removed features are deleted");
  }
}

void CompareWhere(const StreamView& live, const StreamView& next, ChangeDraft& draft) {
  if (IsSameExpression(live.where_text, next.where_text)) return;
  draft.RefuseIfDifferent("where", live.where_text, next.where_text,
                          "it chooses the events of all live features", std::string(kNewView));
}

// The head hop is that of all live features of the view.
void CompareHeads(const StreamView& live, const StreamView& next, ChangeDraft& draft) {
  draft.RefuseIfDifferent("exact", live.exact ? "true" : "false", next.exact ? "true" : "false",
                          "it says how finely all live windows of the view end",
                          std::string(kNewView));
  if (live.head_hop_ms == next.head_hop_ms) return;
  draft.Refuse(
      fmt::format("hop at the newer end of all windows: {} -> {}",
                  FormatDurationMs(live.head_hop_ms), FormatDurationMs(next.head_hop_ms)),
      "it is how finely all windows of the view end at the read, so the live ones would "
      "change with it",
      fmt::format("give the shortest window the hop {} where that divides it, and a session "
                  "a gap that is a multiple of it, or {}",
                  FormatDurationMs(live.head_hop_ms), kNewView));
}

const TimelineTable* FindTable(const StreamView& stream, TableId id) {
  for (const TimelineTable& table : stream.tables) {
    if (table.id == id) return &table;
  }
  return nullptr;
}

void NoteTables(const StreamView& live, const StreamView& next, ChangeDraft& draft) {
  for (const TimelineTable& table : next.tables) {
    if (FindTable(live, table.id) == nullptr)
      draft.Note(fmt::format("one more timeline, {}", DescribeTable(table)));
  }
  for (const TimelineTable& table : live.tables) {
    if (FindTable(next, table.id) == nullptr)
      draft.Note("the timelines of the removed features are deleted");
  }
}

// Whatever was changed: bytes that are stored must be read as they were written.
void GuardLayouts(const CatalogView& live, const CatalogView& next, std::string_view state,
                  ChangeDraft& draft) {
  for (const CatalogTable& before : live.tables) {
    for (const CatalogTable& after : next.tables) {
      if (before.id != after.id || before.layout == after.layout) continue;
      draft.Refuse(fmt::format("layout of its {}: {} -> {}", state, before.layout, after.layout),
                   fmt::format("stored {} could not be read any more", state),
                   std::string(kNewView));
    }
  }
}

void CompareInputs(const OnDemandView& live, const OnDemandView& next, ChangeDraft& draft) {
  std::map<std::string, Type> before;
  for (const Field& input : live.inputs) before.emplace(input.name, input.type);
  for (const Field& input : next.inputs) {
    auto known = before.find(input.name);
    if (known == before.end()) {
      draft.Note(fmt::format("new request input {} {}", input.name, TypeName(input.type)));
      continue;
    }
    draft.RefuseIfDifferent(fmt::format("type of request input {}", input.name),
                            std::string(TypeName(known->second)), std::string(TypeName(input.type)),
                            "requests send it with the old type",
                            "add an input, and features that use it, under new names");
    before.erase(known);
  }
  for (const auto& [name, type] : before) draft.Note(fmt::format("request input {} is gone", name));
}

// False when the two are so different that their features say nothing.
bool CompareView(const Registry& live_registry, const FeatureView& live,
                 const Registry& next_registry, const FeatureView& next,
                 std::vector<Change>* changes) {
  ChangeDraft draft(fmt::format("feature view {}", next.name));
  draft.NoteIfDifferent("description", live.description, next.description);
  std::string way_out(kNewView);
  draft.RefuseIfDifferent("kind", KindText(live), KindText(next),
                          "its live features would become others", way_out);
  bool is_same_kind = KindText(live) == KindText(next);
  if (is_same_kind) {
    draft.RefuseIfDifferent("entity", EntityText(live), EntityText(next),
                            "its state is stored by entity", way_out);
    draft.RefuseIfDifferent("source", SourceText(live), SourceText(next),
                            "its live values come from the old source", way_out);
    draft.NoteIfDifferent("max_age", MaxAgeText(live), MaxAgeText(next));
    draft.NoteIfDifferent("retention", RetentionText(live), RetentionText(next));
    draft.NoteIfDifferent("min_rows", RowsMinText(live), RowsMinText(next));
  }
  if (is_same_kind && live.stream() != nullptr) {
    CompareWhere(*live.stream(), *next.stream(), draft);
    CompareHeads(*live.stream(), *next.stream(), draft);
    NoteTables(*live.stream(), *next.stream(), draft);
  }
  if (is_same_kind && live.batch() != nullptr) {
    CompareDeletions(*live.batch(), *next.batch(), draft);
    NoteRowTables(*live.batch(), *next.batch(), draft);
  }
  if (is_same_kind && live.fed_by() != nullptr) {
    GuardLayouts(live_registry.catalog().views.at(live.name),
                 next_registry.catalog().views.at(next.name),
                 live.stream() != nullptr ? "timelines" : "rows", draft);
  }
  if (is_same_kind && live.on_demand() != nullptr)
    CompareInputs(*live.on_demand(), *next.on_demand(), draft);
  std::move(draft).AddTo(changes);
  return is_same_kind;
}

bool Reads(const FeatureReference& feature, const FeatureView& view,
           std::set<std::pair<const FeatureView*, uint32_t>>* looked_at) {
  if (feature.view == &view) return true;
  const OnDemandView* on_demand = feature.view->on_demand();
  if (on_demand == nullptr || !looked_at->emplace(feature.view, feature.feature).second)
    return false;
  const std::vector<size_t>& used = on_demand->derived[feature.feature].program->used_variables();
  return std::any_of(used.begin(), used.end(), [&](size_t variable) {
    return variable >= on_demand->inputs.size() && variable != on_demand->now_variable() &&
           Reads(on_demand->dependencies[variable - on_demand->inputs.size()], view, looked_at);
  });
}

// State that a live service reads goes in two steps, so that definitions of something else, applied
// by mistake, delete nothing.
void RefuseWhileServed(const Registry& live, const FeatureView& view, Change& removed) {
  std::vector<std::string> readers;
  for (const auto& service : live.feature_services()) {
    std::set<std::pair<const FeatureView*, uint32_t>> looked_at;
    const bool reads = std::any_of(
        service->features.begin(), service->features.end(),
        [&](const FeatureReference& feature) { return Reads(feature, view, &looked_at); });
    if (reads) readers.push_back(service->name);
  }
  if (readers.empty()) return;
  removed.refused = true;
  removed.reason =
      fmt::format("it is served by {}, and its state would be gone for good", Listed(readers));
  removed.way_out =
      "first apply definitions whose services do not read it, then remove it; if these definitions "
      "belong to another server, apply them there";
}

// Texts of many fields are about so long.
constexpr size_t kCommonTextBytes = 20;

// "at most 187 cells and 1064 single events of 60 B an entity, together 13.4 KB", and what they grow to
// as their lists, sketches and texts fill.
std::string SizeText(const timeline::Schema& schema) {
  std::vector<std::string> parts = {fmt::format("{} cells", schema.CellsMax())};
  if (schema.SingleEventsMax() > 0)
    parts.push_back(fmt::format("{} single events of {}", schema.SingleEventsMax(),
                                BytesText(schema.single_event_bytes())));
  if (schema.IdentitiesMax() > 0)
    parts.push_back(fmt::format("{} identities of {}", schema.IdentitiesMax(),
                                BytesText(timeline::Schema::identity_bytes())));
  std::string text = fmt::format("at most {} an entity, together {}", fmt::join(parts, " and "),
                                 BytesText(schema.BytesMax({.events = 0})));
  const size_t of_common_texts = schema.BytesMax({.text_bytes = kCommonTextBytes});
  const size_t most = schema.BytesMax({});
  if (most == schema.BytesMax({.events = 0})) return text;
  if (schema.CellBytesMax({}) == schema.CellBytesMax({.text_bytes = 0}))
    text += fmt::format(", or {} when all lists and sketches are full", BytesText(most));
  else
    text += fmt::format(
        ", or when all lists, sketches and texts are full {} with texts of {} and {} with "
        "texts of {}",
        BytesText(of_common_texts), BytesText(kCommonTextBytes), BytesText(most),
        BytesText(limits::kStringValueBytesMax));
  if (schema.CellsMax() * schema.CellBytesMax({}) > limits::kTimelineBytesMax)
    text += fmt::format(" (the oldest cells go when all come to {})",
                        BytesText(limits::kTimelineBytesMax));
  return text;
}

}  // namespace

std::string DescribeTable(const TimelineTable& table) {
  const timeline::Schema::Options& options = table.schema.options();
  std::vector<std::string> parts;
  for (const timeline::Window& window : options.windows) {
    parts.push_back(timeline::Describe(window));
    if (window.kind == timeline::WindowKind::kSliding)
      parts.back() += window.exact ? std::string(" exactly")
                                   : fmt::format(" in hops of {}", FormatDurationMs(window.hop_ms));
  }
  if (options.has_lifetime) parts.push_back("the lifetime");
  return fmt::format("filled from the beginning of its stream: {}; {}", fmt::join(parts, ", "),
                     SizeText(table.schema));
}

std::string DescribeView(const FeatureView& view) {
  std::string text = fmt::format("{} view", KindText(view));
  if (view.entity != nullptr)
    text += fmt::format(" of {} over {}", EntityText(view), SourceText(view));
  text += fmt::format(", {}", FeaturesText(view));
  if (view.stream() != nullptr) {
    for (const TimelineTable& table : view.stream()->tables)
      text += fmt::format("; timeline, {}", DescribeTable(table));
  }
  if (view.batch() != nullptr && view.fed_by() != nullptr)
    text += "; the newest row of each entity, filled from the beginning of its stream";
  if (view.batch() != nullptr && view.fed_by() == nullptr)
    text += fmt::format("; empty until it is loaded (freshet load {})", view.name);
  return text;
}

void CompareViews(const Registry& live, const Registry& next, std::vector<Change>* views,
                  std::vector<Change>* features) {
  for (const auto& view : next.feature_views()) {
    const FeatureView* before = live.FindFeatureView(view->name);
    if (before == nullptr) {
      views->push_back(Added(fmt::format("feature view {}", view->name), DescribeView(*view)));
    } else if (CompareView(live, *before, next, *view, views)) {
      CompareFeatures(live, *before, *view, features);
    }
  }
  for (const auto& view : live.feature_views()) {
    if (next.FindFeatureView(view->name) != nullptr) continue;
    bool has_state = view->on_demand() == nullptr;
    Change removed = Removed(fmt::format("feature view {}", view->name),
                             fmt::format("with its {}{}", FeaturesText(*view),
                                         has_state ? "; its state is deleted" : ""));
    if (has_state) RefuseWhileServed(live, *view, removed);
    views->push_back(std::move(removed));
  }
}

}  // namespace freshet::registry
