// How each value of an answer came about, for people who ask. Decimals are their text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "freshet/features.h"
#include "freshet/value.h"

namespace freshet {

// Events of a span of time, folded into one slot for each aggregation.
struct ExplainedCell {
  int64_t begin_ms =
      kNoEventTimeMs;  // kNoEventTimeMs: of the lifetime, all that came before the others
  int64_t end_ms = 0;  // events before it
  int64_t newest_event_ms = 0;
  std::vector<Value> slots;  // per ExplainedTimeline::aggregations: the value of this cell alone
};

// The state of one entity that the features of one stream view come from.
struct ExplainedTimeline {
  std::string view;
  std::string source;
  std::string key;  // "user_id=42"
  uint32_t table = 0;
  bool is_found = false;  // false: no event of the entity was ever seen
  int64_t newest_event_ms = kNoEventTimeMs;
  int64_t as_of_ms = kNoEventTimeMs;
  // Every event before these places is in.
  std::vector<StreamPosition> positions;
  std::vector<std::string> aggregations;
  uint64_t cell_count = 0;
  std::vector<ExplainedCell> cells;  // in time order; of many the newest
};

// The row that the features of one batch view come from, of a load or of a stream.
struct ExplainedRow {
  std::string view;
  std::string source;
  std::string key;
  uint32_t generation = 0;  // of the load that is served; 0: nothing was loaded yet
  int64_t loaded_at_ms = kNoEventTimeMs;
  uint64_t row_count = 0;  // of the load
  bool is_found = false;
  int64_t event_time_ms = kNoEventTimeMs;  // of the row, or of the record that deleted it
  std::optional<int64_t> max_age_ms;

  // Of rows that a stream feeds.
  uint32_t table = 0;       // 0: the rows are loaded
  bool is_deleted = false;  // the newest record of the entity deletes it
  int64_t as_of_ms = kNoEventTimeMs;
  // Every record before these places is in.
  std::vector<StreamPosition> positions;
};

// A part of an expression and what it came to; operands are one deeper than their operator.
struct ExplainedStep {
  uint32_t depth = 0;
  std::string text;
  bool is_evaluated = false;  // false: the outcome did not hang on it
  Value value;
  std::string error;  // empty: there is a value
};

struct ExplainedFeature {
  std::string name;       // "view.feature"
  bool is_asked = false;  // false: an on-demand feature reads it
  FeatureStatus status = FeatureStatus::kPresent;
  Value value;         // a list is its text
  std::string reason;  // of kFailed
  int64_t event_time_ms = kNoEventTimeMs;

  // Of a stream view: where it is read, and the cells that are in its window.
  std::optional<uint32_t> timeline;  // an index into Explanation::timelines
  std::string aggregation;
  std::string window;  // "1h", ...; empty: the lifetime
  int64_t window_begin_ms = kNoEventTimeMs;
  int64_t window_end_ms = 0;
  uint32_t cell_begin = 0;  // [cell_begin, cell_end) of ExplainedTimeline::cells
  uint32_t cell_end = 0;

  // Of a batch view.
  std::optional<uint32_t> row;  // an index into Explanation::rows
  std::string column;

  // Of an on-demand view.
  std::string expression;
  std::vector<ExplainedStep> steps;
};

struct Explanation {
  int64_t read_time_ms = 0;
  // Those that were asked for, in order, then those that they read.
  std::vector<ExplainedFeature> features;
  std::vector<ExplainedTimeline> timelines;
  std::vector<ExplainedRow> rows;
};

}  // namespace freshet
