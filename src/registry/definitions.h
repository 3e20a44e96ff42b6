// The definitions of a feature store: plain data, immutable once a Registry holds them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "freshet/features.h"
#include "freshet/value.h"

#include "expr/program.h"
#include "registry/expectation.h"
#include "timeline/timeline.h"
#include "yaml/document.h"

namespace freshet::registry {

// A name for stored state. Given out once and never again, so that bytes of what was removed cannot
// come back under it.
using TableId = uint32_t;

struct JoinKey {
  std::string name;
  Type type = Type::kInt64;  // kInt32, kInt64, kString or kBool
};

struct Entity {
  std::string name;
  std::string description;
  std::vector<JoinKey> join_keys;  // their order is the order in the entity key
};

struct Field {
  std::string name;
  Type type = Type::kInt64;
};

enum class TimestampUnit : uint8_t {
  kRfc3339,
  kSeconds,
  kMilliseconds,
  kMicroseconds,
  kNanoseconds
};

struct Timestamp {
  std::string field;
  TimestampUnit unit = TimestampUnit::kRfc3339;
};

struct KafkaLog {
  std::string topic;
  std::string dead_letter_topic;  // empty: bad events are counted and logged only
};
struct PushLog {};
enum class FileFormat : uint8_t { kCsv, kJsonl, kParquet, kArrow };
struct FileRows {
  std::string path;  // as written; relative to where `freshet load` runs
  FileFormat format = FileFormat::kCsv;
  std::vector<std::string> nulls;  // csv: fields that say null, beside the empty one
};

// Which events are repeats of one that an entity has had already.
struct Deduplication {
  uint32_t field = 0;     // index into Source::fields: what a repeat has in common with the first
  int64_t within_ms = 0;  // for how long an event is remembered
};

struct Source {
  uint32_t id = 0;  // from the catalog
  std::string name;
  std::string description;
  std::variant<KafkaLog, PushLog, FileRows> kind;
  Timestamp timestamp;
  std::vector<Field> fields;                   // without the timestamp's, unless it is listed too
  int64_t clock_skew_ms = 0;                   // events may be this far ahead of their record
  std::optional<Deduplication> deduplication;  // of streams
  bool is_stream() const { return !std::holds_alternative<FileRows>(kind); }
};

// What the three kinds of view have in common about one feature.
struct Feature {
  std::string name;  // within its view, e.g. "clicks_1m"
  std::string description;
  Type type = Type::kInt64;                 // of a list: of its elements
  bool is_list = false;                     // its default is the empty list, as an empty string
  Value default_value;                      // never null: the definition's, else the type's zero
  std::optional<int64_t> max_staleness_ms;  // of the stream behind it
};

// Part of a stream view whose state lives in one timeline per entity. A view has one table, and one
// more for each time that aggregations or windows were added to it while it lived: each is filled
// from the beginning of its stream.
struct TimelineTable {
  TableId id = 0;
  timeline::Schema schema;
  // Per aggregation of the schema: the index into StreamView::aggregations.
  std::vector<uint32_t> aggregations;
};

struct Aggregation {
  std::string name;
  std::string description;
  std::shared_ptr<const aggregate::Aggregate> function;
  std::string of_text;                      // empty: none
  std::shared_ptr<const expr::Program> of;  // over the source's fields, in their order
  std::string by_text;                      // empty: none
  std::shared_ptr<const expr::Program> by;  // as `of`
  std::string where_text;
  std::shared_ptr<const expr::Program> where;
  std::vector<timeline::Window> windows;  // ascending; empty: the lifetime
  std::optional<Value> default_value;
  std::optional<int64_t> max_staleness_ms;
};

// Where a feature of a stream view is found.
struct WindowedFeature {
  uint32_t aggregation = 0;        // index into StreamView::aggregations
  std::optional<uint32_t> window;  // index into that aggregation's windows
  uint32_t table = 0;              // index into StreamView::tables
  timeline::Want want;             // within that table
};

struct StreamView {
  const Source* source = nullptr;
  std::vector<uint32_t> key_fields;  // per join key: the index into Source::fields
  std::string where_text;            // empty: all events of the source are the view's
  std::shared_ptr<const expr::Program> where;
  std::vector<Aggregation> aggregations;
  bool exact = false;  // windows end at the millisecond
  int64_t head_hop_ms = 0;
  std::vector<TimelineTable> tables;
  std::vector<WindowedFeature> windowed;  // parallel to FeatureView::features
};

// Part of a batch view that a stream feeds whose rows live in one table, one an entity. A view has
// one table, and one more for each time that features were added to it while it lived: each is filled
// from the beginning of its stream.
struct RowTable {
  TableId id = 0;
  std::vector<uint32_t> features;  // per column: the index into FeatureView::features
};

// Where a feature of such a view is found.
struct RowColumn {
  uint32_t table = 0;  // index into BatchView::tables
  uint32_t column = 0;
};

// Rows of features: of a file, put there by loads, or of a stream, whose newest event of an entity is
// its row.
struct BatchView {
  const Source* source = nullptr;
  std::vector<uint32_t> key_fields;      // per join key: the index into Source::fields
  std::vector<uint32_t> feature_fields;  // per feature: the index into Source::fields
  std::optional<int64_t> max_age_ms;
  // Older rows are dropped in the background; not below max_age_ms, and not without it.
  std::optional<int64_t> retention_ms;
  // What the rows of a load must be like for it to be served.
  std::vector<Expectation> expectations;  // parallel to FeatureView::features
  uint64_t rows_min = 0;
  // Of a stream: the rest is empty where rows are loaded.
  std::string delete_when_text;                      // empty: no event deletes
  std::shared_ptr<const expr::Program> delete_when;  // over the source's fields
  std::vector<RowTable> tables;
  std::vector<RowColumn> columns;  // parallel to FeatureView::features
};

struct FeatureView;
// One feature of one view.
struct FeatureReference {
  const FeatureView* view = nullptr;
  uint32_t feature = 0;
};

struct DerivedFeature {
  std::string text;
  size_t depth = 1;  // of the longest chain of on-demand features that it reads, itself counted
  // Over OnDemandView::inputs, then ::dependencies, then `now`.
  std::shared_ptr<const expr::Program> program;
};

struct OnDemandView {
  // The variable of its programs that is the moment of the read; those before it are the inputs and
  // the dependencies.
  size_t now_variable() const { return inputs.size() + dependencies.size(); }

  std::vector<Field> inputs;  // sent with the request; known to expressions as request.<name>
  // Of any view; an on-demand feature comes after all that it reads, here as in the definitions.
  std::vector<FeatureReference> dependencies;
  std::vector<DerivedFeature> derived;  // parallel to FeatureView::features
};

struct FeatureView {
  uint32_t id = 0;  // from the catalog
  std::string name;
  std::string description;
  const Entity* entity = nullptr;  // null for an on-demand view
  std::vector<Feature> features;
  std::variant<StreamView, BatchView, OnDemandView> kind;

  const StreamView* stream() const { return std::get_if<StreamView>(&kind); }
  const BatchView* batch() const { return std::get_if<BatchView>(&kind); }
  const OnDemandView* on_demand() const { return std::get_if<OnDemandView>(&kind); }

  // The stream that feeds the view's tables; null for a view of loaded rows and an on-demand view.
  const Source* fed_by() const;
  // The tables that it feeds.
  std::vector<TableId> fed_tables() const;
};

// From join keys to the columns of a request that hold them, where those have other names.
using KeyColumns = std::map<std::string, std::string, std::less<>>;

// The column of a request that holds the join key.
inline const std::string& ColumnOf(const JoinKey& key, const KeyColumns* columns) {
  if (columns == nullptr) return key.name;
  const auto found = columns->find(key.name);
  return found == columns->end() ? key.name : found->second;
}

// A feature as a service answers it: a view may stand there several times, each under an alias and
// with key columns of its own, as the rider's and the driver's trips.
struct ServedFeature : FeatureReference {
  std::string name;  // "view.feature" or "alias.feature"
  // Null: as the join keys are named. Equal ones of a service are one object.
  std::shared_ptr<const KeyColumns> key_columns;
};

struct FeatureService {
  std::string name;
  std::string description;
  std::vector<ServedFeature> features;
  // For requests that do not say.
  std::optional<int64_t> max_staleness_ms;
  std::optional<StaleAction> stale_action;
  std::optional<int64_t> timeout_ms;
};

}  // namespace freshet::registry
