#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/expressions.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

constexpr std::string_view kRequest = "request";
constexpr std::string_view kNow = "now";

// To expressions a timestamp is its milliseconds since 1970, so that ages are differences.
Type Computable(Type type) {
  return type == Type::kTimestamp ? Type(Type::kInt64) : type;
}

// Whether values of an expression of that type can stand in a feature of the declared one.
bool Fits(Type computed, Type declared) {
  switch (declared) {
    case Type::kBool:
    case Type::kString:
      return computed == declared;
    case Type::kInt32:
    case Type::kInt64:
    case Type::kTimestamp:
      return computed == Type::kInt64;
    case Type::kFloat:
    case Type::kDouble:
      return computed == Type::kInt64 || computed == Type::kDouble;
    case Type::kBytes:
      break;
    case Type::kDecimal:
      return computed == Type::kInt64 ||
             (computed == Type::kDecimal && computed.scale <= declared.scale);
  }
  return false;
}

std::string TypesThatFit(Type computed) {
  switch (computed) {
    case Type::kInt64:
      return "int32, int64, float, double, timestamp or a decimal";
    case Type::kDouble:
      return "float or double; int(...) makes a whole number";
    case Type::kDecimal:
      return fmt::format("{} or one of more digits; double(...) makes a double",
                         TypeName(computed));
    default:
      return std::string(TypeName(computed));
  }
}

// One feature as it is written, and what its expression reads.
struct DerivedDraft {
  Feature feature;
  std::string text;
  std::optional<yaml::Node> name_node;
  std::optional<yaml::Node> type_node;
  std::optional<yaml::Node> expression_node;
  std::optional<yaml::Node> default_node;
  bool type_known = false;
};

DerivedDraft ReadDerivedDraft(const yaml::Node& node) {
  DerivedDraft draft;
  yaml::MapReader reader(node, "feature");
  draft.name_node = reader.Required("name");
  if (draft.name_node.has_value())
    draft.feature.name = ReadName(*draft.name_node, "name").value_or("");
  draft.feature.description = ReadDescription(reader);
  draft.type_node = reader.Required("type");
  if (draft.type_node.has_value()) {
    std::optional<Type> type = ReadType(*draft.type_node, "the type");
    if (type == Type::kBytes) {
      draft.type_node->Report("a feature cannot be of type bytes, which is for join keys");
      type.reset();
    }
    draft.type_known = type.has_value();
    draft.feature.type = type.value_or(Type::kInt64);
  }
  draft.default_node = reader.Optional("default");
  draft.feature.default_value = ZeroValue(draft.feature.type);
  if (draft.type_known && draft.default_node.has_value()) {
    draft.feature.default_value = ReadDefault(*draft.default_node, draft.feature.type)
                                      .value_or(ZeroValue(draft.feature.type));
  }
  draft.expression_node = reader.Required("expr");
  if (draft.expression_node.has_value())
    draft.text = draft.expression_node->AsString("expr").value_or("");
  reader.Done();
  return draft;
}

class OnDemandViewReader {
 public:
  OnDemandViewReader(const Scope& scope, FeatureView* view)
      : scope_(scope), view_(*view), on_demand_(view->kind.emplace<OnDemandView>()) {}

  void ReadInputs(const yaml::Node& node) {
    Watch watch(*scope_.diagnostics);
    // `request: {}` says that there are none, as leaving it out does.
    if (!node.is_map() || !node.AsMap("request").empty())
      on_demand_.inputs = ReadFields(node, "the request inputs", limits::kFieldsMax);
    for (const Field& input : on_demand_.inputs) {
      if (input.type == Type::kBytes)
        node.Peek(input.name)
            ->Report(fmt::format(
                "the request input '{}' cannot be of type bytes, which is for join keys",
                input.name));
    }
    inputs_known_ = watch.clean();
  }
  // False when the names of the features are not all known.
  bool ReadFeatures(const yaml::Node& list);

 private:
  bool ResolveNames(const DerivedDraft& draft, uint32_t index);
  bool ResolveName(const DerivedDraft& draft, uint32_t index, const DottedName& name);
  bool ResolveOwn(const DerivedDraft& draft, uint32_t index, const DottedName& name);
  void CheckDepth(const DerivedDraft& draft, DerivedFeature* derived) const;
  bool ReadsUncompiled(const DerivedDraft& draft) const;
  void AddDependency(const FeatureView& view, uint32_t feature);
  std::shared_ptr<const expr::Program> Compile(const DerivedDraft& draft) const;
  std::vector<expr::Variable> Variables() const;

  const Scope& scope_;
  FeatureView& view_;
  OnDemandView& on_demand_;
  bool inputs_known_ = true;
};

bool OnDemandViewReader::ReadFeatures(const yaml::Node& list) {
  std::vector<DerivedDraft> drafts;
  bool names_known = true;
  for (const yaml::Node& item : ReadItems(list, "the features", limits::kFeaturesPerViewMax)) {
    DerivedDraft draft = ReadDerivedDraft(item);
    names_known = names_known && !draft.feature.name.empty();
    if (!draft.feature.name.empty() && FindFeatureOf(view_, draft.feature.name).has_value()) {
      draft.name_node->Report(fmt::format("the view has two features '{}'", draft.feature.name));
      continue;
    }
    view_.features.push_back(draft.feature);
    on_demand_.derived.push_back({.text = draft.text, .program = nullptr});
    drafts.push_back(std::move(draft));
  }
  std::vector<bool> resolved;
  for (uint32_t i = 0; i < drafts.size(); ++i) resolved.push_back(ResolveNames(drafts[i], i));
  for (size_t i = 0; i < drafts.size(); ++i) {
    if (!resolved[i] || !inputs_known_ || !drafts[i].expression_node.has_value()) continue;
    if (ReadsUncompiled(drafts[i])) continue;
    on_demand_.derived[i].program = Compile(drafts[i]);
    CheckDepth(drafts[i], &on_demand_.derived[i]);
  }
  return names_known;
}

// Makes the features that an expression reads dependencies of the view. False when a name is wrong
// or belongs to something that is.
bool OnDemandViewReader::ResolveNames(const DerivedDraft& draft, uint32_t index) {
  bool all_resolved = true;
  for (const DottedName& name : DottedNames(draft.text)) {
    if (name.head == kRequest) continue;
    all_resolved = ResolveName(draft, index, name) && all_resolved;
  }
  return all_resolved;
}

bool OnDemandViewReader::ResolveName(const DerivedDraft& draft, uint32_t index,
                                     const DottedName& name) {
  const yaml::Node& node = *draft.expression_node;
  if (name.head == view_.name) return ResolveOwn(draft, index, name);
  const KnownView* known = FindKnown(scope_.views, "feature view", name.head, node, name.offset);
  if (known == nullptr) return false;
  if (!known->is_read) {
    node.ReportAt(name.offset,
                  fmt::format("the on-demand view '{}' is defined after '{}'; an expression reads "
                              "on-demand features that are defined before it: move it up",
                              name.head, view_.name));
    return false;
  }
  std::optional<uint32_t> feature = FindFeatureOf(*known->view, name.tail);
  if (!feature.has_value()) {
    if (known->names_known)
      node.ReportAt(name.tail_offset, UnknownFeature(*known->view, name.tail));
    return false;
  }
  if (!known->types_known) return false;
  if (known->view->features[*feature].is_list) {
    node.ReportAt(name.tail_offset,
                  fmt::format("'{}.{}' is a list, which expressions do not compute with", name.head,
                              name.tail));
    return false;
  }
  AddDependency(*known->view, *feature);
  return true;
}

// A feature of this view reads those before it, so that none can hang on itself.
bool OnDemandViewReader::ResolveOwn(const DerivedDraft& draft, uint32_t index,
                                    const DottedName& name) {
  const yaml::Node& node = *draft.expression_node;
  const std::optional<uint32_t> feature = FindFeatureOf(view_, name.tail);
  if (!feature.has_value()) {
    node.ReportAt(name.tail_offset, UnknownFeature(view_, name.tail));
    return false;
  }
  if (*feature >= index) {
    node.ReportAt(name.tail_offset,
                  fmt::format("'{}.{}' does not stand before this feature; an expression reads "
                              "those of its own view that do",
                              name.head, name.tail));
    return false;
  }
  AddDependency(view_, *feature);
  return true;
}

// Requests follow such chains.
void OnDemandViewReader::CheckDepth(const DerivedDraft& draft, DerivedFeature* derived) const {
  if (derived->program == nullptr) return;
  for (const size_t used : derived->program->used_variables()) {
    if (used < on_demand_.inputs.size() || used == on_demand_.now_variable()) continue;
    const FeatureReference& read = on_demand_.dependencies[used - on_demand_.inputs.size()];
    if (const OnDemandView* view = read.view->on_demand())
      derived->depth = std::max(derived->depth, view->derived[read.feature].depth + 1);
  }
  if (derived->depth <= limits::kDerivedDepthMax) return;
  draft.expression_node->Report(
      fmt::format("this reads a chain of {} on-demand features; at most {} may read one another",
                  derived->depth, limits::kDerivedDepthMax));
}

// Whether something that the expression reads in this view is wrong, which was reported there.
bool OnDemandViewReader::ReadsUncompiled(const DerivedDraft& draft) const {
  for (const DottedName& name : DottedNames(draft.text)) {
    if (name.head != view_.name) continue;
    if (on_demand_.derived[*FindFeatureOf(view_, name.tail)].program == nullptr) return true;
  }
  return false;
}

void OnDemandViewReader::AddDependency(const FeatureView& view, uint32_t feature) {
  for (const FeatureReference& each : on_demand_.dependencies) {
    if (each.view == &view && each.feature == feature) return;
  }
  on_demand_.dependencies.push_back({&view, feature});
}

std::shared_ptr<const expr::Program> OnDemandViewReader::Compile(const DerivedDraft& draft) const {
  std::shared_ptr<const expr::Program> program =
      CompileNode(*draft.expression_node, draft.text, Variables());
  if (program != nullptr && draft.type_known && !Fits(program->type(), draft.feature.type)) {
    draft.type_node->Report(fmt::format(
        "the expression is of type {}, which does not fit {}; declare it {}",
        TypeName(program->type()), TypeName(draft.feature.type), TypesThatFit(program->type())));
  }
  return program;
}

std::vector<expr::Variable> OnDemandViewReader::Variables() const {
  std::vector<expr::Variable> variables;
  for (const Field& input : on_demand_.inputs)
    variables.push_back({fmt::format("{}.{}", kRequest, input.name), Computable(input.type)});
  for (const FeatureReference& dependency : on_demand_.dependencies) {
    const Feature& feature = dependency.view->features[dependency.feature];
    variables.push_back(
        {fmt::format("{}.{}", dependency.view->name, feature.name), Computable(feature.type)});
  }
  variables.push_back({std::string(kNow), Type::kInt64});
  return variables;
}

}  // namespace

KnownView ReadOnDemandView(yaml::MapReader& reader, const Scope& scope, FeatureView* view) {
  KnownView known{view};
  Watch watch(*scope.diagnostics);
  view->description = ReadDescription(reader);
  constexpr std::string_view kReason =
      "an on-demand view computes from request inputs and other views' features";
  for (std::string_view key :
       {"entity", "source", "aggregations", "max_age", "retention", "exact", "hop"})
    RefuseKey(reader, key, kReason);
  OnDemandViewReader view_reader(scope, view);
  if (auto inputs = reader.Optional("request")) view_reader.ReadInputs(*inputs);
  if (auto list = reader.Required("features")) known.names_known = view_reader.ReadFeatures(*list);
  reader.Done();
  // An expression that reads something that is wrong elsewhere was left alone, and nothing was
  // reported here.
  const std::vector<DerivedFeature>& derived = view->on_demand()->derived;
  bool all_compiled = std::all_of(derived.begin(), derived.end(), [](const DerivedFeature& each) {
    return each.program != nullptr;
  });
  known.types_known = watch.clean() && known.names_known && all_compiled;
  return known;
}

}  // namespace freshet::registry
