// Golden bytes of what the store writes around entity keys and rows.
#include <gtest/gtest.h>

#include "base/coding.h"
#include "store/file_checksum.h"
#include "store/generation_record.h"
#include "store/key_layout.h"
#include "store/manifest.h"
#include "store/position.h"

namespace freshet::store {
namespace {

using namespace std::string_literals;

TEST(Formats, KeysHaveTheirGoldenBytes) {
  EXPECT_EQ(StateKeyOf(0x01020304, "k"), "\x01\x02\x03\x04k"s);
  EXPECT_EQ(TableRange(0x010203ff).begin, "\x01\x02\x03\xff"s);
  EXPECT_EQ(TableRange(0x010203ff).end, "\x01\x02\x04\x00"s);
  EXPECT_EQ(DefinitionsKey(), "D");
  EXPECT_EQ(NextRowTableKey(), "N");
  EXPECT_EQ(PositionKey(7, 258), "P\x00\x00\x00\x07\x00\x00\x01\x02"s);
  EXPECT_EQ(GenerationKey(7), "G\x00\x00\x00\x07"s);
  EXPECT_EQ(PreviousGenerationKey(7), "R\x00\x00\x00\x07"s);
  EXPECT_EQ(DiscardedTableKey(7), "X\x00\x00\x00\x07"s);
  EXPECT_EQ(KeptLoadKey(7), "U\x00\x00\x00\x07"s);
  EXPECT_EQ(LogKey(7, 258), "\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x01\x02"s);
}

TEST(Formats, KeysComeBack) {
  int32_t partition = 0;
  uint32_t number = 0;
  int64_t offset = 0;
  EXPECT_TRUE(ParsePositionKey(PositionKey(1, 77), &partition));
  EXPECT_EQ(partition, 77);
  EXPECT_TRUE(ParseGenerationKey(GenerationKey(5), &number));
  EXPECT_EQ(number, 5u);
  EXPECT_TRUE(ParseGenerationKey(PreviousGenerationKey(9), &number));
  EXPECT_EQ(number, 9u);
  EXPECT_TRUE(ParseDiscardedTableKey(DiscardedTableKey(6), &number));
  EXPECT_EQ(number, 6u);
  EXPECT_TRUE(ParseKeptLoadKey(KeptLoadKey(4), &number));
  EXPECT_EQ(number, 4u);
  EXPECT_TRUE(ParseLogKey(LogKey(8, 1LL << 40), &number, &offset));
  EXPECT_EQ(number, 8u);
  EXPECT_EQ(offset, 1LL << 40);
  EXPECT_FALSE(ParsePositionKey("P", &partition));
  EXPECT_FALSE(ParseGenerationKey("G", &number));
  EXPECT_FALSE(ParseLogKey("short", &number, &offset));
  EXPECT_FALSE(ParseLogKey("\x00\x00\x00\x07\xff\x00\x00\x00\x00\x00\x01\x02"s, &number, &offset));
}

TEST(Formats, PositionsHaveTheirGoldenBytes) {
  EXPECT_EQ(EncodePosition(258), "\x01\x02\x01\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(*DecodePosition(EncodePosition(INT64_MAX)), INT64_MAX);
  EXPECT_FALSE(DecodePosition("").ok());
  EXPECT_FALSE(DecodePosition(EncodePosition(1) + "x").ok());
  EXPECT_FALSE(DecodePosition("\x02"s + EncodePosition(1).substr(1)).ok());
  EXPECT_FALSE(DecodePosition(EncodePosition(-1)).ok());
}

TEST(Formats, DecimalsOfAGenerationKeepTheirScales) {
  const Generation generation{
      3, 258, 5, {"a", "b", "c"}, {Type::Decimal(0), Type::Decimal(2), Type::Decimal(18)}};
  const std::string bytes = EncodeGeneration(generation);
  EXPECT_EQ(bytes.substr(25), "\x20\x01\x00\x00\x00"s + "a" + "\x22\x01\x00\x00\x00"s + "b" +
                                  "\x32\x01\x00\x00\x00"s + "c");
  Result<Generation> decoded = DecodeGeneration(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->column_types, generation.column_types);
  for (const char number : {8, 31, 51}) {
    std::string other = bytes;
    other[25] = number;
    EXPECT_FALSE(DecodeGeneration(other).ok()) << int{number};
  }
}

TEST(Formats, GenerationsHaveTheirGoldenBytes) {
  Generation generation{3, 258, 5, {"age", "x"}, {Type::kInt32, Type::kString}};
  std::string bytes = EncodeGeneration(generation);
  EXPECT_EQ(bytes, "\x01"s + "\x03\x00\x00\x00"s + "\x02\x01\x00\x00\x00\x00\x00\x00"s +
                       "\x05\x00\x00\x00\x00\x00\x00\x00"s + "\x02\x00\x00\x00"s +
                       "\x02\x03\x00\x00\x00"s + "age"s + "\x06\x01\x00\x00\x00x"s);
  Result<Generation> decoded = DecodeGeneration(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->table, 3u);
  EXPECT_EQ(decoded->loaded_at_ms, 258);
  EXPECT_EQ(decoded->row_count, 5u);
  EXPECT_EQ(decoded->column_names, generation.column_names);
  EXPECT_EQ(decoded->column_types, generation.column_types);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeGeneration(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeGeneration(bytes + "x").ok());
}

TEST(Formats, ManifestsHaveTheirGoldenBytes) {
  Manifest manifest;
  manifest.shape = {"v", {{"k"}, {Type::kBytes}}, {{"age", "x"}, {Type::kInt32, Type::Decimal(2)}}};
  manifest.built_at_ms = 258;
  manifest.read = {7, 6, 5};
  manifest.rows_duplicate = 4;
  manifest.rows_deleted = 3;
  manifest.files = {{"f.sst", 259, 0x0102030405060708, 2, "a", "b"}};
  const std::string bytes = EncodeManifest(manifest);
  const std::string zeros(7, '\0');
  EXPECT_EQ(bytes.substr(0, bytes.size() - 8),
            "freshet-rows 1\n"s + "\x01\x00\x00\x00v"s + "\x01\x00\x00\x00\x08\x01\x00\x00\x00k"s +
                "\x02\x00\x00\x00"s + "\x02\x03\x00\x00\x00"s + "age"s + "\x22\x01\x00\x00\x00x"s +
                "\x02\x01\x00\x00\x00\x00\x00\x00"s + "\x07"s + zeros + "\x06"s + zeros + "\x05"s +
                zeros + "\x04"s + zeros + "\x03"s + zeros + "\x01\x00\x00\x00"s +
                "\x05\x00\x00\x00"s + "f.sst"s + "\x03\x01\x00\x00\x00\x00\x00\x00"s +
                "\x08\x07\x06\x05\x04\x03\x02\x01"s + "\x02"s + zeros + "\x01\x00\x00\x00"s + "a"s +
                "\x01\x00\x00\x00"s + "b"s);
  EXPECT_EQ(bytes.substr(bytes.size() - 8), "\x38\x26\x15\x86\x3e\x35\xef\xfe"s);
  const auto decoded = DecodeManifest(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, manifest);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeManifest(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeManifest(bytes + "x").ok());
}

TEST(Formats, ManifestsNameFilesOfTheirFolderInTheOrderOfTheirKeys) {
  const Manifest::File file = {"f.sst", 1, 0, 1, "b", "c"};
  const auto is_sound = [](std::vector<Manifest::File> files) {
    Manifest manifest;
    manifest.files = std::move(files);
    return DecodeManifest(EncodeManifest(manifest)).ok();
  };
  EXPECT_TRUE(is_sound({file, {"g.sst", 1, 0, 1, "d", "d"}}));
  EXPECT_FALSE(is_sound({file, {"g.sst", 1, 0, 1, "c", "d"}}));
  EXPECT_FALSE(is_sound({{"f.sst", 1, 0, 1, "c", "b"}}));
  EXPECT_FALSE(is_sound({{"f.sst", 1, 0, 0, "b", "c"}}));
  EXPECT_FALSE(is_sound({{"f.sst", 1, 0, 1, "", "c"}}));
  for (const char* name : {"", ".", "..", "../f.sst", "a/f.sst", "/f.sst"})
    EXPECT_FALSE(is_sound({{name, 1, 0, 1, "b", "c"}})) << name;
}

// The empty input is in the specification of XXH3.
TEST(Formats, ChecksumsAreXxh3) {
  EXPECT_EQ(ChecksumOfBytes(""), 0x2D06800538D394C2u);
}

TEST(Formats, RowTableNumbersHaveTheirGoldenBytes) {
  EXPECT_EQ(EncodeRowTable(258), "\x02\x01\x00\x00"s);
  EXPECT_EQ(*DecodeRowTable(EncodeRowTable(258)), 258u);
  EXPECT_FALSE(DecodeRowTable("abc").ok());
}

TEST(Formats, HexOfLongKeysIsCutOff) {
  EXPECT_EQ(Hex("\x00\xff"s), "00ff");
  EXPECT_EQ(Hex(std::string(65, 'a')).size(), 128 + std::string("... (65 bytes)").size());
}

TEST(Formats, SummariesHaveTheirGoldenBytes) {
  const std::string bytes =
      EncodeSummary({.table = 3, .loaded_at_ms = 258, .row_count = 5, .last_upsert = 7});
  const std::string time_and_rows =
      "\x02\x01\x00\x00\x00\x00\x00\x00"s + "\x05\x00\x00\x00\x00\x00\x00\x00"s;
  EXPECT_EQ(bytes, "\x02"s + time_and_rows + "\x07\x00\x00\x00"s);
  Generation generation;
  EXPECT_TRUE(DecodeSummary(bytes, &generation).ok());
  EXPECT_EQ(generation.loaded_at_ms, 258);
  EXPECT_EQ(generation.row_count, 5u);
  EXPECT_EQ(generation.last_upsert, 7u);
  const std::string without_load = "\x01"s + time_and_rows;
  EXPECT_TRUE(DecodeSummary(without_load, &generation).ok());
  EXPECT_EQ(generation.row_count, 5u);
  EXPECT_EQ(generation.last_upsert, 0u);
  for (const std::string& wrong : {bytes + "x", without_load + "x", "\x01"s + bytes.substr(1),
                                   "\x02"s + time_and_rows, "\x03"s + bytes.substr(1)})
    EXPECT_FALSE(DecodeSummary(wrong, &generation).ok());
}

}  // namespace
}  // namespace freshet::store
