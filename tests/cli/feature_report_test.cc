#include "cli/feature_report.h"

#include <limits>

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

FeatureRequest Request() {
  FeatureRequest request;
  request.entities = {{"user_id", {.type = Type::kInt64, .integers = {1, 2}}}};
  return request;
}

FeatureResponse Response() {
  FeatureResponse response;
  response.read_time_ms = 1'500;
  response.row_count = 2;
  response.features = {{.name = "a.clicks", .values = {.type = Type::kInt64, .integers = {3, 0}}},
                       {.name = "b.ratio",
                        .values = {.type = Type::kFloat, .numbers = {0.1f, 0}},
                        .statuses = {FeatureStatus::kPresent, FeatureStatus::kFailed},
                        .failures = {{1, "division by zero"}}},
                       {.name = "c.last",
                        .values = {.type = Type::kString, .texts = {"x\ny", ""}},
                        .statuses = {FeatureStatus::kPresent, FeatureStatus::kNotFound}}};
  return response;
}

TEST(FeatureReport, ATableHasTheKeysOnTheFirstLineOfEachRow) {
  EXPECT_EQ(RenderTable(Request(), Response()),
            "user_id  feature   value  status\n"
            "1        a.clicks  3      PRESENT\n"
            "         b.ratio   0.1    PRESENT\n"
            "         c.last    x\\ny   PRESENT\n"
            "2        a.clicks  0      PRESENT\n"
            "         b.ratio   0      FAILED: division by zero\n"
            "         c.last           NOT_FOUND\n");
}

TEST(FeatureReport, JsonIsOneObjectARow) {
  EXPECT_EQ(
      RenderJson(Request(), Response()),
      R"({"user_id":1,"a.clicks":{"value":3,"status":"PRESENT"},)"
      R"("b.ratio":{"value":0.1,"status":"PRESENT"},"c.last":{"value":"x\ny","status":"PRESENT"}})"
      "\n"
      R"({"user_id":2,"a.clicks":{"value":0,"status":"PRESENT"},)"
      R"("b.ratio":{"value":0.0,"status":"FAILED","reason":"division by zero"},)"
      R"("c.last":{"value":"","status":"NOT_FOUND"}})"
      "\n");
}

TEST(FeatureReport, DecimalsHaveAllTheirDigitsAndAreTextInJson) {
  FeatureResponse response;
  response.row_count = 2;
  response.features = {
      {.name = "a.price", .values = {.type = Type::Decimal(2), .integers = {1230, -5}}},
      {.name = "a.prices",
       .values = {
           .type = Type::Decimal(2), .is_list = true, .lengths = {2, 0}, .integers = {1, 250}}}};
  EXPECT_EQ(RenderTable(Request(), response),
            "user_id  feature   value         status\n"
            "1        a.price   12.30         PRESENT\n"
            "         a.prices  [0.01, 2.50]  PRESENT\n"
            "2        a.price   -0.05         PRESENT\n"
            "         a.prices  []            PRESENT\n");
  EXPECT_EQ(RenderJson(Request(), response),
            R"({"user_id":1,"a.price":{"value":"12.30","status":"PRESENT"},)"
            R"("a.prices":{"value":["0.01","2.50"],"status":"PRESENT"}})"
            "\n"
            R"({"user_id":2,"a.price":{"value":"-0.05","status":"PRESENT"},)"
            R"("a.prices":{"value":[],"status":"PRESENT"}})"
            "\n");
}

TEST(FeatureReport, ListsStandInBrackets) {
  FeatureResponse response;
  response.row_count = 2;
  response.features = {
      {.name = "a.items",
       .values = {.type = Type::kString, .is_list = true, .lengths = {2, 0}, .texts = {"x", "y"}}}};
  EXPECT_EQ(RenderTable(Request(), response),
            "user_id  feature  value   status\n"
            "1        a.items  [x, y]  PRESENT\n"
            "2        a.items  []      PRESENT\n");
  EXPECT_EQ(RenderJson(Request(), response),
            R"({"user_id":1,"a.items":{"value":["x","y"],"status":"PRESENT"}})"
            "\n"
            R"({"user_id":2,"a.items":{"value":[],"status":"PRESENT"}})"
            "\n");
}

TEST(FeatureReport, TimesAndAsOfAreShownWhenTheyAreThere) {
  FeatureRequest request = Request();
  request.include_event_times = true;
  request.entities[0].values.integers = {1};
  FeatureResponse response;
  response.row_count = 1;
  response.read_time_ms = 1'500;
  response.features = {{.name = "a.clicks",
                        .values = {.type = Type::kInt64, .integers = {3}},
                        .event_times_ms = {1'000}},
                       {.name = "a.none",
                        .values = {.type = Type::kInt64, .integers = {0}},
                        .event_times_ms = {kNoEventTimeMs}}};
  response.as_of = {{"clicks", 1'400}, {"views", kNoEventTimeMs}};
  EXPECT_EQ(RenderTable(request, response),
            "user_id  feature   value  status   event time\n"
            "1        a.clicks  3      PRESENT  1970-01-01T00:00:01.000Z\n"
            "         a.none    0      PRESENT  -\n"
            "clicks is complete up to 1970-01-01T00:00:01.400Z, 100 ms before the read\n"
            "views is not yet known to be complete up to any moment\n");
  EXPECT_EQ(RenderJson(request, response),
            R"({"user_id":1,"a.clicks":{"value":3,"status":"PRESENT","event_time_ms":1000},)"
            R"("a.none":{"value":0,"status":"PRESENT","event_time_ms":null},)"
            R"("as_of_ms":{"clicks":1400,"views":null}})"
            "\n");
}

TEST(FeatureReport, NumbersThatJsonDoesNotHaveAreTexts) {
  FeatureResponse response;
  response.row_count = 3;
  response.features = {{.name = "x.y",
                        .values = {.type = Type::kDouble,
                                   .numbers = {std::numeric_limits<double>::quiet_NaN(),
                                               std::numeric_limits<double>::infinity(),
                                               -std::numeric_limits<double>::infinity()}}}};
  EXPECT_EQ(RenderJson({}, response), R"({"x.y":{"value":"NaN","status":"PRESENT"}})"
                                      "\n"
                                      R"({"x.y":{"value":"Infinity","status":"PRESENT"}})"
                                      "\n"
                                      R"({"x.y":{"value":"-Infinity","status":"PRESENT"}})"
                                      "\n");
}

}  // namespace
}  // namespace freshet::cli
