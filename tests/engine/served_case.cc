#include "engine/served_case.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace freshet::served {
namespace {

bool IsNull(const Value& value) {
  return value.index() == 0;
}

const std::vector<Entity> kEntities = {
    {"user", {{"user_id", Type::kInt64}}},
    {"seat", {{"venue", Type::kString}, {"number", Type::kInt32}, {"vip", Type::kBool}}},
    {"device", {{"device_id", Type::kBytes}}},
    {"lamp", {{"is_on", Type::kBool}}},
    {"visitor", {{"venue", Type::kString}, {"user_id", Type::kInt64}, {"device_id", Type::kBytes}}},
    {"everyone", {}},
};
constexpr size_t kEveryone = 5;

const std::vector<std::string> kStreams = {"clicks", "moves"};

struct Choice {
  std::string function;
  std::string of;
  Type type;
  bool is_list = false;
};
const std::vector<Choice> kFunctions = {
    {"count", "", Type::kInt64},
    {"count", "item", Type::kInt64},
    {"sum", "amount", Type::kDouble},
    {"sum", "points", Type::kInt64},
    {"mean", "amount", Type::kDouble},
    {"mean", "points", Type::kDouble},
    {"min", "amount", Type::kDouble},
    {"max", "points", Type::kInt64},
    {"max", "item", Type::kString},
    {"first", "item", Type::kString},
    {"first", "amount", Type::kDouble},
    {"last", "item", Type::kString},
    {"last", "points", Type::kInt64},
    {"last", "loud", Type::kBool},
    {"distinct_count", "item", Type::kInt64},
    {"time_since_last", "", Type::kInt64},
    {"last_k", "item", Type::kString, true},
    {"last_k", "points", Type::kInt64, true},
};

const std::vector<Column> kColumns = {
    {"age", Type::kInt32, {}},       {"rank", Type::kInt64, {}},     {"score", Type::kDouble, {}},
    {"ratio", Type::kFloat, {}},     {"country", Type::kString, {}}, {"member", Type::kBool, {}},
    {"since", Type::kTimestamp, {}},
};
const std::vector<Column> kEventColumns = {
    {"amount", Type::kDouble, {}}, {"points", Type::kInt64, {}}, {"item", Type::kString, {}},
    {"loud", Type::kBool, {}},     {"kind", Type::kString, {}},
};

Value RandomFallback(Random& random, Type type) {
  switch (type) {
    case Type::kBool:
      return random.Once(2);
    case Type::kInt32:
    case Type::kInt64:
      return random.Pick(-99, 99);
    case Type::kFloat:
    case Type::kDouble:
      return static_cast<double>(random.Pick(-99, 99)) / 4;
    case Type::kString:
      return std::string(random.Once(2) ? "none" : "other");
    default:
      return {};
  }
}

std::string YamlOf(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return fmt::format("{}", *integer);
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  return "'" + std::get<std::string>(value) + "'";
}

std::string DefaultOf(const Value& fallback) {
  return IsNull(fallback) ? "" : ", default: " + YamlOf(fallback);
}

Aggregation RandomAggregation(Random& random, const std::vector<Window>& windows, size_t index) {
  const Choice& choice = random.OneOf(kFunctions);
  Aggregation aggregation;
  aggregation.name = fmt::format("f{}", index);
  aggregation.function = choice.function;
  aggregation.of = choice.of;
  aggregation.type = choice.type;
  aggregation.is_list = choice.is_list;
  aggregation.buys_only = random.Once(3);
  if (!random.Once(4)) {
    for (const Window& window : windows)
      if (aggregation.windows.empty() || !random.Once(3)) aggregation.windows.push_back(window);
  }
  if (!choice.is_list && random.Once(2)) aggregation.fallback = RandomFallback(random, choice.type);
  if (random.Once(3)) aggregation.max_staleness_ms = random.OneOf<int64_t>({1, 500, 1'000, 2'000});
  return aggregation;
}

View RandomStreamView(Random& random, size_t index) {
  View view;
  view.name = fmt::format("stream{}", index);
  view.entity = static_cast<size_t>(random.Pick(0, kEveryone));
  view.source = random.OneOf(kStreams);
  view.is_fed = true;
  view.rules.is_exact = random.Once(3);
  view.is_filtered = random.Once(2);
  const std::vector<Window> windows = RandomWindows(random, &view.rules);
  for (int64_t i = random.Pick(1, 5); i > 0; --i)
    view.aggregations.push_back(RandomAggregation(random, windows, view.aggregations.size()));
  // All windows of the view are there, since the head hop hangs on them.
  view.aggregations[0].windows = windows;
  return view;
}

View RandomRowView(Random& random, size_t index) {
  View view;
  view.name = fmt::format("rows{}", index);
  view.entity = static_cast<size_t>(random.Pick(0, kEveryone - 1));
  view.source = view.name + "_file";
  if (!random.Once(3)) view.max_age_ms = random.OneOf<int64_t>({60'000, 3'600'000, 86'400'000});
  for (const Column& known : kColumns) {
    if (!view.columns.empty() && random.Once(3)) continue;
    Column column = known;
    if (random.Once(2)) column.fallback = RandomFallback(random, column.type);
    view.columns.push_back(column);
  }
  return view;
}

// The newest event of each entity.
View RandomFedRowView(Random& random, size_t index) {
  View view;
  view.name = fmt::format("newest{}", index);
  view.entity = static_cast<size_t>(random.Pick(0, kEveryone - 1));
  view.source = random.OneOf(kStreams);
  view.is_fed = true;
  view.deletes_noise = random.Once(2);
  if (!random.Once(3)) view.max_age_ms = random.OneOf<int64_t>({60'000, 3'600'000, 86'400'000});
  for (const Column& known : kEventColumns) {
    if (!view.columns.empty() && random.Once(3)) continue;
    Column column = known;
    if (random.Once(2)) column.fallback = RandomFallback(random, column.type);
    if (random.Once(3)) column.max_staleness_ms = random.OneOf<int64_t>({1, 500, 1'000, 2'000});
    view.columns.push_back(column);
  }
  return view;
}

Value Fallback(const Value& written, Type type, bool is_list) {
  return is_list ? Value() : IsNull(written) ? ZeroOf(type) : written;
}

void AddFeatures(Case& result, size_t index) {
  const View& view = result.views[index];
  for (size_t i = 0; i < view.aggregations.size(); ++i) {
    const Aggregation& aggregation = view.aggregations[i];
    Feature feature;
    feature.type = aggregation.type;
    feature.is_list = aggregation.is_list;
    feature.fallback = Fallback(aggregation.fallback, feature.type, feature.is_list);
    feature.max_staleness_ms = aggregation.max_staleness_ms;
    feature.view = index;
    feature.part = i;
    feature.name = view.name + "." + aggregation.name;
    if (aggregation.windows.empty()) result.features.push_back(feature);
    for (const Window& window : aggregation.windows) {
      feature.name = fmt::format("{}.{}_{}", view.name, aggregation.name, window.name);
      feature.window = window;
      result.features.push_back(feature);
    }
  }
  for (size_t i = 0; i < view.columns.size(); ++i) {
    const Column& column = view.columns[i];
    Feature feature;
    feature.name = view.name + "." + column.name;
    feature.type = column.type;
    feature.fallback = Fallback(column.fallback, column.type, false);
    feature.max_staleness_ms = column.max_staleness_ms;
    feature.view = index;
    feature.part = i;
    result.features.push_back(feature);
  }
}

char ClassOf(const Feature& feature) {
  if (feature.is_list) return '-';
  switch (feature.type) {
    case Type::kFloat:
    case Type::kDouble:
      return 'D';
    case Type::kInt32:
    case Type::kInt64:
      return 'I';
    case Type::kString:
      return 'S';
    case Type::kTimestamp:
      return 'T';
    default:
      return '-';
  }
}

void AddDerived(Random& random, Case& result) {
  for (int64_t tries = random.Pick(4, 10); tries > 0; --tries) {
    Feature feature;
    feature.formula =
        static_cast<size_t>(random.Pick(0, static_cast<int64_t>(Formulas().size()) - 1));
    const Formula& formula = Formulas()[feature.formula];
    for (const char wanted : formula.reads) {
      std::vector<size_t> fitting;
      for (size_t i = 0; i < result.features.size(); ++i)
        if (ClassOf(result.features[i]) == wanted) fitting.push_back(i);
      if (!fitting.empty()) feature.reads.push_back(random.OneOf(fitting));
    }
    if (feature.reads.size() != formula.reads.size()) continue;
    feature.name = fmt::format("signals.d{}", tries);
    feature.type = formula.type;
    feature.fallback = random.Once(2) ? RandomFallback(random, formula.type) : ZeroOf(formula.type);
    result.features.push_back(feature);
  }
}

// All features of one view under another name, for another column of users.
void AddRole(Random& random, const Case& result, Service& service) {
  std::vector<size_t> fitting;
  for (size_t i = 0; i < result.views.size(); ++i) {
    for (const auto& [key, type] : result.entities[result.views[i].entity].keys)
      if (key == "user_id") fitting.push_back(i);
  }
  if (fitting.empty()) return;
  const size_t view = random.OneOf(fitting);
  service.items.push_back(fmt::format("{{feature: {}.*, as: rider, keys: {{user_id: rider_id}}}}",
                                      result.views[view].name));
  for (size_t i = 0; i < result.features.size(); ++i) {
    const std::string& name = result.features[i].name;
    if (result.features[i].view == view)
      service.selected.push_back(
          {i, "rider" + name.substr(name.find('.')), {{"user_id", "rider_id"}}});
  }
}

Service RandomService(Random& random, const Case& result, size_t index) {
  Service service;
  service.name = fmt::format("service{}", index);
  for (size_t i = 0; i < result.features.size(); ++i) {
    if (!random.Once(3)) continue;
    service.items.push_back(result.features[i].name);
    service.selected.push_back({i, result.features[i].name, {}});
  }
  if (service.items.empty() || random.Once(2)) AddRole(random, result, service);
  if (service.items.empty()) {
    service.items.push_back(result.features[0].name);
    service.selected.push_back({0, result.features[0].name, {}});
  }
  if (random.Once(2)) service.max_staleness_ms = random.OneOf<int64_t>({1, 500, 1'000, 2'000});
  if (random.Once(2))
    service.stale_action = random.OneOf<StaleAction>(
        {StaleAction::kUseDefault, StaleAction::kServe, StaleAction::kNull, StaleAction::kFail});
  service.is_hasty = random.Once(3);
  return service;
}

std::string FieldsOf(const std::vector<std::pair<std::string, Type>>& fields) {
  std::vector<std::string> texts;
  for (const auto& [name, type] : fields)
    texts.push_back(fmt::format("{}: {}", name, TypeName(type)));
  return fmt::format("{{{}}}", fmt::join(texts, ", "));
}

std::string StalenessOf(const std::optional<int64_t>& max_staleness_ms) {
  return max_staleness_ms ? fmt::format(", max_staleness: {}ms", *max_staleness_ms) : "";
}

std::string YamlOf(const Aggregation& aggregation) {
  std::string yaml =
      fmt::format("      - {{name: {}, function: {}", aggregation.name, aggregation.function);
  if (!aggregation.of.empty()) yaml += ", of: " + aggregation.of;
  if (aggregation.is_list) yaml += ", k: 3";
  if (aggregation.buys_only) yaml += ", where: \"kind == 'buy'\"";
  yaml += StalenessOf(aggregation.max_staleness_ms);
  std::vector<std::string> windows;
  for (const Window& window : aggregation.windows) windows.push_back(YamlOf(window));
  if (!windows.empty()) yaml += fmt::format(", windows: [{}]", fmt::join(windows, ", "));
  return yaml + DefaultOf(aggregation.fallback) + "}\n";
}

std::string YamlOf(const View& view, const Entity& entity) {
  std::string yaml = fmt::format("  - name: {}\n    entity: {}\n    source: {}\n", view.name,
                                 entity.name, view.source);
  if (!view.has_rows()) yaml += YamlOf(view.rules, view.aggregations[0].windows);
  if (view.deletes_noise) yaml += "    delete_when: kind == 'noise'\n";
  if (view.is_filtered) yaml += "    where: kind != 'noise'\n";
  if (view.max_age_ms.has_value()) yaml += fmt::format("    max_age: {}ms\n", *view.max_age_ms);
  yaml += view.has_rows() ? "    features:\n" : "    aggregations:\n";
  for (const Aggregation& aggregation : view.aggregations) yaml += YamlOf(aggregation);
  for (const Column& column : view.columns)
    yaml += fmt::format("      - {{name: {}{}{}}}\n", column.name,
                        StalenessOf(column.max_staleness_ms), DefaultOf(column.fallback));
  return yaml;
}

std::string YamlOfDerived(const Case& definitions) {
  std::string yaml;
  for (const Feature& feature : definitions.features) {
    if (feature.view.has_value()) continue;
    const Formula& formula = Formulas()[feature.formula];
    std::string text = formula.text;
    for (size_t at = text.find("$0"); at != std::string::npos; at = text.find("$0"))
      text.replace(at, 2, definitions.features[feature.reads[0]].name);
    yaml += fmt::format("      - {{name: {}, type: {}, expr: \"{}\"{}}}\n",
                        feature.name.substr(feature.name.find('.') + 1), TypeName(feature.type),
                        text, feature.type == Type::kTimestamp ? "" : DefaultOf(feature.fallback));
  }
  if (yaml.empty()) return yaml;
  std::vector<std::pair<std::string, Type>> inputs(Inputs().begin(), Inputs().end());
  return fmt::format("  - name: signals\n    request: {}\n    features:\n", FieldsOf(inputs)) +
         yaml;
}

std::string YamlOf(const Service& service) {
  std::string yaml = fmt::format("  - name: {}\n    features: [{}]\n", service.name,
                                 fmt::join(service.items, ", "));
  if (service.max_staleness_ms.has_value())
    yaml += fmt::format("    max_staleness: {}ms\n", *service.max_staleness_ms);
  if (service.stale_action.has_value())
    yaml += fmt::format("    stale_action: {}\n", StaleActionName(*service.stale_action));
  if (service.is_hasty) yaml += fmt::format("    timeout: {}ms\n", kHastyMs);
  return yaml;
}

}  // namespace

std::string Case::Yaml() const {
  std::string yaml = "entities:\n";
  for (const Entity& entity : entities)
    yaml += fmt::format("  - {{name: {}, join_keys: {}}}\n", entity.name, FieldsOf(entity.keys));
  yaml += "sources:\n";
  for (const auto& [source, stream] : streams) {
    yaml += fmt::format(
        "  - name: {}\n    push: {{}}\n    timestamp: {{field: at, unit: ms}}\n    clock_skew: "
        "{}ms\n    fields: {{user_id: int64, venue: string, number: int32, vip: bool, device_id: "
        "bytes, is_on: bool, kind: string, amount: double, points: int64, item: string, loud: "
        "bool, event_id: int64}}\n",
        source, stream.skew_ms);
    if (stream.deduplicate_ms > 0)
      yaml +=
          fmt::format("    deduplicate: {{key: event_id, within: {}ms}}\n", stream.deduplicate_ms);
  }
  for (const View& view : views) {
    if (view.is_fed) continue;
    auto fields = entities[view.entity].keys;
    for (const Column& column : view.columns) fields.emplace_back(column.name, column.type);
    yaml += fmt::format(
        "  - {{name: {}, file: {{path: r.csv}}, timestamp: {{field: at, unit: ms}}, fields: {}}}\n",
        view.source, FieldsOf(fields));
  }
  yaml += "feature_views:\n";
  for (const View& view : views) yaml += YamlOf(view, entities[view.entity]);
  yaml += YamlOfDerived(*this) + "feature_services:\n";
  for (const Service& service : services) yaml += YamlOf(service);
  return yaml;
}

Case RandomCase(Random& random) {
  Case result;
  result.entities = kEntities;
  for (const std::string& source : kStreams) {
    Stream& stream = result.streams[source];
    stream.skew_ms = random.OneOf<int64_t>({1, 1'000, 60'000});
    if (random.Once(2)) stream.deduplicate_ms = random.OneOf<int64_t>({60'000, 3'600'000});
  }
  for (int64_t i = random.Pick(2, 5); i > 0; --i)
    result.views.push_back(RandomStreamView(random, result.views.size()));
  for (int64_t i = random.Pick(1, 3); i > 0; --i)
    result.views.push_back(RandomRowView(random, result.views.size()));
  for (int64_t i = random.Pick(1, 2); i > 0; --i)
    result.views.push_back(RandomFedRowView(random, result.views.size()));
  for (size_t i = 0; i < result.views.size(); ++i) AddFeatures(result, i);
  AddDerived(random, result);
  for (int64_t i = random.Pick(2, 4); i > 0; --i)
    result.services.push_back(RandomService(random, result, result.services.size()));
  return result;
}

}  // namespace freshet::served
