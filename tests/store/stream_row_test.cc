#include "store/stream_row.h"

#include <gtest/gtest.h>

namespace freshet::store {
namespace {

using namespace std::string_literals;

const RowLayout kOneNumber({Type::kInt32});

std::string RowAt(int64_t event_time_ms, int32_t partition, int64_t offset, int64_t value) {
  std::string bytes;
  StreamRow::AppendHeader(partition, offset, bytes);
  kOneNumber.Encode(event_time_ms, std::vector<Datum>{Datum::Int(value)}, bytes);
  return bytes;
}

std::string TombstoneAt(int64_t event_time_ms, int32_t partition, int64_t offset) {
  std::string bytes;
  StreamRow::AppendHeader(partition, offset, bytes);
  RowLayout::EncodeTombstone(event_time_ms, bytes);
  return bytes;
}

TEST(StreamRow, GoldenBytes) {
  const std::string bytes = RowAt(258, 3, 0x0405, -2);
  EXPECT_EQ(bytes, "R\x01"s + "\x03\x00\x00\x00"s + "\x05\x04\x00\x00\x00\x00\x00\x00"s + "\x01"s +
                       "\x02\x01\x00\x00\x00\x00\x00\x00"s + "\x00"s + "\xfe\xff\xff\xff"s);
  EXPECT_TRUE(StreamRow::Validate(kOneNumber, bytes).ok());
  EXPECT_EQ(StreamRow::Order(bytes), (RowOrder{258, 3, 0x0405}));
  EXPECT_EQ(kOneNumber.Read(StreamRow::Row(bytes), 0), Datum::Int(-2));
}

TEST(StreamRow, GoldenBytesOfATombstone) {
  const std::string bytes = TombstoneAt(258, 3, 0x0405);
  EXPECT_EQ(bytes, "R\x01"s + "\x03\x00\x00\x00"s + "\x05\x04\x00\x00\x00\x00\x00\x00"s + "\x02"s +
                       "\x02\x01\x00\x00\x00\x00\x00\x00"s);
  EXPECT_TRUE(StreamRow::Validate(kOneNumber, bytes).ok());
  EXPECT_TRUE(RowLayout::IsTombstone(StreamRow::Row(bytes)));
}

TEST(StreamRow, WhatIsNoneIsRefused) {
  const std::string bytes = RowAt(258, 3, 5, 1);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(StreamRow::Validate(kOneNumber, bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(StreamRow::Validate(kOneNumber, bytes + "x").ok());
  EXPECT_FALSE(StreamRow::Validate(kOneNumber, "T"s + bytes.substr(1)).ok());
  EXPECT_FALSE(StreamRow::Validate(kOneNumber, "R\x02"s + bytes.substr(2)).ok());
  EXPECT_FALSE(StreamRow::Validate(kOneNumber, RowAt(258, -1, 5, 1)).ok());
  EXPECT_FALSE(StreamRow::Validate(kOneNumber, RowAt(258, 3, -1, 1)).ok());
  EXPECT_FALSE(StreamRow::Validate(RowLayout({Type::kInt64}), bytes).ok());
}

TEST(StreamRow, TheNewerRowStaysWhicheverComesFirst) {
  // Ascending: by time, then by partition, then by offset.
  const std::vector<std::string> rows = {RowAt(-7, 9, 9, 1), TombstoneAt(5, 0, 8),
                                         RowAt(5, 0, 9, 2), TombstoneAt(5, 1, 0),
                                         RowAt(6, 0, 0, 3)};
  for (size_t older = 0; older < rows.size(); ++older) {
    for (size_t newer = older; newer < rows.size(); ++newer) {
      std::string stored;
      EXPECT_TRUE(StreamRow::Merge(rows[older], stored));
      EXPECT_EQ(StreamRow::Merge(rows[newer], stored), newer != older);
      EXPECT_EQ(stored, rows[newer]);
      EXPECT_FALSE(StreamRow::Merge(rows[older], stored));
      EXPECT_EQ(stored, rows[newer]);
    }
  }
}

}  // namespace
}  // namespace freshet::store
