// What the formats share: which column fills which field of the source, text and numbers as values,
// and one wording for what is wrong with a row.
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
#include "load/row_reader.h"
#include "registry/definitions.h"

namespace freshet::load {

// How a timestamp is spelled: in the unit of the source for its event time; a field of type
// timestamp has no unit of its own and is RFC 3339 text or a number of milliseconds.
using TimeUnit = std::optional<registry::TimestampUnit>;

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

// What can be wrong with a value.
enum class Problem : uint8_t {
  kNone,
  kWrongType,
  kNotATime,
  kOutOfRange,
  kTooManyDigits,  // after the point of a decimal
  kTooLong,
  kNotUtf8,
  kStandsTwice
};

// Text as a value of `type`; a string borrows from `text`, bytes from *decoded, which takes what their
// base64 stands for and may be null for other types.
Problem ReadText(Type type, TimeUnit unit, std::string_view text, Datum* value,
                 std::string* decoded);
Problem ReadBytes(std::string_view base64, Datum* value, std::string* decoded);
// A value that is there already, fitted to what its type, or the unit of timestamps, allows. A time
// comes as an integer, a double or a string; fractions of a millisecond are rounded.
Problem CheckString(std::string_view text);
Problem FitBytes(std::string_view bytes, Datum* value);
Problem FitInt(Type type, int64_t number, Datum* value);
Problem FitDouble(Type type, double number, Datum* value);
// The decimal that the text spells.
Problem FitDecimal(Type type, std::string_view text, Datum* value);
Problem FitTime(TimeUnit unit, const Datum& time, Datum* value);

// "age: 'abc' is not an int32". `shown` is the value as the file spells it, quotes included where
// wanted.
std::string Explain(const Target& target, std::string_view shown, Problem problem);
// "age: not an int32": the same without the value.
std::string CauseOf(const Target& target, Problem problem);
// At most some 40 bytes of `text`, cut between characters.
std::string Shortened(std::string_view text);

// One row while it is being read.
class RowDraft {
 public:
  explicit RowDraft(const Targets& targets)
      : targets_(&targets), values_(targets.field_count()), decoded_(targets.field_count()) {}

  void Clear();
  // Whatever else the row has, it is bad: it need not be read on.
  bool failed() const { return !fault_.error.empty(); }
  void Fail(std::string error, std::string cause) { fault_ = {std::move(error), std::move(cause)}; }
  // A problem that does not count in a deletion waits until Finish, since the column that tells may
  // come later.
  void Fail(const Target& target, std::string_view shown, Problem problem);
  // Takes the value of a column, of the target's type or null. Not kNone when the event time cannot
  // be told from it.
  Problem Set(const Target& target, const Datum& value);
  // Where bytes that a text stands for are kept until the next row; null for what is no field.
  std::string* DecodedOf(const Target& target) {
    return target.field.has_value() ? &decoded_[*target.field] : nullptr;
  }
  // The file has no such column, in any of its rows.
  void Lack(const Target& target) { lacking_.push_back(*target.field); }
  const std::vector<uint32_t>& lacking() const { return lacking_; }
  bool is_deletion() const { return is_deletion_; }

  // Borrows from the draft. A row without an event time is an error.
  FileRow Finish(uint64_t line);

 private:
  struct Fault {
    std::string error;  // empty: none
    std::string cause;
  };

  const Targets* targets_;
  std::vector<Datum> values_;
  std::vector<std::string> decoded_;
  std::vector<uint32_t> lacking_;
  std::optional<int64_t> time_ms_;
  bool is_deletion_ = false;
  Fault fault_;
  Fault fault_unless_deletion_;  // the first one
};

}  // namespace freshet::load
