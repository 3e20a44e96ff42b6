// Which column of a file fills which field of the source, and one wording for what is wrong with its values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"
#include "freshet/value.h"

#include "base/datum.h"
#include "load/field_value.h"
#include "registry/definitions.h"

namespace freshet::load {

// What one column of the file is for: a field, the event time, or both.
struct Target {
  std::string name;
  std::optional<uint32_t> field;  // index into Source::fields
  Type type = Type::kTimestamp;   // the field's
  TimeUnit unit;                  // where the type is a timestamp
  bool is_event_time = false;
  bool is_fixed = false;     // the file's path says the value
  bool is_optional = false;  // a file may do without the column
  bool tells_deletion = false;
  bool is_void_in_deletion = false;  // where the row deletes, what stands here does not count
};

// What a load wants of its files beside the source's fields.
struct Wanted {
  // Fields, as positions in the source, that a file may lack. A format whose rows tell columns one by
  // one has them all in each row, so that an absent one is not taken for a null.
  std::vector<uint32_t> optional_fields;
  std::string delete_column;  // a bool: true where the row deletes; empty: none does
  // Fields, as positions in the source, that tell which entity a row is of.
  std::vector<uint32_t> key_fields;
};

// The columns that a source needs. Immutable.
class Targets {
 public:
  // InvalidArgument when a value that the path says is not one of its field's type, or when the
  // column that tells deletions is a field of another type.
  static Result<Targets> Create(const registry::Source& source,
                                const LoadFile::PathValues& path_values, const Wanted& wanted);

  // In the order of the source's fields; an event time that is not among them comes last.
  const std::vector<Target>& all() const { return all_; }
  // Null for a column that the source does not ask for, or whose value is fixed.
  const Target* Find(std::string_view column) const;
  // What is fixed, for every row of the file.
  struct Fixed {
    size_t target = 0;
    Datum value;
  };
  const std::vector<Fixed>& fixed() const { return fixed_; }
  const Target& event_time() const { return all_[event_time_]; }
  size_t event_time_index() const { return event_time_; }
  // What the event time's column says; nothing for null or for what is no time.
  std::optional<int64_t> EventTimeMs(const Datum& value) const {
    if (value.is_null()) return std::nullopt;
    return event_time().type == Type::kTimestamp ? value.as_int() : FittedTimeMs(value);
  }
  // Whether the row deletes, by a value for each of all().
  bool TellDeletion(std::span<const Datum> values) const {
    return deletion_.has_value() && TellsDeletion(values[*deletion_]);
  }
  static bool TellsDeletion(const Datum& value) { return !value.is_null() && value.as_bool(); }
  // The unit of the event time.
  registry::TimestampUnit unit() const { return unit_; }
  size_t field_count() const { return field_count_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  explicit Targets(const registry::Source& source);
  // Of a column that has another type.
  std::optional<int64_t> FittedTimeMs(const Datum& value) const;
  Status Fix(const std::string& column, std::string text);
  Status AddDeleteColumn(const std::string& column);
  // All but what a deletion consists of: its keys, its event time and that it is one.
  void VoidInDeletions(const std::vector<uint32_t>& key_fields);

  std::vector<Target> all_;
  std::vector<Fixed> fixed_;
  std::vector<std::unique_ptr<std::string>> fixed_texts_;  // which strings in fixed_ borrow
  std::unordered_map<std::string, size_t, Hash, std::equal_to<>> by_name_;
  size_t event_time_ = 0;
  std::optional<size_t> deletion_;  // the target that tells it
  size_t field_count_ = 0;
  registry::TimestampUnit unit_;
};

// "age: 'abc' is not an int32". `shown` is the value as the file spells it, quotes included where
// wanted.
std::string Explain(const Target& target, std::string_view shown, Problem problem);
// "age: not an int32": the same without the value.
std::string CauseOf(const Target& target, Problem problem);

}  // namespace freshet::load
