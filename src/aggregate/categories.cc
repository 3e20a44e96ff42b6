// What comes how often, as lists that fit together: categories, the different values in ascending
// order; category_counts, how often each comes; category_sums, the sum of one value for each category
// of another. A sum of no value is 0, and an event without a category counts nowhere.
//
// Exact, and only up to limits::kCategoriesMax different categories in limits::kCategoriesBytesMax: of more
// there is no value.
//
// Slot: empty without a category; u8 1 and, ascending by category, the categories (stored_value.h), each
// with its u64 count or its sum (exact_sum.h); or u8 2 when there were too many.
#include <algorithm>
#include <vector>

#include "aggregate/exact_sum.h"
#include "aggregate/families.h"
#include "aggregate/kernel.h"
#include "aggregate/packed_list.h"
#include "aggregate/saturated_sum.h"
#include "aggregate/stored_value.h"
#include "base/limits.h"

namespace freshet::aggregate {
namespace {

constexpr uint8_t kExact = 1;
constexpr uint8_t kTooMany = 2;

struct CountTally {
  static constexpr size_t kSizeBytes = 8;

  static CountTally Of(const Datum&) { return {.count = 1}; }
  static CountTally Read(const char* slot) { return {.count = Load<uint64_t>(slot)}; }
  void Add(const CountTally& other) { count = SaturatedSum(count, other.count); }
  void Store(char* slot) const { Save(slot, count); }
  bool IsValid() const { return count > 0; }
  Outcome Finalize(Datum* value) const {
    *value = Datum::Int(static_cast<int64_t>(std::min<uint64_t>(count, INT64_MAX)));
    return Outcome::kValue;
  }

  uint64_t count = 0;
};

struct IntegerTally : IntegerSum {
  static IntegerTally Of(const Datum& value) {
    return {IsPresent(value) ? IntegerSum(value.as_int()) : IntegerSum()};
  }
  static IntegerTally Read(const char* slot) { return {IntegerSum(slot)}; }
  bool IsValid() const { return true; }
  Outcome Finalize(Datum* sum) const {
    if (value() < INT64_MIN || value() > INT64_MAX) return Outcome::kOverflow;
    *sum = Datum::Int(static_cast<int64_t>(value()));
    return Outcome::kValue;
  }
};

struct DoubleTally : DoubleSum {
  static DoubleTally Of(const Datum& value) {
    return {IsPresent(value) ? DoubleSum(value.as_double()) : DoubleSum()};
  }
  static DoubleTally Read(const char* slot) { return {DoubleSum(slot)}; }
  Outcome Finalize(Datum* sum) const {
    *sum = Datum::Double(Normalized().high);
    return Outcome::kValue;
  }
};

// The tallies of categories of one type.
template <Type kType, typename Tally>
struct CategoryTable {
  using Stored = StoredValue<kType>;
  struct Entry {
    typename Stored::Ordered category;
    Tally tally;
  };
  using Entries = std::vector<Entry>;

  static void Add(std::string& slot, const Datum& category, const Tally& tally) {
    if (!IsPresent(category)) return;
    std::string one;
    Append(one, kExact);
    Write(one, {Stored::Distinct(Stored::Of(category)), tally});
    Merge(slot, one);
  }

  static void Merge(std::string& slot, std::string_view other) {
    if (other.empty()) return;
    if (slot.empty() && other.size() <= limits::kCategoriesBytesMax) {
      slot.assign(other);
      return;
    }
    Entries ours;
    Entries theirs;
    if (IsTooMany(slot) || IsTooMany(other)) {
      slot.assign(1, static_cast<char>(kTooMany));
      return;
    }
    Read(slot, &ours);
    Read(other, &theirs);
    std::string merged;
    Append(merged, kExact);
    size_t count = 0;
    auto next = theirs.begin();
    for (Entry& entry : ours) {
      for (; next != theirs.end() && next->category < entry.category; ++next, ++count)
        Write(merged, *next);
      if (next != theirs.end() && next->category == entry.category)
        entry.tally.Add((next++)->tally);
      Write(merged, entry);
      ++count;
    }
    for (; next != theirs.end(); ++next, ++count) Write(merged, *next);
    const bool fits =
        count <= limits::kCategoriesMax && merged.size() <= limits::kCategoriesBytesMax;
    slot = fits ? std::move(merged) : std::string(1, static_cast<char>(kTooMany));
  }

  // Lists the categories, or their tallies.
  static Outcome Finalize(std::string_view slot, bool lists_categories, std::string* list) {
    if (IsTooMany(slot)) return Outcome::kTooMany;
    Entries entries;
    Read(slot, &entries);
    list->clear();
    for (const Entry& entry : entries) {
      Datum element = Stored::ToDatum(entry.category);
      if (!lists_categories) {
        const Outcome outcome = entry.tally.Finalize(&element);
        if (outcome != Outcome::kValue) return outcome;
      }
      AppendPacked(*list, element);
    }
    return Outcome::kValue;
  }

  static size_t BytesMax(const Fill& fill) {
    const size_t entries = Stored::DifferentMax(std::min(fill.events, limits::kCategoriesMax));
    return std::min(sizeof(kExact) + entries * (Stored::BytesMax(fill) + Tally::kSizeBytes),
                    limits::kCategoriesBytesMax);
  }

  static bool IsValid(std::string_view slot) {
    if (slot.empty() || IsTooMany(slot)) return true;
    Entries entries;
    if (slot.size() > limits::kCategoriesBytesMax || !Read(slot, &entries) || entries.empty() ||
        entries.size() > limits::kCategoriesMax)
      return false;
    for (size_t i = 0; i < entries.size(); ++i) {
      const Entry& entry = entries[i];
      if (!entry.tally.IsValid() || !Stored::IsValid(entry.category) ||
          Stored::Distinct(entry.category) != entry.category)
        return false;
      if (i > 0 && !(entries[i - 1].category < entry.category)) return false;
    }
    return true;
  }

 private:
  static bool IsTooMany(std::string_view slot) {
    return slot.size() == 1 && static_cast<uint8_t>(slot[0]) == kTooMany;
  }
  static void Write(std::string& to, const Entry& entry) {
    Stored::Write(to, entry.category);
    to.resize(to.size() + Tally::kSizeBytes);
    entry.tally.Store(to.data() + to.size() - Tally::kSizeBytes);
  }
  static bool Read(std::string_view slot, Entries* entries) {
    if (slot.empty()) return true;
    ByteReader reader(slot);
    const bool is_exact = reader.Read<uint8_t>() == kExact;
    while (is_exact && reader.ok() && !reader.rest().empty()) {
      const auto category = Stored::Read(reader);
      const std::string_view tally = reader.ReadBytes(Tally::kSizeBytes);
      if (reader.ok()) entries->push_back({category, Tally::Read(tally.data())});
    }
    return is_exact && reader.ok();
  }
};

// categories and category_counts.
template <Type kType, bool kCounts>
struct Categories {
  using Table = CategoryTable<kType, CountTally>;

  static void Update(std::string& slot, const Datum& value, const EventOrder&, const Parameters&) {
    Table::Add(slot, value, CountTally::Of(value));
  }
  static void Merge(std::string& slot, std::string_view other, const Parameters&) {
    Table::Merge(slot, other);
  }
  static Outcome Finalize(std::string_view slot, const Reading& reading, const Parameters&,
                          Datum* value) {
    const Outcome outcome = Table::Finalize(slot, !kCounts, reading.scratch);
    *value = Datum::String(*reading.scratch);
    return outcome;
  }
  static bool IsValid(std::string_view slot, const Parameters&) { return Table::IsValid(slot); }
  static size_t BytesMax(const Parameters&, const Fill& fill) { return Table::BytesMax(fill); }
};

template <Type kType, bool kCounts>
constexpr Aggregate CategoriesOf() {
  Aggregate aggregate = MakeVariable<Categories<kType, kCounts>>(
      kCounts ? "category_counts" : "categories", kType, kCounts ? Type(Type::kInt64) : kType);
  aggregate.gives_list = true;
  return aggregate;
}

template <bool kCounts>
std::span<const Aggregate> CategoriesVariantsOf() {
  static constexpr Aggregate kVariants[] = {
      CategoriesOf<Type::kBool, kCounts>(),      CategoriesOf<Type::kInt32, kCounts>(),
      CategoriesOf<Type::kInt64, kCounts>(),     CategoriesOf<Type::kFloat, kCounts>(),
      CategoriesOf<Type::kDouble, kCounts>(),    CategoriesOf<Type::kString, kCounts>(),
      CategoriesOf<Type::kTimestamp, kCounts>(), CategoriesOf<Type::kDecimal, kCounts>(),
  };
  return kVariants;
}

// Calls `use` with the table for categories of a type that is known only now.
template <typename Tally, typename Use>
auto WithTable(Type type, Use use) {
  switch (type) {
    case Type::kBool:
      return use(CategoryTable<Type::kBool, Tally>());
    case Type::kInt32:
      return use(CategoryTable<Type::kInt32, Tally>());
    case Type::kInt64:
      return use(CategoryTable<Type::kInt64, Tally>());
    case Type::kFloat:
      return use(CategoryTable<Type::kFloat, Tally>());
    case Type::kDouble:
      return use(CategoryTable<Type::kDouble, Tally>());
    case Type::kTimestamp:
      return use(CategoryTable<Type::kTimestamp, Tally>());
    case Type::kDecimal:
      return use(CategoryTable<Type::kDecimal, Tally>());
    case Type::kString:
    case Type::kBytes:
      break;
  }
  return use(CategoryTable<Type::kString, Tally>());
}

template <typename Tally>
struct CategorySums {
  static void Update(std::string& slot, const Datum& value, const Datum& by, const EventOrder&,
                     const Parameters& parameters) {
    WithTable<Tally>(parameters.by_type,
                     [&](auto table) { table.Add(slot, by, Tally::Of(value)); });
  }
  static void Merge(std::string& slot, std::string_view other, const Parameters& parameters) {
    WithTable<Tally>(parameters.by_type, [&](auto table) { table.Merge(slot, other); });
  }
  static Outcome Finalize(std::string_view slot, const Reading& reading,
                          const Parameters& parameters, Datum* value) {
    const Outcome outcome = WithTable<Tally>(parameters.by_type, [&](auto table) {
      return table.Finalize(slot, false, reading.scratch);
    });
    *value = Datum::String(*reading.scratch);
    return outcome;
  }
  static bool IsValid(std::string_view slot, const Parameters& parameters) {
    return WithTable<Tally>(parameters.by_type, [&](auto table) { return table.IsValid(slot); });
  }
  static size_t BytesMax(const Parameters& parameters, const Fill& fill) {
    return WithTable<Tally>(parameters.by_type, [&](auto table) { return table.BytesMax(fill); });
  }
};

template <typename Tally>
constexpr Aggregate CategorySumsOf(Type input, Type output) {
  Aggregate aggregate = MakeVariable<CategorySums<Tally>>("category_sums", input, output);
  aggregate.gives_list = true;
  aggregate.takes = kTakesBy;
  return aggregate;
}

}  // namespace

std::span<const Aggregate> CategoriesVariants() {
  return CategoriesVariantsOf<false>();
}

std::span<const Aggregate> CategoryCountsVariants() {
  return CategoriesVariantsOf<true>();
}

std::span<const Aggregate> CategorySumsVariants() {
  static constexpr Aggregate kVariants[] = {
      CategorySumsOf<IntegerTally>(Type::kInt32, Type::kInt64),
      CategorySumsOf<IntegerTally>(Type::kInt64, Type::kInt64),
      CategorySumsOf<DoubleTally>(Type::kFloat, Type::kDouble),
      CategorySumsOf<DoubleTally>(Type::kDouble, Type::kDouble),
      CategorySumsOf<IntegerTally>(Type::kDecimal, Type::kDecimal),
  };
  return kVariants;
}

}  // namespace freshet::aggregate
