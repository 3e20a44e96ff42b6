#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "load/read_rows.h"

namespace freshet::load {
namespace {

using registry::FileFormat;
using registry::TimestampUnit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kWhole = size_t{1} << 30;

ReadFile ReadUsers(std::string_view text, size_t chunk_bytes = kWhole,
                   TimestampUnit unit = TimestampUnit::kMilliseconds) {
  return ReadRows(FileFormat::kCsv, UsersSource(unit), text, chunk_bytes);
}

ReadRow User(uint64_t line, int64_t time_ms, Value id, Value age, Value country) {
  return {line, "", time_ms, {std::move(id), std::move(age), std::move(country)}};
}

const Value kNull{};

Value Text(std::string text) {
  return Value(std::move(text));
}
Value Int(int64_t number) {
  return Value(number);
}

// One row of AllTypesSource with `text` in the column `name`.
ReadRow ReadOne(std::string_view name, std::string_view text) {
  std::string header = "time";
  std::string row = "2026-11-24T10:00:00Z";
  for (const registry::Field& field : AllTypesSource().fields) {
    header += "," + field.name;
    row += ",";
    if (field.name == name) row += text;
  }
  const ReadFile file = ReadRows(FileFormat::kCsv, AllTypesSource(), header + "\n" + row, kWhole);
  EXPECT_TRUE(file.status.ok()) << file.status.ToString();
  EXPECT_THAT(file.rows, SizeIs(1));
  return file.rows.at(0);
}

Value ValueOf(std::string_view name, std::string_view text) {
  const ReadRow row = ReadOne(name, text);
  EXPECT_EQ(row.error, "") << text;
  for (size_t i = 0; i < row.values.size(); ++i) {
    if (AllTypesSource().fields[i].name == name) return row.values[i];
  }
  return {};
}

std::string ErrorOf(std::string_view name, std::string_view text) {
  return ReadOne(name, text).error;
}

TEST(CsvRowReader, TakesColumnsInAnyOrderAndIgnoresOthers) {
  const ReadFile file = ReadUsers(
      "country,note,updated_at,user_id,age\n"
      "FI,x,5,42,33\n"
      "SE,,6,43,34\n");
  ASSERT_TRUE(file.status.ok()) << file.status.ToString();
  EXPECT_THAT(file.rows, ElementsAre(User(2, 5, Int(42), Int(33), Text("FI")),
                                     User(3, 6, Int(43), Int(34), Text("SE"))));
}

TEST(CsvRowReader, TellsAnEmptyFieldFromAnEmptyString) {
  const ReadFile file = ReadUsers("user_id,age,country,updated_at\n1,,,5\n2,,\"\",5\n");
  EXPECT_THAT(file.rows,
              ElementsAre(User(2, 5, Int(1), kNull, kNull), User(3, 5, Int(2), kNull, Text(""))));
}

TEST(CsvRowReader, KeepsWhatQuotesProtect) {
  const ReadFile file = ReadUsers(
      "user_id,country,\"age\",updated_at\r\n"
      "1,\"a,b\",7,5\r\n"
      "2,\"say \"\"hi\"\"\",\"8\",5\r\n"
      "3,\"two\r\nlines\nor three\",9,5\r\n"
      "4, spaced ,10,5\r\n");
  EXPECT_THAT(file.rows, ElementsAre(User(2, 5, Int(1), Int(7), Text("a,b")),
                                     User(3, 5, Int(2), Int(8), Text("say \"hi\"")),
                                     User(4, 5, Int(3), Int(9), Text("two\r\nlines\nor three")),
                                     User(7, 5, Int(4), Int(10), Text(" spaced "))));
}

TEST(CsvRowReader, GivesTheSameForEveryChunkSize) {
  const std::string text =
      "\xEF\xBB\xBFuser_id,age,country,updated_at\r\n"
      "1,33,\"a\r\n\"\"b\"\"\",5\r\n"
      "\r\n"
      "2,x,FI,5\r"
      "3,34,\"\",5\n"
      "4,3\"4,FI,5\n"
      "5,35,\"q\"x,5\r\n"
      "6,36,FI\n"
      "7,37,FI,5,9\r\n"
      "8,38,\xC3\xA4,5";
  const ReadFile whole = ReadUsers(text);
  ASSERT_TRUE(whole.status.ok()) << whole.status.ToString();
  EXPECT_THAT(whole.rows, SizeIs(8));
  for (size_t chunk_bytes = 1; chunk_bytes <= text.size(); ++chunk_bytes) {
    const ReadFile chunked = ReadUsers(text, chunk_bytes);
    EXPECT_TRUE(chunked.status.ok());
    EXPECT_EQ(chunked.rows, whole.rows) << "chunks of " << chunk_bytes;
  }
}

TEST(CsvRowReader, CountsLinesAsAnEditorDoes) {
  const ReadFile file = ReadUsers(
      "\n"
      "user_id,age,country,updated_at\r\n"
      "\r\n"
      "1,1,\"a\r\nb\rc\n\",5\n"
      "2,2,x,5\r"
      "3,3,x,5\r"
      "\r"
      "4,4,x,5");
  ASSERT_THAT(file.rows, SizeIs(4));
  EXPECT_EQ(file.rows[0].line, 4u);
  EXPECT_EQ(file.rows[1].line, 8u);
  EXPECT_EQ(file.rows[2].line, 9u);
  EXPECT_EQ(file.rows[3].line, 11u);
}

TEST(CsvRowReader, NamesLineColumnAndWhatWasExpected) {
  const ReadFile file = ReadUsers("user_id,age,country,updated_at\n1,abc,FI,5\n2,33,FI,\n");
  ASSERT_THAT(file.rows, SizeIs(2));
  EXPECT_EQ(file.rows[0].line, 2u);
  EXPECT_EQ(file.rows[0].error, "age: 'abc' is not an int32");
  EXPECT_EQ(file.rows[1].error, "updated_at: the event time is missing");
}

TEST(CsvRowReader, RefusesRowsOfAnotherWidth) {
  const ReadFile file =
      ReadUsers("user_id,age,country,updated_at\n1,33,FI\n2,33,FI,5,\n3,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_EQ(file.rows[0].error, "the row has 3 columns, the header 4");
  EXPECT_EQ(file.rows[1].error, "the row has 5 columns, the header 4");
  EXPECT_EQ(file.rows[2], User(4, 5, Int(3), Int(33), Text("FI")));
}

TEST(CsvRowReader, GoesOnAfterBadQuotes) {
  const ReadFile file =
      ReadUsers("user_id,age,country,updated_at\n1,33,5\" pipe,5\n2,33,\"a\" ,5\n3,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_THAT(file.rows[0].error, HasSubstr("a quote stands inside a field that is not quoted"));
  EXPECT_THAT(file.rows[1].error, HasSubstr("text follows a closing quote"));
  EXPECT_EQ(file.rows[2], User(4, 5, Int(3), Int(33), Text("FI")));
}

TEST(CsvRowReader, ReportsAQuoteThatIsNeverClosed) {
  const ReadFile file = ReadUsers("user_id,age,country,updated_at\n1,33,\"FI,5\n2,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(1));
  EXPECT_EQ(file.rows[0].line, 2u);
  EXPECT_THAT(file.rows[0].error, HasSubstr("never closed"));
}

TEST(CsvRowReader, BoundsTheRow) {
  const std::string long_text(limits::kRowBytesMax, 'x');
  const std::string text = "user_id,age,country,updated_at\n1,33," + long_text +
                           ",5\n2,33,FI,5\n3,33,\"" + long_text + "\n4,33,FI,5\n";
  for (const size_t chunk_bytes : {kWhole, size_t{10'000}}) {
    const ReadFile file = ReadUsers(text, chunk_bytes);
    ASSERT_THAT(file.rows, SizeIs(4));
    EXPECT_THAT(file.rows[0].error, HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(file.rows[1], User(3, 5, Int(2), Int(33), Text("FI")));
    EXPECT_THAT(file.rows[2].error, HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(file.rows[3], User(5, 5, Int(4), Int(33), Text("FI")));
  }
}

TEST(CsvRowReader, RefusesAHeaderThatLacksColumns) {
  const ReadFile file = ReadUsers("user_id,agee,updated_at\n1,33,5\n");
  EXPECT_EQ(file.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(file.status.message(),
              HasSubstr("line 1: the header does not fit the source: it lacks 'age'"));
  EXPECT_THAT(file.status.message(), HasSubstr("'agee'"));
  EXPECT_THAT(file.status.message(), HasSubstr("it lacks 'country'"));
  EXPECT_THAT(file.rows, IsEmpty());
}

TEST(CsvRowReader, RefusesAHeaderThatRepeatsAColumn) {
  const ReadFile file = ReadUsers("user_id,age,country,updated_at,age,x,x\n");
  EXPECT_EQ(file.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(file.status.message(), HasSubstr("it has 'age' 2 times"));
}

TEST(CsvRowReader, RefusesAHeaderThatCannotBeRead) {
  EXPECT_THAT(ReadUsers("user_id,a\"ge\n1,2\n").status.message(),
              HasSubstr("line 1: the header cannot be read"));
  EXPECT_THAT(ReadUsers("\n\"user_id,age").status.message(),
              HasSubstr("line 2: the header cannot be read"));
  const std::string wide(limits::kFileColumnsMax, ',');
  EXPECT_THAT(ReadUsers(wide).status.message(), HasSubstr("it has 10001 columns"));
}

TEST(CsvRowReader, WantsAHeaderEvenWithoutRows) {
  EXPECT_THAT(ReadUsers("").status.message(), HasSubstr("user_id, age, country, updated_at"));
  EXPECT_THAT(ReadUsers("\xEF\xBB").status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(ReadUsers("\n\n").status.code(), StatusCode::kInvalidArgument);
  const ReadFile file = ReadUsers("user_id,age,country,updated_at");
  EXPECT_TRUE(file.status.ok());
  EXPECT_THAT(file.rows, IsEmpty());
}

TEST(CsvRowReader, ReadsEveryTypeToItsEdges) {
  for (const char* yes : {"true", "True", "TRUE", "1"})
    EXPECT_EQ(ValueOf("flag", yes), Value(true));
  for (const char* no : {"false", "False", "0"}) EXPECT_EQ(ValueOf("flag", no), Value(false));
  EXPECT_EQ(ValueOf("small", "2147483647"), Int(2147483647));
  EXPECT_EQ(ValueOf("small", "-2147483648"), Int(-2147483648));
  EXPECT_EQ(ValueOf("big", "9223372036854775807"), Int(INT64_MAX));
  EXPECT_EQ(ValueOf("big", "-9223372036854775808"), Int(INT64_MIN));
  EXPECT_EQ(ValueOf("single", "0.1"), Value(static_cast<double>(0.1f)));
  EXPECT_EQ(ValueOf("single", "3.4028235e38"), Value(static_cast<double>(3.4028235e38f)));
  EXPECT_EQ(ValueOf("twice", "0.1"), Value(0.1));
  EXPECT_EQ(ValueOf("twice", "-1.7976931348623157e308"), Value(-1.7976931348623157e308));
  EXPECT_EQ(ValueOf("twice", "5e-324"), Value(5e-324));
  EXPECT_EQ(ValueOf("twice", "1e-400"), Value(0.0));
  EXPECT_TRUE(std::signbit(std::get<double>(ValueOf("twice", "-0"))));
  EXPECT_EQ(ValueOf("text", "k\xC3\xA4se"), Text("k\xC3\xA4se"));
  EXPECT_EQ(ValueOf("moment", "1969-12-31T23:59:59.999Z"), Int(-1));
  EXPECT_EQ(ValueOf("moment", "-7"), Int(-7));
  EXPECT_EQ(ValueOf("moment", "2026-11-24T10:00:00.123+05:30"),
            ValueOf("moment", "2026-11-24T04:30:00.123Z"));
}

TEST(CsvRowReader, RefusesWhatIsNotOfTheType) {
  EXPECT_EQ(ErrorOf("flag", "yes"), "flag: 'yes' is not a bool (true or false)");
  EXPECT_EQ(ErrorOf("small", "2147483648"), "small: '2147483648' is beyond the range of an int32");
  EXPECT_EQ(ErrorOf("small", "99999999999999999999"),
            "small: '99999999999999999999' is beyond the range of an int32");
  EXPECT_EQ(ErrorOf("small", "1.0"), "small: '1.0' is not an int32");
  EXPECT_EQ(ErrorOf("small", " 1"), "small: ' 1' is not an int32");
  EXPECT_EQ(ErrorOf("small", "1e3"), "small: '1e3' is not an int32");
  EXPECT_EQ(ErrorOf("small", "+1"), "small: '+1' is not an int32");
  EXPECT_EQ(ErrorOf("small", "\"\""), "small: '' is not an int32");
  EXPECT_EQ(ErrorOf("big", "9223372036854775808"),
            "big: '9223372036854775808' is beyond the range of an int64");
  EXPECT_EQ(ErrorOf("single", "3.5e38"), "single: '3.5e38' is beyond the range of a float");
  EXPECT_EQ(ErrorOf("twice", "1e400"), "twice: '1e400' is beyond the range of a double");
  EXPECT_EQ(ErrorOf("twice", "nan"), "twice: 'nan' is not a double");
  EXPECT_EQ(ErrorOf("twice", "-inf"), "twice: '-inf' is not a double");
  EXPECT_EQ(ErrorOf("twice", "0x10"), "twice: '0x10' is not a double");
  EXPECT_EQ(ErrorOf("text", "\xFF"), "text: the string is not UTF-8");
  EXPECT_EQ(ErrorOf("text", std::string(limits::kStringValueBytesMax + 1, 'x')),
            "text: the string is longer than 65536 bytes");
  EXPECT_EQ(ErrorOf("text", std::string(limits::kStringValueBytesMax, 'x')), "");
  EXPECT_THAT(ErrorOf("moment", "yesterday"),
              "moment: 'yesterday' is not a timestamp (RFC 3339 text, such as "
              "2026-11-24T10:00:00Z, or milliseconds since 1970)");
  EXPECT_THAT(ErrorOf("small", std::string(1'000, '7')), ::testing::SizeIs(::testing::Lt(120)));
}

TEST(CsvRowReader, ReadsTimesInTheUnitOfTheSource) {
  const auto time_of = [](TimestampUnit unit, const std::string& text) {
    const ReadFile file = ReadUsers("user_id,age,country,updated_at\n1,,," + text, kWhole, unit);
    EXPECT_THAT(file.rows, SizeIs(1));
    EXPECT_EQ(file.rows.at(0).error, "");
    return file.rows.at(0).time_ms;
  };
  EXPECT_EQ(time_of(TimestampUnit::kRfc3339, "2026-11-24T10:00:00.123Z"), 1'795'514'400'123);
  EXPECT_EQ(time_of(TimestampUnit::kSeconds, "1795514400"), 1'795'514'400'000);
  EXPECT_EQ(time_of(TimestampUnit::kSeconds, "1795514400.1236"), 1'795'514'400'124);
  EXPECT_EQ(time_of(TimestampUnit::kMilliseconds, "-1"), -1);
  EXPECT_EQ(time_of(TimestampUnit::kMicroseconds, "1999"), 1);
  EXPECT_EQ(time_of(TimestampUnit::kMicroseconds, "-1"), -1);
  EXPECT_EQ(time_of(TimestampUnit::kNanoseconds, "-1000001"), -2);

  const auto error_of = [](TimestampUnit unit, const std::string& text) {
    return ReadUsers("user_id,age,country,updated_at\n1,,," + text, kWhole, unit).rows.at(0).error;
  };
  EXPECT_EQ(error_of(TimestampUnit::kMilliseconds, "soon"),
            "updated_at: 'soon' is not a timestamp (milliseconds since 1970)");
  EXPECT_THAT(error_of(TimestampUnit::kMilliseconds, "2026-11-24T10:00:00Z"),
              HasSubstr("is not a timestamp"));
  EXPECT_THAT(error_of(TimestampUnit::kRfc3339, "5"), HasSubstr("is not a timestamp"));
  EXPECT_THAT(error_of(TimestampUnit::kMilliseconds, "1e300"), HasSubstr("beyond the range"));
  EXPECT_EQ(error_of(TimestampUnit::kSeconds, "9223372036854775807"),
            "updated_at: '9223372036854775807' is beyond the range of a timestamp (seconds "
            "since 1970)");
  EXPECT_THAT(error_of(TimestampUnit::kMilliseconds, "253402300800000"),
              HasSubstr("beyond the range"));
}

TEST(CsvRowReader, TakesTheEventTimeFromAFieldThatIsListedToo) {
  registry::Source source = UsersSource(TimestampUnit::kSeconds);
  source.fields.push_back({"updated_at", Type::kInt64});
  const ReadFile file =
      ReadRows(FileFormat::kCsv, source, "user_id,age,country,updated_at\n1,,,7\n2,,,\n", kWhole);
  ASSERT_THAT(file.rows, SizeIs(2));
  EXPECT_EQ(file.rows[0], (ReadRow{2, "", 7'000, {Int(1), kNull, kNull, Int(7)}}));
  EXPECT_EQ(file.rows[1].error, "updated_at: the event time is missing");
}

}  // namespace
}  // namespace freshet::load
