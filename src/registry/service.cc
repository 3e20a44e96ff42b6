#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

class ServiceReader {
 public:
  ServiceReader(const Scope& scope, FeatureService* service) : scope_(scope), service_(*service) {}

  void ReadFeatures(const yaml::Node& list) {
    for (const yaml::Node& item : ReadItems(list, "the features", limits::kFeaturesPerRequestMax)) {
      if (item.is_map()) {
        ReadAliased(item);
      } else if (std::optional<std::string> text = item.AsString("a feature")) {
        ReadFeature(item, *text, {});
      }
    }
    if (service_.features.size() > limits::kFeaturesPerRequestMax) {
      list.Report(fmt::format("the service has {} features; at most {} are allowed",
                              service_.features.size(), limits::kFeaturesPerRequestMax));
    }
    CheckColumns(list);
  }

 private:
  // What one item of the list says besides the feature's name.
  struct Alias {
    std::string name;  // instead of the view's; empty: none
    std::shared_ptr<const KeyColumns> key_columns;
  };

  // {feature: view.feature, as: alias, keys: {join_key: column}}.
  void ReadAliased(const yaml::Node& item) {
    yaml::MapReader reader(item, "feature");
    std::optional<yaml::Node> feature = reader.Required("feature");
    Alias alias;
    if (auto as = reader.Required("as")) alias.name = ReadAlias(*as);
    std::optional<yaml::Node> keys = reader.Optional("keys");
    if (keys.has_value()) alias.key_columns = ReadKeyColumns(*keys);
    reader.Done();
    if (!feature.has_value() || alias.name.empty()) return;
    const size_t before = service_.features.size();
    if (auto text = feature->AsString("a feature")) ReadFeature(*feature, *text, alias);
    if (keys.has_value() && types_known_) CheckKeys(*keys, before);
  }

  std::string ReadAlias(const yaml::Node& node) {
    std::string alias = ReadName(node, "as").value_or("");
    if (scope_.views.known.contains(alias)) {
      node.Report(
          fmt::format("'{}' is the name of a feature view; an alias has one of its own", alias));
    }
    return alias;
  }

  std::shared_ptr<const KeyColumns> ReadKeyColumns(const yaml::Node& node) {
    KeyColumns columns;
    for (const auto& [key, column] : node.AsMap("keys")) {
      const std::optional<std::string> join_key = key.AsString("a join key");
      const std::optional<std::string> name = ReadDataName(column, "column");
      if (join_key.has_value() && name.has_value()) columns.emplace(*join_key, *name);
    }
    std::shared_ptr<const KeyColumns>& shared = key_columns_[columns];
    if (shared == nullptr) shared = std::make_shared<const KeyColumns>(columns);
    return shared;
  }

  // The keys must be join keys of what the item added.
  void CheckKeys(const yaml::Node& node, size_t first) {
    std::vector<std::string> known;
    for (size_t i = first; i < service_.features.size(); ++i)
      CollectKeys(service_.features[i], &known);
    for (const auto& [key, column] : node.AsMap("keys")) {
      const std::optional<std::string> join_key = key.AsString("a join key");
      if (!join_key.has_value() || std::find(known.begin(), known.end(), *join_key) != known.end())
        continue;
      key.Report(
          fmt::format("'{}' is no join key of this{}", *join_key, Suggestion(*join_key, known)));
    }
  }

  static void CollectKeys(const FeatureReference& feature, std::vector<std::string>* keys) {
    std::set<std::pair<const FeatureView*, uint32_t>> looked_at;
    CollectKeys(feature, keys, &looked_at);
  }

  static void CollectKeys(const FeatureReference& feature, std::vector<std::string>* keys,
                          std::set<std::pair<const FeatureView*, uint32_t>>* looked_at) {
    if (!looked_at->emplace(feature.view, feature.feature).second) return;
    if (feature.view->entity != nullptr) {
      for (const JoinKey& key : feature.view->entity->join_keys) keys->push_back(key.name);
    }
    ForEachDependency(feature, [&](const FeatureReference& dependency) {
      CollectKeys(dependency, keys, looked_at);
    });
  }

  // Calls `visit` for what an on-demand feature reads; for others not at all.
  template <typename Visit>
  static void ForEachDependency(const FeatureReference& feature, Visit visit) {
    const OnDemandView* on_demand = feature.view->on_demand();
    if (on_demand == nullptr) return;
    for (size_t used : on_demand->derived[feature.feature].program->used_variables()) {
      if (used >= on_demand->inputs.size() && used != on_demand->now_variable())
        visit(on_demand->dependencies[used - on_demand->inputs.size()]);
    }
  }

  // "view.feature", or "view" and "view.*" for all of a view's.
  void ReadFeature(const yaml::Node& node, const std::string& text, const Alias& alias) {
    size_t dot = text.find('.');
    std::string_view view_name = std::string_view(text).substr(0, dot);
    const KnownView* known = FindKnown(scope_.views, "feature view", view_name, node);
    if (known == nullptr) return;
    const FeatureView& view = *known->view;
    types_known_ = types_known_ && known->types_known;
    if (dot == std::string::npos || text.substr(dot) == ".*") {
      for (uint32_t i = 0; i < view.features.size(); ++i) Add(node, view, i, alias);
      return;
    }
    std::string_view feature_name = std::string_view(text).substr(dot + 1);
    std::optional<uint32_t> feature = FindFeatureOf(view, feature_name);
    if (feature.has_value()) return Add(node, view, *feature, alias);
    if (known->names_known) node.ReportAt(dot + 1, UnknownFeature(view, feature_name));
  }

  void Add(const yaml::Node& node, const FeatureView& view, uint32_t feature, const Alias& alias) {
    const std::string name = fmt::format("{}.{}", alias.name.empty() ? view.name : alias.name,
                                         view.features[feature].name);
    auto [first, is_new] = lines_.emplace(name, node.mark().line);
    if (!is_new) {
      node.Report(fmt::format("the feature '{}' is listed twice; the first is in line {}", name,
                              first->second));
      return;
    }
    service_.features.push_back({{&view, feature}, name, alias.key_columns});
  }

  // A request carries one column per join key and per input name: what shares a name must share the
  // type.
  void CheckColumns(const yaml::Node& list) {
    if (!types_known_) return;
    for (const ServedFeature& feature : service_.features)
      AddColumnsOf(list, feature, feature.key_columns.get());
  }

  void AddColumnsOf(const yaml::Node& list, const FeatureReference& feature,
                    const KeyColumns* key_columns) {
    if (!looked_at_.emplace(feature.view, feature.feature, key_columns).second) return;
    AddKeys(list, *feature.view, key_columns);
    if (const OnDemandView* on_demand = feature.view->on_demand()) {
      for (size_t used : on_demand->derived[feature.feature].program->used_variables()) {
        if (used >= on_demand->inputs.size()) continue;
        const Field& input = on_demand->inputs[used];
        AddColumn(list, inputs_, "request input", input.name, input.type, *feature.view);
      }
    }
    ForEachDependency(feature, [&](const FeatureReference& dependency) {
      AddColumnsOf(list, dependency, key_columns);
    });
  }

  void AddKeys(const yaml::Node& list, const FeatureView& view, const KeyColumns* key_columns) {
    if (view.entity == nullptr) return;
    for (const JoinKey& key : view.entity->join_keys)
      AddColumn(list, keys_, "join key", ColumnOf(key, key_columns), key.type, view);
  }

  struct Column {
    Type type;
    const FeatureView* view;
  };
  static void AddColumn(const yaml::Node& list, std::map<std::string, Column>& columns,
                        std::string_view what, const std::string& name, Type type,
                        const FeatureView& view) {
    auto [first, is_new] = columns.emplace(name, Column{type, &view});
    if (is_new || first->second.type == type) return;
    list.Report(
        fmt::format("the {} '{}' is of type {} for view '{}' and of type {} for view '{}', but a "
                    "request has one "
                    "column '{}'; rename one, or make two services",
                    what, name, TypeName(first->second.type), first->second.view->name,
                    TypeName(type), view.name, name));
  }

  const Scope& scope_;
  FeatureService& service_;
  bool types_known_ = true;
  std::map<std::string, int> lines_;
  std::set<std::tuple<const FeatureView*, uint32_t, const KeyColumns*>> looked_at_;
  std::map<KeyColumns, std::shared_ptr<const KeyColumns>> key_columns_;
  std::map<std::string, Column> keys_;
  std::map<std::string, Column> inputs_;
};

std::optional<StaleAction> ReadAction(const yaml::Node& node) {
  if (node.is_word_null()) return StaleAction::kNull;
  const std::optional<std::string> word = node.AsString("stale_action");
  if (!word.has_value()) return std::nullopt;
  const std::optional<StaleAction> action = FindStaleAction(*word);
  if (!action.has_value()) {
    static const std::vector<std::string> kWords = {"use_default", "serve", "null", "fail"};
    node.Report(fmt::format("unknown stale_action '{}'{}", *word, Suggestion(*word, kWords)));
  }
  return action;
}

std::optional<int64_t> ReadTimeoutMs(const yaml::Node& node) {
  const std::optional<int64_t> timeout_ms = node.AsDurationMs("timeout");
  if (!timeout_ms.has_value() || (*timeout_ms > 0 && *timeout_ms <= limits::kTimeoutMsMax))
    return timeout_ms;
  node.Report(fmt::format("a timeout is more than 0 and at most {}",
                          FormatDurationMs(limits::kTimeoutMsMax)));
  return std::nullopt;
}

}  // namespace

void ReadFeatureService(yaml::MapReader& reader, const Scope& scope, FeatureService* service) {
  service->description = ReadDescription(reader);
  service->max_staleness_ms = ReadMaxStaleness(reader);
  if (auto action = reader.Optional("stale_action")) service->stale_action = ReadAction(*action);
  if (auto timeout = reader.Optional("timeout")) service->timeout_ms = ReadTimeoutMs(*timeout);
  if (auto list = reader.Required("features")) ServiceReader(scope, service).ReadFeatures(*list);
  reader.Done();
}

}  // namespace freshet::registry
