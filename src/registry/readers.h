// One reader per kind of definition; each stands in a file of its own.
//
// A reader fills the definition, whose name is set, from a map whose key `name` was read, reports
// what is wrong and then what is left over in the map.
#pragma once

#include "registry/definitions.h"
#include "registry/scope.h"
#include "yaml/document.h"

namespace freshet::registry {

KnownEntity ReadEntity(yaml::MapReader& reader, const Scope& scope, Entity* entity);
KnownSource ReadSource(yaml::MapReader& reader, const yaml::Node& node, const Scope& scope,
                       Source* source);

enum class ViewKind : uint8_t { kStream, kBatch, kOnDemand };
// By the keys that are there; when they fit no kind, the nearest. Reports nothing.
ViewKind KindOfView(const yaml::Node& node, const Scope& scope);

KnownView ReadStreamView(yaml::MapReader& reader, const Scope& scope, FeatureView* view);
KnownView ReadBatchView(yaml::MapReader& reader, const Scope& scope, FeatureView* view);
// Stream and batch views are known by then, and on-demand views by name.
KnownView ReadOnDemandView(yaml::MapReader& reader, const Scope& scope, FeatureView* view);

void ReadFeatureService(yaml::MapReader& reader, const Scope& scope, FeatureService* service);

// What stream and batch views have in common: `entity` and `source`, and where the join keys stand
// among the source's fields (empty when that is not known).
struct ViewInputs {
  const KnownEntity* entity = nullptr;
  const KnownSource* source = nullptr;
  std::vector<uint32_t> key_fields;
};
ViewInputs ReadViewInputs(yaml::MapReader& reader, const Scope& scope, FeatureView* view);

}  // namespace freshet::registry
