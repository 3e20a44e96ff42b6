// From a kernel to an Aggregate with a fixed-size slot. A kernel is the state of one aggregate in
// registers:
//
//   struct Kernel {
//     static constexpr uint16_t kSizeBytes;      // of the slot
//     static bool Admits(const Datum&);          // false for what counts as null
//     Kernel();                                  // of no event
//     Kernel(const Datum&, const EventOrder&);   // of one event, whose value is admitted
//     explicit Kernel(const char* slot);
//     void Add(const Kernel& other);             // merge
//     void Store(char* slot) const;
//     Outcome Finalize(Datum*) const;
//     bool IsValid() const;
//   };
//
// A kernel whose aggregate has parameters takes them as a third argument of the event's
// constructor. One whose value hangs on the read has
// `Finalize(const Reading&, const Parameters&, Datum*)` instead; it ages unless it has
// `static constexpr bool kAges = false`. A kernel that is faster at many slots at once has
// `void AddRun(const char* slots, size_t stride_bytes, size_t count)` too.
//
// Update is Add of one event's kernel, so that it cannot differ from a merge.
#pragma once

#include <cmath>
#include <span>

#include "aggregate/aggregate.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/datum.h"

namespace freshet::aggregate {

template <typename Kernel>
struct FixedSlot {
  static void Init(char* slot) { Kernel().Store(slot); }

  static void Update(char* slot, const Datum& value, const EventOrder& order,
                     const Parameters& parameters) {
    if (!Kernel::Admits(value)) return;
    Kernel state(slot);
    if constexpr (requires { Kernel(value, order, parameters); }) {
      state.Add(Kernel(value, order, parameters));
    } else {
      state.Add(Kernel(value, order));
    }
    state.Store(slot);
  }

  static void Merge(char* slot, const char* other) { MergeRun(slot, other, 0, 1); }

  static void MergeRun(char* slot, const char* others, size_t stride_bytes, size_t count) {
    Kernel state(slot);
    AddSlots(state, others, stride_bytes, count);
    state.Store(slot);
  }

  static void ReadRuns(const char* slots, size_t stride_bytes, std::span<const SlotRun> runs,
                       const Parameters& parameters, RunValue* values) {
    Kernel state;
    for (size_t i = 0; i < runs.size(); ++i) {
      const SlotRun& run = runs[i];
      if (run.starts_anew) {
        state = Kernel();
      } else if (run.count == 0 && i > 0 && !kHangsOnRead) {
        values[i] = values[i - 1];
        continue;
      }
      AddSlots(state, slots + run.begin_bytes, stride_bytes, run.count);
      // As a slot has it: storing may round.
      char slot[Kernel::kSizeBytes];
      state.Store(slot);
      state = Kernel(slot);
      values[i].outcome = FinalizeState(state, run.reading, parameters, &values[i].value);
    }
  }

  static Outcome Finalize(std::string_view slot, const Reading& reading,
                          const Parameters& parameters, Datum* value) {
    return FinalizeState(Kernel(slot.data()), reading, parameters, value);
  }

  static bool IsValid(std::string_view slot, const Parameters&) {
    return slot.size() == Kernel::kSizeBytes && Kernel(slot.data()).IsValid();
  }

  static size_t BytesMax(const Parameters&, const Fill&) { return Kernel::kSizeBytes; }

  static constexpr bool kHangsOnRead = requires(const Kernel& state, const Reading& reading,
                                                const Parameters& parameters, Datum* value) {
    state.Finalize(reading, parameters, value);
  };
  static constexpr bool kAges = kHangsOnRead && !requires { requires !Kernel::kAges; };

 private:
  static void AddSlots(Kernel& state, const char* slots, size_t stride_bytes, size_t count) {
    if constexpr (requires { state.AddRun(slots, stride_bytes, count); }) {
      state.AddRun(slots, stride_bytes, count);
    } else {
      for (; count > 0; --count, slots += stride_bytes) state.Add(Kernel(slots));
    }
  }

  static Outcome FinalizeState(const Kernel& state, const Reading& reading,
                               const Parameters& parameters, Datum* value) {
    if constexpr (kHangsOnRead) {
      return state.Finalize(reading, parameters, value);
    } else {
      return state.Finalize(value);
    }
  }
};

template <typename Kernel>
constexpr Aggregate MakeFixed(std::string_view name, Type input, Type output,
                              bool takes_input = true) {
  using Functions = FixedSlot<Kernel>;
  return Aggregate{.name = name,
                   .input = input,
                   .takes_input = takes_input,
                   .output = output,
                   .size_bytes = Kernel::kSizeBytes,
                   .ages = Functions::kAges,
                   .init = Functions::Init,
                   .update = Functions::Update,
                   .merge = Functions::Merge,
                   .merge_run = Functions::MergeRun,
                   .read_runs = Functions::ReadRuns,
                   .update_variable = nullptr,
                   .merge_variable = nullptr,
                   .finalize = Functions::Finalize,
                   .is_valid = Functions::IsValid,
                   .bytes_max = Functions::BytesMax};
}

// Update of a variable-size slot, whether or not it takes `by`.
template <typename Functions>
void UpdateVariable(std::string& slot, const Datum& value, const Datum& by, const EventOrder& order,
                    const Parameters& parameters) {
  if constexpr (requires { Functions::Update(slot, value, by, order, parameters); }) {
    Functions::Update(slot, value, by, order, parameters);
  } else {
    Functions::Update(slot, value, order, parameters);
  }
}

template <typename Functions>
size_t VariableBytesMax(const Parameters& parameters, const Fill& fill) {
  return fill.events == 0 ? 0 : Functions::BytesMax(parameters, fill);
}

// The same for a variable-size slot; Functions has Update, Merge, Finalize, IsValid and BytesMax. Where
// the aggregate takes `by`, it is Update's third argument.
template <typename Functions>
constexpr Aggregate MakeVariable(std::string_view name, Type input, Type output) {
  return Aggregate{.name = name,
                   .input = input,
                   .takes_input = true,
                   .output = output,
                   .size_bytes = 0,
                   .init = nullptr,
                   .update = nullptr,
                   .merge = nullptr,
                   .merge_run = nullptr,
                   .read_runs = nullptr,
                   .update_variable = UpdateVariable<Functions>,
                   .merge_variable = Functions::Merge,
                   .finalize = Functions::Finalize,
                   .is_valid = Functions::IsValid,
                   .bytes_max = VariableBytesMax<Functions>};
}

// Whether a value takes part: not null and not NaN.
inline bool IsPresent(const Datum& value) {
  if (value.kind() == Datum::Kind::kDouble) return !std::isnan(value.as_double());
  return !value.is_null();
}

// The same, for an aggregate that needs one kind of value.
inline bool IsPresent(const Datum& value, Datum::Kind kind) {
  if (!IsPresent(value)) return false;
  FRESHET_CHECK(value.kind() == kind);
  return true;
}

}  // namespace freshet::aggregate
