#include "cli/request_pool.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.h"

namespace freshet::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ServiceDescription PoolService() {
  return {"ranking",
          {{"user_id", Type::kInt64}, {"city", Type::kString}},
          {{"basket", Type::kDouble}},
          {}};
}

std::string Write(const testing::TempFolder& folder, const std::string& text) {
  std::ofstream(folder.File("keys.jsonl"), std::ios::binary) << text;
  return folder.File("keys.jsonl");
}

TEST(RequestPool, EachRequestTakesTheNextRows) {
  const auto pool =
      RequestPool::Make({"user_id=1,2,3,4,5", "city=x", "basket=0.5"}, PoolService(), 2);
  ASSERT_TRUE(pool.ok()) << pool.status().ToString();
  EXPECT_EQ(pool->size(), 5u);
  const FeatureRequest first = pool->Take(0);
  EXPECT_EQ(first.feature_service, "ranking");
  ASSERT_EQ(first.entities.size(), 2u);
  EXPECT_EQ(first.entities[0].name, "city");
  EXPECT_THAT(first.entities[0].values.texts, ElementsAre("x", "x"));
  EXPECT_THAT(first.entities[1].values.integers, ElementsAre(1, 2));
  EXPECT_THAT(first.inputs.at(0).values.numbers, ElementsAre(0.5, 0.5));
  EXPECT_THAT(pool->Take(1).entities[1].values.integers, ElementsAre(3, 4));
  EXPECT_THAT(pool->Take(2).entities[1].values.integers, ElementsAre(5, 1));
  EXPECT_THAT(pool->Take(3).entities[1].values.integers, ElementsAre(2, 3));
  EXPECT_THAT(pool->Take(5'000'000'000'002).entities[1].values.integers, ElementsAre(5, 1));
}

TEST(RequestPool, MoreRowsThanKeysRepeatThem) {
  const auto pool = RequestPool::Make({"user_id=1,2", "city=x", "basket=1"}, PoolService(), 5);
  ASSERT_TRUE(pool.ok());
  EXPECT_THAT(pool->Take(0).entities[1].values.integers, ElementsAre(1, 2, 1, 2, 1));
  EXPECT_THAT(pool->Take(1).entities[1].values.integers, ElementsAre(2, 1, 2, 1, 2));
}

TEST(RequestPool, KeysComeFromAFileToo) {
  const testing::TempFolder folder;
  std::vector<std::string> words = {"basket=7"};
  ASSERT_TRUE(ReadKeysFile(Write(folder,
                                 "{\"user_id\": 1, \"city\": \"a,b\"}\n\n"
                                 "{\"city\": \"=c\", \"user_id\": -2}\r\n"),
                           &words)
                  .ok());
  const auto pool = RequestPool::Make(words, PoolService(), 1);
  ASSERT_TRUE(pool.ok()) << pool.status().ToString();
  EXPECT_THAT(pool->Take(0).entities[0].values.texts, ElementsAre("a,b"));
  EXPECT_THAT(pool->Take(0).entities[1].values.integers, ElementsAre(1));
  EXPECT_THAT(pool->Take(1).entities[0].values.texts, ElementsAre("=c"));
  EXPECT_THAT(pool->Take(1).entities[1].values.integers, ElementsAre(-2));
  EXPECT_THAT(pool->Take(1).inputs.at(0).values.numbers, ElementsAre(7));
}

TEST(RequestPool, WhatIsWrongInAFileIsSaidWithItsLine) {
  const testing::TempFolder folder;
  std::vector<std::string> words;
  const auto message = [&](const std::string& text) {
    return std::string(ReadKeysFile(Write(folder, text), &words).message());
  };
  EXPECT_THAT(message("{\"user_id\": 1}\n[1]\n"),
              HasSubstr("keys.jsonl:2: it must be a JSON object"));
  EXPECT_THAT(message("{\"user_id\": [1]}\n"), HasSubstr("keys.jsonl:1: 'user_id' must be"));
  EXPECT_THAT(message("{\"user_id\": null}\n"), HasSubstr("keys.jsonl:1: 'user_id' must be"));
  EXPECT_THAT(message("{\"a=b\": 1}\n"), HasSubstr("keys.jsonl:1: 'a=b' must be"));
  EXPECT_THAT(message("\n"), HasSubstr("there is no line in it"));
  EXPECT_THAT(ReadKeysFile(folder.path(), &words).message(), HasSubstr("cannot read"));
  EXPECT_THAT(ReadKeysFile(folder.File("none"), &words).message(), HasSubstr("cannot read"));
}

}  // namespace
}  // namespace freshet::cli
