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

ReadFile ReadCsv(std::string_view text, size_t chunk_bytes = kWhole,
                 TimestampUnit unit = TimestampUnit::kMilliseconds) {
  return ReadRows(FileFormat::kCsv, UsersSource(unit), text, chunk_bytes);
}

// One row of AllTypesSource with `text` in the column `name`.
ReadRow ReadOneCsv(std::string_view name, std::string_view text) {
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

Value CsvValue(std::string_view name, std::string_view text) {
  const ReadRow row = ReadOneCsv(name, text);
  EXPECT_EQ(row.error, "") << text;
  for (size_t i = 0; i < row.values.size(); ++i) {
    if (AllTypesSource().fields[i].name == name) return row.values[i];
  }
  return {};
}

std::string CsvError(std::string_view name, std::string_view text) {
  return ReadOneCsv(name, text).error;
}

TEST(CsvRowReader, TakesColumnsInAnyOrderAndIgnoresOthers) {
  const ReadFile file = ReadCsv(
      "country,note,updated_at,user_id,age\n"
      "FI,x,5,42,33\n"
      "SE,,6,43,34\n");
  ASSERT_TRUE(file.status.ok()) << file.status.ToString();
  EXPECT_THAT(file.rows, ElementsAre(UserRow(2, 5, Int(42), Int(33), Text("FI")),
                                     UserRow(3, 6, Int(43), Int(34), Text("SE"))));
}

TEST(CsvRowReader, TellsAnEmptyFieldFromAnEmptyString) {
  const ReadFile file = ReadCsv("user_id,age,country,updated_at\n1,,,5\n2,,\"\",5\n");
  EXPECT_THAT(file.rows, ElementsAre(UserRow(2, 5, Int(1), kNull, kNull),
                                     UserRow(3, 5, Int(2), kNull, Text(""))));
}

TEST(CsvRowReader, KeepsWhatQuotesProtect) {
  const ReadFile file = ReadCsv(
      "user_id,country,\"age\",updated_at\r\n"
      "1,\"a,b\",7,5\r\n"
      "2,\"say \"\"hi\"\"\",\"8\",5\r\n"
      "3,\"two\r\nlines\nor three\",9,5\r\n"
      "4, spaced ,10,5\r\n");
  EXPECT_THAT(file.rows, ElementsAre(UserRow(2, 5, Int(1), Int(7), Text("a,b")),
                                     UserRow(3, 5, Int(2), Int(8), Text("say \"hi\"")),
                                     UserRow(4, 5, Int(3), Int(9), Text("two\r\nlines\nor three")),
                                     UserRow(7, 5, Int(4), Int(10), Text(" spaced "))));
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
  const ReadFile whole = ReadCsv(text);
  ASSERT_TRUE(whole.status.ok()) << whole.status.ToString();
  EXPECT_THAT(whole.rows, SizeIs(8));
  for (size_t chunk_bytes = 1; chunk_bytes <= text.size(); ++chunk_bytes) {
    const ReadFile chunked = ReadCsv(text, chunk_bytes);
    EXPECT_TRUE(chunked.status.ok());
    EXPECT_EQ(chunked.rows, whole.rows) << "chunks of " << chunk_bytes;
  }
}

TEST(CsvRowReader, CountsLinesAsAnEditorDoes) {
  const ReadFile file = ReadCsv(
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
  const ReadFile file = ReadCsv("user_id,age,country,updated_at\n1,abc,FI,5\n2,33,FI,\n");
  ASSERT_THAT(file.rows, SizeIs(2));
  EXPECT_EQ(file.rows[0].line, 2u);
  EXPECT_EQ(file.rows[0].error, "age: 'abc' is not an int32");
  EXPECT_EQ(file.rows[1].error, "updated_at: the event time is missing");
}

TEST(CsvRowReader, RefusesRowsOfAnotherWidth) {
  const ReadFile file = ReadCsv("user_id,age,country,updated_at\n1,33,FI\n2,33,FI,5,\n3,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_EQ(file.rows[0].error, "the row has 3 columns, the header 4");
  EXPECT_EQ(file.rows[1].error, "the row has 5 columns, the header 4");
  EXPECT_EQ(file.rows[2], UserRow(4, 5, Int(3), Int(33), Text("FI")));
}

TEST(CsvRowReader, GoesOnAfterBadQuotes) {
  const ReadFile file =
      ReadCsv("user_id,age,country,updated_at\n1,33,5\" pipe,5\n2,33,\"a\" ,5\n3,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_THAT(file.rows[0].error, HasSubstr("a quote stands inside a field that is not quoted"));
  EXPECT_THAT(file.rows[1].error, HasSubstr("text follows a closing quote"));
  EXPECT_EQ(file.rows[2], UserRow(4, 5, Int(3), Int(33), Text("FI")));
}

TEST(CsvRowReader, ReportsAQuoteThatIsNeverClosed) {
  const ReadFile file = ReadCsv("user_id,age,country,updated_at\n1,33,\"FI,5\n2,33,FI,5\n");
  ASSERT_THAT(file.rows, SizeIs(1));
  EXPECT_EQ(file.rows[0].line, 2u);
  EXPECT_THAT(file.rows[0].error, HasSubstr("never closed"));
}

TEST(CsvRowReader, BoundsTheRow) {
  const std::string long_text(limits::kRowBytesMax, 'x');
  const std::string text = "user_id,age,country,updated_at\n1,33," + long_text +
                           ",5\n2,33,FI,5\n3,33,\"" + long_text + "\n4,33,FI,5\n";
  for (const size_t chunk_bytes : {kWhole, size_t{10'000}}) {
    const ReadFile file = ReadCsv(text, chunk_bytes);
    ASSERT_THAT(file.rows, SizeIs(4));
    EXPECT_THAT(file.rows[0].error, HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(file.rows[1], UserRow(3, 5, Int(2), Int(33), Text("FI")));
    EXPECT_THAT(file.rows[2].error, HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(file.rows[3], UserRow(5, 5, Int(4), Int(33), Text("FI")));
  }
}

TEST(CsvRowReader, RefusesAHeaderThatLacksColumns) {
  const ReadFile file = ReadCsv("user_id,agee,updated_at\n1,33,5\n");
  EXPECT_EQ(file.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(file.status.message(),
              HasSubstr("line 1: the header does not fit the source: it lacks 'age'"));
  EXPECT_THAT(file.status.message(), HasSubstr("'agee'"));
  EXPECT_THAT(file.status.message(), HasSubstr("it lacks 'country'"));
  EXPECT_THAT(file.rows, IsEmpty());
}

TEST(CsvRowReader, RefusesAHeaderThatRepeatsAColumn) {
  const ReadFile file = ReadCsv("user_id,age,country,updated_at,age,x,x\n");
  EXPECT_EQ(file.status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(file.status.message(), HasSubstr("it has 'age' 2 times"));
}

TEST(CsvRowReader, RefusesAHeaderThatCannotBeRead) {
  EXPECT_THAT(ReadCsv("user_id,a\"ge\n1,2\n").status.message(),
              HasSubstr("line 1: the header cannot be read"));
  EXPECT_THAT(ReadCsv("\n\"user_id,age").status.message(),
              HasSubstr("line 2: the header cannot be read"));
  const std::string wide(limits::kFileColumnsMax, ',');
  EXPECT_THAT(ReadCsv(wide).status.message(), HasSubstr("it has 10001 columns"));
}

TEST(CsvRowReader, WantsAHeaderEvenWithoutRows) {
  EXPECT_THAT(ReadCsv("").status.message(), HasSubstr("user_id, age, country, updated_at"));
  EXPECT_THAT(ReadCsv("\xEF\xBB").status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(ReadCsv("\n\n").status.code(), StatusCode::kInvalidArgument);
  const ReadFile file = ReadCsv("user_id,age,country,updated_at");
  EXPECT_TRUE(file.status.ok());
  EXPECT_THAT(file.rows, IsEmpty());
}

TEST(CsvRowReader, ReadsEveryTypeToItsEdges) {
  for (const char* yes : {"true", "True", "TRUE", "1"})
    EXPECT_EQ(CsvValue("flag", yes), Value(true));
  for (const char* no : {"false", "False", "0"}) EXPECT_EQ(CsvValue("flag", no), Value(false));
  EXPECT_EQ(CsvValue("small", "2147483647"), Int(2147483647));
  EXPECT_EQ(CsvValue("small", "-2147483648"), Int(-2147483648));
  EXPECT_EQ(CsvValue("big", "9223372036854775807"), Int(INT64_MAX));
  EXPECT_EQ(CsvValue("big", "-9223372036854775808"), Int(INT64_MIN));
  EXPECT_EQ(CsvValue("single", "0.1"), Value(static_cast<double>(0.1f)));
  EXPECT_EQ(CsvValue("single", "3.4028235e38"), Value(static_cast<double>(3.4028235e38f)));
  EXPECT_EQ(CsvValue("twice", "0.1"), Value(0.1));
  EXPECT_EQ(CsvValue("twice", "-1.7976931348623157e308"), Value(-1.7976931348623157e308));
  EXPECT_EQ(CsvValue("twice", "5e-324"), Value(5e-324));
  EXPECT_EQ(CsvValue("twice", "1e-400"), Value(0.0));
  EXPECT_TRUE(std::signbit(std::get<double>(CsvValue("twice", "-0"))));
  EXPECT_EQ(CsvValue("text", "k\xC3\xA4se"), Text("k\xC3\xA4se"));
  EXPECT_EQ(CsvValue("moment", "1969-12-31T23:59:59.999Z"), Int(-1));
  EXPECT_EQ(CsvValue("moment", "-7"), Int(-7));
  EXPECT_EQ(CsvValue("moment", "2026-11-24T10:00:00.123+05:30"),
            CsvValue("moment", "2026-11-24T04:30:00.123Z"));
}

TEST(CsvRowReader, BytesAreWrittenInBase64) {
  const ReadFile file =
      ReadRows(FileFormat::kCsv, DevicesSource(),
               "device_id,age,updated_at\n3q2+7w==,1,5\n\"\",2,5\nAP_-,3,5\n,4,5\n"
               "3q0,5,5\nx,6,5\n",
               kWhole);
  ASSERT_TRUE(file.status.ok()) << file.status.ToString();
  ASSERT_THAT(file.rows, SizeIs(6));
  EXPECT_EQ(file.rows[0].values[0], Text("\xde\xad\xbe\xef"));
  EXPECT_EQ(file.rows[1].values[0], Text(""));
  EXPECT_EQ(file.rows[2].values[0], Text(std::string("\x00\xff\xfe", 3)));
  EXPECT_EQ(file.rows[3].values[0], kNull);
  EXPECT_EQ(file.rows[5].error, "device_id: 'x' is not bytes (written in base64)");
  const ReadFile fixed = ReadRows(FileFormat::kCsv, DevicesSource(), "age,updated_at\n1,5\n",
                                  kWhole, {{"device_id", "AP_-"}});
  ASSERT_THAT(fixed.rows, SizeIs(1)) << fixed.status.ToString();
  EXPECT_EQ(fixed.rows[0].values[0], Text(std::string("\x00\xff\xfe", 3)));
}

TEST(CsvRowReader, ReadsDecimalsByTheirDigits) {
  EXPECT_EQ(CsvValue("price", "12.34"), Int(1234));
  EXPECT_EQ(CsvValue("price", "-.05"), Int(-5));
  EXPECT_EQ(CsvValue("price", "92233720368547758.07"), Int(INT64_MAX));
  EXPECT_EQ(CsvValue("price", "12.3400"), Int(1234));
  EXPECT_EQ(CsvError("price", "12.345"), "price: '12.345' has more than 2 digits after the point");
  EXPECT_EQ(CsvError("price", "92233720368547758.08"),
            "price: '92233720368547758.08' is beyond the range of decimal(2)");
  EXPECT_EQ(CsvError("price", "12 EUR"), "price: '12 EUR' is not decimal(2)");
}

TEST(CsvRowReader, RefusesWhatIsNotOfTheType) {
  EXPECT_EQ(CsvError("flag", "yes"), "flag: 'yes' is not a bool (true or false)");
  EXPECT_EQ(CsvError("small", "2147483648"), "small: '2147483648' is beyond the range of an int32");
  EXPECT_EQ(CsvError("small", "99999999999999999999"),
            "small: '99999999999999999999' is beyond the range of an int32");
  EXPECT_EQ(CsvError("small", "1.0"), "small: '1.0' is not an int32");
  EXPECT_EQ(CsvError("small", " 1"), "small: ' 1' is not an int32");
  EXPECT_EQ(CsvError("small", "1e3"), "small: '1e3' is not an int32");
  EXPECT_EQ(CsvError("small", "+1"), "small: '+1' is not an int32");
  EXPECT_EQ(CsvError("small", "\"\""), "small: '' is not an int32");
  EXPECT_EQ(CsvError("big", "9223372036854775808"),
            "big: '9223372036854775808' is beyond the range of an int64");
  EXPECT_EQ(CsvError("single", "3.5e38"), "single: '3.5e38' is beyond the range of a float");
  EXPECT_EQ(CsvError("twice", "1e400"), "twice: '1e400' is beyond the range of a double");
  EXPECT_EQ(CsvError("twice", "nan"), "twice: 'nan' is not a double");
  EXPECT_EQ(CsvError("twice", "-inf"), "twice: '-inf' is not a double");
  EXPECT_EQ(CsvError("twice", "0x10"), "twice: '0x10' is not a double");
  EXPECT_EQ(CsvError("text", "\xFF"), "text: the string is not UTF-8");
  EXPECT_EQ(CsvError("text", std::string(limits::kStringValueBytesMax + 1, 'x')),
            "text: the string is longer than 65536 bytes");
  EXPECT_EQ(CsvError("text", std::string(limits::kStringValueBytesMax, 'x')), "");
  EXPECT_THAT(CsvError("moment", "yesterday"),
              "moment: 'yesterday' is not a timestamp (RFC 3339 text, such as "
              "2026-11-24T10:00:00Z, or milliseconds since 1970)");
  EXPECT_THAT(CsvError("small", std::string(1'000, '7')), ::testing::SizeIs(::testing::Lt(120)));
}

TEST(CsvRowReader, ReadsTimesInTheUnitOfTheSource) {
  const auto time_of = [](TimestampUnit unit, const std::string& text) {
    const ReadFile file = ReadCsv("user_id,age,country,updated_at\n1,,," + text, kWhole, unit);
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
    return ReadCsv("user_id,age,country,updated_at\n1,,," + text, kWhole, unit).rows.at(0).error;
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
