#include "base/utf8.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(Utf8, BytesOfNoCharacterAreSpelled) {
  EXPECT_EQ(ToUtf8(""), "");
  EXPECT_EQ(ToUtf8("zoë €"), "zoë €");
  EXPECT_EQ(ToUtf8("a\xff\xfe!"), "a\\xff\\xfe!");
  EXPECT_EQ(ToUtf8("cut \xe2\x82"), "cut \\xe2\\x82");
  EXPECT_EQ(ToUtf8("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
}

}  // namespace
}  // namespace freshet
