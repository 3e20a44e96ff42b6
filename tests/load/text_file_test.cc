#include "load/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/read_rows.h"
#include "load/written_files.h"

namespace freshet::load {
namespace {

using registry::FileFormat;
using registry::TimestampUnit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const registry::Source kUsers = UsersSource(TimestampUnit::kMilliseconds);

TEST(TextFile, CompressedFilesHaveTheSameRows) {
  const ReadFile plain = ReadRows(FileFormat::kCsv, kUsers, WrittenBytes("users.csv"), kWhole);
  ASSERT_THAT(plain.rows, SizeIs(20'000));
  std::vector<std::string> files = {"skippable.csv.zst", "padded.csv.gz"};
  for (const std::string ending : {".gz", ".bz2", ".zst", ".lz4"}) {
    files.push_back("users.csv" + ending);
    files.push_back("halves.csv" + ending);
  }
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const std::string bytes = WrittenBytes(file);
    for (const size_t chunk_bytes : {kWhole, size_t{1}, size_t{777}}) {
      const ReadFile read = ReadRows(FileFormat::kCsv, kUsers, bytes, chunk_bytes);
      ASSERT_TRUE(read.status.ok()) << read.status.ToString();
      ASSERT_EQ(read.rows, plain.rows);
    }
  }
}

TEST(TextFile, ACompressedFileThatWasCutOffIsRefused) {
  for (const std::string ending : {".gz", ".bz2", ".zst", ".lz4"}) {
    const std::string bytes = WrittenBytes("users.csv" + ending);
    for (const size_t size : {size_t{4}, size_t{5}, bytes.size() / 2, bytes.size() - 1}) {
      const ReadFile read = ReadRows(FileFormat::kCsv, kUsers, bytes.substr(0, size), kWhole);
      EXPECT_EQ(read.status.code(), StatusCode::kInvalidArgument) << ending << " " << size;
      EXPECT_THAT(std::string(read.status.message()), HasSubstr("it was cut off"));
    }
  }
}

TEST(TextFile, ACompressedFileThatIsDamagedIsRefused) {
  for (const std::string ending : {".gz", ".bz2", ".zst", ".lz4"}) {
    std::string bytes = WrittenBytes("users.csv" + ending);
    for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 40; ++i) bytes[i] ^= '\x55';
    const ReadFile read = ReadRows(FileFormat::kCsv, kUsers, bytes, kWhole);
    EXPECT_EQ(read.status.code(), StatusCode::kInvalidArgument) << ending;
  }
}

TEST(TextFile, TextThatBeginsAsBzip2DoesIsText) {
  registry::Source source = kUsers;
  for (const std::string column : {"BZhour", "BZh9", "BZh91AYx", "BZh"}) {
    source.fields[1].name = column;
    for (const size_t chunk_bytes : {kWhole, size_t{1}, size_t{3}}) {
      const ReadFile read =
          ReadRows(FileFormat::kCsv, source, column + ",user_id,country,updated_at\n7,1,FI,5\n",
                   chunk_bytes);
      EXPECT_THAT(read.rows, ElementsAre(UserRow(2, 5, Int(1), Int(7), Text("FI"))))
          << column << ": " << read.status.ToString();
    }
  }
}

TEST(TextFile, NothingInBzip2IsAnEmptyFile) {
  const ReadFile read = ReadRows(FileFormat::kCsv, kUsers, WrittenBytes("nothing.bz2"), kWhole);
  EXPECT_THAT(std::string(read.status.message()), HasSubstr("the file is empty"));
}

TEST(TextFile, WhatFollowsTheLastGzipMemberIsZerosOrDamage) {
  const std::string bytes = WrittenBytes("users.csv.gz");
  for (const std::string& rest : {std::string("x"), std::string(9, '\0') + "xyz"}) {
    const ReadFile read = ReadRows(FileFormat::kCsv, kUsers, bytes + rest, kWhole);
    EXPECT_EQ(read.status.code(), StatusCode::kInvalidArgument) << read.status.ToString();
  }
}

TEST(TextFile, SpellingsOfNullAreNull) {
  registry::Source source = kUsers;
  std::get<registry::FileRows>(source.kind).nulls = {"NA", "\\N"};
  const ReadFile read = ReadRows(FileFormat::kCsv, source,
                                 "user_id,age,country,updated_at\n1,NA,\\N,5\n2,3,NAA,6\n", kWhole);
  EXPECT_THAT(read.rows, ElementsAre(UserRow(2, 5, Int(1), kNull, kNull),
                                     UserRow(3, 6, Int(2), Int(3), Text("NAA"))));
}

TEST(TextFile, PathsFixColumnsOfText) {
  const LoadFile::PathValues path_values = {{"country", "FI"}, {"unknown", "x"}};
  const ReadFile csv =
      ReadRows(FileFormat::kCsv, kUsers, "user_id,age,updated_at\n1,30,5\n", 7, path_values);
  EXPECT_THAT(csv.rows, ElementsAre(UserRow(2, 5, Int(1), Int(30), Text("FI"))))
      << csv.status.ToString();
  const ReadFile jsonl = ReadRows(FileFormat::kJsonl, kUsers,
                                  R"({"user_id":1,"country":"SE","updated_at":5})", 7, path_values);
  EXPECT_THAT(jsonl.rows, ElementsAre(UserRow(1, 5, Int(1), kNull, Text("FI"))));
}

}  // namespace
}  // namespace freshet::load
