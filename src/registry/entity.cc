#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

bool IsKeyType(Type type) {
  return type == Type::kBool || type == Type::kInt32 || type == Type::kInt64 ||
         type == Type::kString;
}

}  // namespace

KnownEntity ReadEntity(yaml::MapReader& reader, const Scope& scope, Entity* entity) {
  entity->description = ReadDescription(reader);
  Watch watch(*scope.diagnostics);
  if (std::optional<yaml::Node> node = reader.Required("join_keys")) {
    for (const Field& key : ReadFields(*node, "the join keys", limits::kJoinKeysMax)) {
      entity->join_keys.push_back({key.name, key.type});
      if (IsKeyType(key.type)) continue;
      node->Peek(key.name)->Report(
          fmt::format("the join key '{}' cannot be of type {}; allowed are bool, int32, int64 and "
                      "string",
                      key.name, TypeName(key.type)));
    }
  }
  KnownEntity known{entity, watch.clean() && !entity->join_keys.empty()};
  reader.Done();
  return known;
}

}  // namespace freshet::registry
