// That no slot grows past what its aggregate says, whatever is put into it, and that those that can be
// filled come to just that.
#include <cmath>
#include <iostream>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "aggregate/slots.h"
#include "support/seed.h"

namespace freshet::aggregate {
namespace {

// Large enough to fill every slot, or for texts of the greatest length, most of them.
constexpr size_t kEvents = 5'000;
constexpr size_t kLongTexts = 120;

struct Case {
  SharedAggregate function;
  size_t text_bytes;
};

bool HasTexts(const Aggregate& function) {
  return function.bytes_max(function.parameters, {}) !=
         function.bytes_max(function.parameters, {.text_bytes = 0});
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const std::string& name : AggregateNames()) {
    // They keep the slot of percentile, whose filling takes the longest under a sanitizer.
    if (kIsSanitized && (name == "median" || name == "percentiles")) continue;
    for (int kind = 0; kind <= 9; ++kind) {
      for (const Type by : {Type(Type::kInt64), Type(Type::kString), Type(Type::kBool)}) {
        Type input = static_cast<Type::Kind>(kind);
        if (input == Type::kDecimal) input = Type::Decimal(2);
        Parameters parameters = kParameters;
        parameters.k = limits::kListItemsMax;
        parameters.by_type = by;
        const auto found = FindAggregate(name, kind == 0 ? nullptr : &input, parameters);
        if (!found.ok()) continue;
        const bool takes_by = ((*found)->takes & kTakesBy) != 0;
        if ((!takes_by && by != Type::kInt64) || ((*found)->by_is_ordered && by != Type::kInt64))
          continue;
        cases.push_back({*found, 2});
        if (!HasTexts(**found)) continue;
        cases.push_back({*found, 20});
        cases.push_back({*found, limits::kStringValueBytesMax});
      }
    }
  }
  return cases;
}

class BytesMaxTest : public ::testing::TestWithParam<Case> {
 protected:
  BytesMaxTest() : random_(TestSeed()) { std::cout << "FRESHET_TEST_SEED=" << TestSeed() << "\n"; }

  // The values that take the most room: all different, spread as widely as the type goes, texts as
  // long as they may be.
  Datum Different(Type type, size_t i) {
    switch (KindOf(type)) {
      case Datum::Kind::kBool:
        return Datum::Bool(i % 2 == 0);
      case Datum::Kind::kDouble: {
        const double magnitude = std::pow(1.02, static_cast<double>(i / 2));
        if (i == 0) return Datum::Double(0);
        if (i <= 2) return Datum::Double(i == 1 ? INFINITY : -INFINITY);
        return Datum::Double(i % 2 == 0 ? magnitude : -magnitude);
      }
      case Datum::Kind::kString: {
        std::string& text = texts_[i];
        text.assign(GetParam().text_bytes, 'x');
        for (size_t at = 0, rest = i; at < std::min<size_t>(4, text.size()); ++at, rest /= 26)
          text[at] = static_cast<char>('a' + rest % 26);
        return Datum::String(text);
      }
      default:
        const double growth = type == Type::kInt32 ? 1.0085 : 1.017;
        const auto magnitude =
            static_cast<int64_t>(std::pow(growth, static_cast<double>(i / 2))) + i / 2;
        return Datum::Int(i % 2 == 0 ? magnitude : -magnitude);
    }
  }

  Observation Next(size_t i) {
    const EventOrder order = {static_cast<int64_t>(random_() % 1'000), 0, static_cast<int64_t>(i)};
    const Aggregate& function = *GetParam().function;
    const Datum value = Different(function.input, i);
    return {value, order, Different(function.parameters.by_type, i)};
  }

  size_t BytesMax(size_t events) const {
    const Aggregate& function = *GetParam().function;
    return function.bytes_max(function.parameters,
                              {.events = events, .text_bytes = GetParam().text_bytes});
  }

  std::mt19937_64 random_;
  std::map<size_t, std::string> texts_;
};

TEST_P(BytesMaxTest, HoldsAfterEachEventAndEachMerge) {
  const Aggregate& function = *GetParam().function;
  const bool has_texts = HasTexts(function);
  const size_t events = has_texts && GetParam().text_bytes > 1'000 ? kLongTexts : kEvents;
  Slot slot(GetParam().function);
  ASSERT_LE(slot.bytes().size(), BytesMax(0));
  Slot other(GetParam().function);
  size_t largest = 0;
  for (size_t i = 0; i < events; ++i) {
    const Observation next = Next(i);
    slot.Update(next);
    if (i % 2 == 0) other.Update(next);
    ASSERT_LE(slot.bytes().size(), BytesMax(i + 1)) << "of " << i + 1 << " events";
    largest = std::max(largest, slot.bytes().size());
    texts_.clear();
  }
  ASSERT_TRUE(slot.IsValid());
  other.Merge(slot);
  ASSERT_TRUE(other.IsValid());
  ASSERT_LE(other.bytes().size(), BytesMax(events));
  // Not merely true: what such events fill comes to nine tenths of it. Bins of small integers do not
  // spread as widely as those of doubles, and not one category of the greatest length has room.
  const bool has_bins = function.name.starts_with("percentile") || function.name == "median";
  const bool has_room = !function.name.starts_with("categor") || !has_texts ||
                        GetParam().text_bytes < limits::kStringValueBytesMax;
  if (!has_room) return;
  const double share = has_bins && function.input == Type::kInt32 ? 0.4 : 0.9;
  EXPECT_GE(static_cast<double>(largest), share * static_cast<double>(BytesMax(SIZE_MAX)));
}

INSTANTIATE_TEST_SUITE_P(Aggregates, BytesMaxTest, ::testing::ValuesIn(AllCases()),
                         [](const auto& info) {
                           const Aggregate& function = *info.param.function;
                           std::string type = "events";
                           if (function.takes_input) type = TypeName(function.input);
                           // Names have no parentheses.
                           if (function.input == Type::kDecimal) type = "decimal";
                           if (function.takes & kTakesBy)
                             type += "_by_" + std::string(TypeName(function.parameters.by_type));
                           return std::string(function.name) + "_" + type + "_" +
                                  std::to_string(info.param.text_bytes);
                         });

}  // namespace
}  // namespace freshet::aggregate
