#include "freshet/status.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(Status, IsFreeWhenOk) {
  EXPECT_EQ(sizeof(Status), sizeof(void*));
  Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "Ok");
}

TEST(Status, CopiesItsMessage) {
  Status status = Status::NotFound("no such view");
  Status copy = status;
  status = Status::Ok();
  EXPECT_EQ(copy.code(), StatusCode::kNotFound);
  EXPECT_EQ(copy.Prefixed("get").ToString(), "NotFound: get: no such view");
}

Result<int> Half(int number) {
  if (number % 2 != 0) return Status::InvalidArgument("odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  FRESHET_ASSIGN_OR_RETURN(int half, Half(number));
  FRESHET_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

TEST(Result, CarriesAValueOrTheReason) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().ToString(), "InvalidArgument: odd");
  EXPECT_TRUE(Quarter(12).status().ok());
}

}  // namespace
}  // namespace freshet
