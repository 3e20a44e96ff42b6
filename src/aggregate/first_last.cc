// first and last in the order of events, of any type; null for no value.
//
// Slot: the event's order (i64 time, i32 partition, i64 offset), i64 the value in ordered bits
// (scalar.h); without a value: a time that any event beats, and zeros. Slot of strings: empty
// without a value, else the event's order and the string.
#include <limits>

#include "aggregate/event_order.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/scalar.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

EventOrder LoadOrder(const char* slot) {
  return {Load<int64_t>(slot), Load<int32_t>(slot + 8), Load<int64_t>(slot + 12)};
}

void SaveOrder(char* slot, const EventOrder& order) {
  Save(slot, order.time_ms);
  Save(slot + 8, order.partition);
  Save(slot + 12, order.offset);
}

template <bool kLast>
bool Beats(const EventOrder& a, const EventOrder& b) {
  if (a.time_ms != b.time_ms) return kLast ? a.time_ms > b.time_ms : a.time_ms < b.time_ms;
  return kLast ? a > b : a < b;
}

template <Type kType, bool kLast>
struct Edge {
  static constexpr uint16_t kSizeBytes = kOrderBytes + 8;
  static constexpr int64_t kNoTime =
      kLast ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  static bool Admits(const Datum& value) { return IsPresent(value, Scalar<kType>::kKind); }

  Edge() = default;
  Edge(const Datum& value, const EventOrder& at) : order(at), bits(Scalar<kType>::ToBits(value)) {}
  explicit Edge(const char* slot)
      : order(LoadOrder(slot)), bits(Load<int64_t>(slot + kOrderBytes)) {}

  void Add(const Edge& other) {
    if (Beats<kLast>(other.order, order)) *this = other;
  }
  void Store(char* slot) const {
    SaveOrder(slot, order);
    Save(slot + kOrderBytes, bits);
  }
  Outcome Finalize(Datum* value) const {
    if (order.time_ms == kNoTime) return Outcome::kNull;
    *value = Scalar<kType>::FromBits(bits);
    return Outcome::kValue;
  }
  bool IsValid() const {
    if (order.time_ms == kNoTime) return order.partition == 0 && order.offset == 0 && bits == 0;
    return IsEventTime(order.time_ms) && Scalar<kType>::IsValid(bits);
  }

  EventOrder order = {kNoTime, 0, 0};
  int64_t bits = 0;
};

template <bool kLast>
struct EdgeText {
  static void Update(std::string& slot, const Datum& value, const EventOrder& order,
                     const Parameters&) {
    if (!IsPresent(value, Datum::Kind::kString)) return;
    if (!slot.empty() && !Beats<kLast>(order, LoadOrder(slot.data()))) return;
    slot.resize(kOrderBytes);
    SaveOrder(slot.data(), order);
    slot.append(value.as_string());
  }
  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    if (other.empty()) return;
    if (slot.empty() || Beats<kLast>(LoadOrder(other.data()), LoadOrder(slot.data())))
      slot.assign(other);
  }
  static Outcome Finalize(std::string_view slot, const Reading&, const Parameters&, Datum* value) {
    if (slot.empty()) return Outcome::kNull;
    *value = Datum::String(slot.substr(kOrderBytes));
    return Outcome::kValue;
  }
  static bool IsValid(std::string_view slot, const Parameters&) {
    return slot.empty() ||
           (slot.size() >= kOrderBytes && IsEventTime(LoadOrder(slot.data()).time_ms) &&
            slot.size() <= kOrderBytes + limits::kExpressionStringBytesMax);
  }
  static size_t BytesMax(const Parameters&, const Fill& fill) {
    return kOrderBytes + fill.text_bytes;
  }
};

template <bool kLast>
std::span<const Aggregate> OrderedVariants() {
  static constexpr std::string_view kName = kLast ? "last" : "first";
  static constexpr Aggregate kVariants[] = {
      MakeFixed<Edge<Type::kBool, kLast>>(kName, Type::kBool, Type::kBool),
      MakeFixed<Edge<Type::kInt32, kLast>>(kName, Type::kInt32, Type::kInt32),
      MakeFixed<Edge<Type::kInt64, kLast>>(kName, Type::kInt64, Type::kInt64),
      MakeFixed<Edge<Type::kFloat, kLast>>(kName, Type::kFloat, Type::kFloat),
      MakeFixed<Edge<Type::kDouble, kLast>>(kName, Type::kDouble, Type::kDouble),
      MakeVariable<EdgeText<kLast>>(kName, Type::kString, Type::kString),
      MakeFixed<Edge<Type::kTimestamp, kLast>>(kName, Type::kTimestamp, Type::kTimestamp),
      MakeFixed<Edge<Type::kDecimal, kLast>>(kName, Type::kDecimal, Type::kDecimal),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> FirstVariants() {
  return OrderedVariants<false>();
}

std::span<const Aggregate> LastVariants() {
  return OrderedVariants<true>();
}

}  // namespace freshet::aggregate
