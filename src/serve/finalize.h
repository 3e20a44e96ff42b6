// From stored bytes to values with a status, each put into the answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "serve/block_writer.h"
#include "serve/plan.h"
#include "serve/scratch.h"

namespace freshet::serve {

// Puts all features of a timeline; `bytes` is empty for an entity that was never seen. `note` is theirs, or null. True when
// the answer is only wanting a later moment: some event is newer than `now_ms` by more than the
// clock skew.
bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      store::Note* note, int64_t now_ms, uint32_t row, BlockWriter& writer);

// Adds a row to those found, or puts all its features where there is none or it is too old. `bytes` is empty for an entity
// without one: of a row that a stream feeds as it is stored, else a valid row.
void FindStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                   FoundRows& found, BlockWriter& writer);
void FindRow(const RowRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
             FoundRows& found, BlockWriter& writer);

// Put all features of the rows found, of which there are some, column by column; those of loaded rows are of the generation.
void FinalizeStreamRows(const StreamRead& read, FoundRows& found, BlockWriter& writer);
void FinalizeRows(const RowRead& read, const GenerationView& generation, FoundRows& found,
                  BlockWriter& writer);

}  // namespace freshet::serve
