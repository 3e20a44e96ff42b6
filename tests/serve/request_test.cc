#include <functional>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RequestTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(kShopDefinitions);
  }
  static FeatureRequest Ranking() {
    FeatureRequest request;
    request.feature_service = "ranking";
    request.entities.push_back(Integers("user_id", {1, 2}));
    request.inputs.push_back(Numbers("basket", {1.0, 2.0}));
    return request;
  }
};

struct Mistake {
  const char* name;
  std::function<void(FeatureRequest&)> make;
  std::vector<std::string> says;
};

TEST_F(RequestTest, EveryMistakeNamesTheFieldAndWhatIsAllowed) {
  const std::vector<Mistake> mistakes = {
      {"neither", [](auto& r) { r.feature_service.clear(); }, {"feature_service: "}},
      {"both", [](auto& r) { r.features = {"profile.age"}; }, {"features: ", "not both"}},
      {"unknown service",
       [](auto& r) { r.feature_service = "rankin"; },
       {"feature_service: ", "'rankin'", "'ranking'"}},
      {"unknown feature",
       [](auto& r) {
         r.feature_service.clear();
         r.features = {"profile.agee"};
       },
       {"features: ", "agee", "age"}},
      {"feature twice",
       [](auto& r) {
         r.feature_service.clear();
         r.features = {"profile.age", "profile.age"};
       },
       {"features: ", "'profile.age'", "twice"}},
      {"too many features",
       [](auto& r) {
         r.feature_service.clear();
         r.features.assign(limits::kFeaturesPerRequestMax + 1, "profile.age");
       },
       {"features: ", "2000"}},
      {"no join key",
       [](auto& r) { r.entities.clear(); },
       {"entities: ", "feature service 'ranking'", "join key 'user_id' (int64)", "got none"}},
      {"mistyped join key",
       [](auto& r) { r.entities[0].name = "userid"; },
       {"entities: ", "join key 'user_id' (int64)", "got 'userid'", "meant to be 'user_id'"}},
      {"unknown join key",
       [](auto& r) {
         r.entities.push_back(Integers("item", {1, 2}));
       },
       {"entities: ", "no join key 'item'", "user_id"}},
      {"repeated join key",
       [](auto& r) {
         r.entities.push_back(Integers("user_id", {1, 2}));
       },
       {"entities: ", "'user_id'", "twice"}},
      {"join key of another type",
       [](auto& r) {
         r.entities[0] = Texts("user_id", {"1", "2"});
       },
       {"entities: ", "'user_id' is string", "needs int64"}},
      {"no input",
       [](auto& r) { r.inputs.clear(); },
       {"inputs: ", "request input 'basket' (double)", "got none"}},
      {"unknown input",
       [](auto& r) {
         r.inputs.push_back(Numbers("baskets", {1, 2}));
       },
       {"inputs: ", "'baskets'", "'basket'"}},
      {"input of another type",
       [](auto& r) {
         r.inputs[0] = Texts("basket", {"1", "2"});
       },
       {"inputs: ", "'basket' is string", "needs double"}},
      {"ragged columns",
       [](auto& r) { r.inputs[0].values.numbers.push_back(1); },
       {"inputs: ", "'basket' has 3 rows", "'user_id' has 2"}},
      {"one column without rows",
       [](auto& r) { r.inputs[0].values.numbers.clear(); },
       {"inputs: ", "'basket' has 0 rows", "'user_id' has 2"}},
      {"too many rows",
       [](auto& r) {
         r.entities[0].values.integers.assign(limits::kEntitiesPerRequestMax + 1, 1);
         r.inputs[0].values.numbers.assign(limits::kEntitiesPerRequestMax + 1, 1.0);
       },
       {"entities: ", "10001 rows", "10000"}},
      {"negative staleness", [](auto& r) { r.max_staleness_ms = -1; }, {"max_staleness: "}},
      {"read time out of range", [](auto& r) { r.read_time_ms = INT64_MIN; }, {"read_time: "}},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.name);
    FeatureRequest request = Ranking();
    mistake.make(request);
    const Status status = Refusal(request);
    for (const std::string& part : mistake.says)
      EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
  EXPECT_EQ(server_->Stats().requests_failed, mistakes.size());
}

TEST_F(RequestTest, TheAnswerIsInTheOrderOfTheService) {
  const FeatureResponse response = Get(Ranking());
  std::vector<std::string> names;
  for (const FeatureColumn& column : response.features) names.push_back(column.name);
  EXPECT_THAT(names,
              ElementsAre("activity.clicks_1m", "profile.age", "profile.country", "signals.ratio"));
  EXPECT_EQ(response.row_count, 2u);
}

TEST_F(RequestTest, NoRowsAreNoError) {
  FeatureRequest request = Ranking();
  request.entities[0].values.integers.clear();
  request.inputs[0].values.numbers.clear();
  const FeatureResponse response = Get(request);
  EXPECT_EQ(response.row_count, 0u);
  ASSERT_EQ(response.features.size(), 4u);
  for (const FeatureColumn& column : response.features) {
    EXPECT_EQ(column.values.size(), 0u);
    EXPECT_THAT(column.statuses, IsEmpty());
  }
}

TEST_F(RequestTest, Int32StandsForInt64AndBackWithinItsRange) {
  FeatureRequest request = Ranking();
  request.entities[0].values.type = Type::kInt32;
  EXPECT_EQ(Get(request).row_count, 2u);

  FeatureRequest seats;
  seats.feature_service = "seating";
  seats.entities = {Texts("venue", {"hall"}), Integers("number", {12})};
  EXPECT_EQ(Get(seats).row_count, 1u);
  seats.entities[1].values.integers[0] = int64_t{INT32_MAX} + 1;
  const Status status = Refusal(seats);
  EXPECT_THAT(std::string(status.message()), HasSubstr("entities: 'number' row 0"));
}

TEST_F(RequestTest, AJoinKeyThatIsTooLongIsRefused) {
  FeatureRequest seats;
  seats.feature_service = "seating";
  seats.entities = {Texts("venue", {"hall", std::string(limits::kStringValueBytesMax + 1, 'x')}),
                    Integers("number", {1, 1})};
  EXPECT_THAT(std::string(Refusal(seats).message()), HasSubstr("entities: "));
}

TEST_F(RequestTest, AColumnOfOneRowStandsForAll) {
  LoadRows("profile", {"age"}, {Type::kInt32},
           {{1, kNowMs, {Datum::Int(30)}}, {2, kNowMs, {Datum::Int(40)}}});
  FeatureRequest request = UserRequest({"profile.age", "signals.grown_up"}, {1});
  request.features.push_back("seats.clicks_1h");
  request.entities.push_back(Texts("venue", {"hall"}));
  request.entities.push_back(Integers("number", {1, 2, 3}));
  FeatureResponse response = Get(request);
  EXPECT_EQ(response.row_count, 3u);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(30, 30, 30));
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(1, 1, 1));
  EXPECT_EQ(response.features[2].statuses.size(), 3u);

  FeatureRequest inputs = UserRequest({"profile.age", "signals.ratio"}, {2, 1});
  inputs.inputs = {Numbers("basket", {7})};
  response = Get(inputs);
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(40, 30));
  inputs.entities[0].values.integers = {};
  EXPECT_EQ(Get(inputs).row_count, 0u);
}

TEST_F(RequestTest, AViewMayStandUnderAliasesWithKeysOfTheirOwn) {
  std::string definitions = kShopDefinitions;
  definitions += R"(
  - name: trips
    features:
      - profile.age
      - {feature: profile.age, as: driver, keys: {user_id: driver_id}}
      - {feature: "activity", as: rider, keys: {user_id: rider_id}}
      - {feature: signals.grown_up, as: driver, keys: {user_id: driver_id}}
      - signals.grown_up
)";
  Define(definitions);
  LoadRows("profile", {"age"}, {Type::kInt32},
           {{1, kNowMs, {Datum::Int(17)}}, {2, kNowMs, {Datum::Int(40)}}});
  FeatureRequest request;
  request.feature_service = "trips";
  request.entities = {Integers("user_id", {1, 2}), Integers("driver_id", {2, 1}),
                      Integers("rider_id", {3})};
  const FeatureResponse response = Get(request);
  ASSERT_EQ(response.features.size(), 10u);
  EXPECT_EQ(response.features[0].name, "profile.age");
  EXPECT_THAT(response.features[0].values.integers, ElementsAre(17, 40));
  EXPECT_EQ(response.features[1].name, "driver.age");
  EXPECT_THAT(response.features[1].values.integers, ElementsAre(40, 17));
  EXPECT_EQ(response.features[2].name, "rider.clicks_1m");
  EXPECT_EQ(response.features[8].name, "driver.grown_up");
  EXPECT_THAT(response.features[8].values.integers, ElementsAre(1, 0));
  EXPECT_THAT(response.features[9].values.integers, ElementsAre(0, 1));

  request.entities.pop_back();
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("join key 'rider_id' (int64)"));
}

TEST_F(RequestTest, AsManyRowsAsAreAllowedAreAnswered) {
  std::vector<int64_t> user_ids(limits::kEntitiesPerRequestMax);
  std::iota(user_ids.begin(), user_ids.end(), 1);
  const FeatureResponse response = Get(UserRequest({"activity.clicks_1m"}, user_ids));
  EXPECT_EQ(response.features[0].values.integers.size(), user_ids.size());
}

TEST_F(RequestTest, AReadTimeNeedsPermission) {
  server_ = FeatureServer::New({.allow_read_time = false}, *store_, clock_, Streams());
  ASSERT_TRUE(server_->Apply(registry_).ok());
  FeatureRequest request = Ranking();
  EXPECT_EQ(Get(request).read_time_ms, kNowMs);
  request.read_time_ms = kNowMs - 1;
  EXPECT_THAT(std::string(Refusal(request).message()), HasSubstr("serving.allow_read_time"));
}

TEST_F(RequestTest, AServerWithoutDefinitionsSaysSo) {
  server_ = FeatureServer::New({}, *store_, clock_, Streams());
  FeatureResponse response;
  EXPECT_EQ(server_->GetFeatures(Ranking(), &response).code(), StatusCode::kFailedPrecondition);
}

TEST_F(RequestTest, ColumnsAreDescribedForServicesAndLists) {
  const Result<ServiceColumns> ranking = server_->DescribeService("ranking", {});
  ASSERT_TRUE(ranking.ok());
  ASSERT_EQ(ranking->entities.size(), 1u);
  EXPECT_EQ(ranking->entities[0].name, "user_id");
  ASSERT_EQ(ranking->inputs.size(), 1u);
  EXPECT_EQ(ranking->inputs[0].type, Type::kDouble);
  ASSERT_EQ(ranking->features.size(), 4u);
  EXPECT_EQ(ranking->features[2].name, "profile.country");
  EXPECT_EQ(ranking->features[2].type, Type::kString);

  const std::vector<std::string> list = {"seats.clicks_1h"};
  const Result<ServiceColumns> seats = server_->DescribeService("", list);
  ASSERT_TRUE(seats.ok());
  ASSERT_EQ(seats->entities.size(), 2u);
  EXPECT_EQ(seats->entities[1].type, Type::kInt32);

  EXPECT_EQ(server_->DescribeService("nothing", {}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(server_->DescribeService("", {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(server_->DescribeService("ranking", list).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace freshet::serve
