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
         type == Type::kString || type == Type::kBytes;
}

}  // namespace

KnownEntity ReadEntity(yaml::MapReader& reader, const Scope& scope, Entity* entity) {
  entity->description = ReadDescription(reader);
  Watch watch(*scope.diagnostics);
  bool is_keyless = false;
  if (std::optional<yaml::Node> node = reader.Required("join_keys")) {
    is_keyless = node->is_map() && node->AsMap("join_keys").empty();
    std::vector<Field> keys;
    if (!is_keyless) keys = ReadFields(*node, "the join keys", limits::kJoinKeysMax);
    for (const Field& key : keys) {
      entity->join_keys.push_back({key.name, key.type});
      if (IsKeyType(key.type)) continue;
      node->Peek(key.name)->Report(
          fmt::format("the join key '{}' cannot be of type {}; allowed are bool, int32, int64, "
                      "string and bytes",
                      key.name, TypeName(key.type)));
    }
  }
  KnownEntity known{entity, watch.clean() && (is_keyless || !entity->join_keys.empty())};
  reader.Done();
  return known;
}

}  // namespace freshet::registry
