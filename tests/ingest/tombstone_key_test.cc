#include "ingest/tombstone_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "store/entity_key.h"

namespace freshet::ingest {
namespace {

using registry::JoinKey;
using ::testing::HasSubstr;

std::string KeyOf(const std::vector<JoinKey>& join_keys, const std::vector<Datum>& values) {
  std::string key;
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_TRUE(store::AppendEntityKey(join_keys[i].type, values[i], key).ok());
  return key;
}

class TombstoneKeyTest : public ::testing::Test {
 protected:
  void Use(std::vector<JoinKey> join_keys) {
    join_keys_ = std::move(join_keys);
    decoder_.emplace(join_keys_);
  }
  void ExpectKey(std::string_view text, const std::vector<Datum>& values) {
    std::string key;
    ASSERT_EQ(decoder_->Decode(text, &key, &detail_), Refusal::kNone) << text << ": " << detail_;
    EXPECT_EQ(key, KeyOf(join_keys_, values)) << text;
  }
  void ExpectRefusal(std::string_view text, Refusal refusal, const std::string& detail) {
    std::string key;
    EXPECT_EQ(decoder_->Decode(text, &key, &detail_), refusal) << text << ": " << detail_;
    EXPECT_THAT(detail_, HasSubstr(detail)) << text;
  }

  std::vector<JoinKey> join_keys_;
  std::optional<TombstoneKeyDecoder> decoder_;
  std::string detail_;
};

TEST_F(TombstoneKeyTest, OneNumber) {
  Use({{"user_id", Type::kInt64}});
  ExpectKey("7", {Datum::Int(7)});
  ExpectKey("-9223372036854775808", {Datum::Int(INT64_MIN)});
  ExpectKey(R"({"user_id": 7})", {Datum::Int(7)});
  ExpectKey(" 7 ", {Datum::Int(7)});
  ExpectRefusal("7.5", Refusal::kWrongType, "'user_id' is declared int64");
  ExpectRefusal("9223372036854775808", Refusal::kWrongType, "user_id");
  ExpectRefusal("\"7\"", Refusal::kWrongType, "a text");
  ExpectRefusal("seven", Refusal::kNotJson, "");
  ExpectRefusal("", Refusal::kNotJson, "no single value");
  ExpectRefusal("null", Refusal::kMissingField, "missing or null");
  ExpectRefusal("nobody", Refusal::kNotJson, "");
  ExpectRefusal("7, 8", Refusal::kNotJson, "no single value");
  ExpectRefusal("7] [8", Refusal::kNotJson, "no single value");
  ExpectRefusal("[7]", Refusal::kWrongType, "a list");
  ExpectRefusal(std::string_view("\0\0\0\0\0\0\0\7", 8), Refusal::kNotJson, "");
}

TEST_F(TombstoneKeyTest, OneNumberOf32BitsOrFlag) {
  Use({{"id", Type::kInt32}});
  ExpectKey("-3", {Datum::Int(-3)});
  ExpectRefusal("3000000000", Refusal::kWrongType, "int32");
  Use({{"flag", Type::kBool}});
  ExpectKey("true", {Datum::Bool(true)});
  ExpectRefusal("1", Refusal::kWrongType, "bool");
}

TEST_F(TombstoneKeyTest, BytesInBase64) {
  Use({{"device_id", Type::kBytes}});
  for (const char* text : {"3q2+7w==", "3q2-7w", "\"3q2+7w==\"", R"({"device_id": "3q2+7w=="})"})
    ExpectKey(text, {Datum::String("\xde\xad\xbe\xef")});
  ExpectRefusal("3q2!", Refusal::kNotJson, "is no base64");
  ExpectRefusal("\"3q2!\"", Refusal::kWrongType, "text that is no base64");
  Use({{"device_id", Type::kBytes}, {"port", Type::kBytes}});
  ExpectKey(R"({"port": "AA==", "device_id": "/w=="})",
            {Datum::String("\xff"), Datum::String(std::string_view("\0", 1))});
}

TEST_F(TombstoneKeyTest, OneText) {
  Use({{"name", Type::kString}});
  ExpectKey("alice", {Datum::String("alice")});
  ExpectKey("\"al\\u0069ce\"", {Datum::String("alice")});
  ExpectKey(R"({"name": "alice"})", {Datum::String("alice")});
  ExpectKey("7", {Datum::String("7")});
  ExpectKey("", {Datum::String("")});
  ExpectKey("[x", {Datum::String("[x")});
  ExpectRefusal("\"alice", Refusal::kNotJson, "");
  ExpectRefusal("\"alice\", \"bob\"", Refusal::kNotJson, "no single value");
  ExpectRefusal("{alice", Refusal::kNotJson, "");
  ExpectKey("\n {\"name\": \"alice\"}", {Datum::String("alice")});
  ExpectRefusal(R"({"name": "alice", "name": "bob"})", Refusal::kNotJson, "twice");
  ExpectRefusal(R"({"name": null, "name": "bob"})", Refusal::kNotJson, "twice");
  ExpectRefusal("\xff", Refusal::kNotJson, "UTF-8");
  ExpectRefusal(std::string(limits::kStringValueBytesMax + 1, 'x'), Refusal::kTooLarge, "too long");
  ExpectRefusal(std::string(6 * limits::kEntityKeyBytesMax + 1, 'x'), Refusal::kTooLarge, "bytes");
}

TEST_F(TombstoneKeyTest, SeveralJoinKeysAreAnObjectOfThemAndNothingElse) {
  Use({{"shop", Type::kString}, {"user_id", Type::kInt64}});
  ExpectKey(R"({"user_id": 7, "shop": "a"})", {Datum::String("a"), Datum::Int(7)});
  ExpectRefusal("7", Refusal::kNotJson, "several join keys");
  ExpectRefusal(R"({"user_id": 7})", Refusal::kMissingField, "'shop' is missing");
  ExpectRefusal(R"({"user_id": 7, "shop": null})", Refusal::kMissingField,
                "'shop' is missing or null");
  ExpectRefusal(R"({"user_id": 7, "shop": "a", "order_id": 1})", Refusal::kNotJson,
                "'order_id', which is no join key");
  ExpectRefusal(R"({"user_id": 7, "shop": "a"} {})", Refusal::kNotJson, "after the end");
  ExpectRefusal(R"({"schema": {}, "payload": {"user_id": 7, "shop": "a"}})", Refusal::kNotJson,
                "'schema'");
  ExpectKey(R"({"user_id": 8, "shop": "b"})", {Datum::String("b"), Datum::Int(8)});
}

}  // namespace
}  // namespace freshet::ingest
