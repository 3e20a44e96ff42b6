#include "aggregate/aggregate.h"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregate/slots.h"
#include "base/limits.h"
#include "support/seed.h"

namespace freshet::aggregate {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string Answer(std::string_view name, Type type, const std::vector<Datum>& values) {
  Slot slot(Find(name, type));
  int64_t offset = 0;
  for (const Datum& value : values) slot.Update({value, {1'000, 0, offset++}});
  EXPECT_TRUE(slot.IsValid());
  return slot.Answer();
}

std::vector<Datum> Doubles(std::initializer_list<double> values) {
  std::vector<Datum> result;
  for (const double value : values) result.push_back(Datum::Double(value));
  return result;
}

std::vector<Datum> Integers(std::initializer_list<int64_t> values) {
  std::vector<Datum> result;
  for (const int64_t value : values) result.push_back(Datum::Int(value));
  return result;
}

TEST(FindAggregate, KnowsItsNamesAndTypes) {
  EXPECT_THAT(AggregateNames(),
              ::testing::IsSupersetOf({"count", "sum", "mean", "min", "max", "first", "last"}));
  EXPECT_EQ(FindWithoutInput("count")->output, Type::kInt64);
  EXPECT_EQ(Find("sum", Type::kInt32)->output, Type::kInt64);
  EXPECT_EQ(Find("sum", Type::kFloat)->output, Type::kDouble);
  EXPECT_EQ(Find("mean", Type::kInt64)->output, Type::kDouble);
  EXPECT_EQ(Find("count", Type::kString)->output, Type::kInt64);
  for (const std::string_view name : {"min", "max", "first", "last"}) {
    for (const Type type : {Type::kBool, Type::kInt32, Type::kInt64, Type::kFloat, Type::kDouble,
                            Type::kString, Type::kTimestamp})
      EXPECT_EQ(Find(name, type)->output, type) << name;
  }
}

TEST(FindAggregate, GivesDecimalsOfTheScaleThatItTakes) {
  const Type price = Type::Decimal(2);
  for (const std::string_view name : {"sum", "min", "max", "first", "last", "top_k", "last_k",
                                      "most_frequent_k", "categories", "category_sums"}) {
    EXPECT_EQ(Find(name, price)->input, price) << name;
    EXPECT_EQ(Find(name, price)->output, price) << name;
  }
  for (const std::string_view name :
       {"count", "distinct_count", "time_since_last", "category_counts"})
    EXPECT_EQ(Find(name, price)->output, Type::kInt64) << name;
  EXPECT_EQ(Find("last_k_times", price)->output, Type::kTimestamp);
  EXPECT_EQ(Find("mean", price)->output, Type::kDouble);
  for (const std::string_view name :
       {"var_pop", "median", "percentiles", "histogram", "decayed_sum"}) {
    EXPECT_FALSE(TakesInput(name, price)) << name;
    EXPECT_TRUE(TakesInput(name, Type::kDouble)) << name;
  }
}

TEST(FindAggregate, SaysWhatIsWrongAndWhatIsAllowed) {
  const Type text = Type::kString;
  const Type number = Type::kInt64;
  EXPECT_THAT(FindAggregate("summ", &number).status().message(),
              HasSubstr("unknown aggregation function 'summ'; did you mean 'sum'?"));
  EXPECT_THAT(FindAggregate("sum", nullptr).status().message(),
              HasSubstr("needs `of:`, what to aggregate; it takes int32, int64, float, double"));
  EXPECT_THAT(
      FindAggregate("mean", &text).status().message(),
      HasSubstr("does not take values of type string; it takes int32, int64, float, double"));
  EXPECT_EQ(FindAggregate("sum", nullptr).status().code(), StatusCode::kInvalidArgument);
}

TEST(Aggregate, OfDecimals) {
  EXPECT_EQ(Answer("sum", Type::Decimal(2), Integers({10, 20, -30})), "0");
  EXPECT_EQ(Answer("sum", Type::Decimal(2), Integers({kMax, 1})), "overflow");
  EXPECT_EQ(Answer("sum", Type::Decimal(2), Integers({kMax, 1, -1})), std::to_string(kMax));
  const auto mean = [](uint8_t scale, std::initializer_list<int64_t> units) {
    return Answer("mean", Type::Decimal(scale), Integers(units));
  };
  const auto shown = [](double value) { return ToString(Datum::Double(value)); };
  EXPECT_EQ(mean(2, {}), "null");
  EXPECT_EQ(mean(2, {10, 20, 30}), shown(0.2));
  EXPECT_EQ(mean(2, {10, 20, -30}), shown(0));
  EXPECT_EQ(mean(18, {1}), shown(1e-18));
  EXPECT_EQ(mean(18, {1, 0, 0}), shown(1e-18 / 3));
  EXPECT_EQ(mean(0, {kMax, kMax}), shown(0x1p63));
  EXPECT_EQ(mean(2, {kMax, kMax, kMin, kMin, 3}), shown(0.002));
  EXPECT_EQ(mean(2, {kMax}), shown(92233720368547758.07));
  EXPECT_EQ(mean(2, {kMin}), shown(-92233720368547758.08));
}

// Against the quotient in 113 bits, which has 60 more than a double.
TEST(Aggregate, MeansOfIntegersAndDecimalsAreTheNearestDouble) {
  __extension__ typedef __float128 Wide;
  std::mt19937_64 random(TestSeed());
  SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(TestSeed()));
  for (int i = 0; i < 20'000; ++i) {
    const auto scale = static_cast<uint8_t>(random() % 19);
    std::vector<Datum> values;
    Wide sum = 0;
    for (size_t count = 1 + random() % 5; count > 0; --count) {
      values.push_back(Datum::Int(static_cast<int64_t>(random()) >> (random() % 64)));
      sum += values.back().as_int();
    }
    Wide units = static_cast<Wide>(values.size());
    for (uint8_t digit = 0; digit < scale; ++digit) units *= 10;
    ASSERT_EQ(Answer("mean", Type::Decimal(scale), values),
              ToString(Datum::Double(static_cast<double>(sum / units))));
  }
}

TEST(Aggregate, OfNothing) {
  EXPECT_EQ(Slot(FindWithoutInput("count")).Answer(), "0");
  EXPECT_EQ(Answer("count", Type::kString, {}), "0");
  EXPECT_EQ(Answer("sum", Type::kInt64, {}), "0");
  EXPECT_EQ(Answer("sum", Type::kDouble, {}), ToString(Datum::Double(0)));
  for (const std::string_view name : {"min", "max", "first", "last"}) {
    for (const Type type : {Type::kBool, Type::kInt64, Type::kDouble, Type::kString}) {
      EXPECT_EQ(Answer(name, type, {}), "null") << name;
      EXPECT_EQ(Answer(name, type, {Datum::Null()}), "null") << name;
    }
  }
  EXPECT_EQ(Answer("mean", Type::kInt64, {}), "null");
  EXPECT_EQ(Answer("mean", Type::kDouble, Doubles({std::nan("")})), "null");
}

TEST(Count, OfEventsTakesNullsAndOfValuesDoesNot) {
  Slot events(FindWithoutInput("count"));
  for (int i = 0; i < 3; ++i) events.Update({Datum::Null(), {}});
  EXPECT_EQ(events.Answer(), "3");
  EXPECT_EQ(Answer("count", Type::kDouble,
                   {Datum::Null(), Datum::Double(std::nan("")), Datum::Double(1)}),
            "1");
}

TEST(Sum, OfIntegersIsExactAndReportsOverflow) {
  EXPECT_EQ(Answer("sum", Type::kInt64, Integers({kMax, kMax, kMin, kMin, 5})), "3");
  EXPECT_EQ(Answer("sum", Type::kInt64, Integers({kMax, 1})), "overflow");
  EXPECT_EQ(Answer("sum", Type::kInt64, Integers({kMin, -1})), "overflow");
  EXPECT_EQ(Answer("sum", Type::kInt64, Integers({kMin})), std::to_string(kMin));
}

TEST(Sum, OfDoublesKeepsWhatRoundingTakes) {
  EXPECT_EQ(Answer("sum", Type::kDouble, Doubles({1e16, 1, -1e16})), ToString(Datum::Double(1)));
  EXPECT_EQ(Answer("sum", Type::kDouble, Doubles({1, 1e30, -1e30})), ToString(Datum::Double(1)));
  std::vector<Datum> tenths(10, Datum::Double(0.1));
  EXPECT_EQ(Answer("sum", Type::kDouble, tenths), ToString(Datum::Double(1)));
}

TEST(Sum, OfInfinitiesFollowsIeee754) {
  EXPECT_EQ(Answer("sum", Type::kDouble, Doubles({kInfinity, 1})),
            ToString(Datum::Double(kInfinity)));
  EXPECT_EQ(Answer("sum", Type::kDouble, Doubles({1, -kInfinity, -kInfinity})),
            ToString(Datum::Double(-kInfinity)));
  Slot both(Find("sum", Type::kDouble));
  both.Update({Datum::Double(kInfinity), {}});
  both.Update({Datum::Double(-kInfinity), {}});
  both.Update({Datum::Double(1), {}});
  Datum value;
  ASSERT_EQ(both.Finalize(&value), Outcome::kValue);
  EXPECT_TRUE(std::isnan(value.as_double()));
  EXPECT_TRUE(both.IsValid());
}

TEST(Sum, OfNegativeZerosIsZero) {
  EXPECT_EQ(Answer("sum", Type::kDouble, Doubles({-0.0, -0.0})), ToString(Datum::Double(0.0)));
}

TEST(Mean, ComesFromTheExactSum) {
  EXPECT_EQ(Answer("mean", Type::kInt64, Integers({1, 2})), ToString(Datum::Double(1.5)));
  EXPECT_EQ(Answer("mean", Type::kInt64, Integers({kMax, kMax, kMax})),
            ToString(Datum::Double(0x1p63)));
  EXPECT_EQ(Answer("mean", Type::kInt64, Integers({kMax, kMin, 2})),
            ToString(Datum::Double(1.0 / 3)));
  EXPECT_EQ(Answer("mean", Type::kDouble, Doubles({1e16, 1, -1e16, 1})),
            ToString(Datum::Double(0.5)));
}

TEST(MinMax, OrderEveryType) {
  EXPECT_EQ(Answer("min", Type::kInt64, Integers({kMax})), std::to_string(kMax));
  EXPECT_EQ(Answer("max", Type::kInt64, Integers({kMin})), std::to_string(kMin));
  EXPECT_EQ(Answer("min", Type::kInt64, Integers({3, -7, 5})), "-7");
  EXPECT_EQ(Answer("max", Type::kBool, {Datum::Bool(false), Datum::Bool(true)}), "true");
  EXPECT_EQ(Answer("min", Type::kBool, {Datum::Bool(false), Datum::Bool(true)}), "false");
  EXPECT_EQ(Answer("min", Type::kDouble, Doubles({1, -2.5, kInfinity})),
            ToString(Datum::Double(-2.5)));
  EXPECT_EQ(Answer("max", Type::kDouble, Doubles({-1, -kInfinity, -3})),
            ToString(Datum::Double(-1)));
  EXPECT_EQ(
      Answer("min", Type::kString, {Datum::String("b"), Datum::String(""), Datum::String("a")}),
      ToString(Datum::String("")));
  EXPECT_EQ(
      Answer("max", Type::kString, {Datum::String("b"), Datum::String("ba"), Datum::String("a")}),
      ToString(Datum::String("ba")));
}

TEST(MinMax, NegativeZeroIsLessThanZero) {
  EXPECT_EQ(Answer("min", Type::kDouble, Doubles({0.0, -0.0})), ToString(Datum::Double(-0.0)));
  EXPECT_EQ(Answer("min", Type::kDouble, Doubles({-0.0, 0.0})), ToString(Datum::Double(-0.0)));
  EXPECT_EQ(Answer("max", Type::kDouble, Doubles({0.0, -0.0})), ToString(Datum::Double(0.0)));
  EXPECT_EQ(Answer("max", Type::kDouble, Doubles({-0.0, 0.0})), ToString(Datum::Double(0.0)));
}

TEST(FirstLast, FollowTimeThenPartitionThenOffset) {
  const std::vector<Observation> ascending = {{Datum::Int(1), {10, 5, 9}},
                                              {Datum::Int(2), {20, 1, 7}},
                                              {Datum::Int(3), {20, 2, 3}},
                                              {Datum::Int(4), {20, 2, 4}}};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    Slot first(Find("first", Type::kInt64));
    Slot last(Find("last", Type::kInt64));
    for (const size_t i : order) {
      first.Update(ascending[i]);
      last.Update(ascending[i]);
      first.Update({Datum::Null(), {0, 0, 0}});
      last.Update({Datum::Null(), {99, 0, 0}});
    }
    EXPECT_EQ(first.Answer(), "1");
    EXPECT_EQ(last.Answer(), "4");
  } while (std::next_permutation(order.begin(), order.end()));
}

std::string Shown(double value) {
  return ToString(Datum::Double(value));
}

TEST(Moments, OfFewValues) {
  for (const std::string_view name : {"var_pop", "stddev_pop"}) {
    EXPECT_EQ(Answer(name, Type::kDouble, {}), "null");
    EXPECT_EQ(Answer(name, Type::kDouble, Doubles({7})), Shown(0));
  }
  for (const std::string_view name : {"var_samp", "stddev_samp", "skewness", "kurtosis"})
    EXPECT_EQ(Answer(name, Type::kDouble, Doubles({7})), "null") << name;
  EXPECT_EQ(Answer("var_pop", Type::kInt64, Integers({1, 2, 3, 4})), Shown(1.25));
  EXPECT_EQ(Answer("var_samp", Type::kInt32, Integers({2, 4})), Shown(2));
  EXPECT_EQ(Answer("stddev_pop", Type::kDouble, Doubles({2, 4, 4, 4, 5, 5, 7, 9})), Shown(2));
  EXPECT_EQ(Answer("skewness", Type::kDouble, Doubles({0, 0, 0, 4})), Shown(6 / std::pow(3, 1.5)));
  EXPECT_EQ(Answer("kurtosis", Type::kDouble, Doubles({-1, 1})), Shown(-2));
}

TEST(Moments, OfEqualValuesAreThoseOfNoSpread) {
  for (const double value : {0.1, 1e15 + 0.3, -3e-200, 1e76}) {
    const std::vector<Datum> values(1'000, Datum::Double(value));
    EXPECT_EQ(Answer("var_pop", Type::kDouble, values), Shown(0));
    EXPECT_EQ(Answer("skewness", Type::kDouble, values), "null");
    EXPECT_EQ(Answer("kurtosis", Type::kDouble, values), "null");
  }
  EXPECT_EQ(Answer("stddev_samp", Type::kInt64, Integers({kMax, kMax, kMax})), Shown(0));
}

// Around a mean that is a thousand million times as large as the spread.
TEST(Moments, KeepWhatCancels) {
  std::vector<Datum> values;
  for (const double offset : {-2, -1, 0, 1, 7}) values.push_back(Datum::Double(1e9 + offset));
  EXPECT_EQ(Answer("var_pop", Type::kDouble, values), Shown(10));
  EXPECT_EQ(Answer("skewness", Type::kDouble, values), Shown(36 / (10 * std::sqrt(10.0))));
}

TEST(Moments, AreNullWhereTheirErrorWouldShow) {
  std::vector<Datum> values;
  for (const double offset : {-2, -1, 0, 1, 7}) values.push_back(Datum::Double(1e9 + offset));
  EXPECT_EQ(Answer("kurtosis", Type::kDouble, values), "null");
  values.clear();
  for (const double value : {1, 2, 5, 9}) values.push_back(Datum::Double(value * 1e-110));
  EXPECT_EQ(Answer("skewness", Type::kDouble, values), "null");
  EXPECT_EQ(Answer("kurtosis", Type::kDouble, values), "null");
}

// The errors of sums grow with the count.
TEST(Moments, OfAMillionEqualValuesAreThoseOfNoSpread) {
  const std::vector<Datum> values(1'000'000, Datum::Double(0.1));
  EXPECT_EQ(Answer("var_pop", Type::kDouble, values), Shown(0));
  EXPECT_EQ(Answer("skewness", Type::kDouble, values), "null");
  EXPECT_EQ(Answer("kurtosis", Type::kDouble, values), "null");
}

TEST(Moments, OfInfinitiesAreNanAndOfPowersTooLargeOverflow) {
  EXPECT_EQ(Answer("var_pop", Type::kDouble, Doubles({kInfinity, 1})), "nan");
  EXPECT_EQ(Answer("var_pop", Type::kDouble, Doubles({1e200, 2e200})), "overflow");
  EXPECT_EQ(Answer("kurtosis", Type::kDouble, Doubles({1e100, 2e100})), "overflow");
  EXPECT_EQ(Answer("var_pop", Type::kInt64, Integers({kMin, kMin})), Shown(0));
}

TEST(Decayed, HalvesWithEachHalfLife) {
  const auto answer = [](std::string_view name, const std::vector<Observation>& observations) {
    return Slot(Find(name, Type::kInt64), observations).Answer();
  };
  const std::vector<Observation> observations = {{Datum::Int(8), {1'000, 0, 0}},
                                                 {Datum::Int(8), {990, 0, 0}},
                                                 {Datum::Int(4), {980, 0, 0}},
                                                 {Datum::Null(), {1'000, 0, 0}}};
  EXPECT_EQ(answer("decayed_count", observations), Shown(1.75));
  EXPECT_EQ(answer("decayed_sum", observations), Shown(13));
  EXPECT_EQ(answer("decayed_mean", observations), Shown(13 / 1.75));
  EXPECT_EQ(answer("decayed_sum", {{Datum::Int(1), {1'010, 0, 0}}}), Shown(2));
  EXPECT_EQ(answer("decayed_sum", {{Datum::Int(1), {-20'000, 0, 0}}}), Shown(0));
  EXPECT_EQ(answer("decayed_mean", {{Datum::Int(3), {-200'000, 0, 0}}}), Shown(3));
  EXPECT_EQ(answer("decayed_count", {}), Shown(0));
  EXPECT_EQ(answer("decayed_mean", {}), "null");
  Slot events(FindWithoutInput("decayed_count"));
  events.Update({Datum::Null(), {1'000, 0, 0}});
  EXPECT_EQ(events.Answer(), Shown(1));
}

TEST(Rate, IsPerSecondOfTheWindow) {
  Slot events(FindWithoutInput("rate"));
  EXPECT_EQ(events.Answer(), Shown(0));
  for (int i = 0; i < 3; ++i) events.Update({Datum::Null(), {}});
  EXPECT_EQ(events.Answer(), Shown(6));
  EXPECT_EQ(Answer("rate", Type::kDouble, {Datum::Double(1), Datum::Null()}), Shown(2));
}

TEST(TimeSinceLast, IsOfTheNewestAndNeverNegative) {
  const SharedAggregate function = Find("time_since_last", Type::kString);
  EXPECT_EQ(Slot(function).Answer(), "null");
  const Datum text = Datum::String("a");
  EXPECT_EQ(
      Slot(function, {{text, {400, 0, 0}}, {text, {300, 0, 0}}, {Datum(), {900, 0, 0}}}).Answer(),
      "600");
  EXPECT_EQ(Slot(function, {{text, {1'001, 0, 0}}}).Answer(), "0");
}

std::vector<Datum> Texts(std::initializer_list<const char*> values) {
  std::vector<Datum> result;
  for (const char* value : values) result.push_back(Datum::String(value));
  return result;
}

// Of three elements at the most.
TEST(Lists, OfNothingAreEmpty) {
  for (const std::string& name : AggregateNames()) {
    const Type type = Type::kInt64;
    const auto found = FindAggregate(name, &type, kParameters);
    if (found.ok() && (*found)->gives_list) {
      EXPECT_EQ(Answer(name, type, {Datum::Null()}), name == "histogram" ? "[0, 0, 0]" : "[]")
          << name;
    }
  }
}

TEST(Lists, RankedByAnotherValueBreakTiesByTime) {
  const std::vector<Observation> observations = {
      {Datum::String("pen"), {1, 0, 0}, Datum::Double(2)},
      {Datum::String("car"), {2, 0, 0}, Datum::Double(9)},
      {Datum::String("cup"), {4, 0, 0}, Datum::Double(2)},
      {Datum::String("hat"), {3, 0, 0}, Datum::Double(2)},
      {Datum::String("none"), {5, 0, 0}, Datum::Null()},
      {Datum::Null(), {6, 0, 0}, Datum::Double(99)}};
  EXPECT_EQ(Slot(Find("top_k_by", Type::kString), observations).Answer(),
            "[\"car\", \"pen\", \"hat\"]");
  EXPECT_EQ(Slot(Find("bottom_k_by", Type::kString), observations).Answer(),
            "[\"pen\", \"hat\", \"cup\"]");
}

TEST(Categories, ListsFitTogether) {
  const std::vector<Observation> observations = {
      {Datum::Int(5), {}, Datum::Double(2)}, {Datum::Int(-1), {}, Datum::Double(-0.0)},
      {Datum::Int(7), {}, Datum::Double(2)}, {Datum::Null(), {}, Datum::Double(4)},
      {Datum::Int(100), {}, Datum::Null()},  {Datum::Int(3), {}, Datum::Double(0.0)}};
  EXPECT_EQ(Slot(Find("category_sums", Type::kInt64), observations).Answer(), "[2, 12, 0]");
  EXPECT_EQ(Answer("categories", Type::kDouble, Doubles({2, -0.0, 2, 4, 0})), "[0, 2, 4]");
  EXPECT_EQ(Answer("category_counts", Type::kDouble, Doubles({2, -0.0, 2, 4, 0})), "[2, 2, 1]");
}

TEST(Categories, TooManyAreNoValueWhateverTheOrder) {
  std::vector<Datum> values;
  for (int64_t i = 0; i < 256; ++i) values.push_back(Datum::Int(i % 256));
  EXPECT_NE(Answer("categories", Type::kInt64, values), "too many");
  values.push_back(Datum::Int(1'000));
  EXPECT_EQ(Answer("categories", Type::kInt64, values), "too many");
  EXPECT_EQ(Answer("category_counts", Type::kInt64, values), "too many");
}

TEST(Categories, TheirBytesAreBoundedToo) {
  const std::string a(limits::kCategoriesBytesMax / 2, 'a');
  const std::string b(limits::kCategoriesBytesMax / 2, 'b');
  const std::string c(limits::kCategoriesBytesMax, 'c');
  EXPECT_NE(Answer("categories", Type::kString, {Datum::String(a)}), "too many");
  EXPECT_EQ(Answer("categories", Type::kString, {Datum::String(a), Datum::String(b)}), "too many");
  EXPECT_EQ(Answer("categories", Type::kString, {Datum::String(c)}), "too many");
}

TEST(Categories, ASumThatOverflowsIsNoValue) {
  const Datum most = Datum::Int(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Slot(Find("category_sums", Type::kInt64),
                 {{most, {}, Datum::Double(1)}, {most, {}, Datum::Double(1)}})
                .Answer(),
            "overflow");
}

TEST(Histogram, BinsHoldTheirLowerEdge) {
  EXPECT_EQ(Answer("histogram", Type::kInt64, Integers({-1, 0, 9, 10, 11})), "[1, 2, 2]");
  EXPECT_EQ(Answer("histogram", Type::kDouble,
                   Doubles({-0.0, -std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::infinity(), std::nan("")})),
            "[1, 1, 1]");
}

TEST(Lists, OfFirstAndLastBeginWithTheOutermost) {
  const std::vector<Datum> values = Integers({7, 8, 7, 9, 5, 7});
  EXPECT_EQ(Answer("first_k", Type::kInt64, values), "[7, 8, 7]");
  EXPECT_EQ(Answer("last_k", Type::kInt64, values), "[7, 5, 9]");
  EXPECT_EQ(Answer("first_distinct_k", Type::kInt64, values), "[7, 8, 9]");
  EXPECT_EQ(Answer("last_distinct_k", Type::kInt64, values), "[7, 5, 9]");
  EXPECT_EQ(Answer("last_distinct_k", Type::kInt64, Integers({1, 2, 1})), "[1, 2]");
  EXPECT_EQ(Answer("first_k_times", Type::kInt64, Integers({4, 4})), "[1000, 1000]");
  EXPECT_EQ(Answer("last_k", Type::kString, Texts({"a", "", "b"})), "[\"b\", \"\", \"a\"]");
  EXPECT_EQ(Answer("last_distinct_k", Type::kDouble, Doubles({-0.0, 0.0})), "[0]");
}

TEST(Lists, OfExtremesRepeatWhatComesTwice) {
  EXPECT_EQ(Answer("top_k", Type::kInt64, Integers({3, 9, 1, 9, 2})), "[9, 9, 3]");
  EXPECT_EQ(Answer("bottom_k", Type::kInt64, Integers({3, 9, 1, 9, 2})), "[1, 2, 3]");
  EXPECT_EQ(Answer("bottom_k", Type::kString, Texts({"b", "a", "ab", "c"})),
            "[\"a\", \"ab\", \"b\"]");
  EXPECT_EQ(Answer("top_k", Type::kBool, {Datum::Bool(false), Datum::Bool(true)}), "[true, false]");
}

TEST(Lists, OfTheMostFrequentGoByCountThenByValue) {
  const std::vector<Datum> values = Texts({"b", "a", "c", "a", "d", "d"});
  EXPECT_EQ(Answer("most_frequent_k", Type::kString, values), "[\"a\", \"d\", \"b\"]");
  EXPECT_EQ(Answer("most_frequent_k_counts", Type::kString, values), "[2, 2, 1]");
}

// Fifteen such texts fit: each time that another comes, sixteen at the least lose as much.
TEST(Lists, OfTheMostFrequentKeepABoundPastTheBytesOfTheirTexts) {
  Slot slot(Find("most_frequent_k", Type::kString));
  uint64_t events = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 40; ++i) {
      const std::string rare(limits::kStringValueBytesMax, static_cast<char>('a' + i));
      slot.Update({Datum::String(i % 3 == 0 ? "often" : rare), {}});
      ++events;
      ASSERT_LE(slot.bytes().size(), limits::kFrequentBytesMax);
    }
  }
  EXPECT_TRUE(slot.IsValid());
  EXPECT_TRUE(slot.Answer().starts_with("[\"often\"")) << slot.Answer().substr(0, 40);
  EXPECT_LE(Load<uint64_t>(slot.bytes().data()), events / 16 + 1);
}

// Past their limit, counts are too small by no more than the slot says.
TEST(Lists, OfTheMostFrequentKeepABoundPastTheirLimit) {
  constexpr int64_t kRare = 5'000;
  for (const bool rare_first : {true, false}) {
    Slot slot(Find("most_frequent_k", Type::kInt64));
    Slot counts(Find("most_frequent_k_counts", Type::kInt64));
    const auto update = [&](int64_t value) {
      slot.Update({Datum::Int(value), {}});
      counts.Update({Datum::Int(value), {}});
    };
    for (int64_t i = 0; rare_first && i < kRare; ++i) update(1'000 + i);
    for (int64_t i = 0; i < 300; ++i) update(1 + i % 3);
    for (int64_t i = 0; !rare_first && i < kRare; ++i) update(1'000 + i);
    EXPECT_EQ(slot.Answer(), "[1, 2, 3]");
    EXPECT_TRUE(slot.IsValid());
    const auto taken = Load<uint64_t>(slot.bytes().data());
    EXPECT_LE(taken, (kRare + 300) / 256 + 1);
    Datum packed;
    ASSERT_EQ(counts.Finalize(&packed), Outcome::kValue);
    std::string_view rest = packed.as_string();
    for (int i = 0; i < 3; ++i) {
      const auto count = static_cast<uint64_t>(TakePacked(Type::kInt64, rest).as_int());
      EXPECT_LE(count, 100u);
      EXPECT_GE(count + taken, 100u);
    }
  }
}

TEST(IsValid, RefusesBytesThatNoEventsLeave) {
  const std::string zeros(64, '\0');
  EXPECT_FALSE(Find("sum", Type::kInt64)->is_valid(zeros, kParameters));  // of another size
  std::string minimum = Slot(Find("min", Type::kInt64), {{Datum::Int(7), {}}}).bytes();
  minimum[8] = 2;
  EXPECT_FALSE(Find("min", Type::kInt64)->is_valid(minimum, kParameters));
  minimum[8] = 0;  // a value, and yet none
  EXPECT_FALSE(Find("min", Type::kInt64)->is_valid(minimum, kParameters));
  std::string boolean = Slot(Find("max", Type::kBool), {{Datum::Bool(true), {}}}).bytes();
  boolean[0] = 2;
  EXPECT_FALSE(Find("max", Type::kBool)->is_valid(boolean, kParameters));
  std::string last = Slot(Find("last", Type::kInt32), {{Datum::Int(7), {1'000, 0, 0}}}).bytes();
  last[24] = 1;  // beyond 32 bits
  EXPECT_FALSE(Find("last", Type::kInt32)->is_valid(last, kParameters));
  std::string mean = Slot(Find("mean", Type::kDouble), {{Datum::Double(7), {}}}).bytes();
  mean[16] = 0;  // a sum of no values
  EXPECT_FALSE(Find("mean", Type::kDouble)->is_valid(mean, kParameters));
  std::string sum = Slot(Find("sum", Type::kDouble), {{Datum::Double(7), {}}}).bytes();
  sum[15] = 0x40;  // a low part as large as the high part
  EXPECT_FALSE(Find("sum", Type::kDouble)->is_valid(sum, kParameters));
  EXPECT_FALSE(Find("first", Type::kString)->is_valid("short", kParameters));
  EXPECT_FALSE(Find("max", Type::kString)->is_valid("x", kParameters));
}

}  // namespace
}  // namespace freshet::aggregate
