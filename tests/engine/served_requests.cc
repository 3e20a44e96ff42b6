#include "engine/served_requests.h"

#include <algorithm>
#include <set>

namespace freshet::served {
namespace {

class RequestMaker {
 public:
  RequestMaker(Random& random, const Situation& situation)
      : random_(random), situation_(situation), case_(situation.definitions) {}

  Asked Make(bool waits) {
    Asked asked;
    const Service* service = nullptr;
    if (random_.Once(2)) {
      service = &random_.OneOf(case_.services);
      asked.request.feature_service = service->name;
      asked.selected = service->selected;
    } else {
      std::set<size_t> chosen;
      for (int64_t i = random_.Pick(1, 6); i > 0; --i)
        chosen.insert(
            static_cast<size_t>(random_.Pick(0, static_cast<int64_t>(case_.features.size()) - 1)));
      for (const size_t feature : chosen) {
        asked.selected.push_back({feature, case_.features[feature].name, {}});
        asked.request.features.push_back(case_.features[feature].name);
      }
    }
    SayTerms(asked, service);
    if (waits) AwaitEvents(asked, service);
    // What a hasty service has no time for is anybody's guess.
    if (service != nullptr && service->is_hasty && asked.terms.late.empty())
      asked.terms.late = {""};
    FillColumns(asked);
    return asked;
  }

 private:
  // Join key columns and inputs that a feature needs.
  void AddNeeds(const Selected& selected, std::map<std::string, Type>& columns,
                std::map<std::string, Type>& inputs) const {
    const Feature& feature = case_.features[selected.feature];
    if (!feature.view.has_value()) {
      for (const std::string& name : Formulas()[feature.formula].inputs)
        inputs[name] = Inputs().at(name);
      for (const size_t read : feature.reads) AddNeeds({read, {}, {}}, columns, inputs);
      return;
    }
    for (const auto& [key, type] : case_.entities[case_.views[*feature.view].entity].keys) {
      const auto column = selected.columns.find(key);
      columns[column == selected.columns.end() ? key : column->second] = type;
    }
  }

  bool Needs(const Selected& selected, const std::string& source) const {
    const Feature& feature = case_.features[selected.feature];
    if (feature.view.has_value()) return case_.views[*feature.view].source == source;
    return std::any_of(feature.reads.begin(), feature.reads.end(), [&](size_t read) {
      return Needs({read, {}, {}}, source);
    });
  }

  Value InputValue(const std::string& name) {
    if (name == "x") return static_cast<double>(random_.Pick(-8, 8)) / 4;
    if (name == "least") return random_.Pick(-2, 2);
    if (name == "flag") return random_.Once(3);
    return random_.OneOf<std::string>({"", "red"});
  }

  // A column under a name, of as many values; integers also come in their other width.
  NamedColumn Wire(const std::string& name, Type type, const std::vector<Value>& values) {
    NamedColumn column{name, {}};
    column.values.type = type;
    for (const Value& value : values) {
      if (const bool* flag = std::get_if<bool>(&value))
        column.values.integers.push_back(*flag ? 1 : 0);
      if (const auto* integer = std::get_if<int64_t>(&value))
        column.values.integers.push_back(*integer);
      if (const auto* number = std::get_if<double>(&value))
        column.values.numbers.push_back(*number);
      if (const auto* text = std::get_if<std::string>(&value)) column.values.texts.push_back(*text);
    }
    const auto& integers = column.values.integers;
    const bool fits = std::all_of(integers.begin(), integers.end(), [](int64_t integer) {
      return integer == static_cast<int32_t>(integer);
    });
    if (type == Type::kInt64 && fits && random_.Once(3)) column.values.type = Type::kInt32;
    if (type == Type::kInt32 && random_.Once(3)) column.values.type = Type::kInt64;
    return column;
  }

  void FillColumns(Asked& asked) {
    std::map<std::string, Type> columns;
    std::map<std::string, Type> inputs;
    for (const Selected& selected : asked.selected) AddNeeds(selected, columns, inputs);
    const int64_t most = asked.terms.late.empty() ? 200 : 15;
    const int64_t rows = random_.Once(30)  ? 0
                         : random_.Once(6) ? random_.Pick(1, most)
                                           : random_.Pick(1, 8);
    bool says_rows = false;
    const auto count = [&] {
      if (rows != 1 && random_.Once(4)) return size_t{1};
      says_rows = true;
      return static_cast<size_t>(rows);
    };
    for (const auto& [name, type] : columns) {
      std::vector<Value>& values = asked.columns[name];
      for (size_t i = count(); i > 0; --i) values.push_back(KeyValue(random_, name));
      asked.request.entities.push_back(Wire(name, type, values));
    }
    for (const auto& [name, type] : inputs) {
      std::vector<Value>& values = asked.inputs[name];
      for (size_t i = count(); i > 0; --i) values.push_back(InputValue(name));
      asked.request.inputs.push_back(Wire(name, type, values));
    }
    asked.row_count = says_rows ? static_cast<size_t>(rows) : 1;
  }

  // When an event begins or ceases to be in a window.
  int64_t EdgeBeside(const Window& window, const WindowRules& rules, int64_t at_ms) {
    int64_t edge_ms = at_ms;
    switch (window.kind) {
      case WindowKind::kSliding:
        edge_ms =
            AlignDown(at_ms, window.hop_ms) + window.length_ms + random_.Pick(0, 1) * window.hop_ms;
        break;
      case WindowKind::kTumbling:
        edge_ms = AlignDown(at_ms, window.length_ms) + random_.Pick(0, 2) * window.length_ms;
        break;
      case WindowKind::kCalendar:
        edge_ms = BeginMs(window.word, rules, situation_.now_ms);
        break;
      case WindowKind::kSession:
        edge_ms = at_ms + random_.OneOf<int64_t>({window.length_ms, window.longest_ms});
        break;
      case WindowKind::kLast:
        break;
    }
    return edge_ms + window.offset_ms;
  }

  // A time at which something changes, or beside it.
  int64_t RandomReadTime() {
    const int64_t beside = random_.Pick(-1, 1);
    if (random_.Once(3) || situation_.history.events.empty())
      return situation_.now_ms + random_.Pick(0, 4) * 500 + beside;
    const Feature& feature = random_.OneOf(case_.features);
    if (feature.window.has_value()) {
      const Event& event = random_.OneOf(situation_.history.events);
      return EdgeBeside(*feature.window, case_.views[*feature.view].rules, event.at_ms) + beside;
    }
    const View& view = random_.OneOf(case_.views);
    const auto rows = situation_.history.rows.find(view.name);
    if (rows != situation_.history.rows.end() && !rows->second.empty() &&
        view.max_age_ms.has_value())
      return rows->second.begin()->second.at_ms + *view.max_age_ms + beside;
    return random_.OneOf(situation_.history.events).at_ms + beside;
  }

  void SayTerms(Asked& asked, const Service* service) {
    FeatureRequest& request = asked.request;
    Terms& terms = asked.terms;
    terms.as_of_ms = situation_.as_of_ms;
    terms.now_ms = situation_.now_ms;
    if (!random_.Once(4)) terms.now_ms = *(request.read_time_ms = RandomReadTime());
    if (random_.Once(2)) request.max_staleness_ms = random_.Pick(0, 4) * 500;
    if (random_.Once(2))
      request.stale_action = random_.OneOf<StaleAction>(
          {StaleAction::kUseDefault, StaleAction::kServe, StaleAction::kNull, StaleAction::kFail});
    terms.max_staleness_ms = request.max_staleness_ms;
    if (service != nullptr) {
      if (!terms.max_staleness_ms.has_value()) terms.max_staleness_ms = service->max_staleness_ms;
      terms.action = service->stale_action.value_or(StaleAction::kUseDefault);
    }
    terms.action = request.stale_action.value_or(terms.action);
    request.include_event_times = !random_.Once(3);
    request.include_as_of = random_.Once(2);
  }

  // Events that are in, or that will not come before the service's time is out.
  void AwaitEvents(Asked& asked, const Service* service) {
    for (const auto& [source, next] : situation_.next_offset) {
      if (random_.Once(3) && next > 0)
        asked.request.read_after.push_back({source, 0, random_.Pick(0, next - 1)});
      if (service == nullptr || !service->is_hasty || !random_.Once(4)) continue;
      asked.request.read_after.push_back({source, 0, next + random_.Pick(0, 3)});
      const bool is_needed =
          std::any_of(asked.selected.begin(), asked.selected.end(),
                      [&, &source = source](const Selected& one) { return Needs(one, source); });
      if (is_needed) asked.terms.late.insert(source);
    }
  }

  Random& random_;
  const Situation& situation_;
  const Case& case_;
};

}  // namespace

Asked RandomRequest(Random& random, const Situation& situation, bool waits) {
  return RequestMaker(random, situation).Make(waits);
}

}  // namespace freshet::served
