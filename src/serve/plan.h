// Plans: a feature service or a list of features, compiled to what a request has to do. Every name
// is resolved here, so that answering a request follows indices.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/feature_block.h"
#include "freshet/features.h"
#include "freshet/status.h"

#include "base/datum.h"
#include "registry/registry.h"
#include "store/row.h"
#include "timeline/timeline.h"

namespace freshet::serve {

// A column that the request must bring; the type is what its first user declares.
struct RequestColumn {
  std::string name;
  Type type = Type::kInt64;
};

// How the key of one entity is made of the request's entity columns.
struct KeyPlan {
  const registry::Entity* entity = nullptr;
  std::vector<uint32_t> columns;  // per join key: an index into Plan::entity_columns
};

// One feature to compute. The first Plan::output_count slots are the answer's columns; the others
// are computed because on-demand features depend on them.
struct Slot {
  std::string name;  // "view.feature", as it is answered
  const registry::Feature* feature = nullptr;
  Datum default_value;                    // borrows from `feature`
  Datum::Kind kind = Datum::Kind::kNull;  // of the values that are put; a list is a string, packed
};

// The features that come from one table that a stream feeds, of timelines or of rows.
struct StreamRead {
  const registry::FeatureView* view = nullptr;
  uint32_t key = 0;     // an index into Plan::keys
  uint32_t source = 0;  // an index into Plan::sources
  registry::TableId table = 0;
  uint64_t number = 0;  // which no other read of this process has
  std::vector<uint32_t> slots;
  // Of timelines.
  const timeline::Schema* schema = nullptr;
  std::vector<timeline::Want> wants;  // per slot
  std::string truncated_reason;       // for answers that the bounds of a timeline cut off
  // Of rows.
  std::optional<store::RowLayout> layout;
  std::vector<uint32_t> columns;  // per slot

  bool is_of_rows() const { return layout.has_value(); }
};

// The features that come from the loaded rows of one batch view.
struct RowRead {
  uint32_t key = 0;
  const registry::FeatureView* view = nullptr;
  std::vector<uint32_t> slots;
  std::vector<std::string> columns;  // per slot: the name of the stored column
};

// One on-demand feature, and how the variables of its expression get their values.
struct DerivedRead {
  struct Input {
    uint32_t variable = 0;
    uint32_t column = 0;  // an index into Plan::input_columns
    Type type = Type::kInt64;
  };
  struct Dependency {
    uint32_t variable = 0;
    uint32_t slot = 0;
  };
  uint32_t slot = 0;
  const expr::Program* program = nullptr;
  const std::string* text = nullptr;  // of the expression
  size_t variable_count = 0;
  std::vector<Input> inputs;
  std::vector<Dependency> dependencies;
  std::optional<uint32_t> now_variable;
};

// What the feature service says for requests that do not.
struct ServiceDefaults {
  std::optional<int64_t> max_staleness_ms;
  std::optional<StaleAction> stale_action;
  std::optional<int64_t> timeout_ms;
};

struct Plan {
  std::shared_ptr<const registry::Registry> registry;  // what the pointers below point into
  std::string subject;                                 // for messages: "feature service 'ranking'"
  std::vector<RequestColumn> entity_columns;
  std::vector<RequestColumn> input_columns;
  std::vector<KeyPlan> keys;
  std::vector<Slot> slots;
  uint32_t output_count = 0;
  std::shared_ptr<const FeatureShape> shape;  // of the answer
  uint32_t list_count = 0;                    // in it
  std::vector<StreamRead> streams;
  std::vector<RowRead> rows;
  std::vector<DerivedRead> derived;  // each after what it reads
  std::vector<std::string> sources;  // the streams behind the features, sorted
  ServiceDefaults defaults;
  bool has_staleness_bounds = false;  // of features of their own
};

// Compiles features of `registry`, each at most once. `subject` names them in messages.
Plan CompilePlan(std::shared_ptr<const registry::Registry> registry, std::string subject,
                 std::span<const registry::ServedFeature> features);
// Those of a feature service, with its defaults.
Plan CompilePlan(std::shared_ptr<const registry::Registry> registry,
                 const registry::FeatureService& service);

}  // namespace freshet::serve
