#include "serve/derive.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "serve/columns.h"
#include "serve/finalize.h"

namespace freshet::serve {
namespace {

FeatureStatus StatusAt(const SlotWriter& writer, uint32_t row) {
  return writer.column->statuses[row];
}

void BindVariables(const DerivedRead& read, uint32_t row, Scratch& scratch) {
  for (const DerivedRead::Input& input : read.inputs) {
    // Ranges were checked when the columns were bound.
    const BoundColumn& column = scratch.input_columns[input.column];
    scratch.variables[input.variable] =
        NarrowTo(input.type, column.values->type, column.At(row)).value;
  }
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const SlotWriter& writer = scratch.writers[dependency.slot];
    const bool is_present = StatusAt(writer, row) == FeatureStatus::kPresent;
    scratch.variables[dependency.variable] =
        is_present ? DatumAt(writer.column->values, row) : Datum::Null();
  }
}

int64_t NewestEventTime(const DerivedRead& read, uint32_t row, const Scratch& scratch) {
  int64_t newest_ms = kNoEventTimeMs;
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const std::vector<int64_t>& times = scratch.writers[dependency.slot].column->event_times_ms;
    if (!times.empty()) newest_ms = std::max(newest_ms, times[row]);
  }
  return newest_ms;
}

// The error, and the first dependency that had no value, which is the likely cause.
std::string FailureReason(const DerivedRead& read, const char* error, uint32_t row,
                          const Scratch& scratch) {
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const SlotWriter& writer = scratch.writers[dependency.slot];
    const FeatureStatus status = StatusAt(writer, row);
    if (status == FeatureStatus::kPresent) continue;
    return fmt::format("{}; {} is {}", error, writer.slot->name, FeatureStatusName(status));
  }
  return error;
}

bool HangsOnTimedOut(const DerivedRead& read, uint32_t row, const Scratch& scratch) {
  return std::any_of(read.dependencies.begin(), read.dependencies.end(),
                     [&](const DerivedRead::Dependency& dependency) {
                       return StatusAt(scratch.writers[dependency.slot], row) ==
                              FeatureStatus::kTimedOut;
                     });
}

void DeriveRow(const DerivedRead& read, uint32_t row, Scratch& scratch) {
  SlotWriter& writer = scratch.writers[read.slot];
  PutEventTime(writer, row, NewestEventTime(read, row, scratch));
  if (HangsOnTimedOut(read, row, scratch)) {
    PutDefault(writer, row, FeatureStatus::kTimedOut);
    return;
  }
  const expr::Evaluation evaluation = read.program->Evaluate(scratch.variables, scratch.expression);
  Narrowed result{{}, evaluation.error};
  if (result.error == nullptr)
    result = NarrowTo(writer.slot->feature->type, read.program->type(), evaluation.value);
  if (result.error != nullptr) {
    PutFailure(writer, row, FailureReason(read, result.error, row, scratch));
  } else if (result.value.is_null()) {
    PutDefault(writer, row, FeatureStatus::kNullValue);
  } else {
    PutValue(writer, row, result.value);
  }
}

bool HasCome(const store::Store::Deadline& deadline) {
  return deadline.has_value() && std::chrono::steady_clock::now() >= *deadline;
}

void Derive(const DerivedRead& read, uint32_t row_count, int64_t now_ms,
            const store::Store::Deadline& deadline, Scratch& scratch) {
  scratch.variables.assign(read.variable_count, Datum::Null());
  if (read.now_variable.has_value()) scratch.variables[*read.now_variable] = Datum::Int(now_ms);
  uint32_t row = 0;
  for (; row < row_count; ++row) {
    if (row > 0 && row % limits::kDerivedRowsPerLook == 0 && HasCome(deadline)) break;
    BindVariables(read, row, scratch);
    DeriveRow(read, row, scratch);
  }
  for (; row < row_count; ++row) {
    PutDefault(scratch.writers[read.slot], row, FeatureStatus::kTimedOut);
  }
}

}  // namespace

void BindRow(const DerivedRead& read, uint32_t row, int64_t now_ms, Scratch& scratch) {
  scratch.variables.assign(read.variable_count, Datum::Null());
  if (read.now_variable.has_value()) scratch.variables[*read.now_variable] = Datum::Int(now_ms);
  BindVariables(read, row, scratch);
}

void DeriveAll(const Plan& plan, uint32_t row_count, int64_t now_ms,
               const store::Store::Deadline& deadline, Scratch& scratch) {
  for (const DerivedRead& read : plan.derived) Derive(read, row_count, now_ms, deadline, scratch);
}

}  // namespace freshet::serve
