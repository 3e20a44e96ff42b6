// From stored bytes to values with a status, each put into the answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "serve/block_writer.h"
#include "serve/plan.h"
#include "serve/scratch.h"

namespace freshet::serve {

// Puts all features of a timeline; `bytes` is empty for an entity that was never seen. True when
// the answer is only wanting a later moment: some event is newer than `now_ms` by more than the
// clock skew.
bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      int64_t now_ms, uint32_t row, BlockWriter& writer);

// Puts all features of a row that a stream feeds; `bytes` is empty for an entity that was never seen.
void FinalizeStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                       BlockWriter& writer);

// Puts all features of a loaded row; `bytes` is empty for an entity without one, else a valid row
// of the generation.
void FinalizeRow(const RowRead& read, const GenerationView& generation, std::string_view bytes,
                 int64_t now_ms, uint32_t row, BlockWriter& writer);

}  // namespace freshet::serve
