#include "serve/columns.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace freshet::serve {
namespace {

TEST(Columns, NarrowingKeepsWhatFitsAndNamesWhatDoesNot) {
  EXPECT_EQ(NarrowTo(Type::kInt32, Type::kInt64, Datum::Int(INT32_MIN)).value,
            Datum::Int(INT32_MIN));
  EXPECT_NE(NarrowTo(Type::kInt32, Type::kInt64, Datum::Int(int64_t{INT32_MIN} - 1)).error,
            nullptr);
  EXPECT_EQ(NarrowTo(Type::kDouble, Type::kInt64, Datum::Int(3)).value, Datum::Double(3.0));
  EXPECT_EQ(NarrowTo(Type::kFloat, Type::kDouble, Datum::Double(0.1)).value,
            Datum::Double(static_cast<double>(0.1f)));
  EXPECT_NE(NarrowTo(Type::kFloat, Type::kDouble, Datum::Double(1e300)).error, nullptr);
  EXPECT_EQ(NarrowTo(Type::kFloat, Type::kDouble, Datum::Double(INFINITY)).value,
            Datum::Double(INFINITY));
  EXPECT_TRUE(NarrowTo(Type::kDouble, Type::kDouble, Datum::Double(std::nan(""))).value.is_null());
  EXPECT_EQ(NarrowTo(Type::kDouble, Type::kDouble, Datum::Double(std::nan(""))).error, nullptr);
  EXPECT_NE(NarrowTo(Type::kString, Type::kInt64, Datum::Int(1)).error, nullptr);
  EXPECT_NE(NarrowTo(Type::kInt64, Type::kDouble, Datum::Double(1.0)).error, nullptr);
  EXPECT_TRUE(NarrowTo(Type::kString, Type::kString, Datum::Null()).value.is_null());
  EXPECT_EQ(NarrowTo(Type::kTimestamp, Type::kInt64, Datum::Int(5)).value, Datum::Int(5));
}

TEST(Columns, OnlyNearTypesStandForEachOther) {
  EXPECT_TRUE(IsAccepted(Type::kInt32, Type::kInt64));
  EXPECT_TRUE(IsAccepted(Type::kInt64, Type::kInt32));
  EXPECT_TRUE(IsAccepted(Type::kDouble, Type::kInt64));
  EXPECT_TRUE(IsAccepted(Type::kFloat, Type::kDouble));
  EXPECT_TRUE(IsAccepted(Type::kTimestamp, Type::kInt64));
  EXPECT_FALSE(IsAccepted(Type::kInt64, Type::kDouble));
  EXPECT_FALSE(IsAccepted(Type::kString, Type::kInt64));
  EXPECT_FALSE(IsAccepted(Type::kBool, Type::kInt64));
  EXPECT_FALSE(IsAccepted(Type::kInt64, Type::kString));
}

}  // namespace
}  // namespace freshet::serve
