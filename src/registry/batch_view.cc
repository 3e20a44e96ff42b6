#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "registry/expressions.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

// One feature as it is written: a name alone, or a map.
struct RowFeatureDraft {
  std::string name;
  std::string field;
  std::string description;
  std::optional<yaml::Node> name_node;
  std::optional<yaml::Node> field_node;
  std::optional<yaml::Node> default_node;
  std::optional<yaml::Node> expect_node;
  std::optional<int64_t> max_staleness_ms;
};

// What rows come from, as far as it is known. Neither, and nothing is refused for it.
struct RowOrigin {
  bool is_file = false;
  bool is_stream = false;
};

RowOrigin OriginOf(const KnownSource* source) {
  if (source == nullptr || !source->kind_known) return {};
  return {.is_file = !source->source->is_stream(), .is_stream = source->source->is_stream()};
}

RowFeatureDraft ReadRowFeatureDraft(const yaml::Node& node, const RowOrigin& origin) {
  RowFeatureDraft draft;
  if (!node.is_map()) {
    draft.name_node = node;
    draft.name = ReadName(node, "feature").value_or("");
    draft.field_node = node;
    draft.field = draft.name;
    return draft;
  }
  yaml::MapReader reader(node, "feature");
  draft.name_node = reader.Required("name");
  if (draft.name_node.has_value()) draft.name = ReadName(*draft.name_node, "name").value_or("");
  draft.field_node = draft.name_node;
  draft.field = draft.name;
  if (auto field = reader.Optional("field")) {
    draft.field_node = field;
    draft.field = ReadDataName(*field, "field").value_or("");
  }
  draft.default_node = reader.Optional("default");
  if (origin.is_stream)
    RefuseKey(reader, "expect", "it judges loads, and a stream feeds this view");
  if (origin.is_file)
    RefuseKey(reader, "max_staleness", "a file is no stream that could be behind");
  draft.expect_node = reader.Optional("expect");
  draft.max_staleness_ms = ReadMaxStaleness(reader);
  draft.description = ReadDescription(reader);
  reader.Done();
  return draft;
}

// The position of the field; otherwise nothing, reported.
std::optional<uint32_t> FindField(const RowFeatureDraft& draft, const Source& source) {
  std::vector<std::string> names;
  for (const Field& field : source.fields) names.push_back(field.name);
  auto found = std::find(names.begin(), names.end(), draft.field);
  if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
  draft.field_node->Report(fmt::format("source '{}' has no field '{}'{}", source.name, draft.field,
                                       Suggestion(draft.field, names)));
  return std::nullopt;
}

// Adds the feature. False when its name is not known.
bool AddFeature(const RowFeatureDraft& draft, const KnownSource* source, FeatureView* view,
                BatchView* batch) {
  if (draft.name.empty()) return false;
  if (FindFeatureOf(*view, draft.name).has_value()) {
    draft.name_node->Report(fmt::format("the view has two features '{}'", draft.name));
    return true;
  }
  Feature feature;
  feature.name = draft.name;
  feature.description = draft.description;
  feature.max_staleness_ms = draft.max_staleness_ms;
  uint32_t position = 0;
  Expectation expectation;
  if (source != nullptr && source->fields_known && !draft.field.empty()) {
    std::optional<uint32_t> field = FindField(draft, *source->source);
    if (field.has_value()) {
      position = *field;
      feature.type = source->source->fields[*field].type;
      if (draft.default_node.has_value()) {
        feature.default_value =
            ReadDefault(*draft.default_node, feature.type).value_or(ZeroValue(feature.type));
      }
      if (draft.expect_node.has_value())
        expectation = ReadExpectation(*draft.expect_node, feature.type);
    }
  }
  if (!draft.default_node.has_value()) feature.default_value = ZeroValue(feature.type);
  view->features.push_back(std::move(feature));
  batch->feature_fields.push_back(position);
  batch->expectations.push_back(std::move(expectation));
  return true;
}

// Retention must not take away what is served.
std::optional<int64_t> ReadRetention(const yaml::Node& node, std::optional<int64_t> max_age_ms) {
  const std::optional<int64_t> retention_ms = node.AsDurationMs("retention");
  if (!retention_ms.has_value()) return std::nullopt;
  if (!max_age_ms.has_value()) {
    node.Report(
        "retention drops rows for good, but without a max_age rows of any age are served; say with "
        "max_age for how long rows are served");
  } else if (*retention_ms < *max_age_ms) {
    node.Report(
        fmt::format("retention {} is less than max_age {}: rows would be dropped that are still "
                    "served; make it "
                    "{} or more",
                    FormatDurationMs(*retention_ms), FormatDurationMs(*max_age_ms),
                    FormatDurationMs(*max_age_ms)));
  }
  return retention_ms;
}

uint64_t ReadRowsMin(const yaml::Node& node) {
  const int64_t rows = node.AsInt("min_rows").value_or(0);
  if (rows < 0) node.Report("min_rows is a number of rows, 0 or more");
  return static_cast<uint64_t>(std::max<int64_t>(0, rows));
}

void ReadDeleteWhen(const yaml::Node& node, const KnownSource* source, BatchView* batch) {
  std::optional<std::string> text = node.AsString("delete_when");
  if (!text.has_value()) return;
  batch->delete_when_text = *text;
  if (source == nullptr || !source->fields_known) return;
  batch->delete_when =
      CompileCondition(node, "delete_when", *text, VariablesOf(source->source->fields));
}

// What holds for the rows of a stream, or for those of a file.
void ReadOriginKeys(yaml::MapReader& reader, const RowOrigin& origin, const KnownSource* source,
                    BatchView* batch) {
  if (origin.is_file)
    RefuseKey(reader, "delete_when",
              "rows of a file delete by the column that `freshet load --delete-column` names");
  if (origin.is_stream)
    RefuseKey(reader, "min_rows", "it judges loads, and a stream feeds this view");
  if (auto delete_when = reader.Optional("delete_when"))
    ReadDeleteWhen(*delete_when, source, batch);
  if (auto rows_min = reader.Optional("min_rows")) batch->rows_min = ReadRowsMin(*rows_min);
}

}  // namespace

KnownView ReadBatchView(yaml::MapReader& reader, const Scope& scope, FeatureView* view) {
  KnownView known{view};
  Watch watch(*scope.diagnostics);
  BatchView batch;
  view->description = ReadDescription(reader);
  ViewInputs inputs = ReadViewInputs(reader, scope, view);
  const RowOrigin origin = OriginOf(inputs.source);
  RefuseKey(reader, "aggregations", "a view over a file lists features, one a column");
  RefuseKey(reader, "request", "a view with request inputs has no entity and no source");
  RefuseKey(reader, "exact", "only aggregations have windows");
  RefuseKey(reader, "hop", "only aggregations have windows");
  if (auto max_age = reader.Optional("max_age"))
    batch.max_age_ms = max_age->AsDurationMs("max_age");
  if (auto retention = reader.Optional("retention"))
    batch.retention_ms = ReadRetention(*retention, batch.max_age_ms);
  ReadOriginKeys(reader, origin, inputs.source, &batch);

  if (inputs.entity != nullptr && inputs.entity->join_keys_known &&
      view->entity->join_keys.empty()) {
    reader.Optional("entity")->Report(
        fmt::format("entity '{}' has no join keys, and rows are found by them; only views with "
                    "aggregations may "
                    "have such an entity",
                    view->entity->name));
  }
  if (auto list = reader.Required("features")) {
    known.names_known = true;
    for (const yaml::Node& item : ReadItems(*list, "the features", limits::kFeaturesPerViewMax)) {
      bool is_named = AddFeature(ReadRowFeatureDraft(item, origin), inputs.source, view, &batch);
      known.names_known = known.names_known && is_named;
    }
  }
  reader.Done();
  if (inputs.source != nullptr) batch.source = inputs.source->source;
  batch.key_fields = std::move(inputs.key_fields);
  view->kind = std::move(batch);
  bool inputs_known = inputs.entity != nullptr && inputs.entity->join_keys_known &&
                      inputs.source != nullptr && inputs.source->kind_known &&
                      inputs.source->fields_known;
  known.types_known = watch.clean() && known.names_known && inputs_known;
  return known;
}

}  // namespace freshet::registry
