// top_k_by, bottom_k_by: of the k events with the largest or smallest value of `by`, the value of `of`,
// the most extreme first, and of equal ones the earlier. An event counts when both are there.
//
// Slot: for each element, in the order of the list, i64 ordered bits of `by` (scalar.h), the event's
// place (event_order.h) and the value (stored_value.h).
#include <algorithm>
#include <vector>

#include "aggregate/event_order.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/merge_ranked.h"
#include "aggregate/packed_list.h"
#include "aggregate/stored_value.h"

namespace freshet::aggregate {
namespace {

int64_t OrderedBitsOf(const Datum& by) {
  if (by.kind() != Datum::Kind::kDouble) return by.as_int();
  return OrderedBits(by.as_double() == 0 ? 0.0 : by.as_double());
}

bool AreValidBits(Type type, int64_t bits) {
  return KindOf(type) == Datum::Kind::kDouble ? Scalar<Type::kDouble>::IsValid(bits)
         : type == Type::kInt32               ? Scalar<Type::kInt32>::IsValid(bits)
                                              : true;
}

template <Type kType, bool kTop>
struct RankedBy {
  using Stored = StoredValue<kType>;
  struct Item {
    int64_t by;
    EventOrder order;
    typename Stored::Ordered value;
  };
  using Items = std::vector<Item>;

  static void Update(std::string& slot, const Datum& value, const Datum& by,
                     const EventOrder& order, const Parameters& parameters) {
    if (!IsPresent(value) || !IsPresent(by)) return;
    std::string one;
    Write(one, {OrderedBitsOf(by), order, Stored::Of(value)});
    Merge(slot, one, parameters);
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters& parameters) {
    if (other.empty()) return;
    static thread_local Items ours;
    static thread_local Items theirs;
    Read(slot, &ours);
    Read(other, &theirs);
    if (ours.size() == parameters.k && !IsBefore(theirs.front(), ours.back())) return;
    std::string merged;
    MergeRanked(ours, theirs, parameters.k, IsBefore,
                [&](const Item& item) { Write(merged, item); });
    slot = std::move(merged);
  }

  static Outcome Finalize(std::string_view slot, const Reading& reading, const Parameters&,
                          Datum* value) {
    Items items;
    Read(slot, &items);
    reading.scratch->clear();
    for (const Item& item : items) AppendPacked(*reading.scratch, Stored::ToDatum(item.value));
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }

  static bool IsValid(std::string_view slot, const Parameters& parameters) {
    Items items;
    if (!Read(slot, &items) || items.size() > parameters.k) return false;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!Stored::IsValid(items[i].value) || !AreValidBits(parameters.by_type, items[i].by) ||
          !IsEventTime(items[i].order.time_ms))
        return false;
      if (i > 0 && IsBefore(items[i], items[i - 1])) return false;
    }
    return true;
  }

  static size_t BytesMax(const Parameters& parameters, const Fill& fill) {
    return std::min<size_t>(parameters.k, fill.events) *
           (sizeof(int64_t) + kOrderBytes + Stored::BytesMax(fill));
  }

 private:
  static bool IsBefore(const Item& a, const Item& b) {
    if (a.by != b.by) return kTop ? a.by > b.by : a.by < b.by;
    return a.order < b.order;
  }

  static void Write(std::string& to, const Item& item) {
    Append(to, item.by);
    AppendOrder(to, item.order);
    Stored::Write(to, item.value);
  }

  static bool Read(std::string_view slot, Items* items) {
    items->clear();
    ByteReader reader(slot);
    while (reader.ok() && !reader.rest().empty()) {
      Item item;
      item.by = reader.Read<int64_t>();
      item.order = ReadOrder(reader);
      item.value = Stored::Read(reader);
      if (reader.ok()) items->push_back(item);
    }
    return reader.ok();
  }
};

template <Type kType, bool kTop>
constexpr Aggregate RankedByOf() {
  Aggregate aggregate =
      MakeVariable<RankedBy<kType, kTop>>(kTop ? "top_k_by" : "bottom_k_by", kType, kType);
  aggregate.gives_list = true;
  aggregate.takes = kTakesK | kTakesBy;
  aggregate.by_is_ordered = true;
  return aggregate;
}

template <bool kTop>
std::span<const Aggregate> RankedByVariants() {
  static constexpr Aggregate kVariants[] = {
      RankedByOf<Type::kBool, kTop>(),      RankedByOf<Type::kInt32, kTop>(),
      RankedByOf<Type::kInt64, kTop>(),     RankedByOf<Type::kFloat, kTop>(),
      RankedByOf<Type::kDouble, kTop>(),    RankedByOf<Type::kString, kTop>(),
      RankedByOf<Type::kTimestamp, kTop>(), RankedByOf<Type::kDecimal, kTop>(),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> TopKByVariants() {
  return RankedByVariants<true>();
}

std::span<const Aggregate> BottomKByVariants() {
  return RankedByVariants<false>();
}

}  // namespace freshet::aggregate
