#include "base/coding.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace freshet {
namespace {

TEST(Coding, BigEndianOrderIsNumberOrder) {
  std::string small;
  std::string large;
  AppendBigEndian64(small, 255);
  AppendBigEndian64(large, 256);
  EXPECT_LT(small, large);
  EXPECT_EQ(LoadBigEndian64(large.data()), 256u);
  std::string word;
  AppendBigEndian32(word, 0x01020304);
  EXPECT_EQ(word, std::string("\x01\x02\x03\x04", 4));
  EXPECT_EQ(LoadBigEndian32(word.data()), 0x01020304u);
}

TEST(ByteReader, ReadsWhatWasAppended) {
  std::string bytes;
  Append(bytes, uint8_t{7});
  Append(bytes, int64_t{-5});
  AppendSized(bytes, "name");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Read<uint8_t>(), 7);
  EXPECT_EQ(reader.Read<int64_t>(), -5);
  EXPECT_EQ(reader.ReadSized(), "name");
  EXPECT_TRUE(reader.done());
}

TEST(ByteReader, StaysFailedAfterAnOverrun) {
  ByteReader reader(
      std::string_view("\x09\x00\x00\x00"
                       "abc",
                       7));
  EXPECT_EQ(reader.ReadSized(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read<uint8_t>(), 0);
  EXPECT_FALSE(reader.done());
}

TEST(Hash64, DependsOnBytesAndSeed) {
  EXPECT_EQ(Hash64("key"), Hash64("key"));
  EXPECT_NE(Hash64("key"), Hash64("kez"));
  EXPECT_NE(Hash64("key", 1), Hash64("key", 2));
}

}  // namespace
}  // namespace freshet
