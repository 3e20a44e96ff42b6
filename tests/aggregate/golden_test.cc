// The bytes of every kind of slot, as docs/formats.md describes them. They are on people's disks: a
// change here is a new version of the format, never an edit of the expectation.
#include <limits>

#include <gtest/gtest.h>

#include "aggregate/slots.h"

namespace freshet::aggregate {
namespace {

std::string SlotHex(const Aggregate& function, const std::vector<Observation>& observations) {
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

}  // namespace
}  // namespace freshet::aggregate
