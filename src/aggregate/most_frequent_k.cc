// most_frequent_k: the k values that come most often, the most frequent first, the smaller first of
// two that come as often; and most_frequent_k_counts: how often they come.
//
// Exact up to limits::kFrequentValuesMax different values in limits::kFrequentBytesMax. Past them, counts
// go down by that of the first value, in the order of their counts, that there is no room for (Misra
// and Gries, 1982): a count is then at most too small by what was taken, which is at most the number
// of events over that of the values that fit, plus one. Which values those are may hang on the order of
// events.
//
// Slot: empty without a value; else u64 the most that a count may be too small by, and, ascending by
// value, the values (stored_value.h), each with its u64 count.
#include <algorithm>
#include <vector>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/packed_list.h"
#include "aggregate/saturated_sum.h"
#include "aggregate/stored_value.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

// What is the same for values and for counts: all but the answer.
template <Type kType>
struct FrequentSlot {
  using Stored = StoredValue<kType>;
  struct Item {
    typename Stored::Ordered value;
    uint64_t count;
  };
  struct State {
    uint64_t taken = 0;
    std::vector<Item> items;
  };

  static void Update(std::string& slot, const Datum& value, const EventOrder&,
                     const Parameters& parameters) {
    if (!IsPresent(value)) return;
    std::string one;
    Append(one, uint64_t{0});
    Stored::Write(one, Stored::Distinct(Stored::Of(value)));
    Append(one, uint64_t{1});
    Merge(slot, one, parameters);
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    if (other.empty()) return;
    if (slot.empty() && other.size() <= limits::kFrequentBytesMax) {
      slot.assign(other);
      return;
    }
    State ours;
    State theirs;
    if (!slot.empty()) Read(slot, &ours);
    Read(other, &theirs);
    State merged;
    merged.taken = SaturatedSum(ours.taken, theirs.taken);
    auto next = theirs.items.begin();
    for (const Item& item : ours.items) {
      for (; next != theirs.items.end() && next->value < item.value; ++next)
        merged.items.push_back(*next);
      merged.items.push_back(item);
      if (next == theirs.items.end() || next->value != item.value) continue;
      merged.items.back().count = SaturatedSum(item.count, next->count);
      ++next;
    }
    merged.items.insert(merged.items.end(), next, theirs.items.end());
    Reduce(&merged);
    std::string stored;
    Append(stored, merged.taken);
    for (const Item& item : merged.items) {
      Stored::Write(stored, item.value);
      Append(stored, item.count);
    }
    slot = std::move(stored);
  }

  static bool IsValid(std::string_view slot, const Parameters&) {
    if (slot.empty()) return true;
    State state;
    // One that is larger than kFrequentBytesMax was stored before there was that bound; the next merge
    // brings it down.
    if (!Read(slot, &state) || state.items.size() > limits::kFrequentValuesMax) return false;
    if (state.items.empty() && state.taken == 0) return false;
    for (size_t i = 0; i < state.items.size(); ++i) {
      const Item& item = state.items[i];
      if (item.count == 0 || !Stored::IsValid(item.value) ||
          Stored::Distinct(item.value) != item.value)
        return false;
      if (i > 0 && !(state.items[i - 1].value < item.value)) return false;
    }
    return true;
  }

  static size_t BytesMax(const Parameters&, const Fill& fill) {
    const size_t values = Stored::DifferentMax(std::min(fill.events, limits::kFrequentValuesMax));
    return std::min(kTakenBytes + values * (Stored::BytesMax(fill) + kCountBytes),
                    limits::kFrequentBytesMax);
  }

  static bool Read(std::string_view slot, State* state) {
    ByteReader reader(slot);
    state->taken = reader.Read<uint64_t>();
    while (reader.ok() && !reader.rest().empty()) {
      Item item;
      item.value = Stored::Read(reader);
      item.count = reader.Read<uint64_t>();
      if (reader.ok()) state->items.push_back(item);
    }
    return reader.ok();
  }

  static void MostFrequentFirst(std::vector<Item>* items) {
    std::stable_sort(items->begin(), items->end(),
                     [](const Item& a, const Item& b) { return a.count > b.count; });
  }

 private:
  static constexpr size_t kTakenBytes = sizeof(uint64_t);
  static constexpr size_t kCountBytes = sizeof(uint64_t);

  // The most frequent values that there is room for.
  static size_t CountThatFits(const std::vector<Item>& most_frequent) {
    size_t bytes = kTakenBytes;
    size_t count = 0;
    for (; count < most_frequent.size() && count < limits::kFrequentValuesMax; ++count) {
      bytes += Stored::BytesOf(most_frequent[count].value) + kCountBytes;
      if (bytes > limits::kFrequentBytesMax) break;
    }
    return count;
  }

  static void Reduce(State* state) {
    if (CountThatFits(state->items) == state->items.size()) return;
    std::vector<Item> most_frequent = state->items;
    MostFrequentFirst(&most_frequent);
    const uint64_t taken = most_frequent[CountThatFits(most_frequent)].count;
    state->taken = SaturatedSum(state->taken, taken);
    std::erase_if(state->items, [&](const Item& item) { return item.count <= taken; });
    for (Item& item : state->items) item.count -= taken;
  }
};

template <Type kType, bool kCounts>
struct FrequentValues : FrequentSlot<kType> {
  static Outcome Finalize(std::string_view slot, const Reading& reading,
                          const Parameters& parameters, Datum* value) {
    using Slot = FrequentSlot<kType>;
    typename Slot::State state;
    if (!slot.empty()) Slot::Read(slot, &state);
    Slot::MostFrequentFirst(&state.items);
    if (state.items.size() > parameters.k) state.items.resize(parameters.k);
    reading.scratch->clear();
    for (const auto& item : state.items)
      AppendPacked(*reading.scratch,
                   kCounts
                       ? Datum::Int(static_cast<int64_t>(std::min<uint64_t>(item.count, INT64_MAX)))
                       : Slot::Stored::ToDatum(item.value));
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }
};

template <Type kType, bool kCounts>
constexpr Aggregate FrequentValuesOf() {
  Aggregate aggregate = MakeVariable<FrequentValues<kType, kCounts>>(
      kCounts ? "most_frequent_k_counts" : "most_frequent_k", kType,
      kCounts ? Type(Type::kInt64) : kType);
  aggregate.gives_list = true;
  aggregate.takes = kTakesK;
  return aggregate;
}

template <bool kCounts>
std::span<const Aggregate> FrequentValuesVariants() {
  static constexpr Aggregate kVariants[] = {
      FrequentValuesOf<Type::kBool, kCounts>(),      FrequentValuesOf<Type::kInt32, kCounts>(),
      FrequentValuesOf<Type::kInt64, kCounts>(),     FrequentValuesOf<Type::kFloat, kCounts>(),
      FrequentValuesOf<Type::kDouble, kCounts>(),    FrequentValuesOf<Type::kString, kCounts>(),
      FrequentValuesOf<Type::kTimestamp, kCounts>(), FrequentValuesOf<Type::kDecimal, kCounts>(),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> MostFrequentKVariants() {
  return FrequentValuesVariants<false>();
}

std::span<const Aggregate> MostFrequentKCountsVariants() {
  return FrequentValuesVariants<true>();
}

}  // namespace freshet::aggregate
