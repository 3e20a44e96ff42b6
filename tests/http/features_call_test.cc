#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/http_fixture.h"

namespace freshet::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class FeaturesCall : public testing::HttpTest {
 protected:
  void SetUp() override {
    HttpTest::SetUp();
    engine_.describe = [](std::string_view service, const std::vector<std::string>&) {
      if (service != "ranking")
        return Result<ServiceDescription>(Status::NotFound("there is no feature service 'x'"));
      return Result<ServiceDescription>(ServiceDescription{
          "ranking",
          {{"user_id", Type::kInt64}, {"city", Type::kString}, {"device", Type::kBytes}},
          {{"flag", Type::kBool},
           {"small", Type::kInt32},
           {"share", Type::kFloat},
           {"value", Type::kDouble},
           {"at", Type::kTimestamp},
           {"price", Type::Decimal(2)}},
          {}});
    };
    engine_.get_features = [this](const FeatureRequest& request, FeatureResponse*) {
      asked_ = request;
      return Status::Ok();
    };
  }

  const Column& Entity(size_t i) const { return asked_.entities.at(i).values; }

  FeatureRequest asked_;
};

TEST_F(FeaturesCall, ReadsEveryFieldOfTheRequest) {
  const auto answer = PostFeatures(R"({"feature_service": "ranking",
      "entities": {"user_id": [42, -9007199254740993, "9007199254740993"], "city": ["", "Z\u00fcrich", "x"]},
      "inputs": {"flag": [true, false, true], "small": [1, 2, 3], "share": [0.5, "NaN", 1],
                 "value": [1e308, "Infinity", "-Infinity"], "at": [0, "1970-01-01T00:00:01Z", -5]},
      "include_event_times": true, "include_as_of": true, "read_time_ms": 1000,
      "max_staleness_ms": 2000, "stale_action": "NULL", "timeout_ms": 50, "include_phases": true,
      "read_after": [{"source": "clicks", "offset": 7}, {"source": "views", "partition": 3, "offset": 9}]})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(asked_.feature_service, "ranking");
  EXPECT_TRUE(asked_.features.empty());
  ASSERT_EQ(asked_.entities.size(), 2u);
  EXPECT_EQ(asked_.entities[0].name, "city");
  EXPECT_THAT(Entity(0).texts, ElementsAre("", "Z\u00fcrich", "x"));
  EXPECT_EQ(asked_.entities[1].name, "user_id");
  EXPECT_THAT(Entity(1).integers, ElementsAre(42, -9'007'199'254'740'993, 9'007'199'254'740'993));
  ASSERT_EQ(asked_.inputs.size(), 5u);
  EXPECT_THAT(asked_.inputs[0].values.integers, ElementsAre(0, 1'000, -5));
  EXPECT_EQ(asked_.inputs[0].values.type, Type::kTimestamp);
  EXPECT_THAT(asked_.inputs[1].values.integers, ElementsAre(1, 0, 1));
  EXPECT_EQ(asked_.inputs[1].values.type, Type::kBool);
  EXPECT_TRUE(std::isnan(asked_.inputs[2].values.numbers.at(1)));
  EXPECT_EQ(asked_.inputs[2].values.numbers.at(2), 1.0);
  EXPECT_THAT(asked_.inputs[3].values.integers, ElementsAre(1, 2, 3));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(asked_.inputs[4].values.numbers, ElementsAre(1e308, infinity, -infinity));
  EXPECT_TRUE(asked_.include_event_times);
  EXPECT_TRUE(asked_.include_as_of);
  EXPECT_EQ(asked_.read_time_ms, 1'000);
  EXPECT_EQ(asked_.max_staleness_ms, 2'000);
  EXPECT_EQ(asked_.stale_action, StaleAction::kNull);
  EXPECT_EQ(asked_.timeout_us, 50'000);
  EXPECT_TRUE(asked_.include_phases);
  ASSERT_EQ(asked_.read_after.size(), 2u);
  EXPECT_EQ(asked_.read_after[0].source, "clicks");
  EXPECT_EQ(asked_.read_after[0].partition, 0);
  EXPECT_EQ(asked_.read_after[0].offset, 7);
  EXPECT_EQ(asked_.read_after[1].partition, 3);
}

TEST_F(FeaturesCall, AValueWithoutAnArrayIsOneRow) {
  const auto answer =
      PostFeatures(R"({"feature_service": "ranking", "entities": {"user_id": 42, "city": "x"}})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_THAT(Entity(1).integers, ElementsAre(42));
  EXPECT_THAT(Entity(0).texts, ElementsAre("x"));
}

TEST_F(FeaturesCall, BytesAreWrittenInBase64) {
  auto answer = PostFeatures(
      R"({"feature_service": "ranking", "entities": {"device": ["3q2+7w==", "3q2-7w", ""]}})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(Entity(0).type, Type::kBytes);
  EXPECT_THAT(Entity(0).texts, ElementsAre("\xde\xad\xbe\xef", "\xde\xad\xbe\xef", ""));
  answer = PostFeatures(R"({"feature_service": "ranking", "entities": {"device": ["", "3q2!"]}})");
  const Json problem = testing::ProblemOf(answer);
  EXPECT_EQ(problem.value("detail", ""),
            "entities: 'device' row 1 is \"3q2!\"; bytes is text in base64");
  EXPECT_EQ(problem.value("pointer", ""), "#/entities/device/1");
}

TEST_F(FeaturesCall, DecimalsAreTextOrWholeNumbers) {
  engine_.get_features = [this](const FeatureRequest& request, FeatureResponse* response) {
    asked_ = request;
    response->row_count = 2;
    response->features = {
        {.name = "a.price", .values = {.type = Type::Decimal(2), .integers = {-5, INT64_MAX}}},
        {.name = "a.prices",
         .values = {
             .type = Type::Decimal(2), .is_list = true, .lengths = {2, 0}, .integers = {1, 250}}}};
    return Status::Ok();
  };
  const auto answer = PostFeatures(
      R"({"feature_service": "ranking", "inputs": {"price": ["12.34", 12, "-1e1", "92233720368547758.07"]}})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(asked_.inputs.at(0).values.type, Type::Decimal(2));
  EXPECT_THAT(asked_.inputs[0].values.integers, ElementsAre(1234, 1200, -1000, INT64_MAX));
  const Json features = Json::parse(answer->body).at("features");
  EXPECT_EQ(features.at(0).at("type"), "decimal(2)");
  EXPECT_EQ(features.at(0).at("values"), Json::parse(R"(["-0.05", "92233720368547758.07"])"));
  EXPECT_EQ(features.at(1).at("values"), Json::parse(R"([["0.01", "2.50"], []])"));
}

TEST_F(FeaturesCall, WritesEveryTypeAndStatus) {
  engine_.get_features = [](const FeatureRequest&, FeatureResponse* response) {
    response->read_time_ms = 5;
    response->row_count = 3;
    FeatureColumn flags{.name = "a.flag", .values = {.type = Type::kBool, .integers = {1, 0, 1}}};
    FeatureColumn counts{
        .name = "a.count",
        .values = {.type = Type::kInt64, .integers = {INT64_MAX, INT64_MIN, 0}},
        .statuses = {FeatureStatus::kPresent, FeatureStatus::kSourceStale, FeatureStatus::kFailed},
        .failures = {{2, "no \"value\""}}};
    FeatureColumn floats{.name = "a.float", .values = {.type = Type::kFloat}};
    floats.values.numbers = {0.1f, std::numeric_limits<float>::max(), -0.0};
    FeatureColumn doubles{.name = "a.double", .values = {.type = Type::kDouble}};
    doubles.values.numbers = {std::nan(""), std::numeric_limits<double>::infinity(), 0.1};
    FeatureColumn texts{.name = "a.text", .values = {.type = Type::kString}};
    texts.values.texts = {"\"\\\n", "Z\u00fcrich", "\xff"};
    response->features = {flags, counts, floats, doubles, texts};
    for (FeatureColumn& column : response->features)
      column.event_times_ms = {7, kNoEventTimeMs, -1};
    response->as_of = {{"clicks", 9}, {"views", kNoEventTimeMs}};
    response->phases = PhaseTimes{1, 2, 3, 4};
    return Status::Ok();
  };
  const auto answer = PostFeatures(R"({"feature_service": "ranking", "include_as_of": true})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(
      answer->body,
      R"({"read_time_ms":5,"row_count":3,"features":[)"
      R"({"name":"a.flag","type":"bool","values":[true,false,true],"statuses":["PRESENT","PRESENT","PRESENT"],"event_times_ms":[7,null,-1]},)"
      R"({"name":"a.count","type":"int64","values":[9223372036854775807,-9223372036854775808,0],)"
      R"("statuses":["PRESENT","SOURCE_STALE","FAILED"],"event_times_ms":[7,null,-1],)"
      R"("failures":[{"row":2,"reason":"no \"value\""}]},)"
      R"({"name":"a.float","type":"float","values":[0.1,3.4028235e+38,-0],"statuses":["PRESENT","PRESENT","PRESENT"],"event_times_ms":[7,null,-1]},)"
      R"({"name":"a.double","type":"double","values":["NaN","Infinity",0.1],"statuses":["PRESENT","PRESENT","PRESENT"],"event_times_ms":[7,null,-1]},)"
      "{\"name\":\"a.text\",\"type\":\"string\",\"values\":[\"\\\"\\\\\\n\",\"Z\u00fcrich\","
      "\"\uFFFD\"],"
      R"("statuses":["PRESENT","PRESENT","PRESENT"],"event_times_ms":[7,null,-1]}],"as_of_ms":{"clicks":9,"views":null},)"
      R"("phases":{"prepare_ns":1,"wait_ns":2,"lookup_ns":3,"derive_ns":4}})"
      "\n");
}

TEST_F(FeaturesCall, WritesListsAsArrays) {
  engine_.get_features = [](const FeatureRequest&, FeatureResponse* response) {
    response->row_count = 3;
    response->features = {{.name = "a.items",
                           .values = {.type = Type::kString,
                                      .is_list = true,
                                      .lengths = {2, 0, 1},
                                      .texts = {"x", "", "y"}}}};
    return Status::Ok();
  };
  const auto answer = PostFeatures(
      R"({"feature_service": "ranking", "entities": {"user_id": [1, 2, 3], "city": ["", "", ""]}})");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  const Json column = Json::parse(answer->body).at("features").at(0);
  EXPECT_EQ(column.at("values"), Json::parse(R"([["x", ""], [], ["y"]])"));
  EXPECT_EQ(column.at("is_list"), true);
  EXPECT_EQ(column.at("type"), "string");
}

TEST_F(FeaturesCall, WhatIsWrongInTheBodyIsPointedTo) {
  struct Case {
    const char* body;
    const char* pointer;
    const char* detail;
  };
  const std::vector<Case> cases = {
      {"", "", "the body is not JSON: parse error at line 1, column 1"},
      {"{\"a\":\n  nul}", "", "line 2"},
      {"{\"feature_service\": \"\xff\"}", "", "the body is not JSON"},
      {"{\"feature_service\": 1e999}", "", "a number that no double holds"},
      {"[1]", "#", "the body is an array; it must be an object"},
      {R"({"features": [], "features": []})", "", "the key 'features' twice"},
      {"[[[[[", "", "5 deep; no field is more than 4 deep"},
      {R"({"feature_servce": "ranking"})", "#/feature_servce", "did you mean 'feature_service'?"},
      {R"({"a/b~c": 1})", "#/a~1b~0c", "no such field"},
      {R"({"feature_service": 7})", "#/feature_service", "7 is no name of a service"},
      {R"({"feature_service": "x"})", "#/feature_service", "there is no feature service 'x'"},
      {R"({"features": "a.b"})", "#/features", "\"a.b\" is no array"},
      {R"({"features": ["a.b", 1]})", "#/features/1", "1 is no \"view.feature\""},
      {R"({"features": ["a.b"]})", "#/features", "there is no feature service 'x'"},
      {R"({"feature_service": "ranking", "include_as_of": 1})", "#/include_as_of", "1 is neither"},
      {R"({"feature_service": "ranking", "read_time_ms": 1.5})", "#/read_time_ms", "1.5 is no"},
      {R"({"feature_service": "ranking", "max_staleness_ms": null})", "#/max_staleness_ms",
       "null is no whole number"},
      {R"({"feature_service": "ranking", "timeout_ms": 0})", "#/timeout_ms", "0 is not within 1"},
      {R"({"feature_service": "ranking", "stale_action": "SERV"})", "#/stale_action",
       "\"SERV\" is none of \"USE_DEFAULT\""},
      {R"({"feature_service": "ranking", "stale_action": 1})", "#/stale_action", "1 is none of"},
      {R"({"feature_service": "ranking", "read_after": {}})", "#/read_after", "is no array"},
      {R"({"feature_service": "ranking", "read_after": [1]})", "#/read_after/0", "is no object"},
      {R"({"feature_service": "ranking", "read_after": [{"source": "a"}]})", "#/read_after/0",
       "needs \"source\" and \"offset\""},
      {R"({"feature_service": "ranking", "read_after": [{"source": "a", "offset": 1, "partition": 4294967296}]})",
       "#/read_after/0/partition", "'partition' is 4294967296"},
      {R"({"feature_service": "ranking", "read_after": [{"source": "a", "ofset": 1}]})",
       "#/read_after/0/ofset", "'ofset' is 1"},
      {R"({"feature_service": "ranking", "entities": [42]})", "#/entities", "is no object"},
      {R"({"feature_service": "ranking", "entities": {"user_id": {}}})", "#/entities/user_id",
       "'user_id' is an object; it must be an array of int64"},
      {R"({"feature_service": "ranking", "entities": {"user_id": null}})", "#/entities/user_id",
       "'user_id' is null; int64 is a whole number"},
      {R"({"feature_service": "ranking", "entities": {"user_id": [1, 2.0]}})",
       "#/entities/user_id/1", "'user_id' row 1 is 2.0; int64 is a whole number"},
      {R"({"feature_service": "ranking", "entities": {"user_id": [9223372036854775808]}})",
       "#/entities/user_id/0", "9223372036854775808"},
      {R"({"feature_service": "ranking", "entities": {"user_id": ["12a"]}})",
       "#/entities/user_id/0", "\"12a\""},
      {R"({"feature_service": "ranking", "entities": {"city": ["a", 1]}})", "#/entities/city/1",
       "row 1 is 1; string is text"},
      {R"({"feature_service": "ranking", "inputs": {"flag": ["true"]}})", "#/inputs/flag/0",
       "bool is true or false"},
      {R"({"feature_service": "ranking", "inputs": {"value": ["nan"]}})", "#/inputs/value/0",
       "double is a number"},
      {R"({"feature_service": "ranking", "inputs": {"price": ["1", 12.34]}})", "#/inputs/price/1",
       "'price' row 1 is 12.34; decimal(2) is text such as \"12.34\", or a whole number"},
      {R"({"feature_service": "ranking", "inputs": {"price": ["12.345"]}})", "#/inputs/price/0",
       "row 0 is \"12.345\"; decimal(2) is text"},
      {R"({"feature_service": "ranking", "inputs": {"price": 92233720368547759}})",
       "#/inputs/price", "'price' is 92233720368547759; decimal(2) is text"},
      {R"({"feature_service": "ranking", "inputs": {"at": ["noon"]}})", "#/inputs/at/0",
       "timestamp is milliseconds"},
      {R"({"feature_service": "ranking", "inputs": {"value": [[1]]}})", "#/inputs/value/0",
       "row 0 is an array"},
  };
  for (const Case& wrong : cases) {
    const auto answer = PostFeatures(wrong.body);
    const Json problem = testing::ProblemOf(answer);
    EXPECT_EQ(problem.value("status", 0), 400) << wrong.body;
    EXPECT_EQ(problem.value("code", ""), "InvalidArgument") << wrong.body;
    EXPECT_EQ(problem.value("pointer", ""), wrong.pointer) << wrong.body;
    EXPECT_THAT(problem.value("detail", ""), HasSubstr(wrong.detail)) << wrong.body;
  }
}

TEST_F(FeaturesCall, TheEnginesErrorsPointToTheirField) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"entities: 'ranking' needs the join key 'user_id' (int64); got none", "#/entities"},
      {"inputs: 'x' is given twice", "#/inputs"},
      {"features: 3000 are more than", "#/features"},
      {"read_time: this server answers as of now only", "#/read_time_ms"},
      {"max_staleness: -1 ms is not within", "#/max_staleness_ms"},
      {"read_after[1].source: there is no source", "#/read_after/1/source"},
      {"something else: entities", ""}};
  for (const auto& [message, pointer] : cases) {
    engine_.get_features = [message = message](const FeatureRequest&, FeatureResponse*) {
      return Status::InvalidArgument(message);
    };
    const Json problem = testing::ProblemOf(PostFeatures(R"({"feature_service": "ranking"})"));
    EXPECT_EQ(problem.value("pointer", ""), pointer);
    EXPECT_EQ(problem.value("detail", ""), message);
  }
}

TEST_F(FeaturesCall, EveryStatusCodeHasItsHttpStatus) {
  const std::vector<std::pair<StatusCode, int>> codes = {
      {StatusCode::kInvalidArgument, 400},   {StatusCode::kNotFound, 404},
      {StatusCode::kAlreadyExists, 409},     {StatusCode::kFailedPrecondition, 409},
      {StatusCode::kResourceExhausted, 429}, {StatusCode::kCorruption, 500},
      {StatusCode::kIoError, 500},           {StatusCode::kUnavailable, 503},
      {StatusCode::kDeadlineExceeded, 504},  {StatusCode::kCancelled, 503},
      {StatusCode::kInternal, 500}};
  for (const auto& [code, expected] : codes) {
    engine_.get_features = [code = code](const FeatureRequest&, FeatureResponse*) {
      return Status(code, "because");
    };
    const auto answer = PostFeatures(R"({"feature_service": "ranking"})");
    const Json problem = testing::ProblemOf(answer);
    EXPECT_EQ(problem.value("status", 0), expected);
    EXPECT_EQ(problem.value("code", ""), StatusCodeName(code));
    EXPECT_EQ(problem.value("detail", ""), "because");
    EXPECT_EQ(answer->has_header("Retry-After"), expected == 429 || expected == 503);
  }
}

TEST_F(FeaturesCall, AnAnswerThatIsTooLargeIsRefusedWithTheWayOut) {
  engine_.get_features = [](const FeatureRequest&, FeatureResponse* response) {
    response->row_count = limits::kMessageBytesMax / 8;
    response->features.resize(1);
    response->features[0].values.type = Type::kInt64;
    response->features[0].values.integers.resize(response->row_count, 1'000'000'000);
    return Status::Ok();
  };
  const Json problem = testing::ProblemOf(PostFeatures(R"({"feature_service": "ranking"})"));
  EXPECT_EQ(problem.value("status", 0), 400);
  EXPECT_THAT(problem.value("detail", ""), HasSubstr("ask for fewer entities or features"));
}

}  // namespace
}  // namespace freshet::http
