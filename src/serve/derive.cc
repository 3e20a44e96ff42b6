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
    scratch.variables[input.variable] =
        NarrowTo(input.type, scratch.input_columns[input.column].At(row)).value;
  }
  for (const DerivedRead::Dependency& dependency : read.dependencies) {
    const SlotWriter& writer = scratch.writers[dependency.slot];
    const bool is_present = StatusAt(writer, row) == FeatureStatus::kPresent;
    scratch.variables[dependency.variable] =
        is_present ? DatumAt(writer.column->values, row) : Datum::Null();
  }
}

int64_t NewestEventTime(const DerivedOutput& output, uint32_t row, const Scratch& scratch) {
  int64_t newest_ms = kNoEventTimeMs;
  for (uint32_t slot : output.dependencies) {
    const std::vector<int64_t>& times = scratch.writers[slot].column->event_times_ms;
    if (!times.empty()) newest_ms = std::max(newest_ms, times[row]);
  }
  return newest_ms;
}

// The error, and the first dependency that had no value, which is the likely cause.
std::string FailureReason(const DerivedOutput& output, const char* error, uint32_t row,
                          const Scratch& scratch) {
  for (uint32_t slot : output.dependencies) {
    const FeatureStatus status = StatusAt(scratch.writers[slot], row);
    if (status == FeatureStatus::kPresent) continue;
    return fmt::format("{}; {} is {}", error, scratch.writers[slot].slot->name,
                       FeatureStatusName(status));
  }
  return error;
}

bool HangsOnTimedOut(const DerivedOutput& output, uint32_t row, const Scratch& scratch) {
  return std::any_of(output.dependencies.begin(), output.dependencies.end(), [&](uint32_t slot) {
    return StatusAt(scratch.writers[slot], row) == FeatureStatus::kTimedOut;
  });
}

void PutRowsTimedOut(const DerivedRead& read, uint32_t begin, uint32_t end, Scratch& scratch) {
  for (uint32_t row = begin; row < end; ++row) {
    for (const DerivedOutput& output : read.outputs) {
      PutDefault(scratch.writers[output.slot], row, FeatureStatus::kTimedOut);
    }
  }
}

void DeriveRow(const DerivedOutput& output, uint32_t row, Scratch& scratch) {
  SlotWriter& writer = scratch.writers[output.slot];
  PutEventTime(writer, row, NewestEventTime(output, row, scratch));
  if (HangsOnTimedOut(output, row, scratch)) {
    PutDefault(writer, row, FeatureStatus::kTimedOut);
    return;
  }
  const expr::Evaluation evaluation =
      output.program->Evaluate(scratch.variables, scratch.expression);
  Narrowed result{{}, evaluation.error};
  if (result.error == nullptr) result = NarrowTo(writer.slot->feature->type, evaluation.value);
  if (result.error != nullptr) {
    PutFailure(writer, row, FailureReason(output, result.error, row, scratch));
  } else if (result.value.is_null()) {
    PutDefault(writer, row, FeatureStatus::kNullValue);
  } else {
    PutValue(writer, row, result.value);
  }
}

}  // namespace

void DeriveAll(const Plan& plan, uint32_t row_count, const store::Store::Deadline& deadline,
               Scratch& scratch) {
  for (const DerivedRead& read : plan.derived) {
    scratch.variables.assign(read.variable_count, Datum::Null());
    for (uint32_t row = 0; row < row_count; ++row) {
      const bool is_time_to_look = row > 0 && row % limits::kDerivedRowsPerLook == 0;
      if (is_time_to_look && deadline.has_value() &&
          std::chrono::steady_clock::now() >= *deadline) {
        PutRowsTimedOut(read, row, row_count, scratch);
        break;
      }
      BindVariables(read, row, scratch);
      for (const DerivedOutput& output : read.outputs) DeriveRow(output, row, scratch);
    }
  }
}

}  // namespace freshet::serve
