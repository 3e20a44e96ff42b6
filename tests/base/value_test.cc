#include "freshet/value.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/datum.h"

namespace freshet {
namespace {

constexpr Type kTypes[] = {Type::kBool,      Type::kInt32,     Type::kInt64,     Type::kFloat,
                           Type::kDouble,    Type::kString,    Type::kTimestamp, Type::Decimal(0),
                           Type::Decimal(2), Type::Decimal(18)};

TEST(Type, NamesParseBack) {
  for (const Type type : kTypes) {
    Type parsed{};
    ASSERT_TRUE(ParseType(TypeName(type), &parsed));
    EXPECT_EQ(parsed, type);
  }
  Type unused{};
  for (const char* name :
       {"integer", "decimal", "decimal()", "decimal(19)", "decimal(2", "decimal(02)"})
    EXPECT_FALSE(ParseType(name, &unused)) << name;
}

TEST(Type, DecimalsOfDifferentScalesAreDifferentTypes) {
  EXPECT_EQ(Type::Decimal(2), Type::Decimal(2));
  EXPECT_FALSE(Type::Decimal(2) == Type::Decimal(3));
  EXPECT_TRUE(Type::Decimal(2) == Type::kDecimal);
  EXPECT_EQ(TypeName(Type::Decimal(2)), "decimal(2)");
}

TEST(Datum, OfADecimalIsShownWithItsPoint) {
  EXPECT_EQ(ToString(Type::Decimal(2), Datum::Int(-1234)), "-12.34");
  EXPECT_EQ(ToString(Type::Decimal(2), Datum::Null()), "null");
  EXPECT_EQ(ToString(Type::kInt64, Datum::Int(-1234)), "-1234");
  EXPECT_EQ(ToReadable(Type::Decimal(2), Datum::Int(5)), Value{std::string("0.05")});
  EXPECT_EQ(ToReadable(Type::kInt64, Datum::Int(5)), Value{int64_t{5}});
}

TEST(Datum, GoesToAValueAndBack) {
  for (const Value& value :
       {Value{}, Value{true}, Value{int64_t{-7}}, Value{2.5}, Value{std::string("text")}}) {
    EXPECT_EQ(ToValue(ToDatum(value)), value);
  }
}

TEST(Datum, ComparesDoublesByTheirBits) {
  double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Datum::Double(nan), Datum::Double(nan));
  EXPECT_FALSE(Datum::Double(0.0) == Datum::Double(-0.0));
  EXPECT_FALSE(Datum::Int(1) == Datum::Double(1));
}

TEST(Column, TakesOnlyItsOwnKind) {
  Column column{.type = Type::kString};
  EXPECT_TRUE(AppendTo(column, Datum::String("a")));
  EXPECT_FALSE(AppendTo(column, Datum::Int(1)));
  EXPECT_FALSE(AppendTo(column, Datum::Null()));
  ASSERT_EQ(column.size(), 1u);
  EXPECT_EQ(column.at(0), Value{std::string("a")});
}

TEST(Column, EveryTypeHasAZeroThatFits) {
  for (const Type type : kTypes) {
    Column column{.type = type};
    EXPECT_TRUE(AppendTo(column, ZeroOf(type))) << TypeName(type);
    EXPECT_EQ(column.size(), 1u);
  }
}

}  // namespace
}  // namespace freshet
