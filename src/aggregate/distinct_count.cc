// distinct_count: of different values; exact up to limits::kDistinctExactMax of them, then a
// HyperLogLog of 4096 registers, whose standard error is 1.6 %.
//
// Slot: empty without a value; else u8 1 and the values' hashes, ascending, u64 each; or u8 2 and
// the registers, u8 each. A register holds the largest number of leading zeros, plus one, among the
// last 52 bits of the hashes whose first 12 bits are its index. Which of the two it is, and what it
// holds, hangs on the set of values alone. The estimate is Ertl's, of the histogram of registers
// ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/stable_hash.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

constexpr int kIndexBits = 12;
constexpr size_t kRegisters = size_t{1} << kIndexBits;
constexpr int kRankMax = 64 - kIndexBits + 1;
constexpr char kHashes = 1;
constexpr char kDense = 2;

void RaiseRegister(std::string& slot, uint64_t hash) {
  const size_t index = hash >> (64 - kIndexBits);
  const uint64_t rest = hash << kIndexBits;
  const int rank = rest == 0 ? kRankMax : std::countl_zero(rest) + 1;
  char& stored = slot[1 + index];
  stored = std::max(stored, static_cast<char>(rank));
}

size_t HashesOf(std::string_view slot) {
  return (slot.size() - 1) / sizeof(uint64_t);
}
uint64_t HashAt(std::string_view slot, size_t i) {
  return Load<uint64_t>(slot.data() + 1 + i * sizeof(uint64_t));
}

void MakeDense(std::string& slot) {
  std::string dense(1 + kRegisters, '\0');
  dense[0] = kDense;
  for (size_t i = 0; i < HashesOf(slot); ++i) RaiseRegister(dense, HashAt(slot, i));
  slot = std::move(dense);
}

void AddHash(std::string& slot, uint64_t hash) {
  if (slot.empty()) slot.assign(1, kHashes);
  if (slot[0] == kDense) return RaiseRegister(slot, hash);
  size_t begin = 0;
  size_t end = HashesOf(slot);
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (HashAt(slot, middle) < hash)
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin < HashesOf(slot) && HashAt(slot, begin) == hash) return;
  slot.insert(1 + begin * sizeof(hash), reinterpret_cast<const char*>(&hash), sizeof(hash));
  if (HashesOf(slot) > limits::kDistinctExactMax) MakeDense(slot);
}

// Ertl's sigma and tau, each a series that ends when a double no longer changes.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    before = z;
    x *= x;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    before = z;
    x = std::sqrt(x);
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

double Estimate(std::string_view registers) {
  constexpr auto kCount = static_cast<double>(kRegisters);
  std::array<uint32_t, kRankMax + 1> histogram{};
  for (const char rank : registers) ++histogram[static_cast<size_t>(rank)];
  double z = kCount * Tau(1 - histogram[kRankMax] / kCount);
  for (size_t rank = kRankMax - 1; rank >= 1; --rank) z = (z + histogram[rank]) / 2;
  z += kCount * Sigma(histogram[0] / kCount);
  return kCount * kCount / (2 * std::log(2.0) * z);
}

struct DistinctCount {
  static void Update(std::string& slot, const Datum& value, const EventOrder&, const Parameters&) {
    if (IsPresent(value)) AddHash(slot, StableHash(value));
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    if (other.empty()) return;
    if (slot.empty()) {
      slot.assign(other);
      return;
    }
    if (other[0] == kHashes) {
      for (size_t i = 0; i < HashesOf(other); ++i) AddHash(slot, HashAt(other, i));
      return;
    }
    if (slot[0] == kHashes) MakeDense(slot);
    for (size_t i = 1; i < slot.size(); ++i) slot[i] = std::max(slot[i], other[i]);
  }

  static Outcome Finalize(std::string_view slot, const Reading&, const Parameters&, Datum* value) {
    int64_t count = 0;
    if (!slot.empty() && slot[0] == kHashes) count = static_cast<int64_t>(HashesOf(slot));
    if (!slot.empty() && slot[0] == kDense) {
      // Every register at its most estimates as infinity.
      const double estimate = Estimate(slot.substr(1));
      count = estimate < 0x1p62 ? std::llround(estimate) : std::numeric_limits<int64_t>::max();
    }
    *value = Datum::Int(count);
    return Outcome::kValue;
  }

  static bool IsValid(std::string_view slot, const Parameters&) {
    if (slot.empty()) return true;
    if (slot[0] == kDense)
      return slot.size() == 1 + kRegisters &&
             std::all_of(slot.begin() + 1, slot.end(),
                         [](char rank) { return rank >= 0 && rank <= kRankMax; });
    if (slot[0] != kHashes || slot.size() == 1 || (slot.size() - 1) % sizeof(uint64_t) != 0)
      return false;
    for (size_t i = 1; i < HashesOf(slot); ++i)
      if (HashAt(slot, i - 1) >= HashAt(slot, i)) return false;
    return HashesOf(slot) <= limits::kDistinctExactMax;
  }

  static size_t BytesMax(const Parameters&, const Fill& fill) {
    if (fill.events > limits::kDistinctExactMax)
      return 1 + std::max(kRegisters, limits::kDistinctExactMax * sizeof(uint64_t));
    return 1 + fill.events * sizeof(uint64_t);
  }
};

struct DistinctBools : DistinctCount {
  static size_t BytesMax(const Parameters& parameters, const Fill& fill) {
    return DistinctCount::BytesMax(parameters, {.events = std::min<size_t>(fill.events, 2)});
  }
};

constexpr Aggregate DistinctCountOf(Type input) {
  return input == Type::kBool ? MakeVariable<DistinctBools>("distinct_count", input, Type::kInt64)
                              : MakeVariable<DistinctCount>("distinct_count", input, Type::kInt64);
}

}  // namespace

std::span<const Aggregate> DistinctCountVariants() {
  static constexpr Aggregate kVariants[] = {
      DistinctCountOf(Type::kBool),      DistinctCountOf(Type::kInt32),
      DistinctCountOf(Type::kInt64),     DistinctCountOf(Type::kFloat),
      DistinctCountOf(Type::kDouble),    DistinctCountOf(Type::kString),
      DistinctCountOf(Type::kTimestamp), DistinctCountOf(Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
