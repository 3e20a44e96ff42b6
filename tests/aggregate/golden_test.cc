// The bytes of every kind of slot, as docs/formats.md describes them. They are on people's disks: a
// change here is a new version of the format, never an edit of the expectation.
#include <limits>

#include <gtest/gtest.h>

#include "aggregate/slots.h"

namespace freshet::aggregate {
namespace {

std::string SlotHex(const SharedAggregate& function, const std::vector<Observation>& observations) {
  return Hex(Slot(function, observations).bytes());
}

TEST(GoldenSlots, Count) {
  EXPECT_EQ(SlotHex(FindWithoutInput("count"), {{}, {}, {}}), "0300000000000000");
  EXPECT_EQ(SlotHex(Find("count", Type::kString), {{Datum::String("a"), {}}, {}}),
            "0100000000000000");
}

TEST(GoldenSlots, Sum) {
  EXPECT_EQ(SlotHex(Find("sum", Type::kInt32), {{Datum::Int(-2), {}}}),
            "feffffffffffffff"
            "ffffffffffffffff");
  const Datum most = Datum::Int(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(SlotHex(Find("sum", Type::kInt64), {{most, {}}, {most, {}}, {most, {}}}),
            "fdffffffffffff7f"
            "0100000000000000");
  EXPECT_EQ(
      SlotHex(Find("sum", Type::kDouble), {{Datum::Double(1e16), {}}, {Datum::Double(1), {}}}),
      "0080e03779c34143"
      "000000000000f03f");
  EXPECT_EQ(SlotHex(Find("sum", Type::kFloat), {{Datum::Double(1.5), {}}}),
            "000000000000f83f"
            "0000000000000000");
}

TEST(GoldenSlots, Mean) {
  EXPECT_EQ(SlotHex(Find("mean", Type::kInt64), {{Datum::Int(3), {}}, {Datum::Int(4), {}}}),
            "0700000000000000"
            "0000000000000000"
            "0200000000000000");
  EXPECT_EQ(SlotHex(Find("mean", Type::kDouble), {{Datum::Double(1.5), {}}}),
            "000000000000f83f"
            "0000000000000000"
            "0100000000000000");
}

TEST(GoldenSlots, OfDecimalsAreThoseOfTheirUnits) {
  size_t checked = 0;
  for (const std::string& name : AggregateNames()) {
    if (!TakesInput(name, Type::kDecimal)) continue;
    ++checked;
    std::vector<Observation> observations;
    for (const int64_t units : {1234, -5, 0, 1234, 7})
      observations.push_back({Datum::Int(units), {units, 0, units}, Datum::Double(1)});
    EXPECT_EQ(SlotHex(Find(name, Type::Decimal(2)), observations),
              SlotHex(Find(name, Type::kInt64), observations))
        << name;
  }
  EXPECT_GT(checked, 20u);
}

TEST(GoldenSlots, MinMax) {
  EXPECT_EQ(SlotHex(Find("min", Type::kInt64), {}),
            "ffffffffffffff7f"
            "00");
  EXPECT_EQ(SlotHex(Find("max", Type::kInt64), {}),
            "0000000000000080"
            "00");
  EXPECT_EQ(SlotHex(Find("min", Type::kInt32), {{Datum::Int(-2), {}}}),
            "feffffffffffffff"
            "01");
  EXPECT_EQ(SlotHex(Find("max", Type::kTimestamp), {{Datum::Int(258), {}}}),
            "0201000000000000"
            "01");
  EXPECT_EQ(SlotHex(Find("max", Type::kBool), {{Datum::Bool(true), {}}}),
            "0100000000000000"
            "01");
  EXPECT_EQ(SlotHex(Find("max", Type::kDouble), {{Datum::Double(1.5), {}}}),
            "000000000000f83f"
            "01");
  EXPECT_EQ(SlotHex(Find("min", Type::kDouble), {{Datum::Double(-1.5), {}}}),
            "ffffffffffff07c0"
            "01");
  EXPECT_EQ(SlotHex(Find("min", Type::kFloat), {{Datum::Double(-0.0), {}}}),
            "ffffffffffffffff"
            "01");
  EXPECT_EQ(SlotHex(Find("min", Type::kString), {}), "");
  EXPECT_EQ(SlotHex(Find("min", Type::kString), {{Datum::String("ab"), {}}}),
            "01"
            "6162");
}

TEST(GoldenSlots, FirstLast) {
  const EventOrder order = {1'000, 7, 258};
  const std::string order_hex =
      "e803000000000000"
      "07000000"
      "0201000000000000";
  const std::string zeros =
      "00000000"
      "0000000000000000"
      "0000000000000000";
  EXPECT_EQ(SlotHex(Find("first", Type::kInt64), {}), "ffffffffffffff7f" + zeros);
  EXPECT_EQ(SlotHex(Find("last", Type::kInt64), {}), "0000000000000080" + zeros);
  EXPECT_EQ(SlotHex(Find("last", Type::kInt64), {{Datum::Int(-2), order}}),
            order_hex + "feffffffffffffff");
  EXPECT_EQ(SlotHex(Find("first", Type::kDouble), {{Datum::Double(-1.5), order}}),
            order_hex + "ffffffffffff07c0");
  EXPECT_EQ(SlotHex(Find("last", Type::kString), {}), "");
  EXPECT_EQ(SlotHex(Find("last", Type::kString), {{Datum::String("ab"), order}}),
            order_hex + "6162");
}

TEST(GoldenSlots, Moments) {
  const std::string two =
      "0000000000000040"
      "0000000000000000";
  const std::string four =
      "0000000000001040"
      "0000000000000000";
  const std::string eight =
      "0000000000002040"
      "0000000000000000";
  const std::string one = "0100000000000000";
  for (const std::string_view name : {"var_pop", "var_samp", "stddev_pop", "stddev_samp"})
    EXPECT_EQ(SlotHex(Find(name, Type::kInt64), {{Datum::Int(2), {}}}), one + two + four) << name;
  EXPECT_EQ(SlotHex(Find("skewness", Type::kDouble), {{Datum::Double(2), {}}}),
            one + two + four + eight);
  EXPECT_EQ(SlotHex(Find("kurtosis", Type::kFloat), {{Datum::Double(2), {}}}),
            one + two + four + eight +
                "0000000000003040"
                "0000000000000000");
  // 3^34 needs 54 bits.
  EXPECT_EQ(SlotHex(Find("var_pop", Type::kInt64), {{Datum::Int(16'677'181'699'666'569), {}}}),
            one +
                "44198879e79f4d43"
                "000000000000f03f" +
                "b2ca1897f26cab46"
                "581973c746be40c3");
}

TEST(GoldenSlots, Decayed) {
  const std::string none = "0000000000000080";
  const std::string zero =
      "0000000000000000"
      "0000000000000000";
  const std::string three =
      "0000000000000840"
      "0000000000000000";
  const std::string one =
      "000000000000f03f"
      "0000000000000000";
  const std::string power = "fdffffffffffffff";
  const std::vector<Observation> observations = {{Datum::Int(3), {-30, 0, 0}}};
  EXPECT_EQ(SlotHex(FindWithoutInput("decayed_count"), {}), none + zero);
  EXPECT_EQ(SlotHex(Find("decayed_count", Type::kInt64), observations), power + one);
  EXPECT_EQ(SlotHex(Find("decayed_sum", Type::kInt64), observations), power + three);
  EXPECT_EQ(SlotHex(Find("decayed_mean", Type::kInt64), observations), power + three + one);
  EXPECT_EQ(SlotHex(Find("decayed_mean", Type::kInt64), {}), none + zero + zero);
}

TEST(GoldenSlots, Sketches) {
  EXPECT_EQ(SlotHex(Find("distinct_count", Type::kString), {}), "");
  EXPECT_EQ(SlotHex(Find("distinct_count", Type::kString), {{Datum::String("a"), {}}}),
            "01"
            "5b6e8ca9f1c44ed2");
  EXPECT_EQ(SlotHex(Find("distinct_count", Type::kInt64), {{Datum::Int(1), {}}}),
            "01"
            "9599a4a217cb299f");
  EXPECT_EQ(
      SlotHex(Find("median", Type::kDouble), {{Datum::Double(1.5), {}}, {Datum::Double(-2), {}}}),
      "01"
      "ffffffffffffffbf"
      "000000000000f83f");
  const std::vector<Observation> many(65, Observation{Datum::Double(1), {}});
  EXPECT_EQ(SlotHex(Find("percentile", Type::kDouble), many),
            "02"
            "409c0000"
            "4100000000000000");
}

TEST(GoldenSlots, Lists) {
  const std::vector<Observation> numbers = {{Datum::Int(2), {1'000, 7, 258}},
                                            {Datum::Int(3), {1'001, 7, 259}}};
  const std::string two =
      "e803000000000000"
      "07000000"
      "0201000000000000"
      "0200000000000000";
  const std::string three =
      "e903000000000000"
      "07000000"
      "0301000000000000"
      "0300000000000000";
  for (const std::string_view name : {"first_k", "first_k_times", "first_distinct_k"})
    EXPECT_EQ(SlotHex(Find(name, Type::kInt64), numbers), two + three) << name;
  for (const std::string_view name : {"last_k", "last_k_times", "last_distinct_k"})
    EXPECT_EQ(SlotHex(Find(name, Type::kInt64), numbers), three + two) << name;
  EXPECT_EQ(SlotHex(Find("last_k", Type::kString), {{Datum::String("ab"), {1'000, 7, 258}}}),
            two.substr(0, 40) +
                "02000000"
                "6162");
  EXPECT_EQ(SlotHex(Find("top_k", Type::kInt64), numbers), "03000000000000000200000000000000");
  EXPECT_EQ(SlotHex(Find("bottom_k", Type::kString),
                    {{Datum::String("b"), {}}, {Datum::String("a"), {}}}),
            "01000000"
            "61"
            "01000000"
            "62");
  for (const std::string_view name : {"most_frequent_k", "most_frequent_k_counts"})
    EXPECT_EQ(SlotHex(Find(name, Type::kInt64), numbers),
              "0000000000000000"
              "0200000000000000"
              "0100000000000000"
              "0300000000000000"
              "0100000000000000");
}

TEST(GoldenSlots, RankedBy) {
  const std::vector<Observation> observations = {
      {Datum::String("ab"), {1'000, 7, 258}, Datum::Double(1.5)},
      {Datum::String("c"), {1'001, 7, 259}, Datum::Double(-2)}};
  const std::string first =
      "000000000000f83f"  // 1.5
      "e803000000000000"
      "07000000"
      "0201000000000000"
      "02000000"
      "6162";
  const std::string second =
      "ffffffffffffffbf"  // -2, all bits but the sign inverted
      "e903000000000000"
      "07000000"
      "0301000000000000"
      "01000000"
      "63";
  EXPECT_EQ(SlotHex(Find("top_k_by", Type::kString), observations), first + second);
  EXPECT_EQ(SlotHex(Find("bottom_k_by", Type::kString), observations), second + first);
}

TEST(GoldenSlots, CategoriesAndHistogram) {
  const std::vector<Observation> words = {
      {Datum::String("b"), {}}, {Datum::String("a"), {}}, {Datum::String("b"), {}}};
  for (const std::string_view name : {"categories", "category_counts"})
    EXPECT_EQ(SlotHex(Find(name, Type::kString), words),
              "01"
              "01000000"
              "61"
              "0100000000000000"
              "01000000"
              "62"
              "0200000000000000")
        << name;
  EXPECT_EQ(SlotHex(Find("category_sums", Type::kInt64),
                    {{Datum::Int(-2), {}, Datum::Double(1.5)}, {Datum(), {}, Datum::Double(1.5)}}),
            "01"
            "000000000000f83f"
            "feffffffffffffff"
            "ffffffffffffffff");
  std::vector<Observation> many;
  for (int64_t i = 0; i < 257; ++i) many.push_back({Datum::Int(i), {}});
  EXPECT_EQ(SlotHex(Find("categories", Type::kInt64), many), "02");
  EXPECT_EQ(SlotHex(Find("histogram", Type::kInt64), {{Datum::Int(9), {}}, {Datum::Int(10), {}}}),
            "0000000000000000"
            "0100000000000000"
            "0100000000000000");
}

TEST(GoldenSlots, RateAndTimeSinceLast) {
  EXPECT_EQ(SlotHex(FindWithoutInput("rate"), {{}, {}}), "0200000000000000");
  EXPECT_EQ(SlotHex(FindWithoutInput("time_since_last"), {}), "0000000000000080");
  EXPECT_EQ(SlotHex(FindWithoutInput("time_since_last"), {{{}, {258, 0, 0}}}), "0201000000000000");
}

}  // namespace
}  // namespace freshet::aggregate
