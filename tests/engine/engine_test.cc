#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "engine/definitions_record.h"
#include "engine/fixture.h"
#include "store/store.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Rows = std::vector<std::vector<std::string>>;

const std::string kDefinitions = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, item: string, kind: string, amount: double}
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, country: string}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 1h]}
      - {name: spend, function: sum, of: amount, where: "kind == 'purchase'", windows: [1h]}
      - {name: last_item, function: last, of: item}
  - name: profile
    entity: user
    source: users
    features: [age, {name: country, default: unknown}]
  - name: signals
    request: {basket: double}
    features:
      - {name: ratio, type: double, expr: "request.basket / activity.spend_1h"}
feature_services:
  - {name: ranking, features: [activity.clicks_1m, activity.spend_1h, activity.last_item, profile.age, profile.country, signals.ratio]}
)";

constexpr int64_t kThenMs = 1'780'000'000'000;  // long past: what is read at it does not move

std::string Click(int64_t user_id, int64_t at_ms, const std::string& item, double amount) {
  return "{\"user_id\": " + std::to_string(user_id) + ", \"at\": " + std::to_string(at_ms) +
         ", \"item\": \"" + item + "\", \"kind\": \"" + (amount > 0 ? "purchase" : "look") +
         "\", \"amount\": " + std::to_string(amount) + "}";
}

FeatureRequest Ranking(std::vector<int64_t> user_ids) {
  FeatureRequest request = UserRequest({}, std::move(user_ids));
  request.feature_service = "ranking";
  NamedColumn basket{"basket", {}};
  basket.values.type = Type::kDouble;
  basket.values.numbers.assign(request.entities[0].values.size(), 30.0);
  request.inputs.push_back(std::move(basket));
  request.read_time_ms = kThenMs;
  return request;
}

const Rows kBoth = {
    {"PRESENT 2", "PRESENT 15", "PRESENT pot", "PRESENT 34", "PRESENT NL", "PRESENT 2"},
    {"NOT_FOUND 0", "NOT_FOUND 0", "NOT_FOUND ", "NOT_FOUND 0", "NOT_FOUND unknown", "FAILED 0"}};

class WholeEngineTest : public EngineTest {
 protected:
  void SetUp() override {
    Reopen();
    Apply(kDefinitions);
  }
  void Fill() {
    Push("clicks", {Click(1, kThenMs - 10 * kSecondMs, "pot", 0.0),
                    Click(1, kThenMs - 20 * kSecondMs, "cup", 5.0),
                    Click(1, kThenMs - 30 * kMinuteMs, "pan", 10.0),
                    Click(1, kThenMs - 2 * kHourMs, "lid", 99.0)});
    Load("profile", "user_id,at,age,country\n1,1770000000000,34,NL\n3,1770000000000,51,\n");
  }
};

TEST_F(WholeEngineTest, EventsAndRowsComeBackAsOneVector) {
  Fill();
  EXPECT_EQ(Table(Ranking({1, 2})), kBoth);
}

TEST_F(WholeEngineTest, ARestartServesTheSame) {
  Fill();
  for (int i = 0; i < 3; ++i) {
    Reopen();
    Await([&] { return engine_->Ready(); }, "caught up");
    EXPECT_EQ(Table(Ranking({1, 2})), kBoth);
  }
  // What arrives after counts on top of it, once.
  Push("clicks", {Click(1, kThenMs - 5 * kSecondMs, "jug", 1.0)});
  EXPECT_EQ(Table(Ranking({1}))[0][0], "PRESENT 3");
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  EXPECT_EQ(Table(Ranking({1}))[0][0], "PRESENT 3");
  EXPECT_EQ(Table(Ranking({1}))[0][2], "PRESENT jug");
}

const std::string kOrders = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: orders
    push: {}
    timestamp: {field: at, unit: ms}
    deduplicate: {key: order, within: 1h}
    fields: {user_id: int64, order: string, item: string, amount: double}
feature_views:
  - name: buys
    entity: user
    source: orders
    exact: true
    aggregations:
      - {name: orders, function: count, windows: [1m, {session: 10s}, {last: 2}]}
      - {name: dearest, function: top_k_by, k: 2, of: item, by: amount, windows: [1h]}
      - {name: items, function: categories, of: item, windows: [1h]}
      - {name: spend, function: category_sums, of: amount, by: item, windows: [1h]}
      - {name: sizes, function: histogram, edges: [3, 10], of: amount, windows: [{last: 2}]}
)";

std::string Order(int64_t at_ms, const std::string& order, const std::string& item,
                  int64_t amount) {
  return "{\"user_id\": 1, \"at\": " + std::to_string(at_ms) + ", \"order\": \"" + order +
         "\", \"item\": \"" + item + "\", \"amount\": " + std::to_string(amount) + "}";
}

class OrdersTest : public EngineTest {
 protected:
  void SetUp() override {
    Reopen();
    Apply(kOrders);
  }
  std::vector<std::string> Read(const std::vector<std::string>& features, int64_t at_ms) {
    FeatureRequest request = UserRequest(features, {1});
    request.read_time_ms = at_ms;
    return Table(request)[0];
  }
};

TEST_F(OrdersTest, RepeatsCountOnceThroughRestarts) {
  const std::string first = Order(kThenMs, "a", "pot", 5);
  Push("orders", {first, Order(kThenMs + 1, "b", "cup", 1), first});
  EXPECT_EQ(Read({"buys.orders_1m"}, kThenMs + 1), (std::vector<std::string>{"PRESENT 2"}));
  EXPECT_EQ(engine_->GetStatus().sources[0].repeated, 1u);
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  Push("orders", {first, Order(kThenMs + 2 * kHourMs, "c", "cup", 1), first});
  EXPECT_EQ(Read({"buys.orders_1m"}, kThenMs + 2 * kHourMs),
            (std::vector<std::string>{"PRESENT 1"}));
  // The first is forgotten by now: its repeat is an event like any other.
  EXPECT_EQ(Read({"buys.orders_last_2"}, kThenMs + 2 * kHourMs),
            (std::vector<std::string>{"PRESENT 2"}));
  EXPECT_EQ(engine_->GetStatus().sources[0].repeated, 1u);
}

TEST_F(OrdersTest, ExactWindowsSessionsAndTheLastEventsAreServed) {
  Push("orders", {Order(kThenMs - 30'000, "a", "pot", 5), Order(kThenMs - 10'000, "b", "cup", 1),
                  Order(kThenMs, "c", "pot", 20)});
  const std::vector<std::string> features = {"buys.orders_1m", "buys.orders_session_10s",
                                             "buys.orders_last_2"};
  EXPECT_THAT(Read(features, kThenMs), ElementsAre("PRESENT 3", "PRESENT 2", "PRESENT 2"));
  EXPECT_THAT(Read(features, kThenMs + 10'001), ElementsAre("PRESENT 3", "PRESENT 0", "PRESENT 2"));
  EXPECT_THAT(Read(features, kThenMs + 30'000)[0], "PRESENT 3");
  EXPECT_THAT(Read(features, kThenMs + 30'001)[0], "PRESENT 2");
  const FeatureResponse lists = [&] {
    FeatureRequest request = UserRequest(
        {"buys.dearest_1h", "buys.items_1h", "buys.spend_1h", "buys.sizes_last_2"}, {1});
    request.read_time_ms = kThenMs;
    return Get(request);
  }();
  EXPECT_THAT(lists.features[0].values.texts, ElementsAre("pot", "pot"));
  EXPECT_THAT(lists.features[1].values.texts, ElementsAre("cup", "pot"));
  EXPECT_THAT(lists.features[2].values.numbers, ElementsAre(1, 25));
  EXPECT_THAT(lists.features[3].values.integers, ElementsAre(1, 0, 1));
}

TEST_F(OrdersTest, MoreCategoriesThanAreToldApartAreAFailureWithTheFigure) {
  std::vector<std::string> orders;
  for (int64_t i = 0; i <= static_cast<int64_t>(limits::kCategoriesMax); ++i)
    orders.push_back(Order(kThenMs, std::to_string(i), "item" + std::to_string(i), 1));
  Push("orders", orders);
  FeatureRequest request = UserRequest({"buys.items_1h"}, {1});
  request.read_time_ms = kThenMs;
  const FeatureResponse response = Get(request);
  ASSERT_THAT(response.features[0].failures, SizeIs(1));
  EXPECT_THAT(response.features[0].failures[0].reason, HasSubstr("more than 256"));
}

TEST_F(WholeEngineTest, ReadsGoOnAfterStopAndNothingElseDoes) {
  Fill();
  ASSERT_TRUE(engine_->Stop().ok());
  ASSERT_TRUE(engine_->Stop().ok());
  EXPECT_EQ(Table(Ranking({1, 2})), kBoth);
  EXPECT_EQ(engine_->Push("clicks", {"{}"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(engine_->Apply(Definitions(kDefinitions)).status().code(), StatusCode::kUnavailable);
}

TEST_F(WholeEngineTest, WindowsFollowTheClockOfTheRead) {
  Fill();
  FeatureRequest request = Ranking({1});
  request.read_time_ms = kThenMs + kMinuteMs;
  EXPECT_EQ(Table(request)[0][0], "PRESENT 0");
  EXPECT_EQ(Table(request)[0][1], "PRESENT 15");
  request.read_time_ms = kThenMs + 2 * kHourMs;
  EXPECT_EQ(Table(request)[0][1], "PRESENT 0");
  EXPECT_EQ(Table(request)[0][2], "PRESENT pot");
}

TEST_F(WholeEngineTest, AsOfRisesWhileNothingHappens) {
  Fill();
  FeatureRequest request = UserRequest({"activity.clicks_1m"}, {1});
  request.include_as_of = true;
  int64_t first_ms = kNoEventTimeMs;
  Await(
      [&] {
        first_ms = Get(request).as_of.at(0).as_of_ms;
        return first_ms != kNoEventTimeMs;
      },
      "an as-of");
  Await([&] { return Get(request).as_of.at(0).as_of_ms > first_ms; }, "a later as-of");
  request.max_staleness_ms = 60'000;
  EXPECT_EQ(Shown(Get(request).features[0], 0), "PRESENT 0");
}

TEST_F(WholeEngineTest, AReadThatWaitsForItsOwnEventSeesIt) {
  FeatureRequest request = UserRequest({"activity.clicks_1h"}, {7});
  request.read_time_ms = kThenMs;
  for (int64_t count = 1; count <= 200; ++count) {
    const Result<int64_t> offset = engine_->Push("clicks", {Click(7, kThenMs, "pot", 1.0)});
    ASSERT_TRUE(offset.ok()) << offset.status().ToString();
    request.read_after = {{"clicks", 0, *offset}};
    ASSERT_EQ(Table(request)[0][0], "PRESENT " + std::to_string(count));
  }
  // One that was never pushed.
  request.read_after = {{"clicks", 0, 1'000}};
  request.timeout_us = 20'000;
  EXPECT_EQ(Table(request)[0][0], "TIMED_OUT 0");
}

TEST_F(WholeEngineTest, PushesAreBoundedAndNamed) {
  EXPECT_EQ(engine_->Push("click", {"{}"}).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(engine_->Push("click", {"{}"}).status().message()),
              HasSubstr("'clicks'"));
  EXPECT_EQ(engine_->Push("users", {"{}"}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->Push("clicks", {}).status().code(), StatusCode::kInvalidArgument);
  const std::vector<std::string_view> many(limits::kPushRecordsMax + 1, "{}");
  EXPECT_EQ(engine_->Push("clicks", many).status().code(), StatusCode::kInvalidArgument);
  const std::string large(limits::kEventBytesMax + 1, ' ');
  EXPECT_EQ(engine_->Push("clicks", {"{}", large}).status().code(), StatusCode::kInvalidArgument);
  const std::string full(limits::kEventBytesMax, ' ');
  EXPECT_EQ(engine_->Push("clicks", std::vector<std::string_view>(17, full)).status().code(),
            StatusCode::kInvalidArgument);
  // None of it was appended.
  EXPECT_EQ(Push("clicks", {Click(1, kThenMs, "cup", 1.0)}), 0);
  EXPECT_EQ(Push("clicks", {"nonsense", Click(1, kThenMs, "cup", 1.0)}), 2);
}

TEST_F(WholeEngineTest, BadEventsAreCountedByReasonAndNotInTheWay) {
  Push("clicks", {"not json", "{\"at\": 1}", Click(1, kThenMs, "cup", 1.0)});
  EXPECT_EQ(Table(Ranking({1}))[0][0], "PRESENT 1");
  const ServerStatus status = engine_->GetStatus();
  ASSERT_EQ(status.sources.size(), 2u);
  EXPECT_EQ(status.sources[0].name, "clicks");
  EXPECT_EQ(status.sources[0].kind, "push");
  EXPECT_EQ(status.sources[0].applied, 1u);
  uint64_t refused = 0;
  for (const auto& [reason, count] : status.sources[0].refused) refused += count;
  EXPECT_EQ(refused, 2u);
}

TEST_F(WholeEngineTest, StatusShowsWhatThereIs) {
  Fill();
  Get(Ranking({1}));
  const ServerStatus status = engine_->GetStatus();
  EXPECT_FALSE(status.version.empty());
  EXPECT_GE(status.now_ms, status.started_at_ms);
  ASSERT_EQ(status.views.size(), 3u);
  EXPECT_EQ(status.views[0].kind, "stream");
  EXPECT_EQ(status.views[0].entity, "user");
  EXPECT_EQ(status.views[0].source, "clicks");
  EXPECT_EQ(status.views[0].features, 4u);
  EXPECT_EQ(status.views[1].kind, "batch");
  EXPECT_EQ(status.views[1].rows, 2u);
  EXPECT_GE(status.views[1].loaded_at_ms, status.started_at_ms);
  EXPECT_EQ(status.views[2].kind, "on-demand");
  EXPECT_THAT(status.services, ElementsAre("ranking"));
  ASSERT_EQ(status.streams.size(), 1u);
  EXPECT_EQ(status.streams[0].source, "clicks");
  EXPECT_FALSE(status.streams[0].failed);
  EXPECT_EQ(status.counters.at("serve_requests"), 1u);
  EXPECT_EQ(status.counters.at("serve_values"), 6u);
}

TEST_F(WholeEngineTest, ServicesAreDescribed) {
  const Result<ServiceDescription> description = engine_->DescribeService("ranking", {});
  ASSERT_TRUE(description.ok());
  EXPECT_EQ(description->name, "ranking");
  ASSERT_EQ(description->entities.size(), 1u);
  EXPECT_EQ(description->entities[0].name, "user_id");
  ASSERT_EQ(description->inputs.size(), 1u);
  EXPECT_EQ(description->inputs[0].name, "basket");
  EXPECT_EQ(description->features.size(), 6u);
  EXPECT_EQ(engine_->DescribeService("ranker", {}).status().code(), StatusCode::kNotFound);
}

TEST_F(WholeEngineTest, ALoadReplacesAllRowsOrNone) {
  Fill();
  LoadProgress progress;
  const Status status =
      TryLoad("profile", "user_id,at,age,country\n1,1770000000000,35,NL\n2,1770000000000,many,NL\n",
              &progress);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(progress.rows_bad, 1u);
  ASSERT_EQ(progress.bad_rows.size(), 1u);
  EXPECT_EQ(progress.bad_rows[0].line, 3u);
  EXPECT_EQ(Table(Ranking({1, 2})), kBoth);

  ASSERT_TRUE(
      TryLoad("profile", "user_id,at,age,country\n2,1770000000000,40,FR\n", &progress).ok());
  EXPECT_EQ(progress.phase, LoadProgress::Phase::kDone);
  EXPECT_EQ(progress.rows_written, 1u);
  EXPECT_EQ(Table(Ranking({1}))[0][3], "NOT_FOUND 0");
  EXPECT_EQ(Table(Ranking({2}))[0][3], "PRESENT 40");
}

TEST_F(WholeEngineTest, ARollbackBringsBackTheLoadBefore) {
  EXPECT_EQ(engine_->Rollback("profile").status().code(), StatusCode::kFailedPrecondition);
  Fill();
  Load("profile", "user_id,at,age,country\n2,1770000000000,40,FR\n");
  EXPECT_EQ(engine_->GetStatus().views[1].previous_rows, 2u);
  const auto outcome = engine_->Rollback("profile");
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome->rows, 2u);
  EXPECT_EQ(Table(Ranking({1, 2})), kBoth);
  EXPECT_EQ(engine_->GetStatus().views[1].previous_loaded_at_ms, kNoEventTimeMs);
  EXPECT_EQ(engine_->Rollback("activity").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->Rollback("profil").status().code(), StatusCode::kNotFound);
}

TEST_F(WholeEngineTest, ForgetsAnEntityAndSaysWhatItErased) {
  Fill();
  const std::vector<std::vector<std::string>> before = Table(Ranking({1, 2}));
  ASSERT_NE(before[0][0], "NOT_FOUND 0");
  // What is read again is kept beside the timeline, and must go with it.
  for (int again = 0; again < 3; ++again) ASSERT_EQ(Table(Ranking({1, 2})), before);
  const auto receipt = engine_->Forget({{"user_id", "1"}});
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  std::map<std::string, uint64_t> erased;
  for (const ForgetReceipt::Part& part : receipt->parts)
    erased[part.name + ": " + part.what] += part.count;
  EXPECT_GT(erased["clicks: pushed events"], 0u);
  EXPECT_EQ(erased["activity: timeline"], 1u);
  EXPECT_EQ(erased["profile: row"], 1u);
  EXPECT_EQ(erased["profile: row of the load before"], 0u);
  ASSERT_THAT(receipt->remaining, SizeIs(1));
  EXPECT_THAT(receipt->remaining[0],
              HasSubstr("source users: the files that rows were loaded from"));
  for (int opened = 0; opened < 2; ++opened) {
    const auto after = Table(Ranking({1, 2}));
    EXPECT_EQ(after[0][0], "NOT_FOUND 0");
    EXPECT_EQ(after[0][3], "NOT_FOUND 0");
    EXPECT_EQ(after[1], before[1]);
    Reopen();
    Await([&] { return engine_->Ready(); }, "ready");
  }
  // A second time nothing is there, and events that come later count anew.
  const auto again = engine_->Forget({{"user_id", "1"}});
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  for (const ForgetReceipt::Part& part : again->parts) EXPECT_EQ(part.count, 0u) << part.what;
  Push("clicks", {Click(1, kThenMs, "cup", 1.0)});
  for (int read = 0; read < 3; ++read) EXPECT_EQ(Table(Ranking({1}))[0][0], "PRESENT 1");
}

TEST_F(WholeEngineTest, ForgettingNeedsAllJoinKeysOfAnEntity) {
  EXPECT_EQ(engine_->Forget({}).status().code(), StatusCode::kInvalidArgument);
  const Status unknown = engine_->Forget({{"shop_id", "1"}}).status();
  EXPECT_EQ(unknown.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("user (user_id)"));
  const Status wrong = engine_->Forget({{"user_id", "one"}}).status();
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("user_id: 'one' is not of the type int64"));
}

TEST_F(WholeEngineTest, LoadsOfWhatCannotBeLoadedSaySo) {
  EXPECT_EQ(engine_->Load({"profil", "", 0.0}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(engine_->Load({"activity", "", 0.0}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->Load({"profile", "xml", 0.0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(engine_->Load({"profile", "csv", 2.0}).status().code(), StatusCode::kInvalidArgument);
}

TEST(Engine, ValidatesDefinitionsOnTheirOwn) {
  EXPECT_THAT(Engine::Validate(Definitions(kDefinitions)), IsEmpty());
  const std::vector<DefinitionError> errors = Engine::Validate(Definitions("entitys: []\n"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].file, "definitions.yaml");
  EXPECT_EQ(errors[0].line, 1);
  EXPECT_EQ(errors[0].column, 1);
  EXPECT_THAT(errors[0].message, HasSubstr("entities"));
}

TEST_F(WholeEngineTest, StateOfAnotherLayoutIsRefusedAndNotMisread) {
  Fill();
  engine_.reset();
  {
    const auto store = store::Store::Open({.path = options_.data_folder});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    const auto bytes = (*store)->ReadDefinitions();
    ASSERT_TRUE(bytes.ok() && bytes->has_value());
    auto record = engine::DecodeDefinitions(**bytes);
    ASSERT_TRUE(record.ok()) << record.status().ToString();
    record->catalog.views.at("activity").tables.at(0).layout += " otherwise";
    ASSERT_TRUE((*store)->WriteDefinitions(engine::EncodeDefinitions(*record)).ok());
  }
  const Result<std::unique_ptr<Engine>> opened = Engine::Open(options_);
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("lay out the stored state"));
}

TEST_F(EngineTest, AnEmptyEngineAnswersThatItHasNothing) {
  Reopen();
  FeatureResponse response;
  EXPECT_EQ(engine_->GetFeatures(UserRequest({"a.b"}, {1}), &response).code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(engine_->Ready());
  EXPECT_THAT(engine_->GetStatus().views, IsEmpty());
}

TEST_F(EngineTest, AKafkaPropertyThatDoesNotExistIsToldAtStart) {
  options_.kafka_properties = {{"sasl.mechanim", "PLAIN"}};
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(options_);
  EXPECT_EQ(engine.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(engine.status().message()), HasSubstr("sasl.mechanim"));
}

TEST_F(EngineTest, TwoEnginesDoNotShareAFolder) {
  Reopen();
  const Result<std::unique_ptr<Engine>> second = Engine::Open(options_);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition) << second.status().ToString();
}

}  // namespace
}  // namespace freshet
