#include "serve/scratch.h"

#include <utility>

#include "base/limits.h"

namespace freshet::serve {
namespace {

bool IsWorthKeeping(const Scratch& scratch) {
  size_t found_bytes = 0;
  for (const FoundRows& found : scratch.found_rows) found_bytes += found.held_bytes();
  return scratch.state_keys.capacity() <= limits::kIdleScratchKeysMax &&
         scratch.value_count <= limits::kIdleScratchValuesMax &&
         found_bytes <= limits::kIdleFoundRowsBytesMax;
}

}  // namespace

Scratch::Scratch(const Plan& plan)
    : entity_columns(plan.entity_columns.size()),
      input_columns(plan.input_columns.size()),
      keys(plan.keys.size()),
      writer(plan),
      as_of_ms(plan.streams.size()),
      is_late(plan.streams.size()),
      is_stale(plan.slots.size()),
      generations(plan.rows.size()),
      found_rows(plan.streams.size() + plan.rows.size()) {
  readers.reserve(plan.streams.size());
  for (const StreamRead& read : plan.streams) {
    std::optional<timeline::Reader>& reader = readers.emplace_back();
    if (!read.is_of_rows()) reader.emplace(*read.schema, read.wants);
  }
}

std::unique_ptr<Scratch> ScratchPool::Take(const Plan& plan) {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Scratch> scratch = std::move(idle_.back());
      idle_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>(plan);
}

void ScratchPool::Give(std::unique_ptr<Scratch> scratch) {
  if (!IsWorthKeeping(*scratch)) return;
  std::lock_guard lock(mutex_);
  if (idle_.size() < limits::kIdleScratchesMax) idle_.push_back(std::move(scratch));
}

}  // namespace freshet::serve
