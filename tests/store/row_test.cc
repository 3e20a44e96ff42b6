#include "store/row.h"

#include <random>

#include <gtest/gtest.h>

namespace freshet::store {
namespace {

using namespace std::string_literals;

const std::vector<Type> kAllTypes = {Type::kBool,      Type::kInt32,    Type::kInt64,
                                     Type::kFloat,     Type::kDouble,   Type::kString,
                                     Type::kTimestamp, Type::Decimal(2)};

TEST(Row, GoldenBytes) {
  RowLayout layout({Type::kBool, Type::kInt32, Type::kInt64, Type::kFloat, Type::kDouble,
                    Type::kString, Type::kTimestamp, Type::kString, Type::kInt64,
                    Type::Decimal(2)});
  std::vector<Datum> values = {Datum::Bool(true),  Datum::Int(-2),       Datum::Int(3),
                               Datum::Double(1.5), Datum::Null(),        Datum::String("hi"),
                               Datum::Int(0x0102), Datum::String("you"), Datum::Null(),
                               Datum::Int(-1234)};
  std::string row;
  layout.Encode(0x0A0B0C, values, row);
  const std::string expected =
      "\x01"s + "\x0c\x0b\x0a\x00\x00\x00\x00\x00"s + "\x10\x01"s +  // version, time, nulls
      "\x01"s + "\xfe\xff\xff\xff"s + "\x03\x00\x00\x00\x00\x00\x00\x00"s + "\x00\x00\xc0\x3f"s +
      "\x00\x00\x00\x00\x00\x00\x00\x00"s +  // null double
      "\x4c\x00\x00\x00\x02\x00\x00\x00"s + "\x02\x01\x00\x00\x00\x00\x00\x00"s +
      "\x4e\x00\x00\x00\x03\x00\x00\x00"s + "\x00\x00\x00\x00\x00\x00\x00\x00"s +
      "\x2e\xfb\xff\xff\xff\xff\xff\xff"s + "hiyou"s;
  EXPECT_EQ(row, expected);
  EXPECT_TRUE(layout.Validate(row).ok());
  EXPECT_EQ(RowLayout::EventTimeMs(row), 0x0A0B0C);
}

Datum RandomDatum(Type type, std::mt19937_64& random, std::string& text) {
  if (random() % 4 == 0) return Datum::Null();
  switch (KindOf(type)) {
    case Datum::Kind::kBool:
      return Datum::Bool(random() % 2 == 0);
    case Datum::Kind::kInt:
      return Datum::Int(type == Type::kInt32 ? static_cast<int32_t>(random())
                                             : static_cast<int64_t>(random()));
    case Datum::Kind::kDouble:
      return Datum::Double(static_cast<float>(static_cast<int64_t>(random()) >> 40) / 8);
    default:
      text.assign(random() % 20, static_cast<char>('a' + random() % 26));
      return Datum::String(text);
  }
}

class RandomRows : public testing::Test {
 protected:
  void Make(size_t columns) {
    types_.resize(columns);
    texts_.assign(columns, "");
    values_.clear();
    for (size_t i = 0; i < columns; ++i) {
      types_[i] = kAllTypes[random_() % kAllTypes.size()];
      values_.push_back(RandomDatum(types_[i], random_, texts_[i]));
    }
    time_ms_ = static_cast<int64_t>(random_());
  }

  const uint64_t seed_ = std::random_device()();
  testing::ScopedTrace trace_{__FILE__, __LINE__, testing::Message() << "seed " << seed_};
  std::mt19937_64 random_{seed_};
  std::vector<Type> types_;
  std::vector<std::string> texts_;
  std::vector<Datum> values_;
  int64_t time_ms_ = 0;
};

TEST_F(RandomRows, ComeBackAsTheyWere) {
  for (int round = 0; round < 1'000; ++round) {
    Make(random_() % 40);
    RowLayout layout(types_);
    std::string bytes = "prefix";
    layout.Encode(time_ms_, values_, bytes);
    std::string_view row = std::string_view(bytes).substr(6);
    ASSERT_TRUE(layout.Validate(row).ok()) << layout.Validate(row).ToString();
    EXPECT_EQ(RowLayout::EventTimeMs(row), time_ms_);
    for (size_t i = 0; i < values_.size(); ++i) EXPECT_EQ(layout.Read(row, i), values_[i]);
  }
}

TEST_F(RandomRows, AreRefusedWhenCutOrLengthened) {
  for (int round = 0; round < 50; ++round) {
    Make(1 + random_() % 12);
    RowLayout layout(types_);
    std::string row;
    layout.Encode(time_ms_, values_, row);
    for (size_t size = 0; size < row.size(); ++size) {
      EXPECT_EQ(layout.Validate(std::string_view(row).substr(0, size)).code(),
                StatusCode::kCorruption);
    }
    EXPECT_EQ(layout.Validate(row + 'x').code(), StatusCode::kCorruption);
  }
}

TEST_F(RandomRows, WithOneByteChangedAreRefusedOrReadSafely) {
  for (int round = 0; round < 50; ++round) {
    Make(1 + random_() % 12);
    RowLayout layout(types_);
    std::string row;
    layout.Encode(time_ms_, values_, row);
    for (size_t at = 0; at < row.size(); ++at) {
      std::string changed = row;
      changed[at] = static_cast<char>(random_());
      if (!layout.Validate(changed).ok()) continue;
      std::vector<Datum> read;
      for (size_t i = 0; i < types_.size(); ++i) read.push_back(layout.Read(changed, i));
      std::string again;
      layout.Encode(RowLayout::EventTimeMs(changed), read, again);
      // By value: a signalling NaN comes back as a quiet one.
      for (size_t i = 0; i < types_.size(); ++i) EXPECT_EQ(layout.Read(again, i), read[i]);
    }
  }
}

TEST(Row, OfAnotherVersionIsRefused) {
  RowLayout layout({Type::kInt64});
  std::string row;
  layout.Encode(1, std::vector<Datum>{Datum::Int(1)}, row);
  row[0] = 3;
  Status status = layout.Validate(row);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("version 3"), std::string_view::npos);
}

TEST(Row, RoundsFloatsTo32Bits) {
  RowLayout layout({Type::kFloat});
  std::string row;
  layout.Encode(1, std::vector<Datum>{Datum::Double(0.1)}, row);
  EXPECT_EQ(layout.Read(row, 0), Datum::Double(static_cast<double>(0.1f)));
}

TEST(Row, TombstonesHaveTheirGoldenBytes) {
  std::string row;
  RowLayout::EncodeTombstone(258, row);
  EXPECT_EQ(row, std::string("\x02\x02\x01\x00\x00\x00\x00\x00\x00", 9));
  const RowLayout layout({Type::kInt64});
  EXPECT_TRUE(layout.Validate(row).ok());
  EXPECT_TRUE(RowLayout::IsTombstone(row));
  EXPECT_EQ(RowLayout::EventTimeMs(row), 258);
  EXPECT_FALSE(layout.Validate(row + "x").ok());
  EXPECT_FALSE(layout.Validate(row.substr(0, 8)).ok());
  EXPECT_FALSE(RowLayout::IsTombstone(""));
}

}  // namespace
}  // namespace freshet::store
