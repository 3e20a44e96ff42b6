#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/nearest.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

std::vector<std::string> FieldNames(const Source& source) {
  std::vector<std::string> names;
  for (const Field& field : source.fields) names.push_back(field.name);
  return names;
}

// The position of the join key among the fields; otherwise nothing, reported.
std::optional<uint32_t> FindKeyField(const JoinKey& key, const Entity& entity, const Source& source,
                                     const yaml::Node& node) {
  auto field = std::find_if(source.fields.begin(), source.fields.end(),
                            [&](const Field& each) { return each.name == key.name; });
  if (field == source.fields.end()) {
    node.Report(fmt::format("source '{}' has no field '{}', the join key of entity '{}'{}",
                            source.name, key.name, entity.name,
                            Suggestion(key.name, FieldNames(source))));
    return std::nullopt;
  }
  if (field->type != key.type) {
    node.Report(fmt::format(
        "the join key '{}' is of type {} in entity '{}' and of type {} in source '{}'; make them "
        "the same",
        key.name, TypeName(key.type), entity.name, TypeName(field->type), source.name));
    return std::nullopt;
  }
  return static_cast<uint32_t>(field - source.fields.begin());
}

}  // namespace

ViewInputs ReadViewInputs(yaml::MapReader& reader, const Scope& scope, FeatureView* view) {
  ViewInputs inputs;
  std::optional<yaml::Node> entity = reader.Required("entity");
  if (entity.has_value()) {
    if (auto name = entity->AsString("entity"))
      inputs.entity = FindKnown(scope.entities, "entity", *name, *entity);
  }
  if (std::optional<yaml::Node> source = reader.Required("source")) {
    if (auto name = source->AsString("source"))
      inputs.source = FindKnown(scope.sources, "source", *name, *source);
  }
  if (inputs.entity == nullptr) return inputs;
  view->entity = inputs.entity->entity;
  if (inputs.source == nullptr || !inputs.entity->join_keys_known || !inputs.source->fields_known)
    return inputs;
  for (const JoinKey& key : view->entity->join_keys) {
    auto field = FindKeyField(key, *view->entity, *inputs.source->source, *entity);
    if (field.has_value()) inputs.key_fields.push_back(*field);
  }
  return inputs;
}

}  // namespace freshet::registry
