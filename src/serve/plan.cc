#include "serve/plan.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "registry/tables.h"

namespace freshet::serve {
namespace {

using registry::FeatureReference;
using registry::FeatureView;
using registry::KeyColumns;
using registry::ServedFeature;

class Compiler {
 public:
  Compiler(std::shared_ptr<const registry::Registry> registry, std::string subject) {
    plan_.registry = std::move(registry);
    plan_.subject = std::move(subject);
  }

  Plan Compile(std::span<const ServedFeature> features) {
    CollectSources(features);
    for (const ServedFeature& feature : features)
      AddSlot(feature, feature.key_columns.get(), feature.name);
    plan_.output_count = static_cast<uint32_t>(plan_.slots.size());
    AddShape();
    // Dependencies are found by way of slots, so those of the outputs get theirs once every output
    // has its own.
    for (uint32_t slot = 0; slot < plan_.output_count; ++slot)
      AddRead(features[slot], features[slot].key_columns.get(), slot);
    plan_.has_staleness_bounds =
        std::any_of(plan_.slots.begin(), plan_.slots.end(),
                    [](const Slot& slot) { return slot.feature->max_staleness_ms.has_value(); });
    return std::move(plan_);
  }

 private:
  void AddShape() {
    auto shape = std::make_shared<FeatureShape>();
    for (const Slot& slot : plan_.slots) {
      const bool is_list = slot.feature->is_list;
      shape->features.push_back(
          {slot.name, slot.feature->type, is_list, is_list ? plan_.list_count++ : 0});
    }
    plan_.shape = std::move(shape);
  }

  void CollectSources(std::span<const ServedFeature> features) {
    for (const FeatureReference& feature : features) AddSources(feature);
    std::sort(plan_.sources.begin(), plan_.sources.end());
  }

  void AddSources(const FeatureReference& feature) {
    if (!looked_at_.emplace(feature.view, feature.feature).second) return;
    AddSource(*feature.view);
    const registry::OnDemandView* on_demand = feature.view->on_demand();
    if (on_demand == nullptr) return;
    for (const size_t used : on_demand->derived[feature.feature].program->used_variables()) {
      if (used >= on_demand->inputs.size() && used != on_demand->now_variable())
        AddSources(on_demand->dependencies[used - on_demand->inputs.size()]);
    }
  }

  void AddSource(const FeatureView& view) {
    if (view.fed_by() == nullptr) return;
    const std::string& name = view.fed_by()->name;
    if (std::find(plan_.sources.begin(), plan_.sources.end(), name) == plan_.sources.end()) {
      plan_.sources.push_back(name);
    }
  }

  // A feature that stands under two aliases with the same key columns has two slots, and what reads
  // it takes the first.
  uint32_t AddSlot(const FeatureReference& reference, const KeyColumns* key_columns,
                   std::string name) {
    const registry::Feature& feature = reference.view->features[reference.feature];
    const auto slot = static_cast<uint32_t>(plan_.slots.size());
    slots_.emplace(std::tuple(reference.view, reference.feature, key_columns), slot);
    plan_.slots.push_back({std::move(name), &feature, ToDatum(feature.default_value),
                           feature.is_list ? Datum::Kind::kString : KindOf(feature.type)});
    return slot;
  }

  void AddRead(const FeatureReference& feature, const KeyColumns* key_columns, uint32_t slot) {
    if (feature.view->fed_by() != nullptr) {
      AddStreamRead(feature, key_columns, slot);
    } else if (feature.view->batch() != nullptr) {
      AddRowRead(feature, key_columns, slot);
    } else {
      AddDerived(feature, key_columns, slot);
    }
  }

  void AddStreamRead(const FeatureReference& feature, const KeyColumns* key_columns,
                     uint32_t slot) {
    const uint32_t key = KeyOf(*feature.view->entity, key_columns);
    if (const registry::StreamView* stream = feature.view->stream()) {
      const registry::WindowedFeature& windowed = stream->windowed[feature.feature];
      const registry::TimelineTable& table = stream->tables[windowed.table];
      StreamRead& read = FindStreamRead(*feature.view, table.id, key);
      if (read.schema == nullptr) SetSchema(table.schema, read);
      read.wants.push_back(windowed.want);
      read.slots.push_back(slot);
    } else {
      const registry::BatchView& batch = *feature.view->batch();
      const registry::RowColumn& column = batch.columns[feature.feature];
      const registry::RowTable& table = batch.tables[column.table];
      StreamRead& read = FindStreamRead(*feature.view, table.id, key);
      if (!read.is_of_rows()) read.layout.emplace(registry::ColumnTypesOf(*feature.view, table));
      read.columns.push_back(column.column);
      read.slots.push_back(slot);
    }
  }

  StreamRead& FindStreamRead(const FeatureView& view, registry::TableId table, uint32_t key) {
    const auto known =
        std::find_if(plan_.streams.begin(), plan_.streams.end(), [&](const StreamRead& candidate) {
          return candidate.table == table && candidate.key == key;
        });
    if (known != plan_.streams.end()) return *known;
    const auto source =
        std::lower_bound(plan_.sources.begin(), plan_.sources.end(), view.fed_by()->name);
    static std::atomic<uint64_t> last_number = 0;
    StreamRead& read = plan_.streams.emplace_back();
    read.number = ++last_number;
    read.view = &view;
    read.key = key;
    read.source = static_cast<uint32_t>(source - plan_.sources.begin());
    read.table = table;
    return read;
  }

  static void SetSchema(const timeline::Schema& schema, StreamRead& read) {
    const size_t cells_max = schema.options().cells_max;
    read.schema = &schema;
    read.truncated_reason = fmt::format(
        "the window reaches behind what one timeline keeps, at most {} cells in {} bytes and {} "
        "single "
        "events, a session has gone on for longer than its `longest`, or the read is at a time "
        "before events that came since; a larger hop, a smaller window or a larger `longest` fits",
        cells_max != 0 ? cells_max : limits::kTimelineCellsMax, limits::kTimelineBytesMax,
        limits::kRecentEventsMax);
  }

  void AddRowRead(const FeatureReference& feature, const KeyColumns* key_columns, uint32_t slot) {
    const uint32_t key = KeyOf(*feature.view->entity, key_columns);
    auto read = std::find_if(plan_.rows.begin(), plan_.rows.end(), [&](const RowRead& candidate) {
      return candidate.view == feature.view && candidate.key == key;
    });
    if (read == plan_.rows.end()) {
      RowRead fresh;
      fresh.key = key;
      fresh.view = feature.view;
      read = plan_.rows.insert(plan_.rows.end(), std::move(fresh));
    }
    read->slots.push_back(slot);
    read->columns.push_back(feature.view->features[feature.feature].name);
  }

  void AddDerived(const FeatureReference& feature, const KeyColumns* key_columns, uint32_t slot) {
    if (!derived_.insert(slot).second) return;
    const registry::OnDemandView& view = *feature.view->on_demand();
    DerivedRead read;
    read.slot = slot;
    read.program = view.derived[feature.feature].program.get();
    read.text = &view.derived[feature.feature].text;
    read.variable_count = view.now_variable() + 1;
    for (const size_t used : read.program->used_variables()) {
      const auto variable = static_cast<uint32_t>(used);
      if (used < view.inputs.size()) {
        const registry::Field& input = view.inputs[used];
        read.inputs.push_back(
            {variable, ColumnOf(plan_.input_columns, input.name, input.type), input.type});
      } else if (used == view.now_variable()) {
        read.now_variable = variable;
      } else {
        const FeatureReference& dependency = view.dependencies[used - view.inputs.size()];
        read.dependencies.push_back({variable, SlotOf(dependency, key_columns)});
      }
    }
    // What it reads has put itself there by now.
    plan_.derived.push_back(std::move(read));
  }

  // The slot of a feature that another reads, with its own read.
  uint32_t SlotOf(const FeatureReference& feature, const KeyColumns* key_columns) {
    const auto known = slots_.find(std::tuple(feature.view, feature.feature, key_columns));
    const bool is_known = known != slots_.end();
    const uint32_t slot =
        is_known ? known->second
                 : AddSlot(feature, key_columns,
                           feature.view->name + "." + feature.view->features[feature.feature].name);
    if (!is_known || feature.view->on_demand() != nullptr) AddRead(feature, key_columns, slot);
    return slot;
  }

  uint32_t KeyOf(const registry::Entity& entity, const KeyColumns* key_columns) {
    KeyPlan key;
    key.entity = &entity;
    for (const registry::JoinKey& join_key : entity.join_keys) {
      key.columns.push_back(
          ColumnOf(plan_.entity_columns, registry::ColumnOf(join_key, key_columns), join_key.type));
    }
    const auto known =
        std::find_if(plan_.keys.begin(), plan_.keys.end(), [&](const KeyPlan& other) {
          return other.entity == key.entity && other.columns == key.columns;
        });
    const auto index = static_cast<uint32_t>(known - plan_.keys.begin());
    if (known == plan_.keys.end()) plan_.keys.push_back(std::move(key));
    return index;
  }

  static uint32_t ColumnOf(std::vector<RequestColumn>& columns, const std::string& name,
                           Type type) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].name == name) return static_cast<uint32_t>(i);
    }
    columns.push_back({name, type});
    return static_cast<uint32_t>(columns.size() - 1);
  }

  Plan plan_;
  std::map<std::tuple<const FeatureView*, uint32_t, const KeyColumns*>, uint32_t> slots_;
  std::set<std::pair<const FeatureView*, uint32_t>> looked_at_;  // for sources
  std::set<uint32_t> derived_;                                   // slots
};

}  // namespace

Plan CompilePlan(std::shared_ptr<const registry::Registry> registry,
                 const registry::FeatureService& service) {
  Plan plan = CompilePlan(std::move(registry), fmt::format("feature service '{}'", service.name),
                          service.features);
  plan.defaults = {service.max_staleness_ms, service.stale_action, service.timeout_ms};
  return plan;
}

Plan CompilePlan(std::shared_ptr<const registry::Registry> registry, std::string subject,
                 std::span<const ServedFeature> features) {
  return Compiler(std::move(registry), std::move(subject)).Compile(features);
}

}  // namespace freshet::serve
