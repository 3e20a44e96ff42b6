#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "ingest/decoder.h"

namespace freshet::ingest {
namespace {

using registry::TimestampUnit;
using ::testing::HasSubstr;

registry::Source Clicks(TimestampUnit unit = TimestampUnit::kMilliseconds) {
  registry::Source source;
  source.name = "clicks";
  source.timestamp = {"at", unit};
  source.fields = {{"user_id", Type::kInt64},  {"small", Type::kInt32},
                   {"amount", Type::kDouble},  {"ratio", Type::kFloat},
                   {"kind", Type::kString},    {"ok", Type::kBool},
                   {"seen", Type::kTimestamp}, {"price", Type::Decimal(2)}};
  return source;
}

class JsonDecoderTest : public ::testing::Test {
 protected:
  Refusal Decode(std::string_view payload) { return decoder_->Decode(payload, &event_, &detail_); }
  Refusal DecodeField(std::string_view name, std::string_view json) {
    return Decode(fmt::format(R"({{"at": 5, "{}": {}}})", name, json));
  }
  Datum Value(size_t field) const { return event_.values[field]; }
  void Use(registry::Source source) {
    source_ = std::move(source);
    decoder_ = NewJsonDecoder(source_);
  }

  registry::Source source_ = Clicks();
  std::unique_ptr<Decoder> decoder_ = NewJsonDecoder(source_);
  DecodedEvent event_;
  std::string detail_;
};

TEST_F(JsonDecoderTest, FillsEveryFieldInAnyOrder) {
  const char* const payloads[] = {
      R"({"at":1700000000000,"user_id":7,"small":-3,"amount":2.5,"ratio":0.5,"kind":"buy","ok":true,"seen":9})",
      R"({"seen":9,"ok":true,"kind":"buy","ratio":0.5,"amount":2.5,"small":-3,"user_id":7,"at":1700000000000})",
      " { \"kind\" : \"b\\u0075y\", \"other\": {\"at\": [1, {}]}, \"at\": 1700000000000, "
      "\"us\\u0065r_id\": 7,"
      "\"small\": -3, \"list\": [\"user_id\", 8], \"amount\": 25e-1, \"ratio\": 0.5, \"ok\": true, "
      "\"seen\": 9 } \n"};
  for (int round = 0; round < 2; ++round) {
    for (const char* payload : payloads) {
      ASSERT_EQ(Decode(payload), Refusal::kNone) << payload << ": " << detail_;
      EXPECT_EQ(event_.time_ms, 1'700'000'000'000);
      EXPECT_EQ(Value(0), Datum::Int(7));
      EXPECT_EQ(Value(1), Datum::Int(-3));
      EXPECT_EQ(Value(2), Datum::Double(2.5));
      EXPECT_EQ(Value(3), Datum::Double(0.5));
      ASSERT_EQ(Value(4).kind(), Datum::Kind::kString);
      EXPECT_EQ(Value(4).as_string(), "buy");
      EXPECT_EQ(Value(5), Datum::Bool(true));
      EXPECT_EQ(Value(6), Datum::Int(9));
    }
  }
}

TEST_F(JsonDecoderTest, WhatIsAbsentOrNullIsNull) {
  ASSERT_EQ(Decode(R"({"at":1,"user_id":7,"kind":"x"})"), Refusal::kNone);
  ASSERT_EQ(Decode(R"({"at":1,"kind":null})"), Refusal::kNone);
  for (size_t i = 0; i < source_.fields.size(); ++i) EXPECT_TRUE(Value(i).is_null()) << i;
}

TEST_F(JsonDecoderTest, OfADoubledFieldTheLastCounts) {
  ASSERT_EQ(Decode(R"({"user_id":1,"at":1,"user_id":2,"at":3})"), Refusal::kNone);
  EXPECT_EQ(Value(0), Datum::Int(2));
  EXPECT_EQ(event_.time_ms, 3);
  ASSERT_EQ(Decode(R"({"user_id":1,"at":1,"user_id":null})"), Refusal::kNone);
  EXPECT_TRUE(Value(0).is_null());
}

struct FieldCase {
  const char* name;
  const char* json;
  Refusal refusal;
};

TEST_F(JsonDecoderTest, TypesAreKept) {
  const FieldCase cases[] = {
      {"user_id", "9223372036854775807", Refusal::kNone},
      {"user_id", "-9223372036854775808", Refusal::kNone},
      {"user_id", "9223372036854775808", Refusal::kWrongType},
      {"user_id", "1.0", Refusal::kWrongType},
      {"user_id", "1e3", Refusal::kWrongType},
      {"user_id", "\"1\"", Refusal::kWrongType},
      {"user_id", "true", Refusal::kWrongType},
      {"user_id", "[1]", Refusal::kWrongType},
      {"user_id", "{}", Refusal::kWrongType},
      {"small", "2147483647", Refusal::kNone},
      {"small", "-2147483648", Refusal::kNone},
      {"small", "2147483648", Refusal::kWrongType},
      {"amount", "3", Refusal::kNone},
      {"amount", "18446744073709551616", Refusal::kNone},
      {"amount", "1e400", Refusal::kWrongType},
      {"amount", "\"3\"", Refusal::kWrongType},
      {"ratio", "3.4e38", Refusal::kNone},
      {"ratio", "1e39", Refusal::kWrongType},
      {"kind", "\"\"", Refusal::kNone},
      {"kind", "3", Refusal::kWrongType},
      {"ok", "false", Refusal::kNone},
      {"ok", "0", Refusal::kWrongType},
      {"seen", "\"2026-11-24T10:00:00Z\"", Refusal::kNone},
      {"seen", "\"yesterday\"", Refusal::kWrongType},
      {"seen", "true", Refusal::kWrongType},
      {"seen", "9223372036854775807", Refusal::kTimeOutOfRange},
      {"unknown", "[{\"deep\": [1, 2, {}]}]", Refusal::kNone},
  };
  for (const FieldCase& test : cases) {
    EXPECT_EQ(DecodeField(test.name, test.json), test.refusal)
        << test.name << " = " << test.json << ": " << detail_;
    if (test.refusal != Refusal::kNone) {
      EXPECT_THAT(detail_, HasSubstr(test.name)) << test.json;
    }
  }
}

TEST_F(JsonDecoderTest, IntegersAreExactAndFloatsAreRounded) {
  ASSERT_EQ(DecodeField("user_id", "9007199254740993"), Refusal::kNone);
  EXPECT_EQ(Value(0), Datum::Int(9007199254740993));
  ASSERT_EQ(DecodeField("ratio", "0.1"), Refusal::kNone);
  EXPECT_EQ(Value(3), Datum::Double(static_cast<double>(0.1f)));
}

TEST_F(JsonDecoderTest, BytesAreWrittenInBase64) {
  using namespace std::string_literals;
  registry::Source source = Clicks();
  source.fields.push_back({"device", Type::kBytes});
  source.fields.push_back({"token", Type::kBytes});
  Use(source);
  ASSERT_EQ(Decode(R"({"at": 5, "device": "3q2+7w==", "kind": "x", "token": "\u0041P_-"})"),
            Refusal::kNone)
      << detail_;
  EXPECT_EQ(Value(8), Datum::String("\xde\xad\xbe\xef"));
  EXPECT_EQ(Value(9), Datum::String("\x00\xff\xfe"s));
  ASSERT_EQ(Decode(R"({"at": 5, "device": "", "token": null})"), Refusal::kNone) << detail_;
  EXPECT_EQ(Value(8), Datum::String(""));
  EXPECT_TRUE(Value(9).is_null());
  EXPECT_EQ(DecodeField("device", R"("3q0")"), Refusal::kNone);
  EXPECT_EQ(DecodeField("device", R"("3q2!")"), Refusal::kWrongType);
  EXPECT_EQ(detail_, "field 'device' is declared bytes and cannot be text that is no base64");
  EXPECT_EQ(DecodeField("device", "7"), Refusal::kWrongType);
  EXPECT_EQ(detail_, "field 'device' is declared bytes and cannot be a number");
  const std::string largest(limits::kStringValueBytesMax / 3 * 4 + 2, 'A');
  EXPECT_EQ(DecodeField("device", "\"" + largest + "\""), Refusal::kNone);
  EXPECT_EQ(DecodeField("device", "\"" + largest + "AA\""), Refusal::kTooLarge);
}

TEST_F(JsonDecoderTest, DecimalsAreReadByTheirDigits) {
  const std::pair<const char*, int64_t> good[] = {
      {"12.34", 1234},
      {"-0.01", -1},
      {"12", 1200},
      {"12.340000000000000000000000", 1234},
      {"1.5e1", 1500},
      {"92233720368547758.07", INT64_MAX},
      {"-92233720368547758.08", INT64_MIN},
      {"90071992547409.93", 9'007'199'254'740'993},
      {"\"12.34\"", 1234},
      {"\"1\\u0032\"", 1200},
      {" 12.34 ", 1234},
  };
  for (const auto& [json, unscaled] : good) {
    ASSERT_EQ(DecodeField("price", json), Refusal::kNone) << json << ": " << detail_;
    EXPECT_EQ(Value(7), Datum::Int(unscaled)) << json;
  }
  ASSERT_EQ(DecodeField("price", "null"), Refusal::kNone);
  EXPECT_TRUE(Value(7).is_null());
  const std::pair<const char*, const char*> bad[] = {
      {"12.345",
       "field 'price' is declared decimal(2) and cannot be 12.345: more than 2 digits "
       "after the point"},
      {"\"0.001\"", "cannot be 0.001: more than 2 digits after the point"},
      {"92233720368547758.08", "cannot be 92233720368547758.08: beyond the range of decimal(2)"},
      {"1e400", "beyond the range of decimal(2)"},
      {"\"abc\"", "cannot be abc: not a number"},
      {"\"\"", "not a number"},
      {"true", "cannot be true or false"},
      {"[1]", "cannot be a list"},
  };
  for (const auto& [json, detail] : bad) {
    EXPECT_EQ(DecodeField("price", json), Refusal::kWrongType) << json;
    EXPECT_THAT(detail_, HasSubstr(detail));
  }
  for (const char* json : {"01", "1.", "1.2.3", "1e", "-", "12x"})
    EXPECT_EQ(DecodeField("price", json), Refusal::kNotJson) << json;
}

TEST_F(JsonDecoderTest, WhatIsNotAnObjectIsNotJson) {
  const std::string payloads[] = {"",
                                  " ",
                                  R"({"at":nul})",
                                  R"({"at":1,"kind":nuAAl})",
                                  "null",
                                  "7",
                                  "\"at\"",
                                  "[{\"at\": 1}]",
                                  "{\"at\": 1",
                                  "{\"at\": 1}}",
                                  "{\"at\": 1} {\"at\": 2}",
                                  "{\"at\" 1}",
                                  "{\"at\": 1 \"user_id\": 2}",
                                  "{at: 1}",
                                  "{'at': 1}",
                                  "{\"at\": 1, \"kind\": \"\xff\"}",
                                  "{\"at\": 1, \"kind\": \"\\ud800\"}",
                                  "{\"at\": 1, \"kind\": \"open}",
                                  std::string("\0\0\0", 3)};
  for (const std::string& payload : payloads) {
    EXPECT_EQ(Decode(payload), Refusal::kNotJson) << payload;
    EXPECT_FALSE(detail_.empty()) << payload;
  }
  EXPECT_EQ(Decode("{\"at\": 1}"), Refusal::kNone);
}

TEST_F(JsonDecoderTest, TheTimestampMustBeThere) {
  EXPECT_EQ(Decode(R"({"user_id": 1})"), Refusal::kMissingField);
  EXPECT_THAT(detail_, HasSubstr("'at'"));
  EXPECT_EQ(Decode(R"({"at": null})"), Refusal::kMissingField);
  EXPECT_EQ(Decode(R"({})"), Refusal::kMissingField);
}

struct TimeCase {
  TimestampUnit unit;
  const char* json;
  Refusal refusal;
  int64_t time_ms;
};

TEST_F(JsonDecoderTest, TimestampsCountInTheirUnit) {
  const TimeCase cases[] = {
      {TimestampUnit::kMilliseconds, "1700000000123", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kMilliseconds, "1700000000122.6", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kMilliseconds, "-5", Refusal::kNone, -5},
      {TimestampUnit::kSeconds, "1700000000", Refusal::kNone, 1'700'000'000'000},
      {TimestampUnit::kSeconds, "1700000000.123", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kSeconds, "1.7e9", Refusal::kNone, 1'700'000'000'000},
      {TimestampUnit::kSeconds, "9223372036854775807", Refusal::kTimeOutOfRange, 0},
      {TimestampUnit::kMicroseconds, "1700000000123999", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kMicroseconds, "-1", Refusal::kNone, -1},
      {TimestampUnit::kNanoseconds, "1700000000123999999", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kNanoseconds, "18446744073709551615", Refusal::kNone, 18'446'744'073'710},
      {TimestampUnit::kRfc3339, "\"2023-11-14T22:13:20.123Z\"", Refusal::kNone, 1'700'000'000'123},
      {TimestampUnit::kRfc3339, "\"2023-11-15T03:43:20+05:30\"", Refusal::kNone, 1'700'000'000'000},
      {TimestampUnit::kRfc3339, "1700000000123", Refusal::kWrongType, 0},
      {TimestampUnit::kRfc3339, "\"14.11.2023\"", Refusal::kWrongType, 0},
      {TimestampUnit::kMilliseconds, "\"1700000000123\"", Refusal::kWrongType, 0},
      {TimestampUnit::kMilliseconds, "true", Refusal::kWrongType, 0},
      {TimestampUnit::kMilliseconds, "253402300799999", Refusal::kNone, limits::kEventTimeMsMax},
      {TimestampUnit::kMilliseconds, "253402300800000", Refusal::kTimeOutOfRange, 0},
      {TimestampUnit::kMilliseconds, "-62135596800001", Refusal::kTimeOutOfRange, 0},
      {TimestampUnit::kMilliseconds, "1e300", Refusal::kTimeOutOfRange, 0},
  };
  for (const TimeCase& test : cases) {
    Use(Clicks(test.unit));
    EXPECT_EQ(Decode(fmt::format("{{\"at\": {}}}", test.json)), test.refusal)
        << test.json << ": " << detail_;
    if (test.refusal == Refusal::kNone) {
      EXPECT_EQ(event_.time_ms, test.time_ms) << test.json;
    }
  }
}

TEST_F(JsonDecoderTest, ATimestampMayAlsoBeAField) {
  registry::Source source = Clicks(TimestampUnit::kSeconds);
  source.fields = {{"at", Type::kInt64}};
  Use(source);
  ASSERT_EQ(Decode(R"({"at": 12})"), Refusal::kNone);
  EXPECT_EQ(event_.time_ms, 12'000);
  EXPECT_EQ(Value(0), Datum::Int(12));
  source.fields = {{"at", Type::kTimestamp}};
  source.timestamp.unit = TimestampUnit::kRfc3339;
  Use(source);
  ASSERT_EQ(Decode(R"({"at": "1970-01-01T00:00:01Z"})"), Refusal::kNone) << detail_;
  EXPECT_EQ(event_.time_ms, 1'000);
  EXPECT_EQ(Value(0), Datum::Int(1'000));
}

TEST_F(JsonDecoderTest, SizesAreBounded) {
  const auto text = [](size_t size) {
    return fmt::format("{{\"at\":1,\"kind\":\"{}\"}}", std::string(size, 'x'));
  };
  ASSERT_EQ(Decode(text(limits::kStringValueBytesMax)), Refusal::kNone);
  EXPECT_EQ(Value(4).as_string().size(), limits::kStringValueBytesMax);
  EXPECT_EQ(Decode(text(limits::kStringValueBytesMax + 1)), Refusal::kTooLarge);
  const auto padded = [](size_t size) {
    std::string event = "{\"at\":1}";
    event.resize(size, ' ');
    return event;
  };
  EXPECT_EQ(Decode(padded(limits::kEventBytesMax)), Refusal::kNone) << detail_;
  EXPECT_EQ(Decode(padded(limits::kEventBytesMax + 1)), Refusal::kTooLarge);
}

TEST_F(JsonDecoderTest, EventsOfChangingShapeAreReadAlike) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  const char* const parts[] = {"\"user_id\":7",      "\"user\":1", "\"user_id2\":\"a\"",
                               "\"kind\":\"k\"",     "\"\":0",     "\"k\\\"\":1",
                               "\"us\\u0065r_id\":7"};
  for (int round = 0; round < 5'000; ++round) {
    std::string payload = "{\"at\":1";
    bool has_user = false;
    bool has_kind = false;
    for (size_t i = random() % 6; i > 0; --i) {
      const size_t part = random() % std::size(parts);
      has_user = has_user || part == 0 || part == 6;
      has_kind = has_kind || part == 3;
      payload += std::string(",") + parts[part];
    }
    payload += "}";
    ASSERT_EQ(Decode(payload), Refusal::kNone) << "seed " << seed << ": " << payload << detail_;
    ASSERT_EQ(Value(0), has_user ? Datum::Int(7) : Datum::Null()) << "seed " << seed << payload;
    ASSERT_EQ(Value(4).is_null(), !has_kind) << "seed " << seed << payload;
  }
}

TEST(RefusalTest, EveryReasonHasAName) {
  for (size_t i = 0; i < kRefusalCount; ++i) {
    EXPECT_FALSE(RefusalName(static_cast<Refusal>(i)).empty());
  }
}

}  // namespace
}  // namespace freshet::ingest
