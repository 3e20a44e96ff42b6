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

ReadFile ReadJsonl(std::string_view text, size_t chunk_bytes = kWhole,
                   TimestampUnit unit = TimestampUnit::kMilliseconds) {
  return ReadRows(FileFormat::kJsonl, UsersSource(unit), text, chunk_bytes);
}

// One row of AllTypesSource whose member `name` is spelled as `json`.
ReadRow ReadOneJsonl(std::string_view name, std::string_view json) {
  const std::string text = R"({"time": "2026-11-24T10:00:00Z", ")" + std::string(name) +
                           "\": " + std::string(json) + "}";
  const ReadFile file = ReadRows(FileFormat::kJsonl, AllTypesSource(), text, kWhole);
  EXPECT_TRUE(file.status.ok()) << file.status.ToString();
  EXPECT_THAT(file.rows, SizeIs(1));
  return file.rows.at(0);
}

Value JsonlValue(std::string_view name, std::string_view json) {
  const ReadRow row = ReadOneJsonl(name, json);
  EXPECT_EQ(row.error, "") << json;
  for (size_t i = 0; i < row.values.size(); ++i) {
    if (AllTypesSource().fields[i].name == name) return row.values[i];
  }
  return {};
}

std::string JsonlError(std::string_view name, std::string_view json) {
  return ReadOneJsonl(name, json).error;
}

TEST(JsonlRowReader, ReadsOneObjectALine) {
  const ReadFile file = ReadJsonl(
      "{\"user_id\": 1, \"age\": 33, \"country\": \"FI\", \"updated_at\": 5}\n"
      "\n"
      "  {\"updated_at\":6,\"extra\":{\"a\":[1,{\"b\":null}]},\"user_id\":2}\r\n"
      "\t\r\n"
      "{\"user_id\":3,\"age\":null,\"country\":\"\",\"updated_at\":7}");
  ASSERT_TRUE(file.status.ok());
  EXPECT_THAT(file.rows, ElementsAre(UserRow(1, 5, Int(1), Int(33), Text("FI")),
                                     UserRow(3, 6, Int(2), kNull, kNull),
                                     UserRow(5, 7, Int(3), kNull, Text(""))));
}

TEST(JsonlRowReader, GivesTheSameForEveryChunkSize) {
  const std::string text =
      "\xEF\xBB\xBF{\"user_id\":1,\"country\":\"a\\nb\\u00e4\",\"updated_at\":5}\r\n"
      "\n"
      "{\"user_id\":\"x\",\"updated_at\":5}\n"
      "{\"user_id\":2,\"updated_at\":5} 7\n"
      "not json\n"
      "{\"user_id\":4,\"country\":\"\xC3\xA4\",\"updated_at\":5}";
  const ReadFile whole = ReadJsonl(text);
  EXPECT_THAT(whole.rows, SizeIs(5));
  for (size_t chunk_bytes = 1; chunk_bytes <= text.size(); ++chunk_bytes) {
    EXPECT_EQ(ReadJsonl(text, chunk_bytes).rows, whole.rows) << "chunks of " << chunk_bytes;
  }
}

TEST(JsonlRowReader, NamesLineFieldAndWhatWasExpected) {
  const ReadFile file = ReadJsonl(
      "{\"user_id\": 1, \"age\": \"abc\" , \"updated_at\": 5}\n"
      "{\"user_id\": 1}\n"
      "{\"user_id\": 1, \"updated_at\": null}\n");
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_EQ(file.rows[0].line, 1u);
  EXPECT_EQ(file.rows[0].error, "age: \"abc\" is not an int32");
  EXPECT_EQ(file.rows[1].error, "updated_at: the event time is missing");
  EXPECT_EQ(file.rows[2].error, "updated_at: the event time is missing");
}

TEST(JsonlRowReader, RefusesWhatIsNotOneObject) {
  for (const char* text :
       {"[1]", "7", "\"a\"", "null", "{", "}", "{\"user_id\"", "{\"user_id\":", "{\"user_id\":1",
        "{\"user_id\":1,\"updated_at\":5", "{\"user_id\" 1}", "{\"user_id\":1 \"updated_at\":5}",
        "{\"user_id\":1,\"updated_at\":5}{}", "{\"user_id\":1,\"updated_at\":5}}",
        "{\"user_id\":1,\"updated_at\":5} x", "{\"country\":\"\xFF\",\"updated_at\":5}",
        "{\"country\":\"\\x\",\"updated_at\":5}", "{\"country\":\"open,\"updated_at\":5}"}) {
    const ReadFile file = ReadJsonl(text);
    ASSERT_THAT(file.rows, SizeIs(1)) << text;
    EXPECT_NE(file.rows[0].error, "") << text;
  }
  EXPECT_EQ(ReadJsonl("{} {}").rows.at(0).error,
            "more text follows the JSON object; one object a line is expected");
}

TEST(JsonlRowReader, RefusesAFileWithoutRows) {
  for (const char* text : {"", "\n \n", "\xEF\xBB\xBF"}) {
    const ReadFile file = ReadJsonl(text);
    EXPECT_EQ(file.status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(file.rows, IsEmpty());
  }
}

TEST(JsonlRowReader, BoundsTheLine) {
  const std::string long_text(limits::kRowBytesMax, 'x');
  for (const size_t chunk_bytes : {kWhole, size_t{10'000}}) {
    const ReadFile file = ReadJsonl(
        "{\"note\":\"" + long_text + "\"}\n{\"user_id\":2,\"updated_at\":5}\n", chunk_bytes);
    ASSERT_THAT(file.rows, SizeIs(2));
    EXPECT_EQ(file.rows[0].error, "the line is longer than 1048576 bytes");
    EXPECT_EQ(file.rows[1], UserRow(2, 5, Int(2), kNull, kNull));
  }
}

TEST(JsonlRowReader, ReadsEveryTypeToItsEdges) {
  EXPECT_EQ(JsonlValue("flag", "true"), Value(true));
  EXPECT_EQ(JsonlValue("flag", "false"), Value(false));
  EXPECT_EQ(JsonlValue("small", "-2147483648"), Int(-2147483648));
  EXPECT_EQ(JsonlValue("big", "9223372036854775807"), Int(INT64_MAX));
  EXPECT_EQ(JsonlValue("big", "-9223372036854775808"), Int(INT64_MIN));
  EXPECT_EQ(JsonlValue("single", "0.1"), Value(static_cast<double>(0.1f)));
  EXPECT_EQ(JsonlValue("twice", "3"), Value(3.0));
  EXPECT_EQ(JsonlValue("twice", "-1.7976931348623157e308"), Value(-1.7976931348623157e308));
  EXPECT_EQ(JsonlValue("text", R"("a\"\\\nb\u00e4\ud83d\ude00")"),
            Text("a\"\\\nb\xC3\xA4\xF0\x9F\x98\x80"));
  EXPECT_EQ(JsonlValue("text", R"("\u0000")"), Text(std::string(1, '\0')));
  EXPECT_EQ(JsonlValue("moment", "\"1969-12-31T23:59:59.999Z\""), Int(-1));
  EXPECT_EQ(JsonlValue("moment", "-7"), Int(-7));
  EXPECT_EQ(JsonlValue("moment", "null"), kNull);
}

TEST(JsonlRowReader, BytesAreWrittenInBase64) {
  const ReadFile file = ReadRows(FileFormat::kJsonl, DevicesSource(),
                                 "{\"device_id\": \"3q2+7w==\", \"age\": 1, \"updated_at\": 5}\n"
                                 "{\"device_id\": \"3q2!\", \"age\": 2, \"updated_at\": 5}\n"
                                 "{\"device_id\": 7, \"age\": 2, \"updated_at\": 5}\n",
                                 kWhole);
  ASSERT_TRUE(file.status.ok()) << file.status.ToString();
  ASSERT_EQ(file.rows.size(), 3u);
  EXPECT_EQ(file.rows[0].values[0], Text("\xde\xad\xbe\xef"));
  EXPECT_EQ(file.rows[1].error, "device_id: \"3q2!\" is not bytes (written in base64)");
  EXPECT_EQ(file.rows[2].error, "device_id: 7 is not bytes (written in base64)");
}

TEST(JsonlRowReader, ReadsDecimalsByTheirDigits) {
  EXPECT_EQ(JsonlValue("price", "12.34"), Int(1234));
  EXPECT_EQ(JsonlValue("price", " -0.010 "), Int(-1));
  EXPECT_EQ(JsonlValue("price", "92233720368547758.07"), Int(INT64_MAX));
  EXPECT_EQ(JsonlValue("price", "90071992547409.93"), Int(9'007'199'254'740'993));
  EXPECT_EQ(JsonlValue("price", R"("12.3\u0034")"), Int(1234));
  EXPECT_EQ(JsonlValue("price", "null"), kNull);
  EXPECT_EQ(JsonlError("price", "12.345"), "price: 12.345 has more than 2 digits after the point");
  EXPECT_EQ(JsonlError("price", "1e17"), "price: 1e17 is beyond the range of decimal(2)");
  EXPECT_EQ(JsonlError("price", "1e400"), "price: 1e400 is beyond the range of decimal(2)");
  EXPECT_EQ(JsonlError("price", "\"abc\""), "price: \"abc\" is not decimal(2)");
  EXPECT_EQ(JsonlError("price", "true"), "price: true is not decimal(2)");
  EXPECT_THAT(JsonlError("price", "01"), HasSubstr("01 is not"));
}

TEST(JsonlRowReader, RefusesWhatIsNotOfTheType) {
  EXPECT_EQ(JsonlError("flag", "1"), "flag: 1 is not a bool (true or false)");
  EXPECT_EQ(JsonlError("flag", "tru"), "flag: tru is not a bool (true or false)");
  EXPECT_EQ(JsonlError("small", "2147483648"), "small: 2147483648 is beyond the range of an int32");
  EXPECT_EQ(JsonlError("small", "1.0"), "small: 1.0 is not an int32");
  EXPECT_EQ(JsonlError("small", "01"), "small: 01 is not an int32");
  EXPECT_EQ(JsonlError("small", "[1]"), "small: a list is not an int32");
  EXPECT_EQ(JsonlError("small", "{\"a\":1}"), "small: an object is not an int32");
  EXPECT_EQ(JsonlError("big", "9223372036854775808"),
            "big: 9223372036854775808 is beyond the range of an int64");
  EXPECT_EQ(JsonlError("big", "99999999999999999999999"),
            "big: 99999999999999999999999 is beyond the range of an int64");
  EXPECT_EQ(JsonlError("single", "3.5e38"), "single: 3.5e38 is beyond the range of a float");
  EXPECT_EQ(JsonlError("twice", "1e400"), "twice: 1e400 is beyond the range of a double");
  EXPECT_EQ(JsonlError("twice", "\"1\""), "twice: \"1\" is not a double");
  EXPECT_NE(JsonlError("twice", "nul"), "");
  EXPECT_EQ(JsonlError("text", "7"), "text: 7 is not a string");
  EXPECT_EQ(JsonlError("text", "\"" + std::string(limits::kStringValueBytesMax + 1, 'x') + "\""),
            "text: the string is longer than 65536 bytes");
  EXPECT_THAT(JsonlError("moment", "true"),
              HasSubstr("moment: true is not a timestamp (RFC 3339 text"));
  EXPECT_THAT(JsonlError("moment", "\"2026-13-01T00:00:00Z\""), HasSubstr("is not a timestamp"));
}

TEST(JsonlRowReader, ReadsTimesInTheUnitOfTheSource) {
  const auto row_of = [](TimestampUnit unit, const std::string& json) {
    return ReadJsonl("{\"updated_at\":" + json + "}", kWhole, unit).rows.at(0);
  };
  EXPECT_EQ(row_of(TimestampUnit::kSeconds, "1795514400").time_ms, 1'795'514'400'000);
  EXPECT_EQ(row_of(TimestampUnit::kMicroseconds, "-1").time_ms, -1);
  EXPECT_EQ(row_of(TimestampUnit::kRfc3339, "\"2026-11-24T10:00:00Z\"").time_ms, 1'795'514'400'000);
  EXPECT_THAT(row_of(TimestampUnit::kSeconds, "\"2026-11-24T10:00:00Z\"").error,
              HasSubstr("is not a timestamp (seconds since 1970)"));
  EXPECT_THAT(row_of(TimestampUnit::kSeconds, "1e400").error, HasSubstr("beyond the range"));
  EXPECT_EQ(row_of(TimestampUnit::kSeconds, "1795514400.1236").time_ms, 1'795'514'400'124);
}

TEST(JsonlRowReader, RefusesAFieldThatStandsTwice) {
  const ReadFile file = ReadJsonl(R"({"user_id":1,"age":1,"age":2,"updated_at":5})"
                                  "\n"
                                  R"({"user_id":1,"a\u0067e":null,"age":null,"updated_at":5})"
                                  "\n"
                                  R"({"user_id":1,"updated_at":5,"updated_at":5})"
                                  "\n"
                                  R"({"user_id":1,"other":1,"other":2,"updated_at":5})");
  ASSERT_THAT(file.rows, SizeIs(4));
  EXPECT_EQ(file.rows[0].error, "age: it stands twice");
  EXPECT_EQ(file.rows[1].error, "age: it stands twice");
  EXPECT_EQ(file.rows[2].error, "updated_at: it stands twice");
  EXPECT_EQ(file.rows[3], UserRow(4, 5, Int(1), kNull, kNull));
}

TEST(JsonlRowReader, RefusesMalformedValuesOfFieldsThatNobodyWants) {
  const auto error_of = [](const std::string& json) {
    return ReadJsonl("{\"user_id\":1,\"junk\":" + json + " ,\"updated_at\":5}").rows.at(0).error;
  };
  for (const char* json :
       {"true", "false", "null", "0", "-0.5e-7", "12E+3", "99999999999999999999999", "1e400",
        R"("a\\\u00e4\"\ud800")", "[]", "{}", R"([1,[true,"x"],{"a":{"a":null},"a":[]}])"}) {
    EXPECT_EQ(error_of(json), "") << json;
  }
  for (const char* json : {"tru",
                           "truex",
                           "nul",
                           "nulls",
                           "01",
                           "-",
                           "-01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "+1",
                           "1x",
                           "NaN",
                           "x",
                           R"("\x")",
                           R"("\u00g0")",
                           R"("\u00")",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[tru]",
                           "[01]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\" 1}",
                           "{1:2}",
                           "{\"a\":[nul]}",
                           "{\"\\x\":1}",
                           "[\"\\x\"]",
                           "1 2",
                           "\"a\"b",
                           "[1",
                           "{\"a\":1",
                           "]",
                           "}",
                           "[}",
                           "{]"}) {
    EXPECT_NE(error_of(json), "") << json;
  }
  EXPECT_EQ(error_of("tru"), "not a JSON object: junk: tru is not a JSON value");
  EXPECT_EQ(error_of("[{\"a\":01}]"), "not a JSON object: junk: 01 is not a JSON value");
}

TEST(JsonlRowReader, BoundsHowDeepAFieldThatNobodyWantsIsNested) {
  const auto error_of = [](size_t depth) {
    return ReadJsonl("{\"junk\":" + std::string(depth, '[') + std::string(depth, ']') +
                     ",\"updated_at\":5}")
        .rows.at(0)
        .error;
  };
  EXPECT_EQ(error_of(limits::kJsonDepthMax - 1), "");
  EXPECT_EQ(error_of(limits::kJsonDepthMax),
            "not a JSON object: junk: lists and objects are nested more than 64 deep");
  EXPECT_NE(error_of(500'000), "");
}

TEST(JsonlRowReader, ALineThatIsNotJsonDeletesNothing) {
  registry::Source source = UsersSource(TimestampUnit::kMilliseconds);
  const auto error_of = [&](const std::string& members) {
    std::string error;
    const auto keep = [&](const FileRow& row) {
      error = row.error.empty() && row.is_deletion ? "deletes" : std::string(row.error);
    };
    const Wanted wanted = {.optional_fields = {}, .delete_column = "gone", .key_fields = {0}};
    TextFile reader(FileFormat::kJsonl, source, *Targets::Create(source, {}, wanted));
    EXPECT_TRUE(
        reader.Feed("{\"user_id\":1,\"updated_at\":5," + members + ",\"gone\":true}", keep).ok());
    EXPECT_TRUE(reader.Finish(keep).ok());
    return error;
  };
  for (const char* members :
       {R"("age":"old")", R"("age":[1,{"a":2}])", R"("country":7)", R"("age":1e400)",
        R"("country":"\ud800")", R"("age":1,"age":2)", R"("age":"old","country":[])"}) {
    EXPECT_EQ(error_of(members), "deletes") << members;
  }
  EXPECT_EQ(error_of(R"("age":tru)"), "not a JSON object: age: tru is not a JSON value");
  EXPECT_EQ(error_of(R"("country":"\x")"),
            "not a JSON object: country: \"\\x\" is not a JSON value");
  EXPECT_EQ(error_of(R"("age":[01])"), "not a JSON object: age: 01 is not a JSON value");
  EXPECT_EQ(error_of(R"("age":1,"age":2x)"), "not a JSON object: age: 2x is not a JSON value");
  EXPECT_EQ(error_of(R"("user_id":1)"), "user_id: it stands twice");
}

TEST(JsonlRowReader, MatchesEscapedNames) {
  EXPECT_EQ(ReadJsonl("{\"user\\u005fid\":7,\"updated_at\":5}\n").rows.at(0),
            UserRow(1, 5, Int(7), kNull, kNull));
}

}  // namespace
}  // namespace freshet::load
