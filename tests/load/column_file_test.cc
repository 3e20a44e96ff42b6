#include "load/column_file.h"

#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/file_list.h"
#include "load/read_rows.h"
#include "load/written_files.h"

namespace freshet::load {
namespace {

using registry::FileFormat;
using registry::TimestampUnit;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The same in each run: what is tested is how Freshet takes Arrow's errors, not Arrow.
constexpr uint64_t kDamageSeed = 20'261'124;
constexpr int64_t kDayMs = 1'795'514'400'000;  // 2026-11-24T10:00:00Z

// The bytes of a file in memory, and how many of them were asked for.
class MemoryFile final : public LoadFile {
 public:
  explicit MemoryFile(std::string bytes, PathValues path_values = {})
      : LoadFile("memory", bytes.size(), std::move(path_values)), bytes_(std::move(bytes)) {}

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    if (!failure_.ok()) return failure_;
    EXPECT_LE(offset + count, bytes_.size());
    bytes_.copy(bytes, count, offset);
    bytes_read_ += count;
    return Status::Ok();
  }

  uint64_t bytes_read() const { return bytes_read_; }
  void FailWith(Status status) { failure_ = std::move(status); }

 private:
  const std::string bytes_;
  uint64_t bytes_read_ = 0;
  Status failure_;
};

ReadFile ReadColumns(FileFormat format, const registry::Source& source, LoadFile& file) {
  ReadFile read;
  auto targets = Targets::Create(source, file.path_values(), {});
  if (!targets.ok()) return {targets.status(), {}};
  auto columns = ColumnFile::Open(format, file, *std::move(targets));
  if (!columns.ok()) return {columns.status(), {}};
  while (true) {
    const auto more = (*columns)->ReadBatch([&](const FileRow& row) {
      ReadRow kept{row.line, std::string(row.error), row.time_ms, {}};
      for (const Datum& value : row.values) kept.values.push_back(ToValue(value));
      read.rows.push_back(std::move(kept));
    });
    read.status = more.status();
    if (!more.ok() || !*more) return read;
  }
}

// All files that the path means, one after the other.
ReadFile Read(const std::string& name, const registry::Source& source) {
  auto list = ListFiles(WrittenFile(name));
  if (!list.ok()) return {list.status(), {}};
  ReadFile all;
  for (const auto& file : list->files) {
    const FileFormat format = list->format == "arrow" ? FileFormat::kArrow : FileFormat::kParquet;
    ReadFile read = ReadColumns(format, source, *file);
    all.status = read.status;
    all.rows.insert(all.rows.end(), read.rows.begin(), read.rows.end());
    if (!all.status.ok()) break;
  }
  return all;
}

std::vector<ReadRow> EdgeRows() {
  return {
      {1,
       "",
       kDayMs,
       {Value(false), Int(INT32_MIN), Int(INT64_MIN), Value(-1.5), Value(5e-324), Text(""),
        Int(-62'135'596'800'000), Int(INT64_MIN)}},
      {2,
       "",
       kDayMs,
       {Value(true), Int(INT32_MAX), Int(INT64_MAX), Value(3.4028234663852886e38),
        Value(1.7976931348623157e308), Text("héllo 😀"), Int(253'402'300'799'999), Int(INT64_MAX)}},
      {3, "", kDayMs, {kNull, kNull, kNull, kNull, kNull, kNull, kNull, kNull}},
  };
}

TEST(ColumnFile, EdgesOfEveryTypeComeBack) {
  const std::vector<std::string> names = {
      "types-none.parquet",        "types-snappy.parquet",   "types-gzip.parquet",
      "types-brotli.parquet",      "types-zstd.parquet",     "types-lz4.parquet",
      "types-page-1.0.parquet",    "types-page-2.0.parquet", "types-encoded.parquet",
      "types-None.arrow",          "types-lz4.arrow",        "types-zstd.arrow",
      "types-None.arrows",         "types-lz4.arrows",       "types-zstd.arrows",
      "duck-uncompressed.parquet", "duck-snappy.parquet",    "duck-gzip.parquet",
      "duck-zstd.parquet"};
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const ReadFile read = Read(name, AllTypesSource());
    ASSERT_TRUE(read.status.ok()) << read.status.ToString();
    EXPECT_EQ(read.rows, EdgeRows());
  }
}

TEST(ColumnFile, Int96IsATime) {
  const ReadFile read = Read("types-int96.parquet", AllTypesSource());
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  ASSERT_THAT(read.rows, SizeIs(1));
  EXPECT_EQ(read.rows[0].time_ms, kDayMs);
}

std::vector<ReadRow> ThreeUsers() {
  return {UserRow(1, 5, Int(1), Int(30), Text("FI")), UserRow(2, 6, Int(2), kNull, Text("SE")),
          UserRow(3, 7, Int(3), Int(50), kNull)};
}

TEST(ColumnFile, ColumnsOfOtherTypesFitWhereTheirValuesDo) {
  for (const std::string name : {"other.parquet", "other.arrow", "views.arrow", "large.parquet"}) {
    SCOPED_TRACE(name);
    const ReadFile read = Read(name, UsersSource(TimestampUnit::kMilliseconds));
    ASSERT_TRUE(read.status.ok()) << read.status.ToString();
    EXPECT_EQ(read.rows, ThreeUsers());
  }
  const ReadFile duck = Read("duck-other.parquet", UsersSource(TimestampUnit::kMilliseconds));
  ASSERT_TRUE(duck.status.ok()) << duck.status.ToString();
  EXPECT_THAT(duck.rows, ElementsAre(UserRow(1, 5, Int(1), Int(30), Text("FI"))));
}

TEST(ColumnFile, BytesAreTakenAsTheyAreAndTextIsNot) {
  for (const char* name :
       {"devices-binary.arrow", "devices-large.arrow", "devices-view.arrow", "devices-fixed.arrow",
        "devices-binary.parquet", "devices-large.parquet", "devices-fixed.parquet"}) {
    SCOPED_TRACE(name);
    const ReadFile read = Read(name, DevicesSource());
    ASSERT_TRUE(read.status.ok()) << read.status.ToString();
    ASSERT_THAT(read.rows, SizeIs(3));
    EXPECT_EQ(read.rows[0].values[0], Text("\xde\xad\xbe\xef"));
    EXPECT_EQ(read.rows[1].values[0], Text(std::string(4, '\0')));
    EXPECT_EQ(read.rows[2].values[0], kNull);
  }
  EXPECT_THAT(Read("devices-text.parquet", DevicesSource()).status.ToString(),
              HasSubstr("needs a column of bytes, not of strings"));
}

TEST(ColumnFile, TimesTellTheirOwnUnit) {
  const ReadFile read = Read("large.parquet", UsersSource(TimestampUnit::kRfc3339));
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  EXPECT_EQ(read.rows, ThreeUsers());
  for (const std::string name : {"dates.parquet", "dates.arrow"}) {
    const ReadFile dates = Read(name, UsersSource(TimestampUnit::kSeconds));
    ASSERT_THAT(dates.rows, SizeIs(3)) << dates.status.ToString();
    EXPECT_EQ(dates.rows[0].time_ms, 86'400'000);
    EXPECT_EQ(dates.rows[1].time_ms, -86'400'000);
    EXPECT_EQ(dates.rows[2].time_ms, 1'795'478'400'000);
  }
}

TEST(ColumnFile, NumbersAreNearestAndNotANumberIsNull) {
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  source.fields = {{"user_id", Type::kInt64},
                   {"a", Type::kDouble},
                   {"b", Type::kDouble},
                   {"c", Type::kDouble},
                   {"d", Type::kFloat}};
  const ReadFile read = Read("numbers.parquet", source);
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  const double tenth = 0.0999755859375;  // the half float nearest to 0.1
  EXPECT_THAT(
      read.rows,
      ElementsAre(ReadRow{1, "", 1, {Int(1), Value(1.25), Value(0.5), Value(1.0), Value(tenth)}},
                  ReadRow{2, "", 1, {Int(2), Value(-0.01), kNull, Value(-2.0), Value(65504.0)}},
                  ReadRow{3, "", 1, {Int(3), kNull, kNull, kNull, kNull}},
                  ReadRow{4, "", 1, {Int(4), Value(2.0), Value(2.0), Value(0x1p53), Value(-0.0)}}));
}

TEST(ColumnFile, DecimalsOfEveryWidthAreNumbers) {
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  source.fields = {{"whole", Type::kInt64}, {"fraction", Type::kDouble}};
  const auto number_row = [](uint64_t line, Value whole) {
    return ReadRow{line, "", static_cast<int64_t>(line) - 1, {std::move(whole), Value(-1.25)}};
  };
  const auto bad_row = [](uint64_t line, const std::string& shown) {
    return ReadRow{line, fmt::format("whole: '{}' is beyond the range of an int64", shown), 0, {}};
  };
  const std::vector<std::pair<std::string, int64_t>> edges = {
      {"32", 999'999'999}, {"64", 999'999'999'999'999'999}, {"128", INT64_MAX}, {"256", INT64_MAX}};
  for (const auto& [width, edge] : edges) {
    std::vector<ReadRow> expected = {number_row(1, Int(7)), number_row(2, Int(edge)),
                                     number_row(3, Int(-edge)), number_row(4, kNull)};
    if (edge == INT64_MAX) {
      const std::string wide = "1" + std::string(width == "128" ? 37 : 39, '0');
      expected.push_back(bad_row(5, "9223372036854775808"));
      expected.push_back(bad_row(6, "-9223372036854775809"));
      expected.push_back(bad_row(7, wide));
    }
    for (const std::string ending : {".parquet", ".arrow"}) {
      SCOPED_TRACE(width + ending);
      const ReadFile read = Read("decimals-" + width + ending, source);
      ASSERT_TRUE(read.status.ok()) << read.status.ToString();
      EXPECT_EQ(read.rows, expected);
    }
  }
  // Doubles take whole ones too, int32 what is in its range, integers none with a fraction.
  source.fields = {{"whole", Type::kDouble}, {"tiny", Type::kDouble}};
  const ReadFile doubles = Read("decimals-256.arrow", source);
  ASSERT_THAT(doubles.rows, SizeIs(7)) << doubles.status.ToString();
  EXPECT_EQ(doubles.rows[0].values, (std::vector{Value(7.0), Value(7e-40)}));
  EXPECT_EQ(doubles.rows[1].values, (std::vector{Value(0x1p63), Value(9.223372036854775807e-22)}));
  EXPECT_EQ(doubles.rows[6].values, (std::vector{Value(1e39), Value(0.1)}));
  source.fields = {{"whole", Type::kInt32}};
  EXPECT_EQ(Read("decimals-64.arrow", source).rows.at(0).values, std::vector{Int(7)});
  EXPECT_EQ(Read("decimals-64.arrow", source).rows.at(1).error,
            "whole: '999999999999999999' is beyond the range of an int32");
  source.fields = {{"fraction", Type::kInt64}};
  EXPECT_THAT(std::string(Read("decimals-32.arrow", source).status.message()),
              HasSubstr("'fraction' is a column of decimal32(9, 2), but the source's int64 needs"));
}

TEST(ColumnFile, DecimalsAreTakenExactlyOrNotAtAll) {
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  const auto row = [](uint64_t line, Value value) {
    return ReadRow{line, "", static_cast<int64_t>(line) - 1, {std::move(value)}};
  };
  const auto bad_row = [](uint64_t line, std::string error) {
    return ReadRow{line, std::move(error), 0, {}};
  };
  for (const std::string name : {"prices.arrow", "prices.parquet"}) {
    SCOPED_TRACE(name);
    const auto read = [&](const std::string& column) {
      source.fields = {{column, Type::Decimal(2)}};
      return Read(name, source).rows;
    };
    EXPECT_THAT(read("wide"),
                ElementsAre(row(1, Int(1234)), row(2, Int(-1)),
                            bad_row(3, "wide: '1.2345' has more than 2 digits after the point"),
                            row(4, Int(0)), row(5, Int(700'000'000'000'000'000))));
    EXPECT_THAT(read("narrow"), ElementsAre(row(1, Int(150)), row(2, kNull), row(3, Int(-10)),
                                            row(4, Int(0)), row(5, Int(200))));
    EXPECT_THAT(read("text"), ElementsAre(row(1, Int(1234)), row(2, Int(10'000)), row(3, kNull),
                                          row(4, Int(-5)), row(5, Int(INT64_MAX))));
    EXPECT_THAT(read("whole"),
                ElementsAre(row(1, Int(100)), row(2, Int(-200)), row(3, kNull),
                            row(4, Int(900'719'925'474'099'200)),
                            bad_row(5,
                                    "whole: '4611686018427387904' is beyond the range of "
                                    "decimal(2)")));
  }
  source.fields = {{"round", Type::Decimal(2)}};
  EXPECT_THAT(Read("prices.arrow", source).rows,
              ElementsAre(row(1, Int(120'000)), row(2, kNull), row(3, Int(-30'000)), row(4, Int(0)),
                          row(5, Int(10'000))));
  source.fields = {{"b", Type::Decimal(2)}};
  EXPECT_THAT(std::string(Read("numbers.parquet", source).status.message()),
              HasSubstr("'b' is a column of double, but the source's decimal(2) needs a column of "
                        "decimals, integers or strings"));
}

TEST(ColumnFile, AllThatDoesNotFitIsNamedBeforeTheFirstRow) {
  const ReadFile read = Read("misfit.parquet", UsersSource(TimestampUnit::kMilliseconds));
  EXPECT_EQ(read.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(read.rows, IsEmpty());
  EXPECT_THAT(std::string(read.status.message()),
              AllOf(HasSubstr("it lacks 'user_id'; did you mean 'user_idd'?"),
                    HasSubstr("'age' is a column of double, but the source's int32 needs a column "
                              "of integers, or of decimals without a fraction"),
                    HasSubstr("'country' is a column of list<element: string>, but the source's "
                              "string needs a column of strings")));
  const ReadFile text = Read("large.parquet", [] {
    registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
    source.fields.push_back({"updated_at", Type::kInt64});
    return source;
  }());
  EXPECT_THAT(std::string(text.status.message()),
              HasSubstr("'updated_at' is a column of timestamp[ms], but the source's int64 needs"));
  EXPECT_THAT(
      std::string(Read("twice.arrow", UsersSource(TimestampUnit::kMilliseconds)).status.message()),
      HasSubstr("it has 'age' 2 times"));
}

TEST(ColumnFile, RowsThatDoNotFitAreBadRows) {
  const ReadFile read = Read("bad-rows.parquet", UsersSource(TimestampUnit::kMilliseconds));
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  ASSERT_THAT(read.rows, SizeIs(3));
  EXPECT_EQ(read.rows[0].error, "");
  EXPECT_EQ(read.rows[1].error, "age: '2147483648' is beyond the range of an int32");
  EXPECT_EQ(read.rows[2].error, "updated_at: the event time is missing");
  const ReadFile binary = Read("binary.parquet", UsersSource(TimestampUnit::kMilliseconds));
  ASSERT_THAT(binary.rows, SizeIs(3)) << binary.status.ToString();
  EXPECT_EQ(binary.rows[1].error, "country: the string is not UTF-8");
}

TEST(ColumnFile, BadRowsLeaveThoseAroundThemAsTheyAre) {
  MemoryFile file(WrittenBytes("scattered-bad-rows.parquet"), {{"country", "FI"}});
  const ReadFile read =
      ReadColumns(FileFormat::kParquet, UsersSource(TimestampUnit::kMilliseconds), file);
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  ASSERT_THAT(read.rows, SizeIs(2'000));
  for (int64_t i = 0; i < 2'000; ++i) {
    const auto line = static_cast<uint64_t>(i + 1);
    if (i == 0 || i == 255 || i == 256 || i == 1'500) {
      EXPECT_EQ(read.rows[i].error, "age: '2147483648' is beyond the range of an int32") << i;
    } else if (i == 257 || i == 1'999) {
      EXPECT_EQ(read.rows[i].error, "updated_at: the event time is missing") << i;
    } else {
      EXPECT_EQ(read.rows[i], UserRow(line, i, Int(i), Int(i), Text("FI")));
    }
    EXPECT_EQ(read.rows[i].line, line);
  }
}

TEST(ColumnFile, PlacesInADictionaryAreLookedAt) {
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  source.fields = {{"user_id", Type::kInt64}, {"country", Type::kString}};
  const ReadFile right = Read("places.parquet", source);
  ASSERT_THAT(right.rows, SizeIs(1'000)) << right.status.ToString();
  EXPECT_EQ(right.rows[1].values[1], Text("SE"));
  EXPECT_EQ(right.rows[999].values[1], Text("NO"));
  const ReadFile wrong = Read("wrong-place.parquet", source);
  EXPECT_EQ(wrong.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(wrong.status.message()),
              HasSubstr("not a Parquet file that can be read"));
  EXPECT_THAT(wrong.rows, IsEmpty());
  source.fields = {{"country", Type::kInt32}};
  for (const char* name : {"places.parquet", "other.arrow"}) {
    EXPECT_THAT(std::string(Read(name, source).status.message()),
                HasSubstr("'country' is a column of string, but the source's int32 needs"));
  }
}

TEST(ColumnFile, OnlyWhatIsWantedIsRead) {
  MemoryFile file(WrittenBytes("many.parquet"));
  const ReadFile read =
      ReadColumns(FileFormat::kParquet, UsersSource(TimestampUnit::kMilliseconds), file);
  ASSERT_TRUE(read.status.ok()) << read.status.ToString();
  ASSERT_THAT(read.rows, SizeIs(10'000));
  for (int64_t i = 0; i < 10'000; ++i) {
    const char* country = i % 3 == 0 ? "FI" : i % 3 == 1 ? "SE" : "NO";
    ASSERT_EQ(read.rows[i], UserRow(i + 1, i, Int(i), Int(i % 90), Text(country)));
  }
  // The column that nobody wants is most of the file.
  EXPECT_LT(file.bytes_read(), file.size() / 3);
}

TEST(ColumnFile, PathsFixColumns) {
  const ReadFile tree = Read("tree", UsersSource(TimestampUnit::kMilliseconds));
  ASSERT_TRUE(tree.status.ok()) << tree.status.ToString();
  ASSERT_THAT(tree.rows, SizeIs(30));
  for (const ReadRow& row : tree.rows) {
    const int64_t id = row.time_ms;
    const char* country = id % 3 == 0 ? "FI" : id % 3 == 1 ? "SE" : "NO";
    EXPECT_EQ(row, UserRow(row.line, id, Int(id), Int(id % 90), Text(country)));
  }
  const ReadFile odd = Read("odd", UsersSource(TimestampUnit::kMilliseconds));
  ASSERT_THAT(odd.rows, SizeIs(6)) << odd.status.ToString();
  EXPECT_EQ(odd.rows[0], UserRow(1, 5, Int(1), Int(30), Text("Côte d'Ivoire")));
  EXPECT_EQ(odd.rows[5], UserRow(3, 7, Int(3), Int(50), kNull));
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  source.fields[2].type = Type::kInt32;
  EXPECT_EQ(Read("tree", source).status.message(), "the path says country: 'FI' is not an int32");
}

TEST(ColumnFile, AFileWithoutRowsHasNone) {
  const ReadFile read = Read("none.parquet", UsersSource(TimestampUnit::kMilliseconds));
  EXPECT_TRUE(read.status.ok()) << read.status.ToString();
  EXPECT_THAT(read.rows, IsEmpty());
}

TEST(ColumnFile, AnErrorOfTheFileIsPassedOn) {
  MemoryFile file(WrittenBytes("many.parquet"));
  file.FailWith(Status::Cancelled("interrupted"));
  const ReadFile read =
      ReadColumns(FileFormat::kParquet, UsersSource(TimestampUnit::kMilliseconds), file);
  EXPECT_EQ(read.status.code(), StatusCode::kCancelled);
  EXPECT_EQ(read.status.message(), "interrupted");
}

// Whatever was cut off is an error; nothing passes for a shorter table.
TEST(ColumnFile, TruncatedFilesAreRefused) {
  for (const std::string name : {"types-zstd.parquet", "types-lz4.arrow"}) {
    const FileFormat format = name.ends_with(".arrow") ? FileFormat::kArrow : FileFormat::kParquet;
    const std::string bytes = WrittenBytes(name);
    for (size_t size = 0; size < bytes.size(); size += 37) {
      MemoryFile file(bytes.substr(0, size));
      const ReadFile read = ReadColumns(format, AllTypesSource(), file);
      ASSERT_EQ(read.status.code(), StatusCode::kInvalidArgument)
          << name << " cut to " << size << ": " << read.status.ToString();
      ASSERT_THAT(std::string(read.status.message()), HasSubstr("file that can be read"));
    }
  }
}

// Damaged bytes are refused or read as rows, each whole or explained.
TEST(ColumnFile, DamagedFilesDoNoHarm) {
  std::mt19937_64 random(kDamageSeed);
  for (const std::string name :
       {"types-none.parquet", "types-snappy.parquet", "types-None.arrow", "types-None.arrows",
        "other.arrow", "other.parquet", "views.arrow"}) {
    const FileFormat format =
        name.ends_with(".parquet") ? FileFormat::kParquet : FileFormat::kArrow;
    const registry::Source source =
        name.starts_with("types") ? AllTypesSource() : UsersSource(TimestampUnit::kMilliseconds);
    const std::string bytes = WrittenBytes(name);
    for (int round = 0; round < 100; ++round) {
      std::string damaged = bytes;
      for (int i = 0; i < 1 + round % 4; ++i)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      MemoryFile file(std::move(damaged));
      const ReadFile read = ReadColumns(format, source, file);
      for (const ReadRow& row : read.rows)
        ASSERT_EQ(row.values.size(), row.error.empty() ? source.fields.size() : 0);
    }
  }
}

}  // namespace
}  // namespace freshet::load
