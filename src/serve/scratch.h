// The memory that answering one request needs, kept for the next request of the same plan.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "freshet/features.h"

#include "base/datum.h"
#include "expr/program.h"
#include "serve/block_writer.h"
#include "serve/columns.h"
#include "serve/found_rows.h"
#include "serve/plan.h"
#include "store/row.h"
#include "store/store.h"
#include "timeline/timeline.h"

namespace freshet::serve {

// The encoded keys of one entity, in the order of the rows.
struct KeyRuns {
  std::string bytes;
  std::vector<KeyRun> runs;
};

// How the rows of the generation that is served now are read.
struct GenerationView {
  store::TableId table = 0;
  std::optional<store::RowLayout> layout;  // nothing before the first load
  std::vector<uint32_t> columns;           // per RowRead::slots: the stored column, or kNoColumn
};

// What one key of the look-up is for: run `run` of the key of streams[read], or of rows[read -
// streams.size()].
struct LookupTarget {
  uint32_t read = 0;
  uint32_t run = 0;
};

// A column of the request, as it stands in all rows.
struct BoundColumn {
  const Column* values = nullptr;
  bool is_same_in_all_rows = false;

  Datum At(size_t row) const { return DatumAt(*values, is_same_in_all_rows ? 0 : row); }
};

struct Scratch {
  explicit Scratch(const Plan& plan);

  std::vector<BoundColumn> entity_columns;  // per Plan::entity_columns
  std::vector<BoundColumn> input_columns;   // per Plan::input_columns
  std::vector<KeyRuns> keys;                // per Plan::keys
  BlockWriter writer;
  std::vector<std::optional<timeline::Reader>> readers;  // per Plan::streams, of timelines
  std::vector<int64_t> as_of_ms;                         // per Plan::streams
  std::vector<uint8_t> is_late;   // per Plan::streams: lacks events of read_after
  std::vector<uint8_t> is_stale;  // per Plan::slots: its stream is too far behind
  bool has_stale = false;
  size_t value_count = 0;                   // rows times slots of the largest request so far
  std::vector<GenerationView> generations;  // per Plan::rows
  std::vector<std::shared_ptr<const store::Generation>> held_generations;  // during a look-up
  std::vector<store::StateKey> state_keys;
  std::vector<LookupTarget> targets;  // per state key
  std::vector<FoundRows> found_rows;  // per LookupTarget::read; of timelines empty
  std::vector<Datum> variables;       // of the on-demand view at hand
  expr::Scratch expression;
};

// Scratches that no request uses now, for one plan. Any thread.
class ScratchPool {
 public:
  std::unique_ptr<Scratch> Take(const Plan& plan);
  // Keeps a bounded number of scratches; one that a large request has grown is not kept.
  void Give(std::unique_ptr<Scratch> scratch);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
};

}  // namespace freshet::serve
