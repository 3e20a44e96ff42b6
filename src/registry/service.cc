#include <map>
#include <optional>
#include <string>
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
      std::optional<std::string> text = item.AsString("a feature");
      if (text.has_value()) ReadFeature(item, *text);
    }
    if (service_.features.size() > limits::kFeaturesPerRequestMax) {
      list.Report(fmt::format("the service has {} features; at most {} are allowed",
                              service_.features.size(), limits::kFeaturesPerRequestMax));
    }
    CheckColumns(list);
  }

 private:
  // "view.feature", or "view" and "view.*" for all of a view's.
  void ReadFeature(const yaml::Node& node, const std::string& text) {
    size_t dot = text.find('.');
    std::string_view view_name = std::string_view(text).substr(0, dot);
    const KnownView* known = FindKnown(scope_.views, "feature view", view_name, node);
    if (known == nullptr) return;
    const FeatureView& view = *known->view;
    types_known_ = types_known_ && known->types_known;
    if (dot == std::string::npos || text.substr(dot) == ".*") {
      for (uint32_t i = 0; i < view.features.size(); ++i) Add(node, view, i);
      return;
    }
    std::string_view feature_name = std::string_view(text).substr(dot + 1);
    std::optional<uint32_t> feature = FindFeatureOf(view, feature_name);
    if (feature.has_value()) return Add(node, view, *feature);
    if (known->names_known) node.ReportAt(dot + 1, UnknownFeature(view, feature_name));
  }

  void Add(const yaml::Node& node, const FeatureView& view, uint32_t feature) {
    auto [first, is_new] = lines_.emplace(std::pair(&view, feature), node.mark().line);
    if (!is_new) {
      node.Report(fmt::format("the feature '{}.{}' is listed twice; the first is in line {}",
                              view.name, view.features[feature].name, first->second));
      return;
    }
    service_.features.push_back({&view, feature});
  }

  // A request carries one column per join key and per input name: what shares a name must share the
  // type.
  void CheckColumns(const yaml::Node& list) {
    if (!types_known_) return;
    for (const FeatureReference& feature : service_.features) AddColumnsOf(list, feature);
  }

  void AddColumnsOf(const yaml::Node& list, const FeatureReference& feature) {
    AddKeys(list, *feature.view);
    const OnDemandView* on_demand = feature.view->on_demand();
    if (on_demand == nullptr) return;
    for (size_t used : on_demand->derived[feature.feature].program->used_variables()) {
      if (used < on_demand->inputs.size()) {
        const Field& input = on_demand->inputs[used];
        AddColumn(list, inputs_, "request input", input.name, input.type, *feature.view);
      } else if (used != on_demand->now_variable()) {
        AddColumnsOf(list, on_demand->dependencies[used - on_demand->inputs.size()]);
      }
    }
  }

  void AddKeys(const yaml::Node& list, const FeatureView& view) {
    if (view.entity == nullptr) return;
    for (const JoinKey& key : view.entity->join_keys)
      AddColumn(list, keys_, "join key", key.name, key.type, view);
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
  std::map<std::pair<const FeatureView*, uint32_t>, int> lines_;
  std::map<std::string, Column> keys_;
  std::map<std::string, Column> inputs_;
};

std::optional<StaleAction> ReadAction(const yaml::Node& node) {
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
