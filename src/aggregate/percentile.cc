// percentile, percentiles and median: of n values, the (1 + floor(quantile (n - 1)))-th smallest; exact up to
// limits::kPercentileExactMax values, then within 1 % of it (DDSketch: Masson, Rim and Lee, 2019).
//
// Past the limit, values are counted in bins whose bounds grow by the factor (1 + 0.01) / (1 -
// 0.01): a positive value x is in bin ceil(log x / log factor). A bin has a key, in the order of values:
// 40000 plus its number for positive values, the negative of that for negative ones, 0 for zero,
// 100000 and -100000 for infinities. On either side of zero, bins more than
// limits::kPercentileBinsMax below that of the largest magnitude count as the last that is not. So what
// is 10^17 times smaller than the largest value may be taken for larger than it is.
//
// Slot: empty without a value; else u8 1 and the values, ascending, as i64 ordered bits (scalar.h);
// or u8 2 and, ascending by key, i32 key and u64 count of each bin that is not empty. Which of the two
// it is, and what it holds, hangs on the values alone.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/packed_list.h"
#include "aggregate/saturated_sum.h"
#include "aggregate/scalar.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

constexpr double kRelativeError = 0.01;
constexpr double kBinFactor = (1 + kRelativeError) / (1 - kRelativeError);
constexpr int32_t kBinKeyOfOne = 40'000;
constexpr int32_t kInfinityKey = 100'000;
constexpr char kExactValues = 1;
constexpr char kBins = 2;
constexpr size_t kBinBytes = sizeof(int32_t) + sizeof(uint64_t);

struct Bin {
  int32_t key;
  uint64_t count;
};
// Ascending by key, each once.
using Bins = std::vector<Bin>;

int32_t BinKey(double value) {
  if (value == 0) return 0;
  if (std::isinf(value)) return value > 0 ? kInfinityKey : -kInfinityKey;
  static const double log_factor = std::log(kBinFactor);
  const auto bin = static_cast<int32_t>(std::ceil(std::log(std::fabs(value)) / log_factor));
  return value > 0 ? kBinKeyOfOne + bin : -(kBinKeyOfOne + bin);
}

double ValueOfBin(int32_t key) {
  if (key == 0) return 0;
  if (key == kInfinityKey || key == -kInfinityKey)
    return std::copysign(std::numeric_limits<double>::infinity(), key);
  // The largest bin's middle may be past the largest double.
  const double magnitude =
      std::min(2 / (kBinFactor + 1) * std::pow(kBinFactor, std::abs(key) - kBinKeyOfOne),
               std::numeric_limits<double>::max());
  return key > 0 ? magnitude : -magnitude;
}

size_t CountOfExact(std::string_view slot) {
  return (slot.size() - 1) / sizeof(int64_t);
}
int64_t ExactAt(std::string_view slot, size_t i) {
  return Load<int64_t>(slot.data() + 1 + i * sizeof(int64_t));
}

// `key` is not before that of the last bin.
void Push(Bins& bins, int32_t key, uint64_t count) {
  if (bins.empty() || bins.back().key != key)
    bins.push_back({key, count});
  else
    bins.back().count = SaturatedSum(bins.back().count, count);
}

void AppendBins(std::string_view slot, Bins& bins) {
  if (slot[0] == kExactValues) {
    for (size_t i = 0; i < CountOfExact(slot); ++i)
      Push(bins, BinKey(FromOrderedBits(ExactAt(slot, i))), 1);
    return;
  }
  for (size_t at = 1; at < slot.size(); at += kBinBytes)
    bins.push_back(
        {Load<int32_t>(slot.data() + at), Load<uint64_t>(slot.data() + at + sizeof(int32_t))});
}

// The keys between which no bin is moved: see the top of the file.
struct KeyBounds {
  int32_t most_negative = -1;
  int32_t least_positive = 1;
};

KeyBounds BoundsOf(const Bins& bins) {
  constexpr auto kSpan = static_cast<int32_t>(limits::kPercentileBinsMax) - 1;
  KeyBounds bounds;
  for (const Bin& bin : bins) {
    if (bin.key > -kInfinityKey && bin.key < 0) {
      bounds.most_negative = std::min(bounds.most_negative, bin.key + kSpan);
      break;
    }
  }
  for (auto bin = bins.rbegin(); bin != bins.rend(); ++bin) {
    if (bin->key < kInfinityKey && bin->key > 0) {
      bounds.least_positive = std::max(bounds.least_positive, bin->key - kSpan);
      break;
    }
  }
  return bounds;
}

// Moves what is too small beside the largest magnitude of its sign.
Bins Collapsed(const Bins& bins) {
  const KeyBounds bounds = BoundsOf(bins);
  Bins collapsed;
  collapsed.reserve(bins.size());
  for (const Bin& bin : bins) {
    int32_t key = bin.key;
    if (key < 0) key = std::min(key, bounds.most_negative);
    if (key > 0) key = std::max(key, bounds.least_positive);
    Push(collapsed, key, bin.count);
  }
  return collapsed;
}

void StoreBins(const Bins& bins, std::string& slot) {
  slot.assign(1, kBins);
  for (const Bin& bin : Collapsed(bins)) {
    Append(slot, bin.key);
    Append(slot, bin.count);
  }
}

void MergeBins(std::string& slot, std::string_view other) {
  static thread_local Bins ours;
  static thread_local Bins theirs;
  static thread_local Bins merged;
  ours.clear();
  theirs.clear();
  merged.clear();
  AppendBins(slot, ours);
  AppendBins(other, theirs);
  auto next = theirs.begin();
  for (const Bin& bin : ours) {
    for (; next != theirs.end() && next->key < bin.key; ++next)
      Push(merged, next->key, next->count);
    Push(merged, bin.key, bin.count);
    if (next != theirs.end() && next->key == bin.key) Push(merged, bin.key, (next++)->count);
  }
  for (; next != theirs.end(); ++next) Push(merged, next->key, next->count);
  StoreBins(merged, slot);
}

void InsertExact(std::string& slot, int64_t bits) {
  size_t at = CountOfExact(slot);
  while (at > 0 && ExactAt(slot, at - 1) > bits) --at;
  slot.insert(1 + at * sizeof(bits), reinterpret_cast<const char*>(&bits), sizeof(bits));
}

// The common case of many events: the bin is there, and the largest of its side stays so.
bool CountInPlace(std::string& slot, int32_t key) {
  size_t begin = 0;
  size_t end = (slot.size() - 1) / kBinBytes;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (Load<int32_t>(slot.data() + 1 + middle * kBinBytes) < key)
      begin = middle + 1;
    else
      end = middle;
  }
  char* bin = slot.data() + 1 + begin * kBinBytes;
  if (bin == slot.data() + slot.size() || Load<int32_t>(bin) != key) return false;
  Save(bin + sizeof(key), SaturatedSum(Load<uint64_t>(bin + sizeof(key)), 1));
  return true;
}

struct Percentile {
  static void Update(std::string& slot, const Datum& value, const EventOrder&, const Parameters&) {
    if (!IsPresent(value)) return;
    const double number = value.kind() == Datum::Kind::kDouble
                              ? value.as_double()
                              : static_cast<double>(value.as_int());
    if (slot.empty()) slot.assign(1, kExactValues);
    if (slot[0] == kExactValues && CountOfExact(slot) < limits::kPercentileExactMax)
      return InsertExact(slot, OrderedBits(number));
    const int32_t key = BinKey(number);
    if (slot[0] == kBins && CountInPlace(slot, key)) return;
    std::string one(1, kBins);
    Append(one, key);
    Append(one, uint64_t{1});
    MergeBins(slot, one);
  }

  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    if (other.empty()) return;
    if (slot.empty()) {
      slot.assign(other);
      return;
    }
    const bool both_exact = slot[0] == kExactValues && other[0] == kExactValues;
    if (both_exact && CountOfExact(slot) + CountOfExact(other) <= limits::kPercentileExactMax) {
      for (size_t i = 0; i < CountOfExact(other); ++i) InsertExact(slot, ExactAt(other, i));
      return;
    }
    MergeBins(slot, other);
  }

  static Outcome Finalize(std::string_view slot, const Reading&, const Parameters& parameters,
                          Datum* value) {
    if (slot.empty()) return Outcome::kNull;
    *value = Datum::Double(ValueAt(slot, parameters.quantile));
    return Outcome::kValue;
  }

  // Of a slot that has values.
  static double ValueAt(std::string_view slot, double quantile) {
    if (slot[0] == kExactValues) {
      const auto last = static_cast<double>(CountOfExact(slot) - 1);
      return FromOrderedBits(ExactAt(slot, static_cast<size_t>(quantile * last)));
    }
    double count = 0;
    for (size_t at = 1; at < slot.size(); at += kBinBytes)
      count += static_cast<double>(Load<uint64_t>(slot.data() + at + sizeof(int32_t)));
    const double rank = std::floor(quantile * (count - 1));
    double before = 0;
    size_t at = 1;
    for (;; at += kBinBytes) {
      before += static_cast<double>(Load<uint64_t>(slot.data() + at + sizeof(int32_t)));
      if (before > rank || at + kBinBytes >= slot.size()) break;
    }
    return ValueOfBin(Load<int32_t>(slot.data() + at));
  }

  static bool IsValid(std::string_view slot, const Parameters&) {
    if (slot.empty()) return true;
    return slot[0] == kExactValues ? IsValidExact(slot) : slot[0] == kBins && AreValidBins(slot);
  }

  // Past the limit: the bins of either side, and those of zero and of the infinities.
  static size_t BytesMax(const Parameters&, const Fill& fill) {
    if (fill.events <= limits::kPercentileExactMax) return 1 + fill.events * sizeof(int64_t);
    return 1 + std::min(fill.events, 2 * limits::kPercentileBinsMax + 3) * kBinBytes;
  }

  static bool IsValidExact(std::string_view slot) {
    if (slot.size() == 1 || (slot.size() - 1) % sizeof(int64_t) != 0) return false;
    for (size_t i = 0; i < CountOfExact(slot); ++i) {
      if (!Scalar<Type::kDouble>::IsValid(ExactAt(slot, i))) return false;
      if (i > 0 && ExactAt(slot, i - 1) > ExactAt(slot, i)) return false;
    }
    return CountOfExact(slot) <= limits::kPercentileExactMax;
  }

  static bool AreValidBins(std::string_view slot) {
    if (slot.size() == 1 || (slot.size() - 1) % kBinBytes != 0) return false;
    Bins bins;
    AppendBins(slot, bins);
    const KeyBounds bounds = BoundsOf(bins);
    int32_t last = -kInfinityKey - 1;
    for (const Bin& bin : bins) {
      const int32_t most = BinKey(std::numeric_limits<double>::max());
      const bool is_finite = bin.key >= -most && bin.key <= most;
      const bool is_known = is_finite || bin.key == kInfinityKey || bin.key == -kInfinityKey;
      const bool is_kept =
          bin.key == 0 || bin.key <= bounds.most_negative || bin.key >= bounds.least_positive;
      if (!is_known || !is_kept || bin.key <= last || bin.count == 0) return false;
      last = bin.key;
    }
    return true;
  }
};

struct Percentiles : Percentile {
  static Outcome Finalize(std::string_view slot, const Reading& reading,
                          const Parameters& parameters, Datum* value) {
    reading.scratch->clear();
    if (!slot.empty()) {
      for (const double quantile : parameters.quantiles.all())
        AppendPacked(*reading.scratch, Datum::Double(ValueAt(slot, quantile)));
    }
    *value = Datum::String(*reading.scratch);
    return Outcome::kValue;
  }
};

constexpr Aggregate PercentilesOf(Type input) {
  Aggregate aggregate = MakeVariable<Percentiles>("percentiles", input, Type::kDouble);
  aggregate.gives_list = true;
  aggregate.takes = kTakesQuantiles;
  return aggregate;
}

constexpr Aggregate PercentileOf(std::string_view name, Type input, bool takes_quantile) {
  Aggregate aggregate = MakeVariable<Percentile>(name, input, Type::kDouble);
  if (takes_quantile) aggregate.takes = kTakesQuantile;
  aggregate.parameters.quantile = 0.5;
  return aggregate;
}

template <bool kTakes>
std::span<const Aggregate> QuantileVariants() {
  static constexpr std::string_view kName = kTakes ? "percentile" : "median";
  static constexpr Aggregate kVariants[] = {
      PercentileOf(kName, Type::kInt32, kTakes),
      PercentileOf(kName, Type::kInt64, kTakes),
      PercentileOf(kName, Type::kFloat, kTakes),
      PercentileOf(kName, Type::kDouble, kTakes),
  };
  return kVariants;
}

}  // namespace

std::span<const Aggregate> PercentileVariants() {
  return QuantileVariants<true>();
}

std::span<const Aggregate> PercentilesVariants() {
  static constexpr Aggregate kVariants[] = {
      PercentilesOf(Type::kInt32),
      PercentilesOf(Type::kInt64),
      PercentilesOf(Type::kFloat),
      PercentilesOf(Type::kDouble),
  };
  return kVariants;
}

std::span<const Aggregate> MedianVariants() {
  return QuantileVariants<false>();
}

}  // namespace freshet::aggregate
