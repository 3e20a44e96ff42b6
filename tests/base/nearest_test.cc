#include "base/nearest.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

const std::vector<std::string> kWords = {"aggregations", "description", "entity", "features",
                                         "max_age",      "name",        "source"};

TEST(NearestWord, FindsLikelySlips) {
  EXPECT_EQ(NearestWord("agregations", kWords), "aggregations");
  EXPECT_EQ(NearestWord("nmae", kWords), "name");
  EXPECT_EQ(NearestWord("feature", kWords), "features");
  EXPECT_EQ(NearestWord("zzz", kWords), "");
}

TEST(Suggestion, ListsTheKnownWordsWhenNothingIsNear) {
  EXPECT_EQ(Suggestion("soruce", kWords), "; did you mean 'source'?");
  std::vector<std::string> two = {"a", "b"};
  EXPECT_EQ(Suggestion("xyz", two), "; known are a, b");
  EXPECT_EQ(Suggestion("xyz", {}), "");
  std::vector<std::string> many(20, "word");
  EXPECT_TRUE(Suggestion("xyz", many).ends_with(", ..."));
}

}  // namespace
}  // namespace freshet
