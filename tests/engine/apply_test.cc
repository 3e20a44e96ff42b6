// What changes of definitions do to what is stored and served.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/definitions_record.h"
#include "engine/fixture.h"
#include "store/entity_key.h"
#include "store/store.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kThenMs = 1'780'000'000'000;

const std::string kOnlyEntities = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
)";
const std::string kSources = kOnlyEntities + R"(
sources:
  - {name: clicks, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, amount: double}}
  - {name: users, file: {path: users.csv}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, age: int32, height: double}}
)";
const std::string kNoViews = kSources;
const std::string kActivity = R"(
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1h]}
)";
const std::string kProfile = R"(
  - {name: profile, entity: user, source: users, features: [age]}
)";
const std::string kOneView = kSources + "feature_views:" + kActivity;
const std::string kBothViews = kSources + "feature_views:" + kActivity + kProfile;

std::string Event(int64_t user_id, int64_t at_ms, double amount = 1.0) {
  return "{\"user_id\": " + std::to_string(user_id) + ", \"at\": " + std::to_string(at_ms) +
         ", \"amount\": " + std::to_string(amount) + "}";
}

FeatureRequest ReadThen(std::vector<std::string> features) {
  FeatureRequest request = UserRequest(std::move(features), {1});
  request.read_time_ms = kThenMs;
  return request;
}

class ApplyTest : public EngineTest {
 protected:
  void SetUp() override { Reopen(); }

  std::unique_ptr<store::Store> OpenStore() {
    engine_.reset();
    store::StoreOptions options;
    options.path = options_.data_folder;
    Result<std::unique_ptr<store::Store>> store = store::Store::Open(options);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return store.ok() ? std::move(*store) : nullptr;
  }
  static engine::DefinitionsRecord ReadRecord(store::Store& store) {
    const auto bytes = store.ReadDefinitions();
    EXPECT_TRUE(bytes.ok() && bytes->has_value());
    Result<engine::DefinitionsRecord> record = engine::DecodeDefinitions(**bytes);
    EXPECT_TRUE(record.ok()) << record.status().ToString();
    return *record;
  }
  // Whether anything is stored of the view's timelines (of user 1) or positions, or of the source's log.
  struct Traces {
    bool timeline = false;
    bool positions = false;
    bool log = false;
    bool rows = false;
  };
  static Traces Find(store::Store& store, const registry::Catalog& catalog) {
    Traces traces;
    std::string key;
    EXPECT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(1), key).ok());
    const registry::CatalogView& activity = catalog.views.at("activity");
    for (const registry::CatalogTable& table : activity.tables) {
      const store::StateKey state{store::TableKind::kTimelines, table.id, key};
      EXPECT_TRUE(
          store
              .Lookup({&state, 1},
                      [&](size_t, std::string_view bytes) { traces.timeline |= !bytes.empty(); })
              .ok());
      const auto positions = store.ReadPositions(table.id);
      EXPECT_TRUE(positions.ok());
      traces.positions |= !positions->empty();
    }
    traces.log = store.LogEnd(catalog.sources.at("clicks")) != 0;
    if (const auto profile = catalog.views.find("profile"); profile != catalog.views.end()) {
      traces.rows = store.FindGeneration(profile->second.id) != nullptr;
    }
    return traces;
  }
};

TEST_F(ApplyTest, PlanShowsAndDoesNothing) {
  const Result<PlanOutcome> plan = engine_->Plan(Definitions(kOneView));
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->applicable());
  EXPECT_THAT(plan->changes, ::testing::Not(IsEmpty()));
  EXPECT_THAT(engine_->GetStatus().views, IsEmpty());
  Apply(kOneView);
  EXPECT_EQ(engine_->GetStatus().views.size(), 1u);
  EXPECT_THAT(engine_->Plan(Definitions(kOneView))->changes, IsEmpty());
}

TEST_F(ApplyTest, MistakesChangeNothing) {
  Apply(kOneView);
  const PlanOutcome outcome = Refused(kOneView + "feature_service: []\n");
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_THAT(outcome.errors[0].message, HasSubstr("feature_services"));
  EXPECT_THAT(outcome.changes, IsEmpty());
  EXPECT_EQ(engine_->GetStatus().views.size(), 1u);
}

TEST_F(ApplyTest, AChangeOfMeaningIsRefusedAndNothingIsTouched) {
  Apply(kOneView);
  Push("clicks", {Event(1, kThenMs)});
  std::string changed = kOneView;
  changed.replace(changed.find("function: count"), 15, "function: sum, of: amount");
  const PlanOutcome outcome = Refused(changed);
  const auto refusal = std::find_if(outcome.changes.begin(), outcome.changes.end(),
                                    [](const DefinitionChange& change) { return change.refused; });
  ASSERT_NE(refusal, outcome.changes.end());
  EXPECT_FALSE(refusal->reason.empty());
  EXPECT_FALSE(refusal->way_out.empty());
  EXPECT_EQ(Shown(Get(ReadThen({"activity.clicks_1h"})).features[0], 0), "PRESENT 1");
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  EXPECT_EQ(Shown(Get(ReadThen({"activity.clicks_1h"})).features[0], 0), "PRESENT 1");
}

TEST_F(ApplyTest, AViewThatIsAddedLaterCountsFromTheBeginning) {
  Apply(kNoViews);
  ASSERT_TRUE(engine_->Push("clicks", {Event(1, kThenMs), Event(1, kThenMs - kMinuteMs)}).ok());
  Apply(kOneView);
  Await([&] { return HasRead("clicks", 1); }, "the log is read");
  EXPECT_EQ(Shown(Get(ReadThen({"activity.clicks_1h"})).features[0], 0), "PRESENT 2");
}

TEST_F(ApplyTest, AWindowThatIsAddedCountsFromTheBeginningBesideTheOthers) {
  Apply(kOneView);
  Push("clicks", {Event(1, kThenMs), Event(1, kThenMs - 90 * kMinuteMs)});
  std::string wider = kOneView;
  wider.replace(wider.find("[1h]"), 4, "[1h, 2h]");
  Apply(wider);
  Await([&] { return HasRead("clicks", 1); }, "the log is read");
  const FeatureRequest request = ReadThen({"activity.clicks_1h", "activity.clicks_2h"});
  EXPECT_EQ(Table(request)[0], (std::vector<std::string>{"PRESENT 1", "PRESENT 2"}));
  Push("clicks", {Event(1, kThenMs)});
  EXPECT_EQ(Table(request)[0], (std::vector<std::string>{"PRESENT 2", "PRESENT 3"}));
  Reopen();
  Await([&] { return engine_->Ready(); }, "caught up");
  EXPECT_EQ(Table(request)[0], (std::vector<std::string>{"PRESENT 2", "PRESENT 3"}));
}

TEST_F(ApplyTest, AColumnThatIsAddedIsNullUntilTheNextLoad) {
  Apply(kBothViews);
  Load("profile", "user_id,at,age,height\n1,1770000000000,34,1.7\n");
  std::string wider = kBothViews;
  wider.replace(wider.find("[age]"), 5, "[height, age]");
  Apply(wider);
  const FeatureRequest request = ReadThen({"profile.age", "profile.height"});
  EXPECT_EQ(Table(request)[0], (std::vector<std::string>{"PRESENT 34", "NULL_VALUE 0"}));
  Load("profile", "user_id,at,age,height\n1,1770000000000,34,1.8\n");
  EXPECT_EQ(Table(request)[0], (std::vector<std::string>{"PRESENT 34", "PRESENT 1.8"}));
}

TEST_F(ApplyTest, WhatIsRemovedLeavesNothingAndDoesNotComeBack) {
  Apply(kBothViews);
  Push("clicks", {Event(1, kThenMs)});
  Load("profile", "user_id,at,age,height\n1,1770000000000,34,1.7\n");
  registry::Catalog before;
  {
    const std::unique_ptr<store::Store> store = OpenStore();
    before = ReadRecord(*store).catalog;
    const Traces traces = Find(*store, before);
    EXPECT_TRUE(traces.timeline && traces.positions && traces.log && traces.rows);
  }
  Reopen();
  Apply(kOnlyEntities);
  EXPECT_EQ(engine_->Push("clicks", {"{}"}).status().code(), StatusCode::kNotFound);
  {
    const std::unique_ptr<store::Store> store = OpenStore();
    EXPECT_TRUE(ReadRecord(*store).leftovers.empty());
    const Traces traces = Find(*store, before);
    EXPECT_FALSE(traces.timeline || traces.positions || traces.log || traces.rows);
  }
  Reopen();
  Apply(kBothViews);
  EXPECT_EQ(Table(ReadThen({"activity.clicks_1h", "profile.age"}))[0],
            (std::vector<std::string>{"NOT_FOUND 0", "NOT_FOUND 0"}));
  EXPECT_EQ(Push("clicks", {Event(1, kThenMs)}), 0);
  EXPECT_EQ(Table(ReadThen({"activity.clicks_1h"}))[0][0], "PRESENT 1");
}

TEST_F(ApplyTest, ACrashAfterTheRecordIsFinishedByTheNextStart) {
  Apply(kBothViews);
  Push("clicks", {Event(1, kThenMs)});
  Load("profile", "user_id,at,age,height\n1,1770000000000,34,1.7\n");
  registry::Catalog before;
  {
    // The state as a process leaves it that ends right after it wrote the record of a removal.
    const std::unique_ptr<store::Store> store = OpenStore();
    engine::DefinitionsRecord record = ReadRecord(*store);
    before = record.catalog;
    yaml::Diagnostics diagnostics;
    const auto live = registry::Registry::Build(record.files, record.catalog, &diagnostics);
    const std::vector<registry::DefinitionFile> none = {{"definitions.yaml", kOnlyEntities}};
    const auto next = registry::Registry::Build(none, record.catalog, &diagnostics);
    ASSERT_TRUE(live != nullptr && next != nullptr);
    ASSERT_TRUE(store
                    ->WriteDefinitions(engine::EncodeDefinitions(
                        {next->files(), next->catalog(), engine::FindLeftovers(*live, *next)}))
                    .ok());
  }
  Reopen();
  EXPECT_THAT(engine_->GetStatus().views, IsEmpty());
  const std::unique_ptr<store::Store> store = OpenStore();
  EXPECT_TRUE(ReadRecord(*store).leftovers.empty());
  const Traces traces = Find(*store, before);
  EXPECT_FALSE(traces.timeline || traces.positions || traces.log || traces.rows);
}

TEST_F(ApplyTest, AKafkaSourceNeedsBrokers) {
  const std::string kafka = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - {name: orders, kafka: {topic: orders, format: json}, timestamp: {field: at, unit: ms}, fields: {user_id: int64}}
)";
  const PlanOutcome outcome = Refused(kafka);
  const auto refusal = std::find_if(outcome.changes.begin(), outcome.changes.end(),
                                    [](const DefinitionChange& change) { return change.refused; });
  ASSERT_NE(refusal, outcome.changes.end());
  EXPECT_EQ(refusal->subject, "source orders");
  EXPECT_THAT(refusal->reason, HasSubstr("'orders'"));
  EXPECT_THAT(refusal->way_out, HasSubstr("kafka.brokers"));
  EXPECT_EQ(std::count_if(
                outcome.changes.begin(), outcome.changes.end(),
                [](const DefinitionChange& change) { return change.subject == "source orders"; }),
            1);

  // With brokers it is taken, whether or not they are up; without them the same folder does not open.
  options_.kafka_brokers = "127.0.0.1:1";
  Reopen();
  Apply(kafka);
  engine_.reset();
  options_.kafka_brokers.clear();
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(options_);
  EXPECT_EQ(engine.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(engine.status().message()), HasSubstr("'orders'"));
}

TEST_F(ApplyTest, ALoadUnderWayOutlivesTheRemovalOfItsViewAndLeavesNothing) {
  Apply(kBothViews);
  Result<std::unique_ptr<LoadSession>> session = engine_->Load({"profile", "", 0.0});
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  ASSERT_TRUE((*session)->Feed("user_id,at,age,height\n1,1770000000000,34,1.7\n").ok());
  Apply(kOneView);
  (void)(*session)->Finish(nullptr);
  session->reset();
  Reopen();
  Apply(kBothViews);
  EXPECT_EQ(Table(ReadThen({"profile.age"}))[0][0], "NOT_FOUND 0");
  const std::unique_ptr<store::Store> store = OpenStore();
  EXPECT_TRUE(ReadRecord(*store).leftovers.empty());
}

}  // namespace
}  // namespace freshet
