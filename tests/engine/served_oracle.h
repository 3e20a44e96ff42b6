// What each cell of an answer is, from all events and rows that were ever given, by docs/serving.md alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/served_case.h"

namespace freshet::served {

using Key = std::vector<Value>;  // in the order of the entity's join keys

struct Event {
  std::string source;
  int64_t at_ms = 0;
  int64_t record_ms = 0;  // when it was pushed
  Fields fields;
};

struct Row {
  int64_t at_ms = 0;
  bool is_deleted = false;
  Fields fields;
};
using Rows = std::map<Key, Row>;

// Everything that happened, in order.
struct History {
  std::vector<Event> events;
  std::map<std::string, Rows> rows;      // by view
  std::map<std::string, Rows> previous;  // what a rollback brings back
  std::map<std::pair<size_t, Key>, size_t>
      forgotten;  // an entity's events before this one are gone

  // Of a file's rows of one key the newest counts, of equal times the last. An upsert puts it in the place
  // of one that is not newer, and leaves the columns that the file lacks as they are.
  void Load(const std::string& view, const std::vector<std::pair<Key, Row>>& file, bool is_upsert) {
    Rows newest;
    for (const auto& [key, row] : file) {
      const auto found = newest.find(key);
      if (found == newest.end() || found->second.at_ms <= row.at_ms) newest[key] = row;
    }
    if (!is_upsert) {
      std::erase_if(newest, [](const auto& entry) { return entry.second.is_deleted; });
      if (rows.count(view) != 0) previous[view] = rows[view];
      rows[view] = newest;
      return;
    }
    for (const auto& [key, row] : newest) {
      const auto found = rows[view].find(key);
      if (found != rows[view].end() && found->second.at_ms > row.at_ms) continue;
      Row merged = row;
      if (found != rows[view].end() && !found->second.is_deleted && !row.is_deleted)
        merged.fields.insert(found->second.fields.begin(), found->second.fields.end());
      rows[view][key] = merged;
    }
  }

  // False when nothing is kept.
  bool RollBack(const std::string& view) {
    const auto kept = previous.find(view);
    if (kept == previous.end()) return false;
    rows[view] = kept->second;
    previous.erase(kept);
    return true;
  }

  void Forget(const Case& definitions, size_t entity, const Key& key) {
    forgotten[{entity, key}] = events.size();
    for (const View& view : definitions.views) {
      if (view.entity != entity || view.is_fed) continue;
      for (auto* generation : {&rows, &previous})
        if (generation->count(view.name) != 0) (*generation)[view.name].erase(key);
    }
  }
};

struct Terms {
  int64_t now_ms = 0;
  std::map<std::string, int64_t> as_of_ms;  // by source; unknown: absent
  std::optional<int64_t> max_staleness_ms;
  StaleAction action = StaleAction::kUseDefault;
  std::set<std::string> late;  // sources of which awaited events are missing
};

struct Cell {
  FeatureStatus status = FeatureStatus::kPresent;
  Value value;
  std::vector<Value> list;
  std::optional<int64_t> event_time_ms = kNoEventTimeMs;  // nothing: no promise is made
  bool is_stale = false;
  bool is_promised = true;  // false: it may as well be FAILED
};

class Oracle {
 public:
  // All must outlive it.
  Oracle(const Case& definitions, const History& history, const Terms& terms)
      : case_(definitions), history_(history), terms_(terms) {}

  // Whether the request fails as a whole, for stale features it needs.
  bool Refuses(const std::vector<Selected>& selected) const {
    return terms_.action == StaleAction::kFail &&
           std::any_of(selected.begin(), selected.end(), [&](const Selected& one) {
             return NeedsStale(case_.features[one.feature]);
           });
  }

  // `columns` has the row's join keys by column, `inputs` its request inputs.
  Cell Answer(const Selected& selected, const Fields& columns, const Fields& inputs) const {
    Cell cell = CellOf(selected, columns, inputs);
    const bool is_final =
        cell.status == FeatureStatus::kFailed || cell.status == FeatureStatus::kTimedOut;
    if (cell.is_stale && terms_.action == StaleAction::kServe && !is_final)
      cell.status = FeatureStatus::kSourceStale;
    return cell;
  }

  // The times of the events that a feature comes of, for messages.
  std::string Evidence(const Selected& selected, const Fields& columns) const {
    const Feature& feature = case_.features[selected.feature];
    std::string text;
    for (const size_t read : feature.reads) text += Evidence({read, {}, {}}, columns) + "; ";
    if (!feature.view.has_value() || !case_.views[*feature.view].is_fed) return text;
    const View& view = case_.views[*feature.view];
    text += feature.name + ":";
    for (const Event* event : EventsOf(view, KeyOf(selected, view, columns)))
      text += fmt::format(" {}", event->at_ms);
    return text;
  }

 private:
  Key KeyOf(const Selected& selected, const View& view, const Fields& columns) const {
    Key key;
    for (const auto& [name, type] : case_.entities[view.entity].keys) {
      const auto column = selected.columns.find(name);
      key.push_back(columns.at(column == selected.columns.end() ? name : column->second));
    }
    return key;
  }

  static Cell Without(const Feature& feature, FeatureStatus status,
                      std::optional<int64_t> event_time_ms = kNoEventTimeMs) {
    return {status, feature.fallback, {}, event_time_ms};
  }

  bool IsLate(const Feature& feature) const {
    return terms_.late.count(case_.views[*feature.view].source) != 0;
  }

  bool IsStale(const Feature& feature) const {
    const View& view = case_.views[*feature.view];
    if (!view.is_fed || IsLate(feature)) return false;
    const auto as_of = terms_.as_of_ms.find(view.source);
    for (const auto& bound_ms : {terms_.max_staleness_ms, feature.max_staleness_ms}) {
      if (!bound_ms.has_value()) continue;
      if (as_of == terms_.as_of_ms.end() || as_of->second < terms_.now_ms - *bound_ms) return true;
    }
    return false;
  }

  bool NeedsStale(const Feature& feature) const {
    if (feature.view.has_value()) return IsStale(feature);
    return std::any_of(feature.reads.begin(), feature.reads.end(),
                       [&](size_t read) { return NeedsStale(case_.features[read]); });
  }

  Cell CellOf(const Selected& selected, const Fields& columns, const Fields& inputs) const {
    const Feature& feature = case_.features[selected.feature];
    if (!feature.view.has_value()) return Derived(feature, columns, inputs);
    const View& view = case_.views[*feature.view];
    const Key key = KeyOf(selected, view, columns);
    if (!view.is_fed) return OfRow(feature, view, LoadedRow(view, key));
    if (IsLate(feature)) return Without(feature, FeatureStatus::kTimedOut);
    Cell cell =
        view.has_rows() ? OfRow(feature, view, NewestRow(view, key)) : Windowed(feature, view, key);
    if (!IsStale(feature)) return cell;
    if (terms_.action == StaleAction::kUseDefault)
      cell = Without(feature, FeatureStatus::kSourceStale);
    if (terms_.action == StaleAction::kNull) {
      cell = Without(feature, FeatureStatus::kNullValue);
      cell.value = feature.is_list ? Value() : ZeroOf(feature.type);
    }
    cell.is_stale = true;
    return cell;
  }

  // --- rows ---

  std::optional<Row> LoadedRow(const View& view, const Key& key) const {
    const auto rows = history_.rows.find(view.name);
    if (rows == history_.rows.end()) return std::nullopt;
    const auto found = rows->second.find(key);
    return found == rows->second.end() ? std::nullopt : std::optional(found->second);
  }

  // What the newest event says, whatever it lacks; of equal times the later one.
  std::optional<Row> NewestRow(const View& view, const Key& key) const {
    std::optional<Row> row;
    for (size_t i = RememberedFrom(view, key); i < history_.events.size(); ++i) {
      const Event& event = history_.events[i];
      if (!IsOf(event, view, key) || (row.has_value() && event.at_ms < row->at_ms)) continue;
      const bool is_deleted = view.deletes_noise && FieldOf(event, "kind") == Value("noise");
      row = {event.at_ms, is_deleted, event.fields};
    }
    return row;
  }

  Cell OfRow(const Feature& feature, const View& view, const std::optional<Row>& found) const {
    if (!found.has_value() || found->is_deleted) return Without(feature, FeatureStatus::kNotFound);
    const Row& row = *found;
    if (view.max_age_ms.has_value() && row.at_ms < terms_.now_ms - *view.max_age_ms)
      return Without(feature, FeatureStatus::kOutsideMaxAge, row.at_ms);
    const auto value = row.fields.find(view.columns[feature.part].name);
    if (value == row.fields.end() || value->second.index() == 0)
      return Without(feature, FeatureStatus::kNullValue, row.at_ms);
    return {FeatureStatus::kPresent, value->second, {}, row.at_ms};
  }

  // --- windows ---

  // Events before that position are forgotten.
  size_t RememberedFrom(const View& view, const Key& key) const {
    const auto forgotten = history_.forgotten.find({view.entity, key});
    return forgotten == history_.forgotten.end() ? 0 : forgotten->second;
  }

  bool IsOf(const Event& event, const View& view, const Key& key) const {
    if (event.source != view.source) return false;
    const auto& keys = case_.entities[view.entity].keys;
    for (size_t i = 0; i < keys.size(); ++i)
      if (FieldOf(event, keys[i].first) != key[i]) return false;
    if (event.at_ms > event.record_ms + case_.streams.at(view.source).skew_ms) return false;
    if (view.is_filtered && FieldOf(event, "kind") == Value("noise")) return false;
    return true;
  }

  static const Value& FieldOf(const Event& event, const std::string& name) {
    static const Value kNone;
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? kNone : found->second;
  }

  // All that count for the view and the key, in their order. Those that repeat one that is remembered do not: an
  // entity remembers its events' identities for as long as it is told to, and up to a 32nd more.
  std::vector<const Event*> EventsOf(const View& view, const Key& key) const {
    const int64_t within_ms = case_.streams.at(view.source).deduplicate_ms;
    std::map<Value, int64_t> remembered;
    int64_t newest_ms = INT64_MIN;
    std::vector<const Event*> events;
    for (size_t i = RememberedFrom(view, key); i < history_.events.size(); ++i) {
      const Event& event = history_.events[i];
      if (!IsOf(event, view, key)) continue;
      const Value identity = FieldOf(event, "event_id");
      if (within_ms > 0 && remembered.count(identity) != 0) continue;
      events.push_back(&event);
      newest_ms = std::max(newest_ms, event.at_ms);
      if (within_ms == 0) continue;
      if (identity.index() != 0) remembered[identity] = event.at_ms;
      const int64_t oldest_ms = AlignDown(newest_ms - within_ms, within_ms / 32);
      std::erase_if(remembered, [&](const auto& each) { return each.second < oldest_ms; });
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const Event* a, const Event* b) { return a->at_ms < b->at_ms; });
    return events;
  }

  Cell Windowed(const Feature& feature, const View& view, const Key& key) const {
    const Aggregation& aggregation = view.aggregations[feature.part];
    const std::vector<const Event*> events = EventsOf(view, key);
    if (events.empty()) return Without(feature, FeatureStatus::kNotFound);
    if (terms_.now_ms < events.back()->at_ms - case_.streams.at(view.source).skew_ms)
      return Without(feature, FeatureStatus::kFailed, std::nullopt);
    std::vector<int64_t> times_ms;
    for (const Event* event : events) times_ms.push_back(event->at_ms);
    const Held held = feature.window.has_value()
                          ? HeldBy(*feature.window, view.rules, times_ms, terms_.now_ms)
                          : Held{0, SeenAt(view.rules, times_ms, terms_.now_ms)};
    if (held.fails) return Without(feature, FeatureStatus::kFailed, std::nullopt);
    std::vector<const Event*> inside;
    for (size_t i = held.begin; i < held.end; ++i) {
      const Event& event = *events[i];
      if (aggregation.buys_only && FieldOf(event, "kind") != Value("buy")) continue;
      if (aggregation.of.empty() || FieldOf(event, aggregation.of).index() != 0)
        inside.push_back(&event);
    }
    Cell cell = Aggregated(feature, aggregation, inside);
    cell.event_time_ms = held.begin < held.end ? times_ms[held.end - 1] : kNoEventTimeMs;
    cell.is_promised = held.is_promised;
    return cell;
  }

  // Over events in order, each with a value.
  Cell Aggregated(const Feature& feature, const Aggregation& aggregation,
                  const std::vector<const Event*>& events) const {
    const std::string& function = aggregation.function;
    std::vector<Value> values;
    for (const Event* event : events) values.push_back(FieldOf(*event, aggregation.of));
    const auto count = static_cast<int64_t>(events.size());
    if (function == "count") return {FeatureStatus::kPresent, count};
    if (function == "sum") return Sum(feature, values);
    if (function == "last_k") {
      std::reverse(values.begin(), values.end());
      values.resize(std::min<size_t>(values.size(), 3));
      return {FeatureStatus::kPresent, {}, values};
    }
    if (function == "distinct_count")
      return {FeatureStatus::kPresent,
              static_cast<int64_t>(std::set<Value>(values.begin(), values.end()).size())};
    if (events.empty()) return Without(feature, FeatureStatus::kNullValue);
    if (function == "first") return {FeatureStatus::kPresent, values.front()};
    if (function == "last") return {FeatureStatus::kPresent, values.back()};
    if (function == "min")
      return {FeatureStatus::kPresent, *std::min_element(values.begin(), values.end())};
    if (function == "max")
      return {FeatureStatus::kPresent, *std::max_element(values.begin(), values.end())};
    if (function == "time_since_last") {
      const int64_t then_ms = terms_.now_ms - (feature.window ? feature.window->offset_ms : 0);
      return {FeatureStatus::kPresent, std::max<int64_t>(0, then_ms - events.back()->at_ms)};
    }
    return {FeatureStatus::kPresent, static_cast<double>(Total(values) / static_cast<Real>(count))};
  }

  // Amounts are eighths, and so few that nothing is lost.
  static Real Total(const std::vector<Value>& values) {
    Wide eighths = 0;
    for (const Value& value : values) {
      const double* number = std::get_if<double>(&value);
      eighths += number != nullptr ? static_cast<Wide>(*number * 8)
                                   : static_cast<Wide>(std::get<int64_t>(value)) * 8;
    }
    return static_cast<Real>(eighths) / 8;
  }

  static Cell Sum(const Feature& feature, const std::vector<Value>& values) {
    if (feature.type == Type::kDouble)
      return {FeatureStatus::kPresent, static_cast<double>(Total(values))};
    Wide sum = 0;
    for (const Value& value : values) sum += std::get<int64_t>(value);
    if (sum > INT64_MAX || sum < INT64_MIN) return Without(feature, FeatureStatus::kFailed);
    return {FeatureStatus::kPresent, static_cast<int64_t>(sum)};
  }

  // --- on-demand features ---

  Cell Derived(const Feature& feature, const Fields& columns, const Fields& inputs) const {
    std::vector<Value> reads;
    bool is_late = false;
    bool is_stale = false;
    bool is_promised = true;
    std::optional<int64_t> newest_ms = kNoEventTimeMs;
    for (const size_t read : feature.reads) {
      const Cell cell = CellOf({read, {}, {}}, columns, inputs);
      is_late = is_late || cell.status == FeatureStatus::kTimedOut;
      is_stale = is_stale || cell.is_stale;
      is_promised = is_promised && cell.is_promised;
      reads.push_back(cell.status == FeatureStatus::kPresent ? cell.value : Value());
      if (!cell.event_time_ms.has_value())
        newest_ms.reset();
      else if (newest_ms.has_value())
        newest_ms = std::max(*newest_ms, *cell.event_time_ms);
    }
    Cell cell = Evaluated(feature, reads, inputs);
    if (is_late) cell = Without(feature, FeatureStatus::kTimedOut);
    cell.event_time_ms = newest_ms;
    cell.is_stale = is_stale;
    cell.is_promised = is_promised;
    return cell;
  }

  Cell Evaluated(const Feature& feature, const std::vector<Value>& reads,
                 const Fields& inputs) const {
    const std::optional<Value> value =
        Formulas()[feature.formula].evaluate(reads, inputs, terms_.now_ms);
    if (!value.has_value()) return Without(feature, FeatureStatus::kFailed);
    const double* number = std::get_if<double>(&*value);
    if (value->index() == 0 || (number != nullptr && std::isnan(*number)))
      return Without(feature, FeatureStatus::kNullValue);
    return {FeatureStatus::kPresent, *value};
  }

  const Case& case_;
  const History& history_;
  const Terms& terms_;
};

inline std::string TextOf(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return fmt::format("{}", *integer);
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const std::string* text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  return "null";
}

inline std::string TextOf(FeatureStatus status, bool is_list, const Value& value,
                          const std::vector<Value>& list) {
  std::string text = std::string(FeatureStatusName(status)) + " ";
  if (!is_list) return text + TextOf(value);
  for (const Value& element : list) text += TextOf(element) + ",";
  return text;
}

}  // namespace freshet::served
