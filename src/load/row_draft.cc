#include "load/row_draft.h"

#include <utility>

#include <fmt/format.h>

namespace freshet::load {

void RowDraft::Clear() {
  values_.assign(values_.size(), Datum::Null());
  time_ms_.reset();
  is_deletion_ = false;
  fault_.error.clear();
  fault_unless_deletion_.error.clear();
  for (const Targets::Fixed& fixed : targets_->fixed()) {
    const Target& target = targets_->all()[fixed.target];
    if (const Problem problem = Set(target, fixed.value); problem != Problem::kNone)
      Fail(target, "the value that the path says", problem);
  }
}

void RowDraft::Fail(const Target& target, std::string_view shown, Problem problem) {
  Fault& fault = target.is_void_in_deletion ? fault_unless_deletion_ : fault_;
  if (!fault.error.empty()) return;
  fault = {Explain(target, shown, problem), CauseOf(target, problem)};
}

Problem RowDraft::Set(const Target& target, const Datum& value) {
  if (target.field.has_value()) values_[*target.field] = value;
  if (target.tells_deletion) is_deletion_ = Targets::TellsDeletion(value);
  if (!target.is_event_time) return Problem::kNone;
  time_ms_ = targets_->EventTimeMs(value);
  return value.is_null() || time_ms_.has_value() ? Problem::kNone : Problem::kNotATime;
}

FileRow RowDraft::Finish(uint64_t line) {
  const bool counts = !is_deletion_ && !fault_unless_deletion_.error.empty();
  if (!failed() && counts) fault_ = fault_unless_deletion_;
  if (!failed() && !time_ms_.has_value()) {
    const std::string missing =
        fmt::format("{}: the event time is missing", targets_->event_time().name);
    Fail(missing, missing);
  }
  FileRow row;
  row.line = line;
  row.error = fault_.error;
  row.cause = fault_.cause;
  if (failed()) return row;
  row.time_ms = *time_ms_;
  row.values = values_;
  row.lacking = lacking_;
  row.is_deletion = is_deletion_;
  return row;
}

}  // namespace freshet::load
