#include "serve/derive.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "serve/columns.h"

namespace freshet::serve {
namespace {

void BindVariables(const DerivedRead& read, uint32_t row, Scratch& scratch) {
  for (const DerivedRead::Input& input : read.inputs) {
    // Ranges were checked when the columns were bound.
    const BoundColumn& column = scratch.input_columns[input.column];
    scratch.variables[input.variable] =
        NarrowTo(input.type, column.values->type, column.At(row)).value;
  }
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const bool is_present =
        scratch.writer.StatusAt(dependency.slot, row) == FeatureStatus::kPresent;
    scratch.variables[dependency.variable] =
        is_present ? scratch.writer.ValueAt(dependency.slot, row) : Datum::Null();
  }
}

int64_t NewestEventTime(const DerivedRead& read, uint32_t row, const Scratch& scratch) {
  int64_t newest_ms = kNoEventTimeMs;
  for (const DerivedRead::Dependency& dependency : read.dependencies)
    newest_ms = std::max(newest_ms, scratch.writer.EventTimeMsAt(dependency.slot, row));
  return newest_ms;
}

// The error, and the first dependency that had no value, which is the likely cause.
std::string FailureReason(const DerivedRead& read, const char* error, uint32_t row,
                          const Scratch& scratch) {
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const FeatureStatus status = scratch.writer.StatusAt(dependency.slot, row);
    if (status == FeatureStatus::kPresent) continue;
    return fmt::format("{}; {} is {}", error, scratch.writer.slot(dependency.slot).name,
                       FeatureStatusName(status));
  }
  return error;
}

bool HangsOnTimedOut(const DerivedRead& read, uint32_t row, const Scratch& scratch) {
  return std::any_of(read.dependencies.begin(), read.dependencies.end(),
                     [&](const DerivedRead::Dependency& dependency) {
                       return scratch.writer.StatusAt(dependency.slot, row) ==
                              FeatureStatus::kTimedOut;
                     });
}

void DeriveRow(const DerivedRead& read, uint32_t row, Scratch& scratch) {
  BlockWriter& writer = scratch.writer;
  writer.PutEventTime(read.slot, row, NewestEventTime(read, row, scratch));
  if (HangsOnTimedOut(read, row, scratch)) {
    writer.PutDefault(read.slot, row, FeatureStatus::kTimedOut);
    return;
  }
  const expr::Evaluation evaluation = read.program->Evaluate(scratch.variables, scratch.expression);
  Narrowed result{{}, evaluation.error};
  if (result.error == nullptr)
    result = NarrowTo(writer.slot(read.slot).feature->type, read.program->type(), evaluation.value);
  if (result.error != nullptr) {
    writer.PutFailure(read.slot, row, FailureReason(read, result.error, row, scratch));
  } else if (result.value.is_null()) {
    writer.PutDefault(read.slot, row, FeatureStatus::kNullValue);
  } else {
    writer.PutValue(read.slot, row, result.value);
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
    scratch.writer.PutDefault(read.slot, row, FeatureStatus::kTimedOut);
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
