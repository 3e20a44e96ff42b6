#include "registry/registry.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/nearest.h"
#include "registry/builder.h"
#include "registry/scope.h"

namespace freshet::registry {
namespace {

template <typename T>
const T* FindNamed(const std::vector<std::unique_ptr<T>>& all, std::string_view name) {
  auto found = std::find_if(all.begin(), all.end(),
                            [&](const std::unique_ptr<T>& each) { return each->name == name; });
  return found == all.end() ? nullptr : found->get();
}

template <typename T>
std::vector<std::string> NamesOf(const std::vector<std::unique_ptr<T>>& all) {
  std::vector<std::string> names;
  for (const std::unique_ptr<T>& each : all) names.push_back(each->name);
  return names;
}

}  // namespace

const Source* FeatureView::fed_by() const {
  if (stream() != nullptr) return stream()->source;
  const bool is_fed =
      batch() != nullptr && batch()->source != nullptr && batch()->source->is_stream();
  return is_fed ? batch()->source : nullptr;
}

std::vector<TableId> FeatureView::fed_tables() const {
  std::vector<TableId> ids;
  if (stream() != nullptr) {
    for (const TimelineTable& table : stream()->tables) ids.push_back(table.id);
  }
  if (batch() != nullptr) {
    for (const RowTable& table : batch()->tables) ids.push_back(table.id);
  }
  return ids;
}

std::optional<uint32_t> FindFeatureOf(const FeatureView& view, std::string_view feature) {
  auto found = std::find_if(view.features.begin(), view.features.end(),
                            [&](const Feature& each) { return each.name == feature; });
  if (found == view.features.end()) return std::nullopt;
  return static_cast<uint32_t>(found - view.features.begin());
}

std::string UnknownFeature(const FeatureView& view, std::string_view feature) {
  std::vector<std::string> names;
  for (const Feature& each : view.features) names.push_back(each.name);
  return fmt::format("feature view '{}' has no feature '{}'{}", view.name, feature,
                     Suggestion(feature, names));
}

std::shared_ptr<const Registry> Registry::Build(std::span<const DefinitionFile> files,
                                                const Catalog& catalog,
                                                yaml::Diagnostics* diagnostics) {
  return Builder(files, catalog, diagnostics).Build();
}

const Source* Registry::FindSource(std::string_view name) const {
  return FindNamed(sources_, name);
}

const FeatureView* Registry::FindFeatureView(std::string_view name) const {
  return FindNamed(feature_views_, name);
}

const FeatureService* Registry::FindFeatureService(std::string_view name) const {
  return FindNamed(feature_services_, name);
}

Result<FeatureReference> Registry::FindFeature(std::string_view name) const {
  size_t dot = name.find('.');
  if (dot == std::string_view::npos) {
    return Status::NotFound(fmt::format(
        "'{}' is no feature; write it as view.feature, as in activity.clicks_1m", name));
  }
  std::string_view view_name = name.substr(0, dot);
  const FeatureView* view = FindFeatureView(view_name);
  if (view == nullptr) {
    return Status::NotFound(fmt::format("no feature view '{}' is defined{}", view_name,
                                        Suggestion(view_name, NamesOf(feature_views_))));
  }
  std::optional<uint32_t> feature = FindFeatureOf(*view, name.substr(dot + 1));
  if (!feature.has_value()) return Status::NotFound(UnknownFeature(*view, name.substr(dot + 1)));
  return FeatureReference{view, *feature};
}

}  // namespace freshet::registry
