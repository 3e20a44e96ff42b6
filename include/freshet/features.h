// A request for feature vectors and its answer, as the engine takes it and the client sends it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

namespace freshet {

// What is known of one value. The numbers are on the wire; 1 to 4 are Feast's.
enum class FeatureStatus : uint8_t {
  kPresent = 1,
  kNullValue = 2,      // known to be null
  kNotFound = 3,       // the entity was never seen in the view
  kOutsideMaxAge = 4,  // older than the view's max_age
  kSourceStale = 5,    // the stream is behind by more than is allowed
  kTimedOut = 6,       // the deadline came first
  kFailed = 7,         // could not be computed; the answer carries the reason
};

// "PRESENT", "NULL_VALUE", ...
std::string_view FeatureStatusName(FeatureStatus status);

// What stands in for values of a stream that is further behind than is allowed.
enum class StaleAction : uint8_t {
  kUseDefault = 1,  // the feature's default, as kSourceStale
  kServe = 2,       // the value of what is in, as kSourceStale
  kNull = 3,        // the type's zero, as kNullValue
  kFail = 4,        // nothing: the request is FailedPrecondition
};

// The word for an action in definitions and on the command line: "use_default", "serve", "null",
// "fail"; nothing for another word.
std::optional<StaleAction> FindStaleAction(std::string_view word);
std::string_view StaleActionName(StaleAction action);

// One event's place in a stream, as its producer was told it.
struct StreamPosition {
  std::string source;
  int32_t partition = 0;  // of a push source always 0
  int64_t offset = 0;
};

struct FeatureRequest {
  // Either the name of a feature service or a list of "view.feature" names.
  std::string feature_service;
  std::vector<std::string> features;
  // One column per join key that the features need: one row per entity, or a single row that stands
  // for all.
  std::vector<NamedColumn> entities;
  // One column per request input that the features need, likewise.
  std::vector<NamedColumn> inputs;
  // Evaluate windows at this moment instead of now; refused unless the server's configuration
  // allows it.
  std::optional<int64_t> read_time_ms;
  // Values of a stream whose as-of is older than this before the read are stale. Stands before the
  // service's; a bound of the feature itself holds too.
  std::optional<int64_t> max_staleness_ms;
  // What becomes of stale values; nothing: as the service says, else kUseDefault.
  std::optional<StaleAction> stale_action;
  // Answer once these events are in. Those that are not when the time is out make what hangs on
  // their source kTimedOut.
  std::vector<StreamPosition> read_after;
  // Asked now and then during that wait; true ends it, and the request, as Cancelled. Not sent.
  std::function<bool()> is_cancelled;
  // The answer is wanted within this time. What is not ready by then is kTimedOut. The shorter of
  // this and the service's counts.
  std::optional<int64_t> timeout_us;
  // Ask for FeatureColumn::event_times_ms.
  bool include_event_times = false;
  // Ask for FeatureResponse::as_of.
  bool include_as_of = false;
  // Ask for FeatureResponse::phases.
  bool include_phases = false;
};

struct FeatureFailure {
  uint32_t row = 0;
  std::string reason;
};

// The event time of a value that no event has touched.
inline constexpr int64_t kNoEventTimeMs = INT64_MIN;

struct FeatureColumn {
  std::string name;  // "view.feature"
  // Where a status is not kPresent, the value is the feature's default, but for StaleAction::kServe
  // and kNull.
  Column values;
  // One a row; empty when every row is kPresent.
  std::vector<FeatureStatus> statuses;
  // One a row when asked for, else empty: newest event in the value, or the row's timestamp;
  // kNoEventTimeMs without one.
  std::vector<int64_t> event_times_ms;
  // One for each row that is kFailed, in row order; of more than 100 rows some are left out.
  std::vector<FeatureFailure> failures;
};

struct SourceAsOf {
  std::string source;
  // The moment up to which the stream is known to be complete; kNoEventTimeMs while unknown.
  int64_t as_of_ms = kNoEventTimeMs;
};

// Where the server's time went, without decoding and encoding.
struct PhaseTimes {
  int64_t prepare_ns = 0;  // the plan found, the columns checked, the keys encoded
  int64_t wait_ns = 0;     // for the events of read_after
  int64_t lookup_ns = 0;   // state read and windows evaluated
  int64_t derive_ns = 0;   // on-demand features
};

struct FeatureResponse {
  int64_t read_time_ms = 0;
  uint32_t row_count = 0;
  // In the order of the service or the request.
  std::vector<FeatureColumn> features;
  // The streams behind the features, sorted by name.
  std::vector<SourceAsOf> as_of;
  std::optional<PhaseTimes> phases;
};

}  // namespace freshet
