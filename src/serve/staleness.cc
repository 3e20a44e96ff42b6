#include "serve/staleness.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/time.h"

namespace freshet::serve {
namespace {

std::string AsOfText(int64_t as_of_ms, int64_t now_ms) {
  if (as_of_ms == kNoEventTimeMs) return "is not yet known to be complete up to any moment";
  return fmt::format("is known to be complete up to {}, {} ms before the read",
                     FormatRfc3339Ms(as_of_ms), now_ms - as_of_ms);
}

int64_t BoundMs(const Terms& terms, const std::optional<int64_t>& feature_bound_ms) {
  return std::min(terms.max_staleness_ms.value_or(INT64_MAX), feature_bound_ms.value_or(INT64_MAX));
}

void Flag(uint32_t slot, BlockWriter& writer) {
  for (uint32_t row = 0; row < writer.row_count(); ++row) {
    const FeatureStatus status = writer.StatusAt(slot, row);
    if (status == FeatureStatus::kFailed || status == FeatureStatus::kTimedOut) continue;
    writer.SetStatus(slot, row, FeatureStatus::kSourceStale);
  }
}

}  // namespace

Result<bool> FindStale(const Plan& plan, const Terms& terms, int64_t now_ms, Scratch& scratch) {
  bool found = false;
  scratch.is_stale.assign(plan.slots.size(), 0);
  for (size_t i = 0; i < plan.streams.size(); ++i) {
    const StreamRead& read = plan.streams[i];
    const int64_t as_of_ms = scratch.as_of_ms[i];
    // It is known already what its values are.
    if (scratch.is_late[i] != 0) continue;
    for (const uint32_t slot : read.slots) {
      const int64_t bound_ms = BoundMs(terms, plan.slots[slot].feature->max_staleness_ms);
      if (bound_ms == INT64_MAX || as_of_ms >= now_ms - bound_ms) continue;
      if (terms.stale_action == StaleAction::kFail) {
        return Status::FailedPrecondition(
            fmt::format("{}: source '{}' {}, and {} ms are allowed for '{}'", plan.subject,
                        plan.sources[read.source], AsOfText(as_of_ms, now_ms), bound_ms,
                        plan.slots[slot].name));
      }
      scratch.is_stale[slot] = 1;
      found = true;
    }
  }
  return found;
}

bool IsAllStale(const StreamRead& read, const Scratch& scratch) {
  return std::all_of(read.slots.begin(), read.slots.end(),
                     [&](uint32_t slot) { return scratch.is_stale[slot] != 0; });
}

void ReplaceStale(const Plan& plan, StaleAction action, Scratch& scratch) {
  for (uint32_t slot = 0; slot < plan.slots.size(); ++slot) {
    if (scratch.is_stale[slot] == 0) continue;
    scratch.writer.Renew(slot);
    for (uint32_t row = 0; row < scratch.writer.row_count(); ++row) {
      if (action == StaleAction::kNull) {
        scratch.writer.PutZero(slot, row, FeatureStatus::kNullValue);
      } else {
        scratch.writer.PutDefault(slot, row, FeatureStatus::kSourceStale);
      }
    }
  }
}

void FlagStale(const Plan& plan, Scratch& scratch) {
  for (const DerivedRead& read : plan.derived) {
    const bool reads_stale =
        std::any_of(read.dependencies.begin(), read.dependencies.end(),
                    [&](const auto& dependency) { return scratch.is_stale[dependency.slot] != 0; });
    if (reads_stale) scratch.is_stale[read.slot] = 1;
  }
  for (uint32_t slot = 0; slot < plan.slots.size(); ++slot) {
    if (scratch.is_stale[slot] != 0) Flag(slot, scratch.writer);
  }
}

}  // namespace freshet::serve
