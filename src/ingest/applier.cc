#include "ingest/applier.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "aggregate/stable_hash.h"
#include "base/limits.h"
#include "store/entity_key.h"

namespace freshet::ingest {
namespace {

using registry::Aggregation;
using registry::FeatureView;
using registry::StreamView;

}  // namespace

struct Applier::Expression {
  std::shared_ptr<const expr::Program> program;
  std::optional<size_t> field;  // set when the expression is no more than a field's name
  expr::Scratch scratch;        // of its own, since values live until the next use of it
  uint64_t event_number = 0;
  expr::Evaluation evaluation;
};

struct Applier::Key {
  std::vector<uint32_t> fields;
  std::vector<Type> types;
};

struct Applier::Table {
  registry::TableId id = 0;
  const timeline::Schema* schema = nullptr;
  StartOffsets start;
  std::vector<uint32_t> aggregations;  // indexes into the view's; empty: the view's own, in order
  std::vector<Datum> values;
  std::vector<Datum> by;
  std::vector<uint8_t> admitted;
};

struct Applier::View {
  struct Input {
    uint32_t aggregation = 0;
    std::optional<size_t> where;
    std::optional<size_t> of;
    std::optional<size_t> by;
  };

  const FeatureView* view = nullptr;
  size_t key = 0;
  std::optional<size_t> where;
  std::vector<Input> inputs;
  std::vector<Datum> values;  // per aggregation of the view
  std::vector<Datum> by;      // empty when no aggregation takes one
  std::vector<uint8_t> admitted;
  std::vector<Table> tables;
  std::unique_ptr<RowTables> rows;  // of a view of rows, which has nothing of the above
  std::optional<size_t> delete_when;
};

Applier::Applier(const registry::Source& source, const std::vector<TableTarget>& targets,
                 store::TimelineWriter& writer)
    : source_(source), writer_(writer) {
  for (const TableTarget& target : targets) AddTable(target);
}

Applier::~Applier() = default;

size_t Applier::AddExpression(const std::shared_ptr<const expr::Program>& program) {
  const std::string_view text = program->text();
  const auto found = std::find_if(expressions_.begin(), expressions_.end(),
                                  [&](const Expression& e) { return e.program->text() == text; });
  if (found != expressions_.end()) return static_cast<size_t>(found - expressions_.begin());
  Expression expression;
  expression.program = program;
  for (size_t i = 0; i < source_.fields.size(); ++i) {
    if (source_.fields[i].name == text) expression.field = i;
  }
  expressions_.push_back(std::move(expression));
  return expressions_.size() - 1;
}

size_t Applier::AddKey(const FeatureView& view) {
  Key key;
  key.fields = view.stream() != nullptr ? view.stream()->key_fields : view.batch()->key_fields;
  for (const registry::JoinKey& join_key : view.entity->join_keys) {
    key.types.push_back(join_key.type);
  }
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& other) {
    return other.fields == key.fields && other.types == key.types;
  });
  if (found != keys_.end()) return static_cast<size_t>(found - keys_.begin());
  keys_.push_back(std::move(key));
  return keys_.size() - 1;
}

Applier::View& Applier::AddView(const FeatureView& view) {
  const auto found = std::find_if(views_.begin(), views_.end(),
                                  [&](const View& other) { return other.view == &view; });
  if (found != views_.end()) return *found;
  View& added = views_.emplace_back();
  added.view = &view;
  added.key = AddKey(view);
  if (const registry::BatchView* batch = view.batch()) {
    added.rows = std::make_unique<RowTables>(view);
    if (batch->delete_when) added.delete_when = AddExpression(batch->delete_when);
    return added;
  }
  if (view.stream()->where) added.where = AddExpression(view.stream()->where);
  added.values.resize(view.stream()->aggregations.size());
  added.admitted.resize(view.stream()->aggregations.size(), 1);
  return added;
}

void Applier::AddTable(const TableTarget& target) {
  View& view = AddView(*target.view);
  if (target.rows != nullptr) return view.rows->Add(*target.rows, target.start);
  const StreamView& stream = *target.view->stream();
  Table& table = view.tables.emplace_back(Table{.start = StartOffsets(target.start)});
  table.id = target.table->id;
  table.schema = &target.table->schema;
  bool is_whole_view = target.table->aggregations.size() == stream.aggregations.size();
  for (size_t i = 0; i < target.table->aggregations.size(); ++i) {
    const uint32_t index = target.table->aggregations[i];
    is_whole_view = is_whole_view && index == i;
    if (std::any_of(view.inputs.begin(), view.inputs.end(),
                    [&](const View::Input& input) { return input.aggregation == index; })) {
      continue;
    }
    const Aggregation& aggregation = stream.aggregations[index];
    View::Input input{index, {}, {}, {}};
    if (aggregation.where) input.where = AddExpression(aggregation.where);
    if (aggregation.of) input.of = AddExpression(aggregation.of);
    if (aggregation.by) {
      input.by = AddExpression(aggregation.by);
      view.by.resize(stream.aggregations.size());
    }
    view.inputs.push_back(input);
  }
  if (is_whole_view) return;
  table.aggregations = target.table->aggregations;
  table.values.resize(table.aggregations.size());
  table.admitted.resize(table.aggregations.size());
  if (std::any_of(stream.aggregations.begin(), stream.aggregations.end(),
                  [](const Aggregation& each) { return each.by != nullptr; }))
    table.by.resize(table.aggregations.size());
}

void Applier::Foresee(const DecodedEvent& event, Foresight* foresight) const {
  foresight->places.clear();
  foresight->keys.resize(keys_.size());
  for (size_t i = 0; i < keys_.size(); ++i) EncodeKey(keys_[i], event, &foresight->keys[i]);
  for (const View& view : views_) {
    const Foresight::Key& key = foresight->keys[view.key];
    if (view.where || key.refusal != Refusal::kNone) continue;
    for (const Table& table : view.tables)
      foresight->places.push_back(writer_.PrefetchPlace(table.id, key.bytes));
  }
}

void Applier::PrefetchEntries(const Foresight& foresight) const {
  for (const store::TimelinePlace& place : foresight.places) writer_.PrefetchEntry(place);
}

void Applier::PrefetchTimelines(const Foresight& foresight) const {
  for (const store::TimelinePlace& place : foresight.places) writer_.PrefetchBytes(place);
}

Status Applier::Apply(const Record& record, const DecodedEvent& event, const Foresight& foresight,
                      RetryQuestion retry, Refusal* refusal, std::string* detail) {
  *refusal = Refusal::kNone;
  if (event.time_ms - source_.clock_skew_ms > record.timestamp_ms) {
    *refusal = Refusal::kTooFarInFuture;
    *detail = fmt::format("its time {} is more than {} ms ahead of its record's, {}", event.time_ms,
                          source_.clock_skew_ms, record.timestamp_ms);
    return Status::Ok();
  }
  counts_.delays.Add(record.timestamp_ms - event.time_ms);
  identity_ = IdentityOf(event);
  ++event_number_;
  bool applied = false;
  for (View& view : views_) {
    if (Covers(view, record)) continue;
    if (view.where && !Holds(*view.where, event)) continue;
    const Foresight::Key& key = foresight.keys[view.key];
    if (key.refusal != Refusal::kNone) {
      *refusal = key.refusal;
      *detail = DetailOf(key);
      continue;
    }
    const bool deletes = view.delete_when.has_value() && Holds(*view.delete_when, event);
    const Refusal row_refusal =
        view.rows != nullptr && !deletes ? view.rows->CheckRow(event, detail) : Refusal::kNone;
    if (row_refusal != Refusal::kNone) {
      *refusal = row_refusal;
      continue;
    }
    FRESHET_RETURN_IF_ERROR(
        view.rows != nullptr ? ApplyToRows(view, key.bytes, record, event, deletes, retry, &applied)
                             : ApplyToView(view, key.bytes, record, event, retry, &applied));
  }
  counts_.applied += applied ? 1 : 0;
  return Status::Ok();
}

Status Applier::Delete(const Record& tombstone, RetryQuestion retry, Refusal* refusal,
                       std::string* detail) {
  *refusal = Refusal::kNone;
  bool applied = false;
  for (View& view : views_) {
    if (view.rows == nullptr || Covers(view, tombstone)) continue;
    if (tombstone.timestamp_ms < 0 || tombstone.timestamp_ms > limits::kEventTimeMsMax) {
      *refusal = Refusal::kTimeOutOfRange;
      *detail = fmt::format("a tombstone's record tells its time, and cannot be of {}",
                            tombstone.timestamp_ms);
      return Status::Ok();
    }
    const Refusal key_refusal = view.rows->DecodeKey(tombstone, &tombstone_key_, detail);
    if (key_refusal != Refusal::kNone) {
      *refusal = key_refusal;
      continue;
    }
    const auto write = [&](RowTables::Update update, RowOutcome* outcome) {
      return view.rows->Delete(tombstone, tombstone.timestamp_ms, tombstone_key_, update, outcome);
    };
    FRESHET_RETURN_IF_ERROR(WriteRows(retry, write, &applied));
  }
  counts_.applied += applied ? 1 : 0;
  return Status::Ok();
}

bool Applier::Covers(const View& view, const Record& record) {
  if (view.rows != nullptr) return view.rows->Cover(record);
  return std::all_of(view.tables.begin(), view.tables.end(),
                     [&](const Table& table) { return table.start.Cover(record); });
}

Status Applier::ApplyToView(View& view, std::string_view key, const Record& record,
                            const DecodedEvent& event, RetryQuestion retry, bool* applied) {
  Evaluate(view, event);
  timeline::Event folded;
  folded.order = {event.time_ms, record.partition, record.offset};
  folded.identity = identity_;
  for (Table& table : view.tables) {
    if (table.start.Cover(record)) continue;
    if (table.aggregations.empty()) {
      folded.values = view.values;
      folded.admitted = view.admitted;
      folded.by = view.by;
    } else {
      for (size_t i = 0; i < table.aggregations.size(); ++i) {
        table.values[i] = view.values[table.aggregations[i]];
        table.admitted[i] = view.admitted[table.aggregations[i]];
        if (!view.by.empty()) table.by[i] = view.by[table.aggregations[i]];
      }
      folded.by = table.by;
      folded.values = table.values;
      folded.admitted = table.admitted;
    }
    FRESHET_RETURN_IF_ERROR(Fold(table, key, folded, retry, applied));
  }
  return Status::Ok();
}

Status Applier::ApplyToRows(View& view, std::string_view key, const Record& record,
                            const DecodedEvent& event, bool deletes, RetryQuestion retry,
                            bool* applied) {
  const auto write = [&](RowTables::Update update, RowOutcome* outcome) {
    return deletes ? view.rows->Delete(record, event.time_ms, key, update, outcome)
                   : view.rows->Put(record, event, key, update, outcome);
  };
  return WriteRows(retry, write, applied);
}

Status Applier::WriteRows(RetryQuestion retry,
                          FunctionRef<Status(RowTables::Update update, RowOutcome* outcome)> write,
                          bool* applied) {
  const auto update = [&](store::TableId table, std::string_view key,
                          FunctionRef<void(std::string & bytes)> change) {
    return Update(table, key, change, retry);
  };
  RowOutcome outcome;
  FRESHET_RETURN_IF_ERROR(write(update, &outcome));
  *applied = *applied || outcome.taken > 0;
  counts_.too_old += outcome.older;
  return Status::Ok();
}

Status Applier::Fold(const Table& table, std::string_view key, const timeline::Event& event,
                     RetryQuestion retry, bool* applied) {
  auto outcome = timeline::ApplyOutcome::kApplied;
  FRESHET_RETURN_IF_ERROR(Update(
      table.id, key,
      [&](std::string& bytes) { outcome = timeline::Apply(*table.schema, event, bytes); }, retry));
  switch (outcome) {
    case timeline::ApplyOutcome::kApplied:
      *applied = true;
      break;
    case timeline::ApplyOutcome::kTooOld:
      ++counts_.too_old;
      break;
    case timeline::ApplyOutcome::kTruncated:
      ++counts_.truncated;
      break;
    case timeline::ApplyOutcome::kRepeated:
      ++counts_.repeated;
      break;
  }
  return Status::Ok();
}

Status Applier::Update(store::TableId table, std::string_view key,
                       FunctionRef<void(std::string& bytes)> change, RetryQuestion retry) {
  Status updated = writer_.Update(table, key, change);
  while (!updated.ok() && retry(updated)) updated = writer_.Update(table, key, change);
  return updated;
}

bool Applier::Holds(size_t condition, const DecodedEvent& event) {
  const expr::Evaluation& evaluation = Evaluate(condition, event).evaluation;
  if (evaluation.error != nullptr || evaluation.value.is_null()) ++counts_.filter_failures;
  return evaluation.error == nullptr && evaluation.value.kind() == Datum::Kind::kBool &&
         evaluation.value.as_bool();
}

void Applier::Evaluate(View& view, const DecodedEvent& event) {
  for (const View::Input& input : view.inputs) {
    const bool admitted = !input.where || Holds(*input.where, event);
    view.admitted[input.aggregation] = admitted ? 1 : 0;
    view.values[input.aggregation] = Datum::Null();
    // `of` may rely on `where`, as in a quotient whose divisor `where` keeps from zero.
    if (admitted && input.of) view.values[input.aggregation] = ValueOf(*input.of, event);
    if (input.by) view.by[input.aggregation] = admitted ? ValueOf(*input.by, event) : Datum();
  }
}

// Null, and counted, when it fails or is too long.
Datum Applier::ValueOf(size_t expression, const DecodedEvent& event) {
  // A field cannot fail, and the decoder refuses what is too long.
  if (const std::optional<size_t> field = expressions_[expression].field)
    return event.values[*field];
  const expr::Evaluation& evaluation = Evaluate(expression, event).evaluation;
  const bool is_too_long = evaluation.value.kind() == Datum::Kind::kString &&
                           evaluation.value.as_string().size() > limits::kStringValueBytesMax;
  if (evaluation.error == nullptr && !is_too_long) return evaluation.value;
  ++counts_.filter_failures;
  return {};
}

std::optional<timeline::Identity> Applier::IdentityOf(const DecodedEvent& event) const {
  if (!source_.deduplication.has_value()) return std::nullopt;
  const Datum& value = event.values[source_.deduplication->field];
  if (value.is_null()) return std::nullopt;
  const aggregate::Hash128 hash = aggregate::StableHash128(value);
  return timeline::Identity{hash.high, hash.low};
}

const Applier::Expression& Applier::Evaluate(size_t index, const DecodedEvent& event) {
  Expression& expression = expressions_[index];
  if (expression.event_number == event_number_) return expression;
  expression.event_number = event_number_;
  if (expression.field) {
    expression.evaluation = {event.values[*expression.field], nullptr};
  } else {
    expression.evaluation = expression.program->Evaluate(event.values, expression.scratch);
  }
  return expression;
}

std::string Applier::DetailOf(const Foresight::Key& key) const {
  if (key.refusal != Refusal::kMissingField) return key.detail;
  return fmt::format("join key '{}' is missing or null", source_.fields[key.missing_field].name);
}

void Applier::EncodeKey(const Key& key, const DecodedEvent& event, Foresight::Key* encoded) const {
  encoded->refusal = Refusal::kNone;
  encoded->bytes.clear();
  for (size_t i = 0; i < key.fields.size(); ++i) {
    const Datum& value = event.values[key.fields[i]];
    if (value.is_null()) {
      // What it says is not put into words yet: no view may want the key of this event.
      encoded->refusal = Refusal::kMissingField;
      encoded->missing_field = key.fields[i];
      return;
    }
    const Status appended = store::AppendEntityKey(key.types[i], value, encoded->bytes);
    if (!appended.ok()) {
      encoded->refusal = Refusal::kTooLarge;
      encoded->detail = appended.message();
      return;
    }
  }
}

}  // namespace freshet::ingest
