#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "registry/expressions.h"
#include "registry/parameters.h"
#include "registry/readers.h"
#include "registry/reading.h"
#include "registry/windows.h"

namespace freshet::registry {
namespace {

// One aggregation as it is written.
struct Draft {
  Aggregation aggregation;
  std::optional<yaml::Node> name_node;
  std::optional<yaml::Node> default_node;
  std::vector<WrittenWindow> windows;
  bool has_window_list = false;
};

bool IsOrdered(Type type) {
  return type != Type::kString && type != Type::kBool;
}

class StreamViewReader {
 public:
  StreamViewReader(const KnownSource* source, FeatureView* view)
      : view_(*view), stream_(view->kind.emplace<StreamView>()) {
    if (source != nullptr) stream_.source = source->source;
    if (source != nullptr && source->fields_known) {
      fields_known_ = true;
      variables_ = VariablesOf(source->source->fields);
      of_variables_ = variables_;
      // Aggregates take timestamps, which expressions do not compute with but may hand on.
      for (expr::Variable& variable : of_variables_) {
        if (variable.type == Type::kTimestamp) variable.type = Type::kInt64;
      }
    }
  }

  void ReadWhere(const yaml::Node& node) {
    ReadCondition(node, &stream_.where_text, &stream_.where);
  }
  // False when the names of the features are not all known.
  bool Read(const yaml::Node& list, const WindowRule& rule);

 private:
  Draft ReadAggregation(const yaml::Node& node, const WindowRule& rule);
  void ReadFunction(const yaml::Node& node, const std::optional<yaml::Node>& of,
                    const std::optional<yaml::Node>& by, yaml::MapReader& reader,
                    Aggregation* aggregation);
  std::optional<Type> ReadInput(const yaml::Node& node, std::string_view key, std::string* text,
                                std::shared_ptr<const expr::Program>* program);
  static bool TakesAsDouble(std::string_view function, Type input);
  bool TurnToDouble(const yaml::Node& of, std::string_view function,
                    Aggregation* aggregation) const;
  static void RefuseLengthless(const Draft& draft, std::string_view function);
  void ReadCondition(const yaml::Node& node, std::string* text,
                     std::shared_ptr<const expr::Program>* program);
  void CheckWindowRule(const yaml::Node& list, const WindowRule& rule,
                       const std::vector<const WrittenWindow*>& windows);
  void AddFeatures(Draft& draft, const Hops& hops);
  void AddFeature(const Draft& draft, const std::string& name, std::optional<uint32_t> window);
  void CheckDefault(Draft& draft);
  void CheckAggregationNames(const std::vector<Draft>& drafts);

  FeatureView& view_;
  StreamView& stream_;
  bool fields_known_ = false;
  std::vector<expr::Variable> variables_;
  std::vector<expr::Variable> of_variables_;
};

bool StreamViewReader::Read(const yaml::Node& list, const WindowRule& rule) {
  std::vector<Draft> drafts;
  for (const yaml::Node& item : ReadItems(list, "the aggregations", limits::kAggregationsMax))
    drafts.push_back(ReadAggregation(item, rule));
  CheckAggregationNames(drafts);

  std::vector<const WrittenWindow*> windows;
  bool names_known = !drafts.empty();
  for (const Draft& draft : drafts) {
    for (const WrittenWindow& window : draft.windows) windows.push_back(&window);
    bool windows_known = !draft.has_window_list || !draft.windows.empty();
    names_known = names_known && !draft.aggregation.name.empty() && windows_known;
  }
  Hops hops = ResolveHops(rule, windows);
  CheckWindowRule(list, rule, windows);
  stream_.exact = rule.exact;
  stream_.head_hop_ms = hops.head_ms;
  for (Draft& draft : drafts) AddFeatures(draft, hops);
  if (view_.features.size() > limits::kFeaturesPerViewMax) {
    list.Report(fmt::format("the view has {} features; at most {} are allowed",
                            view_.features.size(), limits::kFeaturesPerViewMax));
  }
  return names_known;
}

Draft StreamViewReader::ReadAggregation(const yaml::Node& node, const WindowRule& rule) {
  Draft draft;
  Aggregation& aggregation = draft.aggregation;
  yaml::MapReader reader(node, "aggregation");
  draft.name_node = reader.Required("name");
  if (draft.name_node.has_value())
    aggregation.name = ReadName(*draft.name_node, "name").value_or("");
  aggregation.description = ReadDescription(reader);

  std::optional<yaml::Node> function = reader.Required("function");
  std::optional<yaml::Node> of = reader.Optional("of");
  std::optional<yaml::Node> by = reader.Optional("by");
  if (function.has_value()) ReadFunction(*function, of, by, reader, &aggregation);
  if (auto where = reader.Optional("where"))
    ReadCondition(*where, &aggregation.where_text, &aggregation.where);

  std::optional<yaml::Node> windows = reader.Optional("windows");
  std::optional<yaml::Node> hop = reader.Optional("hop");
  draft.has_window_list = windows.has_value();
  if (windows.has_value()) {
    draft.windows = ReadWindows(*windows, hop, rule);
  } else if (hop.has_value()) {
    hop->Report("a hop needs windows; this aggregation has none");
  }
  if (!windows.has_value() && aggregation.function != nullptr && aggregation.function->needs_window)
    function->Report(fmt::format("function '{}' needs `windows:`", aggregation.function->name));
  if (aggregation.function != nullptr && aggregation.function->needs_window)
    RefuseLengthless(draft, aggregation.function->name);
  draft.default_node = reader.Optional("default");
  aggregation.max_staleness_ms = ReadMaxStaleness(reader);
  reader.Done();
  return draft;
}

void StreamViewReader::ReadFunction(const yaml::Node& node, const std::optional<yaml::Node>& of,
                                    const std::optional<yaml::Node>& by, yaml::MapReader& reader,
                                    Aggregation* aggregation) {
  std::optional<std::string> name = node.AsString("function");
  std::span<const std::string> known = aggregate::AggregateNames();
  bool is_known = name.has_value() && std::find(known.begin(), known.end(), *name) != known.end();
  if (name.has_value() && !is_known) {
    node.Report(
        fmt::format("unknown aggregation function '{}'{}", *name, Suggestion(*name, known)));
  }
  std::optional<aggregate::Parameters> parameters = ReadParameters(
      node, is_known ? std::optional<std::string_view>(*name) : std::nullopt, reader);
  std::optional<Type> input;
  if (of.has_value()) input = ReadInput(*of, "of", &aggregation->of_text, &aggregation->of);
  if (!is_known || input.has_value() != of.has_value()) return;
  const bool takes_by = (aggregate::ParametersOf(*name) & aggregate::kTakesBy) != 0;
  if (takes_by != by.has_value()) {
    return takes_by ? node.Report(fmt::format("function '{}' needs `by:`", *name))
                    : by->Report(fmt::format("function '{}' takes no by", *name));
  }
  std::optional<Type> by_type;
  if (by.has_value()) by_type = ReadInput(*by, "by", &aggregation->by_text, &aggregation->by);
  if (by_type.has_value() != by.has_value()) return;
  if (parameters.has_value() && by_type.has_value()) parameters->by_type = *by_type;
  if (input.has_value() && TakesAsDouble(*name, *input)) {
    if (!TurnToDouble(*of, *name, aggregation)) return;
    input = Type::kDouble;
  }
  auto function = aggregate::FindAggregate(*name, input.has_value() ? &*input : nullptr,
                                           parameters.value_or(aggregate::Parameters()));
  if (!function.ok())
    return (of.has_value() ? *of : node).Report(std::string(function.status().message()));
  if (by_type.has_value() && (*function)->by_is_ordered && !IsOrdered(*by_type))
    return by->Report(fmt::format("function '{}' orders by numbers and timestamps, not by {}",
                                  *name, TypeName(*by_type)));
  if (parameters.has_value()) aggregation->function = *function;
}

// Whether values of the type are doubles to the function: a decimal where its units make no sense.
bool StreamViewReader::TakesAsDouble(std::string_view function, Type input) {
  return input == Type::kDecimal && !aggregate::TakesInput(function, input) &&
         aggregate::TakesInput(function, Type::kDouble);
}

// False, and reported, for an expression that leaves no room for it.
bool StreamViewReader::TurnToDouble(const yaml::Node& of, std::string_view function,
                                    Aggregation* aggregation) const {
  expr::CompileError error;
  const std::string_view text = Trimmed(aggregation->of_text);
  const bool is_field = std::any_of(variables_.begin(), variables_.end(),
                                    [&](const expr::Variable& each) { return each.name == text; });
  // A field without a value is null, as of other types; a computation with null fails. The text is on
  // a line of its own, since a comment may end it.
  aggregation->of =
      expr::Program::Compile(is_field ? fmt::format("has({0}) ? double({0}) : null", text)
                                      : fmt::format("double({}\n)", text),
                             variables_, &error);
  if (aggregation->of == nullptr)
    of.Report(
        fmt::format("function '{}' works on double(...) of this: {}", function, error.message));
  return aggregation->of != nullptr;
}

// A field on its own keeps its type; what is computed has the type of the expression.
std::optional<Type> StreamViewReader::ReadInput(const yaml::Node& node, std::string_view key,
                                                std::string* text,
                                                std::shared_ptr<const expr::Program>* program) {
  std::optional<std::string> written = node.AsString(key);
  if (!written.has_value()) return std::nullopt;
  *text = *written;
  if (!fields_known_) return std::nullopt;
  for (const expr::Variable& variable : variables_) {
    if (variable.name != Trimmed(*text)) continue;
    *program = CompileNode(node, *text, of_variables_);
    return *program == nullptr ? std::nullopt : std::optional<Type>(variable.type);
  }
  *program = CompileNode(node, *text, variables_);
  return *program == nullptr ? std::nullopt : std::optional<Type>((*program)->type());
}

// What divides by the length of a window needs one that has a length.
void StreamViewReader::RefuseLengthless(const Draft& draft, std::string_view function) {
  for (const WrittenWindow& written : draft.windows) {
    if (timeline::FollowsEvents(written.window))
      written.node.Report(fmt::format(
          "function '{}' needs windows of a length; this one is as long as its events make it",
          function));
  }
}

void StreamViewReader::ReadCondition(const yaml::Node& node, std::string* text,
                                     std::shared_ptr<const expr::Program>* program) {
  std::optional<std::string> where = node.AsString("where");
  if (!where.has_value()) return;
  *text = *where;
  if (fields_known_) *program = CompileCondition(node, "where", *where, variables_);
}

void StreamViewReader::CheckAggregationNames(const std::vector<Draft>& drafts) {
  std::map<std::string_view, const Draft*> first;
  for (const Draft& draft : drafts) {
    if (draft.aggregation.name.empty()) continue;
    auto [found, is_new] = first.emplace(draft.aggregation.name, &draft);
    if (is_new) continue;
    draft.name_node->Report(fmt::format("two aggregations are named '{}'; the first is in line {}",
                                        draft.aggregation.name,
                                        found->second->name_node->mark().line));
  }
}

// What the view says about all windows must be about some.
void StreamViewReader::CheckWindowRule(const yaml::Node& list, const WindowRule& rule,
                                       const std::vector<const WrittenWindow*>& windows) {
  std::vector<timeline::Window> different;
  bool has_calendar = false;
  for (const WrittenWindow* written : windows) {
    has_calendar = has_calendar || written->window.calendar != nullptr;
    if (std::find(different.begin(), different.end(), written->window) == different.end())
      different.push_back(written->window);
  }
  if (different.size() > limits::kWindowsMax) {
    list.Report(fmt::format("the view has {} different windows; at most {} are allowed",
                            different.size(), limits::kWindowsMax));
  }
  if (windows.empty() && rule.hop_node.has_value())
    rule.hop_node->Report("no aggregation of this view has a window that could have a hop");
  for (const std::optional<yaml::Node>& node : {rule.time_zone_node, rule.week_starts_node}) {
    if (!has_calendar && node.has_value())
      node->Report("no window of this view follows the calendar");
  }
}

void StreamViewReader::AddFeatures(Draft& draft, const Hops& hops) {
  CheckDefault(draft);
  for (const WrittenWindow& written : draft.windows) {
    timeline::Window window = written.window;
    window.hop_ms =
        written.is_sliding() ? hops.by_length_ms.at(window.window_ms) : stream_.head_hop_ms;
    window.exact = stream_.exact && written.is_sliding();
    draft.aggregation.windows.push_back(window);
  }
  if (!draft.aggregation.name.empty()) {
    if (!draft.has_window_list) AddFeature(draft, draft.aggregation.name, std::nullopt);
    for (uint32_t i = 0; i < draft.windows.size(); ++i)
      AddFeature(draft, draft.aggregation.name + "_" + draft.windows[i].name, i);
  }
  stream_.aggregations.push_back(std::move(draft.aggregation));
}

void StreamViewReader::CheckDefault(Draft& draft) {
  const Aggregation& aggregation = draft.aggregation;
  if (!draft.default_node.has_value() || aggregation.function == nullptr) return;
  if (aggregation.function->gives_list)
    return draft.default_node->Report("a list has no default: without a value it is empty");
  draft.aggregation.default_value = ReadDefault(*draft.default_node, aggregation.function->output);
}

void StreamViewReader::AddFeature(const Draft& draft, const std::string& name,
                                  std::optional<uint32_t> window) {
  const Aggregation& aggregation = draft.aggregation;
  if (FindFeatureOf(view_, name).has_value()) {
    // Two aggregations of one name were reported as that.
    bool is_same_aggregation = false;
    for (const Aggregation& other : stream_.aggregations)
      is_same_aggregation = is_same_aggregation || other.name == aggregation.name;
    if (!is_same_aggregation) {
      draft.name_node->Report(
          fmt::format("the view has two features '{}'; a window's feature is named "
                      "<aggregation>_<window>: rename one",
                      name));
    }
    return;
  }
  if (name.size() > limits::kNameBytesMax) {
    draft.name_node->Report(
        fmt::format("the feature '{}' would have a name of {} bytes; at most {} "
                    "are allowed",
                    name, name.size(), limits::kNameBytesMax));
  }
  Feature feature;
  feature.name = name;
  feature.description = aggregation.description;
  if (aggregation.function != nullptr) feature.type = aggregation.function->output;
  feature.is_list = aggregation.function != nullptr && aggregation.function->gives_list;
  feature.default_value = feature.is_list
                              ? Value(std::string())
                              : aggregation.default_value.value_or(ZeroValue(feature.type));
  feature.max_staleness_ms = aggregation.max_staleness_ms;
  view_.features.push_back(std::move(feature));
  WindowedFeature windowed;
  windowed.aggregation = static_cast<uint32_t>(stream_.aggregations.size());
  windowed.window = window;
  stream_.windowed.push_back(windowed);
}

}  // namespace

KnownView ReadStreamView(yaml::MapReader& reader, const Scope& scope, FeatureView* view) {
  KnownView known{view};
  Watch watch(*scope.diagnostics);
  view->description = ReadDescription(reader);
  ViewInputs inputs = ReadViewInputs(reader, scope, view);
  if (inputs.source != nullptr && inputs.source->kind_known &&
      !inputs.source->source->is_stream()) {
    reader.Required("source")->Report(fmt::format(
        "source '{}' is a file, whose rows have no aggregations; list 'features' instead",
        inputs.source->source->name));
  }
  RefuseKey(
      reader, "features",
      "a view has aggregations, whose names make features, or lists fields of its newest event "
      "as features; make a view of its own for those");
  RefuseKey(reader, "request", "a view with request inputs has no entity, source or aggregations");
  RefuseKey(reader, "retention", "the windows of aggregations bound what is kept");
  RefuseKey(reader, "max_age", "the windows of aggregations bound how old their values are");

  WindowRule rule = ReadWindowRule(reader);
  StreamViewReader stream_reader(inputs.source, view);
  if (auto where = reader.Optional("where")) stream_reader.ReadWhere(*where);
  if (auto list = reader.Required("aggregations"))
    known.names_known = stream_reader.Read(*list, rule);
  reader.Done();
  std::get<StreamView>(view->kind).key_fields = std::move(inputs.key_fields);
  bool inputs_known = inputs.entity != nullptr && inputs.entity->join_keys_known &&
                      inputs.source != nullptr && inputs.source->kind_known &&
                      inputs.source->fields_known;
  known.types_known = watch.clean() && known.names_known && inputs_known;
  return known;
}

}  // namespace freshet::registry
