// first_k, last_k: the values of the first or last k events; first_distinct_k, last_distinct_k: the k
// different values that came first, or that were seen last, each once; and first_k_times,
// last_k_times: the times of the events of first_k and last_k. Lists begin with the first, or with
// the last.
//
// Slot: for each of them, in the order of the list, i64 time, i32 partition, i64 offset and the value
// (stored_value.h).
#include <algorithm>
#include <vector>

#include "aggregate/event_order.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/packed_list.h"
#include "aggregate/stored_value.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

// What is the same for values and for times: all but the answer.
template <Type kType, bool kLast, bool kDistinct>
struct OrderedSlot {
  using Stored = StoredValue<kType>;
  struct Item {
    EventOrder order;
    typename Stored::Ordered value;
  };
  using Items = std::vector<Item>;

  static void Update(std::string& slot, const Datum& value, const EventOrder& order,
                     const Parameters& parameters) {
    if (!IsPresent(value, StoredKind())) return;
    std::string one;
    auto stored = Stored::Of(value);
    if (kDistinct) stored = Stored::Distinct(stored);
    Write({order, stored}, one);
    if (kDistinct || !AddAtAnEnd(slot, order, one, parameters.k)) Merge(slot, one, parameters);
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters& parameters) {
    if (other.empty()) return;
    static thread_local Items ours;
    static thread_local Items theirs;
    Read(slot, &ours);
    Read(other, &theirs);
    if (ours.size() == parameters.k && Comes(ours.back().order, theirs.front().order)) return;
    std::string merged;
    Items taken;
    auto next = theirs.begin();
    for (auto item = ours.begin(); taken.size() < parameters.k;) {
      if (item == ours.end() && next == theirs.end()) break;
      const bool is_theirs =
          item == ours.end() || (next != theirs.end() && Comes(next->order, item->order));
      const Item& first = is_theirs ? *next++ : *item++;
      if (kDistinct && Has(taken, first)) continue;
      taken.push_back(first);
      Write(first, merged);
    }
    slot = std::move(merged);
  }

  static bool IsValid(std::string_view slot, const Parameters& parameters) {
    Items items;
    if (!Read(slot, &items) || items.size() > parameters.k) return false;
    Items before;
    for (const Item& item : items) {
      if (!IsEventTime(item.order.time_ms) || !Stored::IsValid(item.value)) return false;
      if (!before.empty() && Comes(item.order, before.back().order)) return false;
      if (kDistinct && (Has(before, item) || Stored::Distinct(item.value) != item.value))
        return false;
      before.push_back(item);
    }
    return true;
  }

  static size_t BytesMax(const Parameters& parameters, const Fill& fill) {
    const size_t items = std::min<size_t>(parameters.k, fill.events);
    return (kDistinct ? Stored::DifferentMax(items) : items) *
           (kOrderBytes + Stored::BytesMax(fill));
  }

  // False when the bytes end in the middle of an item. Strings borrow from `slot`.
  static bool Read(std::string_view slot, Items* items) {
    items->clear();
    ByteReader reader(slot);
    while (reader.ok() && !reader.rest().empty()) {
      Item item;
      item.order = ReadOrder(reader);
      item.value = Stored::Read(reader);
      if (reader.ok()) items->push_back(item);
    }
    return reader.ok();
  }

 private:
  static constexpr Datum::Kind StoredKind() {
    if constexpr (kType == Type::kString)
      return Datum::Kind::kString;
    else
      return Scalar<kType>::kKind;
  }

  static bool Comes(const EventOrder& a, const EventOrder& b) { return kLast ? a > b : a < b; }

  static bool Has(const Items& items, const Item& other) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Item& item) { return item.value == other.value; });
  }

  static void Write(const Item& item, std::string& to) {
    AppendOrder(to, item.order);
    Stored::Write(to, item.value);
  }

  // The usual case, in which nothing has to move between items: false when the event belongs between
  // two of them.
  static bool AddAtAnEnd(std::string& slot, const EventOrder& order, const std::string& one,
                         uint32_t k) {
    ByteReader reader(slot);
    size_t count = 0;
    size_t last_begin = 0;
    EventOrder first;
    EventOrder last;
    for (; reader.ok() && !reader.rest().empty(); ++count) {
      last_begin = slot.size() - reader.rest().size();
      last = ReadOrder(reader);
      Stored::Read(reader);
      if (count == 0) first = last;
    }
    if (count > 0 && Comes(order, first)) {
      if (count == k) slot.resize(last_begin);
      slot.insert(0, one);
      return true;
    }
    if (count > 0 && !Comes(last, order)) return false;
    if (count < k) slot += one;
    return true;
  }
};

template <Type kType, bool kLast, bool kDistinct, bool kTimes>
struct OrderedList : OrderedSlot<kType, kLast, kDistinct> {
  static Outcome Finalize(std::string_view slot, const Reading& reading, const Parameters&,
                          Datum* value) {
    using Slot = OrderedSlot<kType, kLast, kDistinct>;
    typename Slot::Items items;
    Slot::Read(slot, &items);
    reading.scratch->clear();
    for (const auto& item : items)
      AppendPacked(*reading.scratch,
                   kTimes ? Datum::Int(item.order.time_ms) : Slot::Stored::ToDatum(item.value));
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }
};

template <Type kType, bool kLast, bool kDistinct, bool kTimes>
constexpr Aggregate OrderedListOf(std::string_view name) {
  using Functions = OrderedList<kType, kLast, kDistinct, kTimes>;
  Aggregate aggregate =
      MakeVariable<Functions>(name, kType, kTimes ? Type(Type::kTimestamp) : kType);
  aggregate.gives_list = true;
  aggregate.takes = kTakesK;
  return aggregate;
}

template <bool kLast, bool kDistinct, bool kTimes, const char* kName>
std::span<const Aggregate> OrderedListVariants() {
  static constexpr Aggregate kVariants[] = {
      OrderedListOf<Type::kBool, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kInt32, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kInt64, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kFloat, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kDouble, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kString, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kTimestamp, kLast, kDistinct, kTimes>(kName),
      OrderedListOf<Type::kDecimal, kLast, kDistinct, kTimes>(kName),
  };
  return kVariants;
}

constexpr char kFirstK[] = "first_k";
constexpr char kLastK[] = "last_k";
constexpr char kFirstKTimes[] = "first_k_times";
constexpr char kLastKTimes[] = "last_k_times";
constexpr char kFirstDistinctK[] = "first_distinct_k";
constexpr char kLastDistinctK[] = "last_distinct_k";

}  // namespace

std::span<const Aggregate> FirstKVariants() {
  return OrderedListVariants<false, false, false, kFirstK>();
}

std::span<const Aggregate> LastKVariants() {
  return OrderedListVariants<true, false, false, kLastK>();
}

std::span<const Aggregate> FirstKTimesVariants() {
  return OrderedListVariants<false, false, true, kFirstKTimes>();
}

std::span<const Aggregate> LastKTimesVariants() {
  return OrderedListVariants<true, false, true, kLastKTimes>();
}

std::span<const Aggregate> FirstDistinctKVariants() {
  return OrderedListVariants<false, true, false, kFirstDistinctK>();
}

std::span<const Aggregate> LastDistinctKVariants() {
  return OrderedListVariants<true, true, false, kLastDistinctK>();
}

}  // namespace freshet::aggregate
