#include "serve/lookup.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "serve/finalize.h"
#include "serve/staleness.h"

namespace freshet::serve {
namespace {

void PutAll(const std::vector<uint32_t>& slots, uint32_t row_count, FeatureStatus status,
            Scratch& scratch) {
  for (uint32_t slot : slots) {
    for (uint32_t row = 0; row < row_count; ++row) scratch.writer.PutDefault(slot, row, status);
  }
}

void AddKeys(const KeyRuns& keys, store::TableKind kind, store::TableId table, uint32_t read,
             Scratch& scratch) {
  for (size_t run = 0; run < keys.runs.size(); ++run) {
    const size_t begin = keys.runs[run].key_begin;
    const std::string_view key =
        std::string_view(keys.bytes).substr(begin, keys.runs[run].key_end - begin);
    scratch.state_keys.push_back({kind, table, key});
    scratch.targets.push_back({read, static_cast<uint32_t>(run)});
  }
}

// Finds where the generation has each column that the plan reads.
Status ResolveColumns(const RowRead& read, const Plan& plan, const store::Generation& generation,
                      GenerationView& view) {
  view.table = generation.table;
  view.layout.emplace(generation.column_types);
  view.columns.assign(read.columns.size(), store::RowLayout::kNoColumn);
  for (size_t i = 0; i < read.columns.size(); ++i) {
    for (size_t column = 0; column < generation.column_names.size(); ++column) {
      if (generation.column_names[column] != read.columns[i]) continue;
      const Type declared = plan.slots[read.slots[i]].feature->type;
      if (generation.column_types[column] != declared) {
        view.layout.reset();
        return Status::Internal(fmt::format("feature '{}' is {}, but its stored rows have {}",
                                            plan.slots[read.slots[i]].name, TypeName(declared),
                                            TypeName(generation.column_types[column])));
      }
      view.columns[i] = static_cast<uint32_t>(column);
    }
  }
  return Status::Ok();
}

// The rows of one batch view: their keys in the generation that is served now, or NOT_FOUND before
// the first load. Keeps the generation readable until the look-up is done.
Status AddRowKeys(const Plan& plan, size_t index, uint32_t row_count, store::Store& store,
                  Scratch& scratch) {
  const RowRead& read = plan.rows[index];
  std::shared_ptr<const store::Generation> generation = store.FindGeneration(read.view->id);
  if (generation == nullptr) {
    PutAll(read.slots, row_count, FeatureStatus::kNotFound, scratch);
    return Status::Ok();
  }
  GenerationView& view = scratch.generations[index];
  if (!view.layout.has_value() || view.table != generation->table) {
    FRESHET_RETURN_IF_ERROR(ResolveColumns(read, plan, *generation, view));
  }
  const auto target = static_cast<uint32_t>(plan.streams.size() + index);
  AddKeys(scratch.keys[read.key], store::TableKind::kRows, generation->table, target, scratch);
  scratch.held_generations.push_back(std::move(generation));
  return Status::Ok();
}

// What a target reads: its slots, and the runs of its key.
struct TargetRead {
  const std::vector<uint32_t>& slots;
  const KeyRuns& keys;
};

TargetRead ReadOf(const Plan& plan, uint32_t read, const Scratch& scratch) {
  if (read < plan.streams.size()) {
    return {plan.streams[read].slots, scratch.keys[plan.streams[read].key]};
  }
  const RowRead& rows = plan.rows[read - plan.streams.size()];
  return {rows.slots, scratch.keys[rows.key]};
}

// As FinalizeTimeline.
bool Visit(const Plan& plan, const LookupTarget& target, std::string_view bytes, store::Note* note,
           int64_t now_ms, Scratch& scratch) {
  const uint32_t row = ReadOf(plan, target.read, scratch).keys.runs[target.run].first_row;
  FoundRows& found = scratch.found_rows[target.read];
  if (target.read >= plan.streams.size()) {
    FindRow(plan.rows[target.read - plan.streams.size()], bytes, now_ms, row, found,
            scratch.writer);
    return false;
  }
  const StreamRead& read = plan.streams[target.read];
  if (read.is_of_rows()) {
    FindStreamRow(read, bytes, now_ms, row, found, scratch.writer);
    return false;
  }
  return FinalizeTimeline(read, *scratch.readers[target.read], bytes, note, now_ms, row,
                          scratch.writer);
}

void PutFoundRows(const Plan& plan, Scratch& scratch) {
  for (size_t i = 0; i < scratch.found_rows.size(); ++i) {
    FoundRows& found = scratch.found_rows[i];
    if (found.empty()) continue;
    if (i < plan.streams.size()) {
      FinalizeStreamRows(plan.streams[i], found, scratch.writer);
    } else {
      const size_t index = i - plan.streams.size();
      FinalizeRows(plan.rows[index], scratch.generations[index], found, scratch.writer);
    }
  }
}

// The store visits keys in order, but for those of one step; a step is visited whole.
void PutTimedOut(const Plan& plan, size_t visited, Scratch& scratch) {
  for (size_t i = visited; i < scratch.targets.size(); ++i) {
    const TargetRead read = ReadOf(plan, scratch.targets[i].read, scratch);
    const uint32_t row = read.keys.runs[scratch.targets[i].run].first_row;
    for (uint32_t slot : read.slots) {
      scratch.writer.PutDefault(slot, row, FeatureStatus::kTimedOut);
    }
  }
}

void RepeatRuns(const Plan& plan, Scratch& scratch) {
  for (const LookupTarget& target : scratch.targets) {
    const TargetRead read = ReadOf(plan, target.read, scratch);
    const KeyRun& run = read.keys.runs[target.run];
    if (run.row_count == 1) continue;
    for (uint32_t slot : read.slots) scratch.writer.RepeatFirstRow(slot, run);
  }
}

Status AddAllKeys(const Plan& plan, const LookupOptions& options, uint32_t row_count,
                  store::Store& store, Scratch& scratch) {
  scratch.state_keys.clear();
  scratch.targets.clear();
  for (uint32_t i = 0; i < plan.streams.size(); ++i) {
    const StreamRead& read = plan.streams[i];
    if (scratch.is_late[i] != 0) {
      PutAll(read.slots, row_count, FeatureStatus::kTimedOut, scratch);
    } else if (!options.skip_stale || !IsAllStale(read, scratch)) {
      AddKeys(scratch.keys[read.key], store::TableKind::kTimelines, read.table, i, scratch);
    }
  }
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    FRESHET_RETURN_IF_ERROR(AddRowKeys(plan, i, row_count, store, scratch));
  }
  return Status::Ok();
}

}  // namespace

Status LookupAll(const Plan& plan, const LookupOptions& options, uint32_t row_count,
                 store::Store& store, Scratch& scratch, bool* is_too_early) {
  scratch.held_generations.clear();
  if (Status added = AddAllKeys(plan, options, row_count, store, scratch); !added.ok()) {
    scratch.held_generations.clear();
    return added;
  }
  if (options.copies != nullptr) options.copies->assign(scratch.targets.size(), {});
  for (FoundRows& found : scratch.found_rows) found.Clear();
  size_t visited = 0;
  const auto visit = [&](size_t i, std::string_view bytes, store::Note* note) {
    ++visited;
    if (options.copies != nullptr) (*options.copies)[i].assign(bytes);
    *is_too_early |= Visit(plan, scratch.targets[i], bytes, note, options.now_ms, scratch);
  };
  const Status status = store.Lookup(scratch.state_keys, visit, options.deadline);
  scratch.held_generations.clear();
  FRESHET_RETURN_IF_ERROR(status);
  PutFoundRows(plan, scratch);
  PutTimedOut(plan, visited, scratch);
  RepeatRuns(plan, scratch);
  return Status::Ok();
}

}  // namespace freshet::serve
