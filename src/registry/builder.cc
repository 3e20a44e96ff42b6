#include "registry/builder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/reading.h"
#include "registry/tables.h"

namespace freshet::registry {
namespace {

bool IsLive(const CatalogView* view, TableId table) {
  return view != nullptr && std::any_of(view->tables.begin(), view->tables.end(),
                                        [&](const CatalogTable& live) { return live.id == table; });
}

}  // namespace

Builder::Builder(std::span<const DefinitionFile> files, const Catalog& catalog,
                 yaml::Diagnostics* diagnostics)
    : files_(files),
      live_(catalog),
      diagnostics_(*diagnostics),
      watch_(*diagnostics),
      registry_(new Registry()),
      entities_{"entities", "entity", limits::kEntitiesMax},
      sources_{"sources", "source", limits::kSourcesMax},
      views_{"feature_views", "feature view", limits::kFeatureViewsMax},
      services_{"feature_services", "feature service", limits::kFeatureServicesMax} {
  scope_.diagnostics = diagnostics;
}

std::shared_ptr<const Registry> Builder::Build() {
  if (!CheckSizes()) return nullptr;
  ReadFiles();
  ReadEntities();
  ReadSources();
  ReadViews();
  ReadServices();
  CheckNotEmpty();
  AssignIds();
  if (!watch_.clean()) return nullptr;
  registry_->files_.assign(files_.begin(), files_.end());
  return registry_;
}

bool Builder::CheckSizes() {
  size_t bytes = 0;
  for (const DefinitionFile& file : files_) bytes += file.text.size();
  if (files_.size() > limits::kDefinitionFilesMax) {
    diagnostics_.Add({files_.front().name},
                     fmt::format("one of {} files of definitions; at most {} are allowed",
                                 files_.size(), limits::kDefinitionFilesMax));
  }
  if (bytes > limits::kDefinitionBytesMax) {
    diagnostics_.Add({files_.front().name},
                     fmt::format("the definitions have {} bytes together; at most {} are allowed",
                                 bytes, limits::kDefinitionBytesMax));
  }
  return watch_.clean();
}

void Builder::ReadFiles() {
  for (const DefinitionFile& file : files_) ReadFile(file);
  for (Section* section : {&entities_, &sources_, &views_, &services_}) NameItems(*section);
  scope_.entities.complete = entities_.complete;
  scope_.sources.complete = sources_.complete;
  scope_.views.complete = views_.complete;
}

void Builder::ReadFile(const DefinitionFile& file) {
  std::optional<yaml::Node> root = yaml::Node::Parse(file.name, file.text, &diagnostics_);
  if (!root.has_value()) {
    // What it defines is not known, so nothing that names it is a mistake.
    for (Section* section : {&entities_, &sources_, &views_, &services_}) section->complete = false;
    return;
  }
  yaml::MapReader reader(*root, "the file");
  for (Section* section : {&entities_, &sources_, &views_, &services_})
    ReadSection(reader, *section);
  reader.Done();
}

void Builder::ReadSection(yaml::MapReader& reader, Section& section) {
  std::optional<yaml::Node> list = reader.Optional(section.key);
  if (!list.has_value()) return;
  Watch watch(diagnostics_);
  for (const yaml::Node& node : ReadItems(*list, section.key, section.items_max))
    section.items.push_back({node});
  section.complete = section.complete && watch.clean();
  if (section.items.size() > section.items_max) {
    list->Report(fmt::format("{}: {} of them in all files; at most {} are allowed", section.key,
                             section.items.size(), section.items_max));
    section.items.erase(section.items.begin() + static_cast<ptrdiff_t>(section.items_max),
                        section.items.end());
  }
}

void Builder::NameItems(Section& section) {
  std::map<std::string_view, const Item*> first;
  for (Item& item : section.items) {
    std::optional<yaml::Node> peeked = item.node.Peek("name");
    bool is_named = peeked.has_value() && peeked->is_scalar();
    std::string what = section.kind;
    if (is_named) what = Quoted(section.kind, *peeked->AsString("name"));
    item.reader = std::make_unique<yaml::MapReader>(item.node, what);
    std::optional<yaml::Node> node = item.reader->Required("name");
    if (node.has_value()) item.name = ReadName(*node, "name").value_or("");
    section.complete = section.complete && !item.name.empty();
    if (item.name.empty()) continue;
    auto [found, is_new] = first.emplace(item.name, &item);
    item.is_first = is_new;
    if (is_new) continue;
    yaml::Mark mark = found->second->node.Peek("name")->mark();
    node->Report(fmt::format("{} is defined twice; the first is at {}:{}:{}",
                             Quoted(section.kind, item.name), mark.file, mark.line, mark.column));
  }
}

void Builder::ReadEntities() {
  for (const Item& item : entities_.items) {
    auto entity = std::make_unique<Entity>();
    entity->name = item.name;
    KnownEntity known = ReadEntity(*item.reader, scope_, entity.get());
    if (item.is_first) scope_.entities.known.emplace(item.name, known);
    registry_->entities_.push_back(std::move(entity));
  }
}

void Builder::ReadSources() {
  for (const Item& item : sources_.items) {
    auto source = std::make_unique<Source>();
    source->name = item.name;
    KnownSource known = ReadSource(*item.reader, item.node, scope_, source.get());
    if (item.is_first) scope_.sources.known.emplace(item.name, known);
    registry_->sources_.push_back(std::move(source));
  }
}

// On-demand views last and in their order, since they read the features of the others and of those
// before them.
void Builder::ReadViews() {
  std::vector<ViewKind> kinds;
  for (const Item& item : views_.items) {
    auto view = std::make_unique<FeatureView>();
    view->name = item.name;
    kinds.push_back(KindOfView(item.node, scope_));
    if (item.name == "request") {
      item.node.Peek("name")->Report(
          "a feature view cannot be named 'request', which expressions use for request inputs");
    }
    if (kinds.back() == ViewKind::kOnDemand) {
      view->kind = OnDemandView();
      if (item.is_first)
        scope_.views.known.emplace(item.name, KnownView{.view = view.get(), .is_read = false});
    }
    registry_->feature_views_.push_back(std::move(view));
  }
  for (bool on_demand : {false, true}) {
    for (size_t i = 0; i < views_.items.size(); ++i) {
      if ((kinds[i] == ViewKind::kOnDemand) == on_demand)
        ReadView(views_.items[i], kinds[i], registry_->feature_views_[i].get());
    }
  }
}

void Builder::ReadView(const Item& item, ViewKind kind, FeatureView* view) {
  KnownView known;
  switch (kind) {
    case ViewKind::kStream:
      known = ReadStreamView(*item.reader, scope_, view);
      break;
    case ViewKind::kBatch:
      known = ReadBatchView(*item.reader, scope_, view);
      break;
    case ViewKind::kOnDemand:
      known = ReadOnDemandView(*item.reader, scope_, view);
      break;
  }
  if (item.is_first) scope_.views.known[item.name] = known;
}

void Builder::ReadServices() {
  for (const Item& item : services_.items) {
    auto service = std::make_unique<FeatureService>();
    service->name = item.name;
    ReadFeatureService(*item.reader, scope_, service.get());
    registry_->feature_services_.push_back(std::move(service));
  }
}

void Builder::CheckNotEmpty() {
  size_t count =
      entities_.items.size() + sources_.items.size() + views_.items.size() + services_.items.size();
  if (count > 0 || files_.empty() || !watch_.clean()) return;
  diagnostics_.Add({files_.front().name},
                   "no file defines anything; write entities, sources, feature_views and "
                   "feature_services");
}

void Builder::AssignIds() {
  Catalog& next = registry_->catalog_;
  next.next_id = live_.next_id;
  for (const std::unique_ptr<Source>& source : registry_->sources_) {
    auto known = live_.sources.find(source->name);
    source->id = known == live_.sources.end() ? next.next_id++ : known->second;
    next.sources.emplace(source->name, source->id);
  }
  for (size_t i = 0; i < views_.items.size(); ++i)
    AssignViewTables(views_.items[i], *registry_->feature_views_[i]);
}

void Builder::AssignViewTables(const Item& item, FeatureView& view) {
  Catalog& next = registry_->catalog_;
  auto known = live_.views.find(view.name);
  const CatalogView* live = known == live_.views.end() ? nullptr : &known->second;
  view.id = live == nullptr ? next.next_id++ : live->id;
  CatalogView& entry = next.views[view.name];
  entry.id = view.id;
  auto in_scope = scope_.views.known.find(item.name);
  bool is_right =
      item.is_first && in_scope != scope_.views.known.end() && in_scope->second.types_known;
  if (view.fed_by() == nullptr || !is_right) return;
  Status status = AssignTables(live, &next.next_id, &view, &entry);
  const StreamView* stream = view.stream();
  for (size_t i = 0; stream != nullptr && status.ok() && i < stream->tables.size(); ++i)
    status = CheckSize(stream->tables[i], IsLive(live, stream->tables[i].id));
  if (!status.ok()) item.node.Report(std::string(status.message()));
}

}  // namespace freshet::registry
