#include "store/entity_key.h"

#include <array>
#include <compare>
#include <random>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace freshet::store {
namespace {

using namespace std::string_literals;

std::string Key(Type type, const Datum& value) {
  std::string key;
  Status status = AppendEntityKey(type, value, key);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return key;
}

TEST(EntityKey, GoldenBytes) {
  EXPECT_EQ(Key(Type::kBool, Datum::Bool(false)), "\x00"s);
  EXPECT_EQ(Key(Type::kBool, Datum::Bool(true)), "\x01"s);
  EXPECT_EQ(Key(Type::kInt64, Datum::Int(0)), "\x80\x00\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(Key(Type::kInt64, Datum::Int(42)), "\x80\x00\x00\x00\x00\x00\x00\x2a"s);
  EXPECT_EQ(Key(Type::kInt32, Datum::Int(-1)), "\x7f\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(Key(Type::kInt64, Datum::Int(INT64_MIN)), "\x00\x00\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(Key(Type::kInt64, Datum::Int(INT64_MAX)), "\xff\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(Key(Type::kString, Datum::String("")), "\x00\x01"s);
  EXPECT_EQ(Key(Type::kString, Datum::String("ab")), "ab\x00\x01"s);
  EXPECT_EQ(Key(Type::kString, Datum::String("a\x00z"s)), "a\x00\xffz\x00\x01"s);
}

TEST(EntityKey, BytesAreWrittenAsStringsAre) {
  for (const std::string& bytes : {""s, "ab"s, "a\x00z"s, "\xff\x00\x01"s}) {
    const std::string key = Key(Type::kBytes, Datum::String(bytes));
    EXPECT_EQ(key, Key(Type::kString, Datum::String(bytes)));
    const std::array<Type, 1> types = {Type::kBytes};
    const auto values = DecodeEntityKey(types, key);
    ASSERT_TRUE(values.ok());
    EXPECT_EQ((*values)[0], Value(bytes));
  }
}

TEST(EntityKey, RefusesWhatIsNoKey) {
  std::string key = "before";
  EXPECT_EQ(AppendEntityKey(Type::kInt64, Datum::Null(), key).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AppendEntityKey(Type::kInt64, Datum::String("7"), key).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(AppendEntityKey(Type::kInt32, Datum::Int(int64_t{INT32_MAX} + 1), key).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(AppendEntityKey(Type::kDouble, Datum::Double(1), key).code(),
            StatusCode::kInvalidArgument);
  std::string long_text(limits::kStringValueBytesMax + 1, 'x');
  EXPECT_EQ(AppendEntityKey(Type::kString, Datum::String(long_text), key).code(),
            StatusCode::kInvalidArgument);
  std::string zeros(limits::kEntityKeyBytesMax / 2, '\0');
  EXPECT_EQ(AppendEntityKey(Type::kString, Datum::String(zeros), key).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(key, "before");
}

TEST(EntityKey, RefusesBytesThatAreNoKey) {
  const std::array<Type, 3> types = {Type::kInt32, Type::kString, Type::kBool};
  std::string key = Key(Type::kInt32, Datum::Int(7)) + Key(Type::kString, Datum::String("x\0y"s)) +
                    Key(Type::kBool, Datum::Bool(true));
  ASSERT_TRUE(DecodeEntityKey(types, key).ok());
  for (size_t size = 0; size < key.size(); ++size) {
    EXPECT_EQ(DecodeEntityKey(types, key.substr(0, size)).status().code(), StatusCode::kCorruption)
        << size;
  }
  EXPECT_FALSE(DecodeEntityKey(types, key + "\x01").ok());
  EXPECT_FALSE(DecodeEntityKey(types, key.substr(0, key.size() - 1) + "\x02").ok());
  const std::array<Type, 1> int32 = {Type::kInt32};
  EXPECT_FALSE(DecodeEntityKey(int32, Key(Type::kInt64, Datum::Int(int64_t{1} << 31))).ok());
  const std::array<Type, 1> text = {Type::kString};
  EXPECT_FALSE(DecodeEntityKey(text, "a\x00\x02"s).ok());
}

Value RandomValue(Type type, std::mt19937_64& random) {
  switch (type) {
    case Type::kBool:
      return random() % 2 == 0;
    case Type::kInt32:
      return static_cast<int64_t>(static_cast<int32_t>(random() >> (random() % 64)));
    case Type::kInt64:
      return static_cast<int64_t>(random()) >> (random() % 64);
    default: {
      // Few letters, those around the escape among them, so that prefixes and ties are common.
      static constexpr std::string_view kLetters(
          "\x00\x01\x02\xff\xfe"
          "a",
          6);
      std::string text(random() % 5, ' ');
      for (char& letter : text) letter = kLetters[random() % kLetters.size()];
      return text;
    }
  }
}

TEST(EntityKey, ByteOrderIsValueOrder) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::array<Type, 4> key_types = {Type::kBool, Type::kInt32, Type::kInt64, Type::kString};
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Type> types(1 + random() % 3);
    for (Type& type : types) type = key_types[random() % key_types.size()];
    std::vector<Value> values[2];
    std::string keys[2];
    for (int side = 0; side < 2; ++side) {
      for (Type type : types) {
        values[side].push_back(RandomValue(type, random));
        ASSERT_TRUE(AppendEntityKey(type, ToDatum(values[side].back()), keys[side]).ok());
      }
      ASSERT_EQ(*DecodeEntityKey(types, keys[side]), values[side]);
    }
    ASSERT_EQ(values[0] < values[1], keys[0] < keys[1]) << "round " << round;
    ASSERT_EQ(values[0] == values[1], keys[0] == keys[1]) << "round " << round;
  }
}

}  // namespace
}  // namespace freshet::store
