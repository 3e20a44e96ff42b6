// Random definitions as plain data, and the YAML that says the same: entities with keys of every type, views of every
// kind, and services with terms of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "freshet/features.h"
#include "freshet/value.h"

#include "engine/served_random.h"
#include "engine/served_windows.h"

namespace freshet::served {

// More bits than any number of a test needs.
__extension__ typedef __int128 Wide;
__extension__ typedef __float128 Real;

using Fields = std::map<std::string, Value>;  // by name; what is not there is null

struct Entity {
  std::string name;
  std::vector<std::pair<std::string, Type>> keys;
};

struct Aggregation {
  std::string name;
  std::string function;
  std::string of;  // a field; empty: none
  bool buys_only = false;
  std::vector<Window> windows;  // empty: the lifetime
  Type type = Type::kInt64;
  bool is_list = false;
  Value fallback;  // null: none is written
  std::optional<int64_t> max_staleness_ms;
};

struct Column {
  std::string name;
  Type type = Type::kInt64;
  Value fallback;
  std::optional<int64_t> max_staleness_ms;
};

struct View {
  std::string name;
  size_t entity = 0;
  std::string source;
  bool is_fed = false;  // by a stream, and not by files
  // Windows over a stream.
  WindowRules rules;
  bool is_filtered = false;  // only events that are no noise
  std::vector<Aggregation> aggregations;
  // Rows, of files or of a stream.
  std::vector<Column> columns;
  std::optional<int64_t> max_age_ms;
  bool deletes_noise = false;  // such events delete the row

  bool has_rows() const { return !columns.empty(); }
};

struct Stream {
  int64_t skew_ms = 0;
  int64_t deduplicate_ms = 0;  // 0: every event counts
};

// An expression, and in C++ what it comes to: nothing where it fails, null where it is null.
struct Formula {
  std::string text;   // $0, $1: what it reads
  std::string reads;  // D, I, S, T: a floating point number, an integer, a text, a time
  std::vector<std::string> inputs;
  Type type = Type::kDouble;
  std::function<std::optional<Value>(const std::vector<Value>&, const Fields&, int64_t)> evaluate;
};
const std::vector<Formula>& Formulas();
const std::map<std::string, Type>& Inputs();  // of the request

// One feature of any view.
struct Feature {
  std::string name;  // "view.feature"
  Type type = Type::kInt64;
  bool is_list = false;
  Value fallback;  // never null but of a list
  std::optional<int64_t> max_staleness_ms;
  std::optional<size_t> view;  // nothing: it is derived
  size_t part = 0;             // of the view: an aggregation or a column
  std::optional<Window> window;
  size_t formula = 0;
  std::vector<size_t> reads;  // features
};

// A feature as a service or a list answers it.
struct Selected {
  size_t feature = 0;
  std::string name;
  std::map<std::string, std::string> columns;  // by join key, where it is not its own name
};

struct Service {
  std::string name;
  std::vector<std::string> items;  // as YAML
  std::vector<Selected> selected;
  std::optional<int64_t> max_staleness_ms;
  std::optional<StaleAction> stale_action;
  bool is_hasty = false;  // has kHastyMs
};
inline constexpr int64_t kHastyMs = 30;

struct Case {
  std::vector<Entity> entities;
  std::map<std::string, Stream> streams;
  std::vector<View> views;
  std::vector<Feature> features;
  std::vector<Service> services;

  std::string Yaml() const;
};

Case RandomCase(Random& random);

// A value of a join key; the first ones of few are met again and again.
Value KeyValue(Random& random, const std::string& key);
// What a value is where there is nothing.
Value ZeroOf(Type type);

}  // namespace freshet::served
