// A real engine behind the real server: what HTTP answers is what the engine answers when it is
// called directly.
#include <cmath>
#include <httplib.h>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/fixture.h"
#include "http/http_fixture.h"
#include "http/server.h"

namespace freshet::http {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kDefinitions = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, item: string, amount: double}
  - {name: users, file: {path: u.csv}, timestamp: updated_at, fields: {user_id: int64, age: int32, vip: bool}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 1h]}
      - {name: spend, function: sum, of: amount, windows: [1h]}
      - {name: last_item, function: last, of: item}
  - {name: profile, entity: user, source: users, features: [age, vip], max_age: 3650d}
  - name: signals
    request: {basket: double}
    features: [{name: ratio, type: double, expr: "request.basket / activity.spend_1h"}]
feature_services:
  - name: ranking
    features: [activity.clicks_1m, activity.spend_1h, activity.last_item, profile.age, profile.vip, signals.ratio]
)";

class FeaturesOracle : public EngineTest {
 protected:
  void SetUp() override {
    Reopen();
    Apply(kDefinitions);
    const int64_t now_ms = engine_->GetStatus().now_ms;
    std::vector<std::string> records;
    for (int i = 0; i < 50; ++i)
      records.push_back(Json{{"user_id", i % 5},
                             {"item", "item-" + std::to_string(i)},
                             {"amount", i % 5 == 3 ? 0.0 : 0.1 * i},
                             {"at", now_ms - i * 3'000}}
                            .dump());
    Push("clicks", records);
    Load("profile",
         "user_id,updated_at,age,vip\n1,2026-01-01T00:00:00Z,30,true\n2,2026-01-02T00:00:00Z,,"
         "false\n");
    read_time_ms_ = now_ms + 10'000;
    auto started = HttpServer::Start(*engine_, {.address = "127.0.0.1:0"});
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(*started);
  }
  void TearDown() override { server_.reset(); }

  httplib::Result Post(const Json& body) const {
    return httplib::Client("127.0.0.1", server_->port())
        .Post("/v1/features", body.dump(), "application/json");
  }

  int64_t read_time_ms_ = 0;
  std::unique_ptr<HttpServer> server_;
};

// By Value, not by the code under test.
Json ExpectedValue(const Column& column, size_t row) {
  const Value value = column.at(row);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) return *number;
    return std::isnan(*number) ? "NaN" : *number > 0 ? "Infinity" : "-Infinity";
  }
  return std::get<std::string>(value);
}

TEST_F(FeaturesOracle, AnswersAsTheEngineDoes) {
  const std::vector<int64_t> user_ids = {0, 1, 2, 3, 4, 99};
  FeatureRequest direct = UserRequest({}, user_ids);
  direct.feature_service = "ranking";
  direct.inputs.push_back({"basket", {.type = Type::kDouble}});
  direct.inputs[0].values.numbers = {1, 2.5, 3, 4, 5, 6};
  direct.read_time_ms = read_time_ms_;
  direct.include_event_times = true;
  FeatureResponse expected;
  ASSERT_TRUE(engine_->GetFeatures(direct, &expected).ok());

  const auto answer = Post({{"feature_service", "ranking"},
                            {"entities", {{"user_id", user_ids}}},
                            {"inputs", {{"basket", {1, 2.5, 3, 4, 5, 6}}}},
                            {"read_time_ms", read_time_ms_},
                            {"include_event_times", true}});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  const Json json = Json::parse(answer->body);
  EXPECT_EQ(json["row_count"], user_ids.size());
  EXPECT_EQ(json["read_time_ms"], read_time_ms_);
  ASSERT_EQ(json["features"].size(), expected.features.size());
  size_t not_present = 0;
  for (size_t i = 0; i < expected.features.size(); ++i) {
    const FeatureColumn& column = expected.features[i];
    const Json& told = json["features"][i];
    EXPECT_EQ(told["name"], column.name);
    for (size_t row = 0; row < user_ids.size(); ++row) {
      const FeatureStatus status =
          column.statuses.empty() ? FeatureStatus::kPresent : column.statuses[row];
      EXPECT_EQ(told["statuses"][row], FeatureStatusName(status)) << column.name << row;
      EXPECT_EQ(told["values"][row], ExpectedValue(column.values, row)) << column.name << row;
      const int64_t time_ms = column.event_times_ms.at(row);
      EXPECT_EQ(told["event_times_ms"][row], time_ms == kNoEventTimeMs ? Json() : Json(time_ms));
      not_present += status != FeatureStatus::kPresent ? 1 : 0;
    }
    EXPECT_EQ(told.value("failures", Json::array()).size(), column.failures.size());
  }
  EXPECT_GT(not_present, 5u) << "the case is too easy";
}

TEST_F(FeaturesOracle, RefusesWhatTheEngineRefuses) {
  const std::vector<std::pair<Json, const char*>> wrong = {
      {{{"feature_service", "ranking"}}, "needs the join key 'user_id'"},
      {{{"entities", {{"user_id", {1}}}}}, "name a feature service, or list features"},
      {{{"feature_service", "ranking"}, {"features", {"profile.age"}}}, "not both"},
      {{{"features", {"profile.agee"}}, {"entities", {{"user_id", {1}}}}}, "did you mean 'age'?"},
      {{{"features", {"profile.age"}}, {"entities", {{"usr_id", {1}}}}},
       "is 'usr_id' meant to be 'user_id'?"},
      {{{"features", {"profile.age"}}, {"entities", {{"user_id", {1}}, {"zip", {1, 2}}}}},
       "has no join key 'zip'"},
      {{{"feature_service", "ranking"},
        {"entities", {{"user_id", {1, 2, 3}}}},
        {"inputs", {{"basket", {1, 2}}}}},
       "basket"},
      {{{"features", {"profile.age"}}, {"entities", {{"user_id", std::vector<int>(10'001, 1)}}}},
       "10001 rows are more than the 10000"}};
  for (const auto& [body, detail] : wrong) {
    const Json problem = testing::ProblemOf(Post(body));
    EXPECT_EQ(problem.value("status", 0), 400) << body.dump().substr(0, 200);
    EXPECT_THAT(problem.value("detail", ""), HasSubstr(detail));
    EXPECT_FALSE(problem.value("pointer", "").empty()) << problem.dump();
  }
}

TEST_F(FeaturesOracle, DescribesServices) {
  httplib::Client client("127.0.0.1", server_->port());
  const auto all = client.Get("/v1/services");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->body, "{\"services\":[{\"name\":\"ranking\"}]}\n");
  const auto one = client.Get("/v1/services/ranking");
  ASSERT_TRUE(one);
  const Json json = Json::parse(one->body);
  EXPECT_EQ(json["name"], "ranking");
  EXPECT_EQ(json["entities"], Json::parse(R"([{"name": "user_id", "type": "int64"}])"));
  EXPECT_EQ(json["inputs"], Json::parse(R"([{"name": "basket", "type": "double"}])"));
  ASSERT_EQ(json["features"].size(), 6u);
  EXPECT_EQ(json["features"][4], Json::parse(R"({"name": "profile.vip", "type": "bool"})"));
  const Json problem = testing::ProblemOf(client.Get("/v1/services/rankin"));
  EXPECT_EQ(problem.value("status", 0), 404);
  EXPECT_THAT(problem.value("detail", ""), HasSubstr("ranking"));
}

}  // namespace
}  // namespace freshet::http
