// What a timeline was answered with, kept in its note for the requests of the same plan that follow: as long as no event
// comes and no window slides on, an answer is a copy of the one before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "serve/block_writer.h"
#include "serve/plan.h"
#include "store/store.h"
#include "timeline/timeline.h"

namespace freshet::serve {

// Puts the features of the read when the note has them as they are at `now_ms`; otherwise false, and nothing is put.
bool PutKept(const StreamRead& read, const store::Note& note, int64_t now_ms, uint32_t row,
             BlockWriter& writer);

// Keeps the features that were put into a row and hold at those times, in at most `bytes_max`: a read that failed
// is not kept, nor one without such times.
void Keep(const StreamRead& read, const timeline::ReadTimes& held_at, uint32_t row,
          const BlockWriter& writer, size_t bytes_max, store::Note* note);

}  // namespace freshet::serve
