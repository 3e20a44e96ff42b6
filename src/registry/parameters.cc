#include "registry/parameters.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"
#include "base/time.h"

namespace freshet::registry {
namespace {

using aggregate::Parameters;

bool ReadHalfLife(const yaml::Node& node, Parameters* parameters) {
  std::optional<int64_t> half_life_ms = node.AsDurationMs("half_life");
  if (!half_life_ms.has_value()) return false;
  if (*half_life_ms > limits::kWindowMsMax) {
    node.Report(fmt::format("a half-life of {} is not allowed; allowed are up to {}",
                            FormatDurationMs(*half_life_ms),
                            FormatDurationMs(limits::kWindowMsMax)));
    return false;
  }
  parameters->half_life_ms = *half_life_ms;
  return true;
}

std::string SpellHalfLife(const Parameters& parameters) {
  return FormatDurationMs(parameters.half_life_ms);
}

bool ReadQuantile(const yaml::Node& node, Parameters* parameters) {
  std::optional<double> quantile = node.AsDouble("quantile");
  if (!quantile.has_value()) return false;
  if (!(*quantile >= 0 && *quantile <= 1)) {
    node.Report(fmt::format("a quantile of {} is not allowed; allowed are 0 to 1", *quantile));
    return false;
  }
  parameters->quantile = *quantile;
  return true;
}

std::string SpellQuantile(const Parameters& parameters) {
  return fmt::format("{}", parameters.quantile);
}

bool ReadQuantiles(const yaml::Node& node, Parameters* parameters) {
  const std::vector<yaml::Node> items = node.AsList("quantiles");
  if (items.empty() || items.size() > limits::kQuantilesMax) {
    node.Report(fmt::format("{} quantiles are not allowed; allowed are 1 to {}", items.size(),
                            limits::kQuantilesMax));
    return false;
  }
  aggregate::Quantiles& quantiles = parameters->quantiles;
  for (const yaml::Node& item : items) {
    Parameters one;
    if (!ReadQuantile(item, &one)) return false;
    quantiles.values[quantiles.count++] = one.quantile;
  }
  return true;
}

std::string SpellQuantiles(const Parameters& parameters) {
  return fmt::format("[{}]", fmt::join(parameters.quantiles.all(), ", "));
}

bool ReadEdges(const yaml::Node& node, Parameters* parameters) {
  const std::vector<yaml::Node> items = node.AsList("edges");
  if (items.empty() || items.size() > limits::kEdgesMax) {
    node.Report(fmt::format("{} edges are not allowed; allowed are 1 to {}", items.size(),
                            limits::kEdgesMax));
    return false;
  }
  aggregate::Edges& edges = parameters->edges;
  for (const yaml::Node& item : items) {
    const std::optional<double> edge = item.AsDouble("edge");
    if (!edge.has_value()) return false;
    if (!std::isfinite(*edge) || (edges.count > 0 && *edge <= edges.all().back())) {
      item.Report(fmt::format("the edge {} is not above the one before; edges ascend", *edge));
      return false;
    }
    edges.values[edges.count++] = *edge;
  }
  return true;
}

std::string SpellEdges(const Parameters& parameters) {
  return fmt::format("[{}]", fmt::join(parameters.edges.all(), ", "));
}

bool ReadK(const yaml::Node& node, Parameters* parameters) {
  std::optional<int64_t> k = node.AsInt("k");
  if (!k.has_value()) return false;
  if (*k < 1 || *k > static_cast<int64_t>(limits::kListItemsMax)) {
    node.Report(
        fmt::format("a k of {} is not allowed; allowed are 1 to {}", *k, limits::kListItemsMax));
    return false;
  }
  parameters->k = static_cast<uint32_t>(*k);
  return true;
}

std::string SpellK(const Parameters& parameters) {
  return std::to_string(parameters.k);
}

struct Key {
  const char* name;
  aggregate::ParameterSet bit;
  bool (*read)(const yaml::Node& node, Parameters* parameters);
  std::string (*spell)(const Parameters& parameters);
};

constexpr Key kKeys[] = {
    {"half_life", aggregate::kTakesHalfLife, ReadHalfLife, SpellHalfLife},
    {"quantile", aggregate::kTakesQuantile, ReadQuantile, SpellQuantile},
    {"quantiles", aggregate::kTakesQuantiles, ReadQuantiles, SpellQuantiles},
    {"edges", aggregate::kTakesEdges, ReadEdges, SpellEdges},
    {"k", aggregate::kTakesK, ReadK, SpellK},
};

}  // namespace

std::optional<Parameters> ReadParameters(const yaml::Node& function_node,
                                         std::optional<std::string_view> function,
                                         yaml::MapReader& reader) {
  Parameters parameters;
  bool is_right = function.has_value();
  for (const Key& key : kKeys) {
    std::optional<yaml::Node> node = reader.Optional(key.name);
    if (!function.has_value()) continue;
    const bool takes = (aggregate::ParametersOf(*function) & key.bit) != 0;
    if (takes && !node.has_value())
      function_node.Report(fmt::format("function '{}' needs `{}:`", *function, key.name));
    if (!takes && node.has_value())
      node->Report(fmt::format("function '{}' takes no {}", *function, key.name));
    const bool is_read = takes && node.has_value() && key.read(*node, &parameters);
    is_right = is_right && takes == is_read;
  }
  if (!is_right) return std::nullopt;
  return parameters;
}

std::vector<std::pair<std::string, std::string>> SpellParameters(
    const aggregate::Aggregate& aggregate) {
  std::vector<std::pair<std::string, std::string>> spelled;
  for (const Key& key : kKeys) {
    if ((aggregate.takes & key.bit) != 0)
      spelled.emplace_back(key.name, key.spell(aggregate.parameters));
  }
  return spelled;
}

}  // namespace freshet::registry
