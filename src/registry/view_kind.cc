#include "registry/readers.h"

namespace freshet::registry {
namespace {

bool IsFileSource(const yaml::Node& name, const Scope& scope) {
  if (!name.is_scalar()) return false;
  auto known = scope.sources.known.find(*name.AsString("source"));
  return known != scope.sources.known.end() && known->second.kind_known &&
         !known->second.source->is_stream();
}

}  // namespace

ViewKind KindOfView(const yaml::Node& node, const Scope& scope) {
  bool has_aggregations = node.Peek("aggregations").has_value();
  bool has_features = node.Peek("features").has_value();
  std::optional<yaml::Node> source = node.Peek("source");
  bool has_inputs = source.has_value() || node.Peek("entity").has_value();
  if (has_aggregations && has_features && source.has_value() && IsFileSource(*source, scope))
    return ViewKind::kBatch;
  if (has_aggregations) return ViewKind::kStream;
  if (has_features && has_inputs) return ViewKind::kBatch;
  if (has_features || node.Peek("request").has_value()) return ViewKind::kOnDemand;
  return source.has_value() && IsFileSource(*source, scope) ? ViewKind::kBatch : ViewKind::kStream;
}

}  // namespace freshet::registry
