#include "cli/key_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ServiceDescription Ranking() {
  ServiceDescription description;
  description.name = "ranking";
  description.entities = {{"user_id", Type::kInt64}, {"item", Type::kString}};
  description.inputs = {{"basket_value", Type::kDouble}};
  return description;
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  FeatureRequest request;
  const Status status = ReadKeyValues(arguments, Ranking(), &request);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(KeyValues, OneRow) {
  FeatureRequest request;
  ASSERT_TRUE(ReadKeyValues({"user_id=42", "basket_value=1.5"}, Ranking(), &request).ok());
  ASSERT_THAT(request.entities, SizeIs(1));
  EXPECT_EQ(request.entities[0].name, "user_id");
  EXPECT_THAT(request.entities[0].values.integers, ElementsAre(42));
  ASSERT_THAT(request.inputs, SizeIs(1));
  EXPECT_THAT(request.inputs[0].values.numbers, ElementsAre(1.5));
}

TEST(KeyValues, CommasAndRepeatsAreRowsAndOneValueIsForAll) {
  FeatureRequest request;
  ASSERT_TRUE(ReadKeyValues({"user_id=1,2", "user_id=3", "basket_value=5", "item=a,,c"}, Ranking(),
                            &request)
                  .ok());
  ASSERT_THAT(request.entities, SizeIs(2));
  EXPECT_THAT(request.entities[0].values.texts, ElementsAre("a", "", "c"));
  EXPECT_THAT(request.entities[1].values.integers, ElementsAre(1, 2, 3));
  EXPECT_THAT(request.inputs[0].values.numbers, ElementsAre(5, 5, 5));
}

TEST(KeyValues, TwoEqualsSignsTakeTheValueAsItIs) {
  FeatureRequest request;
  ASSERT_TRUE(ReadKeyValues({"item==a,b=c", "item==", "user_id=7"}, Ranking(), &request).ok());
  EXPECT_THAT(request.entities[0].values.texts, ElementsAre("a,b=c", ""));
  EXPECT_THAT(request.entities[1].values.integers, ElementsAre(7, 7));
}

TEST(KeyValues, MistakesNameTheArgument) {
  EXPECT_THAT(ErrorOf({"user_id"}), HasSubstr("'user_id' is not KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"=1"}), HasSubstr("'=1' is not KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"usr_id=1"}), HasSubstr("did you mean 'user_id'?"));
  EXPECT_THAT(ErrorOf({"user_id=1,x"}), HasSubstr("user_id: 'x' is no int64"));
  EXPECT_THAT(ErrorOf({"user_id=1,2,3", "basket_value=1,2"}),
              HasSubstr("basket_value has 2 values, but another key has 3"));
}

TEST(KeyValues, EveryTypeTakesItsOwnSpellingsOnly) {
  const auto append = [](Type type, std::string_view text) {
    Column column{.type = type};
    return AppendValue(text, &column).ok() && column.size() == 1;
  };
  for (const char* text : {"true", "false"}) EXPECT_TRUE(append(Type::kBool, text)) << text;
  for (const char* text : {"1", "True", ""}) EXPECT_FALSE(append(Type::kBool, text)) << text;
  for (const char* text : {"-2147483648", "2147483647"})
    EXPECT_TRUE(append(Type::kInt32, text)) << text;
  for (const char* text : {"2147483648", "1.0", "1 ", " 1", "+1", "0x1", ""})
    EXPECT_FALSE(append(Type::kInt32, text)) << text;
  EXPECT_TRUE(append(Type::kInt64, "-9223372036854775808"));
  EXPECT_FALSE(append(Type::kInt64, "9223372036854775808"));
  for (const char* text : {"1", "-1.5e3", "inf", "nan"})
    EXPECT_TRUE(append(Type::kDouble, text)) << text;
  for (const char* text : {"", "1,5", "1.5x"}) EXPECT_FALSE(append(Type::kDouble, text)) << text;
  for (const char* text : {"1767225600000", "-1", "2026-01-01T00:00:00Z"})
    EXPECT_TRUE(append(Type::kTimestamp, text)) << text;
  EXPECT_FALSE(append(Type::kTimestamp, "yesterday"));
  EXPECT_TRUE(append(Type::kString, ""));
  for (const char* text : {"", "3q2+7w==", "3q2-7w"})
    EXPECT_TRUE(append(Type::kBytes, text)) << text;
  for (const char* text : {"x", "3q2!", "3q2+7w== "})
    EXPECT_FALSE(append(Type::kBytes, text)) << text;
  for (const char* text : {"12.34", "-0.05", "12", "1e2", "12.3400"})
    EXPECT_TRUE(append(Type::Decimal(2), text)) << text;
  for (const char* text : {"12.345", "92233720368547758.08", "", "abc"})
    EXPECT_FALSE(append(Type::Decimal(2), text)) << text;
  Column prices{.type = Type::Decimal(2)};
  EXPECT_EQ(AppendValue("12.345", &prices).message(),
            "'12.345' is no decimal(2): more than 2 digits after the point");
}

}  // namespace
}  // namespace freshet::cli
