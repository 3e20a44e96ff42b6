// A row while a reader puts it together from its columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/datum.h"
#include "load/row_reader.h"
#include "load/targets.h"

namespace freshet::load {

// One row at a time.
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
