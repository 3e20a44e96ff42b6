// The algebra of aggregation: init / update / merge / finalize over bytes.
//
// The partial state of one aggregation over some set of events is a slot: a few bytes that are the
// same in memory and on disk. Every aggregate promises
//   - merge is associative and commutative, and update(s, e) equals merge(s, the slot of e alone),
//     so that a slot hangs on the set of events and not on the order in which they came;
//   - nulls (and NaN, which counts as null) do not touch a slot.
// Sums of doubles keep about 106 bits: their finalized value does not hang on the order unless
// terms cancel that are more than 2^100 times as large as what is left, or partial sums leave the
// range of a double. Infinities add up as IEEE 754 says (opposite ones to NaN); a sum that is zero
// is 0.0, never -0.0. For min and max, -0.0 is less than 0.0. Strings compare by their bytes, which
// for UTF-8 is the order of code points. No clock, no I/O, no state of its own: every function is
// pure and callable from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "freshet/status.h"
#include "freshet/value.h"

#include "base/datum.h"
#include "base/limits.h"

namespace freshet::aggregate {

// What the events of a slot bring at the most.
struct Fill {
  size_t events = SIZE_MAX;
  size_t text_bytes = limits::kStringValueBytesMax;  // of each text among their values
};

// When an event happened and, to break ties in time, where in its stream it stands.
struct EventOrder {
  int64_t time_ms = 0;
  int32_t partition = 0;
  int64_t offset = 0;

  friend auto operator<=>(const EventOrder&, const EventOrder&) = default;
};

enum class Outcome : uint8_t {
  kValue,     // the datum is the value
  kNull,      // the events that contributed do not make a value
  kOverflow,  // an int64 sum, or a power of a double, that does not fit
  kTooMany,   // more categories than are told apart
};

// Several numbers, in the order in which their list has them.
template <size_t kMax>
struct Numbers {
  std::array<double, kMax> values{};
  uint32_t count = 0;

  std::span<const double> all() const { return {values.data(), count}; }
  friend bool operator==(const Numbers&, const Numbers&) = default;
};
using Quantiles = Numbers<limits::kQuantilesMax>;
using Edges = Numbers<limits::kEdgesMax>;

// What a definition says about an aggregation beside its function and input. Those that the
// function does not take are 0.
struct Parameters {
  int64_t half_life_ms = 0;  // the time in which the weight of an event halves
  double quantile = 0;       // from 0, the smallest value, to 1, the largest
  uint32_t k = 0;            // how many elements a list has at the most
  Quantiles quantiles;
  Edges edges;                   // of a histogram, ascending
  Type by_type = Type::kString;  // of `by`, the second input
  uint8_t of_scale = 0;          // of the input, where that is a decimal; FindAggregate sets it

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

// Which of the parameters an aggregate takes; it needs all that it takes.
using ParameterSet = uint8_t;
inline constexpr ParameterSet kTakesHalfLife = 1;
inline constexpr ParameterSet kTakesQuantile = 2;
inline constexpr ParameterSet kTakesK = 4;
inline constexpr ParameterSet kTakesQuantiles = 8;
inline constexpr ParameterSet kTakesEdges = 16;
inline constexpr ParameterSet kTakesBy = 32;

// The read that a value is for.
struct Reading {
  int64_t now_ms = 0;
  int64_t window_ms = 0;           // the length of the window; 0 over the lifetime
  std::string* scratch = nullptr;  // where a list is put together; the value borrows from it
};

// Slots that stand one after the other, and the read that their value is for. The value is of all runs
// since the last that starts anew.
struct SlotRun {
  size_t begin_bytes = 0;  // where the first of them is
  size_t count = 0;
  bool starts_anew = false;
  Reading reading;
};

struct RunValue {
  Datum value;  // meaningful for kValue
  Outcome outcome = Outcome::kNull;
};

// One aggregate applied to one input type; decimals of all scales are one, as their units. A fixed-size slot (size_bytes > 0) sits in its cell and
// is changed in place; a variable-size slot (size_bytes == 0) is a byte string, empty at first,
// that the functions below rewrite. The functions of the other kind are null. The parameters that
// they take are always the aggregate's own.
struct Aggregate {
  std::string_view name;  // as definitions write it, e.g. "sum"
  Type input;             // the type of `of`; kBool where the aggregate takes no input
  bool takes_input;
  Type output;  // of a list: of its elements
  uint16_t size_bytes;
  ParameterSet takes = 0;
  bool needs_window = false;   // without a value over the lifetime
  bool gives_list = false;     // the value is a string: the elements, as packed_list.h has them
  bool by_is_ordered = false;  // whether `by` must be a number or a timestamp
  bool ages = false;           // whether the value of an unchanged slot hangs on Reading::now_ms

  void (*init)(char* slot);
  void (*update)(char* slot, const Datum& value, const EventOrder& order, const Parameters&);
  void (*merge)(char* slot, const char* other);
  // Merges `count` slots, each `stride_bytes` after the one before, the first at `others`: what one
  // merge each would do, with the state in registers.
  void (*merge_run)(char* slot, const char* others, size_t stride_bytes, size_t count);
  // The values of runs of slots, each slot `stride_bytes` after the one before, one value a run: what
  // init, one merge for each slot and finalize would give, with the state in registers.
  void (*read_runs)(const char* slots, size_t stride_bytes, std::span<const SlotRun> runs,
                    const Parameters&, RunValue* values);

  // `by` is null unless the aggregate takes it.
  void (*update_variable)(std::string& slot, const Datum& value, const Datum& by,
                          const EventOrder& order, const Parameters&);
  void (*merge_variable)(std::string& slot, std::string_view other, const Parameters&);

  // Writes *value, which may borrow from `slot`, when the outcome is kValue.
  Outcome (*finalize)(std::string_view slot, const Reading&, const Parameters&, Datum* value);
  // OK when the bytes are a slot that this aggregate can have written. For bytes that come from
  // disk.
  bool (*is_valid)(std::string_view slot, const Parameters&);
  // No slot of such events is larger.
  size_t (*bytes_max)(const Parameters&, const Fill&);

  Parameters parameters = {};
};

// The names of all aggregates, in the order of the table.
std::span<const std::string> AggregateNames();

// What the aggregate of that name takes, whatever its input; nothing for an unknown name.
ParameterSet ParametersOf(std::string_view name);

// Whether it takes values of that type; false for an unknown name.
bool TakesInput(std::string_view name, Type input);

// The aggregate of that name over values of `input` (null: no `of` was given). Of decimals its output may be
// decimals of the same scale.
// InvalidArgument with the reason and what is allowed: unknown name, input missing, or of a type it
// does not take. Parameters that it does not take are left out.
Result<std::shared_ptr<const Aggregate>> FindAggregate(std::string_view name, const Type* input,
                                                       const Parameters& parameters = {});

}  // namespace freshet::aggregate
