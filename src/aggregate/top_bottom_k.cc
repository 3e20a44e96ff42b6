// top_k, bottom_k: the k largest or smallest values, the same as often as they come, the most
// extreme first.
//
// Slot: the values in the order of the list (stored_value.h).
#include <algorithm>
#include <vector>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/merge_ranked.h"
#include "aggregate/packed_list.h"
#include "aggregate/stored_value.h"

namespace freshet::aggregate {
namespace {

template <Type kType, bool kTop>
struct RankedList {
  using Stored = StoredValue<kType>;
  using Values = std::vector<typename Stored::Ordered>;

  static void Update(std::string& slot, const Datum& value, const EventOrder&,
                     const Parameters& parameters) {
    if (!IsPresent(value)) return;
    std::string one;
    Stored::Write(one, Stored::Of(value));
    Merge(slot, one, parameters);
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters& parameters) {
    if (other.empty()) return;
    static thread_local Values ours;
    static thread_local Values theirs;
    Read(slot, &ours);
    Read(other, &theirs);
    if (ours.size() == parameters.k && !IsBefore(theirs.front(), ours.back())) return;
    std::string merged;
    MergeRanked(ours, theirs, parameters.k, IsBefore<typename Stored::Ordered>,
                [&](const auto& value) { Stored::Write(merged, value); });
    slot = std::move(merged);
  }

  static Outcome Finalize(std::string_view slot, const Reading& reading, const Parameters&,
                          Datum* value) {
    Values values;
    Read(slot, &values);
    reading.scratch->clear();
    for (const auto& each : values) AppendPacked(*reading.scratch, Stored::ToDatum(each));
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }

  static bool IsValid(std::string_view slot, const Parameters& parameters) {
    Values values;
    if (!Read(slot, &values) || values.size() > parameters.k) return false;
    for (size_t i = 0; i < values.size(); ++i)
      if (!Stored::IsValid(values[i]) || (i > 0 && IsBefore(values[i], values[i - 1])))
        return false;
    return true;
  }

  static size_t BytesMax(const Parameters& parameters, const Fill& fill) {
    return std::min<size_t>(parameters.k, fill.events) * Stored::BytesMax(fill);
  }

 private:
  template <typename Ordered>
  static bool IsBefore(const Ordered& a, const Ordered& b) {
    return kTop ? a > b : a < b;
  }

  static bool Read(std::string_view slot, Values* values) {
    values->clear();
    ByteReader reader(slot);
    while (reader.ok() && !reader.rest().empty()) {
      const auto value = Stored::Read(reader);
      if (reader.ok()) values->push_back(value);
    }
    return reader.ok();
  }
};

template <Type kType, bool kTop>
constexpr Aggregate RankedListOf() {
  Aggregate aggregate =
      MakeVariable<RankedList<kType, kTop>>(kTop ? "top_k" : "bottom_k", kType, kType);
  aggregate.gives_list = true;
  aggregate.takes = kTakesK;
  return aggregate;
}

template <bool kTop>
std::span<const Aggregate> RankedListVariants() {
  static constexpr Aggregate kVariants[] = {
      RankedListOf<Type::kBool, kTop>(),      RankedListOf<Type::kInt32, kTop>(),
      RankedListOf<Type::kInt64, kTop>(),     RankedListOf<Type::kFloat, kTop>(),
      RankedListOf<Type::kDouble, kTop>(),    RankedListOf<Type::kString, kTop>(),
      RankedListOf<Type::kTimestamp, kTop>(), RankedListOf<Type::kDecimal, kTop>(),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> TopKVariants() {
  return RankedListVariants<true>();
}

std::span<const Aggregate> BottomKVariants() {
  return RankedListVariants<false>();
}

}  // namespace freshet::aggregate
