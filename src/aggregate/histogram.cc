// histogram: how many values are below the first edge, between each edge and the next, [a, b), and at
// or above the last. Of nothing, all counts are 0. Integers are compared with the edges exactly.
//
// Slot: empty without a value; else the u64 counts in the order of the list.
#include <algorithm>
#include <vector>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/packed_list.h"
#include "aggregate/saturated_sum.h"

namespace freshet::aggregate {
namespace {

struct Histogram {
  static void Update(std::string& slot, const Datum& value, const EventOrder&,
                     const Parameters& parameters) {
    if (!IsPresent(value)) return;
    slot.resize(SizeBytes(parameters));
    char* count = slot.data() + BinOf(value, parameters) * sizeof(uint64_t);
    Save(count, SaturatedSum(Load<uint64_t>(count), 1));
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    slot.resize(std::max(slot.size(), other.size()));
    for (size_t at = 0; at < other.size(); at += sizeof(uint64_t))
      Save(slot.data() + at,
           SaturatedSum(Load<uint64_t>(slot.data() + at), Load<uint64_t>(other.data() + at)));
  }

  static Outcome Finalize(std::string_view slot, const Reading& reading,
                          const Parameters& parameters, Datum* value) {
    reading.scratch->clear();
    for (size_t at = 0; at < SizeBytes(parameters); at += sizeof(uint64_t)) {
      const uint64_t count = slot.empty() ? 0 : Load<uint64_t>(slot.data() + at);
      AppendPacked(*reading.scratch,
                   Datum::Int(static_cast<int64_t>(std::min<uint64_t>(count, INT64_MAX))));
    }
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }

  static bool IsValid(std::string_view slot, const Parameters& parameters) {
    return slot.empty() || slot.size() == SizeBytes(parameters);
  }

  static size_t BytesMax(const Parameters& parameters, const Fill&) {
    return SizeBytes(parameters);
  }

 private:
  static size_t SizeBytes(const Parameters& parameters) {
    return (parameters.edges.count + 1) * sizeof(uint64_t);
  }

  // A long double holds every int64 and every double.
  static size_t BinOf(const Datum& value, const Parameters& parameters) {
    const long double number = value.kind() == Datum::Kind::kDouble
                                   ? static_cast<long double>(value.as_double())
                                   : static_cast<long double>(value.as_int());
    const auto edges = parameters.edges.all();
    return static_cast<size_t>(std::upper_bound(edges.begin(), edges.end(), number) -
                               edges.begin());
  }
};

constexpr Aggregate HistogramOf(Type input) {
  Aggregate aggregate = MakeVariable<Histogram>("histogram", input, Type::kInt64);
  aggregate.gives_list = true;
  aggregate.takes = kTakesEdges;
  return aggregate;
}

}  // namespace

std::span<const Aggregate> HistogramVariants() {
  static constexpr Aggregate kVariants[] = {
      HistogramOf(Type::kInt32),
      HistogramOf(Type::kInt64),
      HistogramOf(Type::kFloat),
      HistogramOf(Type::kDouble),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
