// From stored bytes to values with a status, each written into its column of the answer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "freshet/features.h"

#include "base/datum.h"
#include "serve/plan.h"
#include "serve/scratch.h"

namespace freshet::serve {

// Makes the writer's column `row_count` rows long, all PRESENT. Between Begin and Finish every row
// is put exactly once.
void Begin(SlotWriter& writer, uint32_t row_count, bool with_event_times);
// Drops the statuses when all rows are PRESENT, and brings failures into the order of rows.
void Finish(SlotWriter& writer);

// `value` is not null and of the feature's kind.
void PutValue(SlotWriter& writer, uint32_t row, const Datum& value);
// The default, under a status that is not kPresent.
void PutDefault(SlotWriter& writer, uint32_t row, FeatureStatus status);
// The type's zero, whatever the default.
void PutZero(SlotWriter& writer, uint32_t row, FeatureStatus status);
void PutFailure(SlotWriter& writer, uint32_t row, std::string reason);
void PutEventTime(SlotWriter& writer, uint32_t row, int64_t event_time_ms);
// Gives the rows of a run what its first row was given.
void RepeatFirstRow(SlotWriter& writer, const KeyRun& run);

// Puts all features of a timeline; `bytes` is empty for an entity that was never seen. True when
// the answer is only wanting a later moment: some event is newer than `now_ms` by more than the
// clock skew.
bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      int64_t now_ms, uint32_t row, std::span<SlotWriter> writers);

// Puts all features of a row that a stream feeds; `bytes` is empty for an entity that was never seen.
void FinalizeStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                       std::span<SlotWriter> writers);

// Puts all features of a loaded row; `bytes` is empty for an entity without one, else a valid row
// of the generation.
void FinalizeRow(const RowRead& read, const GenerationView& generation, std::string_view bytes,
                 int64_t now_ms, uint32_t row, std::span<SlotWriter> writers);

}  // namespace freshet::serve
