#include "freshet/value.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/datum.h"

namespace freshet {
namespace {

TEST(Type, NamesParseBack) {
  for (Type type : {Type::kBool, Type::kInt32, Type::kInt64, Type::kFloat, Type::kDouble,
                    Type::kString, Type::kTimestamp}) {
    Type parsed{};
    ASSERT_TRUE(ParseType(TypeName(type), &parsed));
    EXPECT_EQ(parsed, type);
  }
  Type unused{};
  EXPECT_FALSE(ParseType("integer", &unused));
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
  for (Type type : {Type::kBool, Type::kInt32, Type::kInt64, Type::kFloat, Type::kDouble,
                    Type::kString, Type::kTimestamp}) {
    Column column{.type = type};
    EXPECT_TRUE(AppendTo(column, ZeroOf(type))) << TypeName(type);
    EXPECT_EQ(column.size(), 1u);
  }
}

}  // namespace
}  // namespace freshet
