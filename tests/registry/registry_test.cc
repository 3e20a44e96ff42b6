#include "registry/registry.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "registry/build_registry.h"

namespace freshet::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kShop = R"(
entities:
  - {name: user, join_keys: {user_id: int64}, description: A shopper}
  - {name: pair, join_keys: {item: string, user_id: int64}}
sources:
  - name: clicks
    kafka: {topic: clicks.v1, format: json, dead_letter_topic: clicks.bad}
    timestamp: {field: at, unit: ms}
    clock_skew: 5s
    fields: {user_id: int64, item: string, kind: string, amount: double, cents: int32, seen: timestamp}
  - {name: pushed, push: true, timestamp: at, fields: {user_id: int64}}
  - {name: pushed_too, push: , timestamp: at, fields: {user_id: int64}}
  - name: users
    file: {path: data/users.jsonl}
    timestamp: updated_at
    fields: {user_id: int64, age: int32, country: string, updated_at: string}
feature_views:
  - name: signals
    request: {basket: double, rush: bool}
    features:
      - {name: ratio, type: double, expr: "request.basket / activity.spend_1d", default: -1}
      - {name: is_adult, type: bool, expr: "has(profile.age) && profile.age >= 18"}
      - {name: clicks, type: float, expr: activity.clicks_1m * 2, description: Twice}
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [10m, 1m, {window: 1h, hop: 5m}]}
      - {name: spend, function: sum, of: amount, where: "kind == 'buy'", windows: [1d, 60m], default: 7.5}
      - {name: last_item, function: last, of: " item ", default: none}
      - {name: last_seen, function: last, of: seen}
      - {name: cents, function: sum, of: cents}
      - {name: max_cents, function: max, of: cents, description: The most}
  - name: pairs
    entity: pair
    source: clicks
    exact: true
    aggregations:
      - {name: n, function: count, windows: [10s, 1h]}
  - name: profile
    entity: user
    source: users
    features:
      - {name: age, expect: {not_null: true, between: [0, 150]}}
      - {name: nation, field: country, default: unknown, description: Where from,
         expect: {in: [SE, FI, NO], max_null_share: 0.25}}
    max_age: 400d
    retention: 500d
    min_rows: 1000
feature_services:
  - {name: ranking, features: [activity.clicks_1m, signals, profile.*]}
)";

TEST(RegistryTest, ReadsEntities) {
  auto registry = BuildText(kShop);
  ASSERT_EQ(registry->entities().size(), 2u);
  const Entity& pair = *registry->entities()[1];
  ASSERT_EQ(pair.join_keys.size(), 2u);
  EXPECT_EQ(pair.join_keys[0].name, "item");
  EXPECT_EQ(pair.join_keys[0].type, Type::kString);
  EXPECT_EQ(pair.join_keys[1].name, "user_id");
  EXPECT_EQ(registry->entities()[0]->description, "A shopper");
}

TEST(RegistryTest, ReadsSources) {
  auto registry = BuildText(kShop);
  const Source* clicks = registry->FindSource("clicks");
  ASSERT_NE(clicks, nullptr);
  const auto& kafka = std::get<KafkaLog>(clicks->kind);
  EXPECT_EQ(kafka.topic, "clicks.v1");
  EXPECT_EQ(kafka.dead_letter_topic, "clicks.bad");
  EXPECT_EQ(clicks->timestamp.field, "at");
  EXPECT_EQ(clicks->timestamp.unit, TimestampUnit::kMilliseconds);
  EXPECT_EQ(clicks->clock_skew_ms, 5'000);
  EXPECT_EQ(clicks->fields.size(), 6u);
  EXPECT_TRUE(clicks->is_stream());

  const Source* pushed = registry->FindSource("pushed");
  EXPECT_TRUE(std::holds_alternative<PushLog>(pushed->kind));
  EXPECT_EQ(pushed->timestamp.unit, TimestampUnit::kRfc3339);
  EXPECT_EQ(pushed->clock_skew_ms, limits::kClockSkewMsDefault);
  EXPECT_TRUE(std::holds_alternative<PushLog>(registry->FindSource("pushed_too")->kind));

  const Source* users = registry->FindSource("users");
  EXPECT_EQ(std::get<FileRows>(users->kind).path, "data/users.jsonl");
  EXPECT_EQ(std::get<FileRows>(users->kind).format, FileFormat::kJsonl);
  EXPECT_FALSE(users->is_stream());
  EXPECT_EQ(registry->FindSource("nothing"), nullptr);
}

TEST(RegistryTest, ReadsExpectations) {
  auto registry = BuildText(kShop);
  const BatchView& batch = *registry->FindFeatureView("profile")->batch();
  EXPECT_EQ(batch.rows_min, 1'000u);
  ASSERT_EQ(batch.expectations.size(), 2u);
  const Expectation& age = batch.expectations[0];
  EXPECT_EQ(ExpectationText(age), "not null; between 0 and 150");
  EXPECT_TRUE(age.IsBetween(Datum::Int(0)));
  EXPECT_TRUE(age.IsBetween(Datum::Int(150)));
  EXPECT_FALSE(age.IsBetween(Datum::Int(-1)));
  EXPECT_FALSE(age.IsBetween(Datum::Int(151)));
  EXPECT_TRUE(age.IsIn(Datum::Int(7)));
  const Expectation& nation = batch.expectations[1];
  EXPECT_EQ(ExpectationText(nation), R"(at most 0.25 of them null; one of "FI", "NO", "SE")");
  EXPECT_TRUE(nation.IsIn(Datum::String("NO")));
  EXPECT_FALSE(nation.IsIn(Datum::String("DK")));
  EXPECT_FALSE(nation.IsIn(Datum::String("")));
  EXPECT_TRUE(nation.IsBetween(Datum::String("DK")));
  EXPECT_FALSE(Expectation().is_any());
}

TEST(RegistryTest, ReadsStreamViews) {
  auto registry = BuildText(kShop);
  const FeatureView* view = registry->FindFeatureView("activity");
  const StreamView* stream = view->stream();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->source, registry->FindSource("clicks"));
  EXPECT_THAT(stream->key_fields, ElementsAre(0));
  EXPECT_EQ(stream->head_hop_ms, 1'000);
  EXPECT_FALSE(stream->exact);

  std::vector<std::string> names;
  for (const Feature& feature : view->features) names.push_back(feature.name);
  EXPECT_THAT(names, ElementsAre("clicks_1m", "clicks_10m", "clicks_1h", "spend_60m", "spend_1d",
                                 "last_item", "last_seen", "cents", "max_cents"));
  EXPECT_THAT(stream->aggregations[0].windows,
              ElementsAre(timeline::Window{60'000, 1'000}, timeline::Window{600'000, 10'000},
                          timeline::Window{3'600'000, 300'000}));
  // The hop that one aggregation gives to a window is the view's.
  EXPECT_EQ(stream->aggregations[1].windows[0], (timeline::Window{3'600'000, 300'000}));
  EXPECT_EQ(stream->aggregations[1].where_text, "kind == 'buy'");
  EXPECT_NE(stream->aggregations[1].where, nullptr);
  EXPECT_TRUE(stream->aggregations[2].windows.empty());
}

TEST(RegistryTest, FeaturesHaveTypesAndDefaults) {
  auto registry = BuildText(kShop);
  auto feature = [&](const char* name) -> const Feature& {
    Result<FeatureReference> found = registry->FindFeature(name);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found->view->features[found->feature];
  };
  EXPECT_EQ(feature("activity.clicks_1m").type, Type::kInt64);
  EXPECT_EQ(feature("activity.clicks_1m").default_value, Value(int64_t{0}));
  EXPECT_EQ(feature("activity.spend_1d").default_value, Value(7.5));
  EXPECT_EQ(feature("activity.last_item").type, Type::kString);
  EXPECT_EQ(feature("activity.last_item").default_value, Value(std::string("none")));
  EXPECT_EQ(feature("activity.last_seen").type, Type::kTimestamp);
  EXPECT_EQ(feature("activity.cents").type, Type::kInt64);
  EXPECT_EQ(feature("activity.max_cents").type, Type::kInt32);
  EXPECT_EQ(feature("activity.max_cents").description, "The most");
  EXPECT_EQ(feature("profile.age").default_value, Value(int64_t{0}));
  EXPECT_EQ(feature("profile.nation").default_value, Value(std::string("unknown")));
  EXPECT_EQ(feature("profile.nation").type, Type::kString);
  EXPECT_EQ(feature("signals.ratio").default_value, Value(-1.0));
  EXPECT_EQ(feature("signals.is_adult").default_value, Value(false));
  EXPECT_EQ(feature("signals.clicks").type, Type::kFloat);
}

TEST(RegistryTest, DecimalsStayDecimalsWhereTheirUnitsMakeSense) {
  auto registry = BuildText(R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - {name: sales, push: {}, timestamp: at, fields: {user_id: int64, price: decimal(2), rate: decimal(4), kind: string}}
  - {name: accounts, file: {path: accounts.csv}, timestamp: at, fields: {user_id: int64, balance: decimal(3)}}
feature_views:
  - name: v
    entity: user
    source: sales
    aggregations:
      - {name: sum, function: sum, of: price, default: 1.5}
      - {name: product, function: sum, of: price * rate, where: price > 0.005}
      - {name: mean, function: mean, of: price}
      - {name: max, function: max, of: price}
      - {name: top, function: top_k, k: 2, of: price}
      - {name: dearest, function: top_k_by, k: 2, of: kind, by: price}
      - {name: sums, function: category_sums, of: price, by: kind}
      - {name: distinct, function: distinct_count, of: price}
      - {name: median, function: median, of: price}
      - {name: spread, function: stddev_pop, of: "price - 1 // less the fee"}
      - {name: bins, function: histogram, of: price, edges: [0.1, 1]}
      - {name: faded, function: decayed_sum, of: price, half_life: 1h}
  - name: accounts
    entity: user
    source: accounts
    features: [{name: balance, default: -0.125, expect: {between: [-10, 99.5], in: [1.5, 0.25]}}]
  - name: o
    request: {discount: decimal(2)}
    features:
      - {name: due, type: decimal(4), expr: "v.sum - request.discount"}
      - {name: share, type: double, expr: "double(v.sum) / 3"}
)");
  ASSERT_NE(registry, nullptr);
  const auto feature = [&](const char* name) -> const Feature& {
    Result<FeatureReference> found = registry->FindFeature(name);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found->view->features[found->feature];
  };
  for (const char* name : {"v.sum", "v.max", "v.top", "v.sums"})
    EXPECT_EQ(feature(name).type, Type::Decimal(2)) << name;
  EXPECT_EQ(feature("v.product").type, Type::Decimal(6));
  EXPECT_EQ(feature("v.dearest").type, Type::kString);
  for (const char* name : {"v.mean", "v.median", "v.spread", "v.faded"})
    EXPECT_EQ(feature(name).type, Type::kDouble) << name;
  EXPECT_EQ(feature("v.distinct").type, Type::kInt64);
  EXPECT_EQ(feature("v.bins").type, Type::kInt64);
  EXPECT_EQ(feature("v.sum").default_value, Value(int64_t{150}));
  EXPECT_EQ(feature("accounts.balance").type, Type::Decimal(3));
  EXPECT_EQ(feature("accounts.balance").default_value, Value(int64_t{-125}));
  const Expectation& expectation =
      registry->FindFeatureView("accounts")->batch()->expectations.at(0);
  EXPECT_EQ(BetweenText(expectation), "between -10.000 and 99.500");
  EXPECT_EQ(InText(expectation), "one of 0.250, 1.500");
  EXPECT_EQ(feature("o.due").type, Type::Decimal(4));
  // The layout of what is stored names the scale.
  const auto& tables = registry->catalog().views.at("v").tables;
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_NE(tables[0].layout.find("sum(decimal(2))"), std::string::npos) << tables[0].layout;
}

TEST(RegistryTest, ExactViewsCutTheirCells) {
  auto registry = BuildText(kShop);
  const StreamView* stream = registry->FindFeatureView("pairs")->stream();
  EXPECT_TRUE(stream->exact);
  EXPECT_EQ(stream->head_hop_ms, 1'000);
  EXPECT_TRUE(stream->tables[0].schema.options().exact_head);
  EXPECT_THAT(
      stream->aggregations[0].windows,
      ElementsAre(timeline::Window{.window_ms = 10'000, .hop_ms = 1'000, .exact = true},
                  timeline::Window{.window_ms = 3'600'000, .hop_ms = 60'000, .exact = true}));
  EXPECT_THAT(stream->key_fields, ElementsAre(1, 0));
}

TEST(RegistryTest, AViewOfLifetimesHasAHeadHopToo) {
  auto registry = BuildText(R"(
entities: [{name: user, join_keys: {id: int64}}]
sources: [{name: s, push: {}, timestamp: t, fields: {id: int64}}]
feature_views:
  - {name: v, entity: user, source: s, aggregations: [{name: n, function: count}]}
  - {name: w, entity: user, source: s, exact: true, aggregations: [{name: n, function: count}]}
)");
  EXPECT_EQ(registry->FindFeatureView("v")->stream()->head_hop_ms, limits::kLifetimeHeadHopMs);
  EXPECT_EQ(registry->FindFeatureView("w")->stream()->head_hop_ms, 1'000);
}

TEST(RegistryTest, TheViewsHopIsForWindowsWithoutOne) {
  auto registry = BuildText(R"(
entities: [{name: user, join_keys: {id: int64}}]
sources: [{name: s, push: {}, timestamp: t, fields: {id: int64}}]
feature_views:
  - name: v
    entity: user
    source: s
    hop: 10s
    aggregations:
      - {name: a, function: count, windows: [1m, {window: 1h, hop: 1m}]}
      - {name: b, function: count, hop: 30s, windows: [10m]}
)");
  const StreamView* stream = registry->FindFeatureView("v")->stream();
  EXPECT_THAT(stream->aggregations[0].windows,
              ElementsAre(timeline::Window{60'000, 10'000}, timeline::Window{3'600'000, 60'000}));
  EXPECT_THAT(stream->aggregations[1].windows, ElementsAre(timeline::Window{600'000, 30'000}));
  EXPECT_EQ(stream->head_hop_ms, 10'000);
}

TEST(RegistryTest, ReadsBatchViews) {
  auto registry = BuildText(kShop);
  const FeatureView* view = registry->FindFeatureView("profile");
  const BatchView* batch = view->batch();
  ASSERT_NE(batch, nullptr);
  EXPECT_THAT(batch->key_fields, ElementsAre(0));
  EXPECT_THAT(batch->feature_fields, ElementsAre(1, 2));
  EXPECT_EQ(batch->max_age_ms, 400LL * 86'400'000);
  EXPECT_EQ(batch->retention_ms, 500LL * 86'400'000);
}

TEST(RegistryTest, OnDemandViewsKnowWhatTheyRead) {
  auto registry = BuildText(kShop);
  const OnDemandView* view = registry->FindFeatureView("signals")->on_demand();
  ASSERT_NE(view, nullptr);
  ASSERT_EQ(view->inputs.size(), 2u);
  EXPECT_EQ(view->inputs[0].name, "basket");
  std::vector<std::string> dependencies;
  for (const FeatureReference& each : view->dependencies)
    dependencies.push_back(each.view->name + "." + each.view->features[each.feature].name);
  EXPECT_THAT(dependencies, ElementsAre("activity.spend_1d", "profile.age", "activity.clicks_1m"));
  EXPECT_THAT(view->derived[0].program->used_variables(), ElementsAre(0, 2));
  EXPECT_THAT(view->derived[1].program->used_variables(), ElementsAre(3));
  EXPECT_THAT(view->derived[2].program->used_variables(), ElementsAre(4));
}

TEST(RegistryTest, ServicesListFeaturesAndWholeViews) {
  auto registry = BuildText(kShop);
  const FeatureService* service = registry->FindFeatureService("ranking");
  std::vector<std::string> names;
  for (const FeatureReference& each : service->features)
    names.push_back(each.view->name + "." + each.view->features[each.feature].name);
  EXPECT_THAT(names, ElementsAre("activity.clicks_1m", "signals.ratio", "signals.is_adult",
                                 "signals.clicks", "profile.age", "profile.nation"));
  EXPECT_EQ(registry->FindFeatureService("rankin"), nullptr);
}

TEST(RegistryTest, NullIsAStaleActionToo) {
  for (const char* word : {"null", "'null'", "NULL"}) {
    auto registry =
        BuildText(std::string(kShop) +
                  "  - {name: careful, features: [profile.*], stale_action: " + word + "}\n");
    ASSERT_NE(registry, nullptr);
    EXPECT_EQ(registry->FindFeatureService("careful")->stale_action, StaleAction::kNull) << word;
  }
}

TEST(RegistryTest, FindFeatureSaysWhichHalfIsUnknown) {
  auto registry = BuildText(kShop);
  EXPECT_THAT(registry->FindFeature("activty.clicks_1m").status().ToString(),
              HasSubstr("no feature view 'activty' is defined; did you mean 'activity'?"));
  EXPECT_THAT(registry->FindFeature("activity.click_1m").status().ToString(),
              HasSubstr("has no feature 'click_1m'; did you mean 'clicks_1m'?"));
  EXPECT_THAT(registry->FindFeature("activity").status().ToString(), HasSubstr("view.feature"));
}

TEST(RegistryTest, KeepsItsFilesAndTheOrderOfDefinitions) {
  std::vector<DefinitionFile> files = {
      {"b.yaml", "entities: [{name: z, join_keys: {id: int64}}]\n"},
      {"a.yaml", "entities: [{name: a, join_keys: {id: int64}}]\n"}};
  yaml::Diagnostics diagnostics;
  auto registry = Registry::Build(files, Catalog(), &diagnostics);
  ASSERT_NE(registry, nullptr);
  EXPECT_EQ(registry->files(), files);
  EXPECT_EQ(registry->entities()[0]->name, "z");
  EXPECT_EQ(registry->entities()[1]->name, "a");
}

TEST(RegistryTest, NoFilesAreAnEmptyRegistry) {
  yaml::Diagnostics diagnostics;
  auto registry = Registry::Build({}, Catalog(), &diagnostics);
  ASSERT_NE(registry, nullptr);
  EXPECT_TRUE(registry->feature_views().empty());
}

constexpr const char* kManyKindsOfWindows = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources: [{name: clicks, push: {}, timestamp: at, fields: {user_id: int64}}]
feature_views:
  - name: v
    entity: user
    source: clicks
    time_zone: Europe/Berlin
    week_starts: sunday
    aggregations:
      - name: n
        function: count
        windows:
          - today
          - {window: last_week, offset: 1d}
          - {tumbling: 90s}
          - {tumbling: 1h, previous: true}
          - {window: 1d, offset: 2d}
          - 1d
)";

TEST(RegistryTest, WindowsOfAllKindsHaveNamesAndOneHopAtTheirNewerEnd) {
  auto registry = BuildText(kManyKindsOfWindows);
  ASSERT_NE(registry, nullptr);
  const FeatureView& view = *registry->FindFeatureView("v");
  std::vector<std::string> names;
  for (const Feature& feature : view.features) names.push_back(feature.name);
  EXPECT_THAT(names, ElementsAre("n_1d", "n_1d_2d_ago", "n_tumbling_90s", "n_previous_1h",
                                 "n_today", "n_last_week_1d_ago"));
  // What divides 20m, the hop of 1d; 90s and 1h; and a quarter of an hour.
  EXPECT_EQ(view.stream()->head_hop_ms, 30'000);
  EXPECT_EQ(registry->catalog().views.at("v").tables[0].layout,
            "head=30000 skew=60000 windows=86400000/1200000,86400000/1200000:offset=172800000,"
            "tumbling:90000,tumbling:3600000:back=1,day:Europe/Berlin:monday,"
            "week:Europe/Berlin:sunday:back=1:offset=86400000 lifetime=0 slots=count()");
}

TEST(RegistryTest, WithoutSlidingWindowsTheNewerEndHasADefaultOrTheViewsHop) {
  const auto head = [](const std::string& hop, const std::string& windows) {
    auto registry = BuildText(
        "entities: [{name: user, join_keys: {user_id: int64}}]\n"
        "sources: [{name: clicks, push: {}, timestamp: at, fields: {user_id: int64}}]\n"
        "feature_views:\n"
        "  - {name: v, entity: user, source: clicks, " +
        hop + "aggregations: [{name: n, function: count, windows: [" + windows + "]}]}\n");
    return registry == nullptr ? 0 : registry->FindFeatureView("v")->stream()->head_hop_ms;
  };
  EXPECT_EQ(head("", "today, this_year"), 300'000);
  EXPECT_EQ(head("", "today, this_hour"), 60'000);
  EXPECT_EQ(head("", "{tumbling: 1m}"), 1'000);
  EXPECT_EQ(head("hop: 20s, ", "{tumbling: 1m}"), 20'000);
  EXPECT_EQ(head("hop: 1h, ", "today"), 900'000);
  EXPECT_EQ(head("exact: true, ", "today, 1h, {tumbling: 1h}"), 1'000);
  EXPECT_EQ(head("exact: true, ", "1h, {tumbling: 1500ms}"), 500);
  EXPECT_EQ(head("", "{session: 30m}"), 20'000);
  EXPECT_EQ(head("", "1d, {session: 1m}"), 60'000);
  EXPECT_EQ(head("", "{last: 10}"), 1'000);
}

TEST(RegistryTest, ReadsWindowsThatFollowEvents) {
  auto registry = BuildText(R"(
entities: [{name: user, join_keys: {id: int64}}]
sources:
  - name: s
    push: {}
    timestamp: t
    deduplicate: {key: event_id, within: 1h}
    fields: {id: int64, event_id: string, shop: string, amount: double}
feature_views:
  - name: v
    entity: user
    source: s
    aggregations:
      - {name: n, function: count, windows: [{session: 30m}, {session: 1h, longest: 7d, offset: 1d}, {last: 10}]}
      - {name: dearest, function: top_k_by, k: 3, of: shop, by: amount * 2.0, windows: [1d]}
      - {name: spend, function: category_sums, of: amount, by: shop, windows: [1d]}
      - {name: sizes, function: histogram, of: amount, edges: [0, 10.5], windows: [1d]}
)");
  ASSERT_NE(registry, nullptr);
  const FeatureView* view = registry->FindFeatureView("v");
  const StreamView* stream = view->stream();
  EXPECT_EQ(view->features[0].name, "n_session_30m");
  EXPECT_EQ(view->features[1].name, "n_session_1h_1d_ago");
  EXPECT_EQ(view->features[2].name, "n_last_10");
  EXPECT_EQ(stream->aggregations[0].windows[0].longest_ms, limits::kLongestSessionMsDefault);
  EXPECT_EQ(stream->aggregations[0].windows[1].longest_ms, 7 * 86'400'000);
  EXPECT_EQ(stream->aggregations[1].function->parameters.by_type, Type::kDouble);
  EXPECT_EQ(stream->aggregations[2].function->parameters.by_type, Type::kString);
  EXPECT_THAT(stream->aggregations[3].function->parameters.edges.all(), ElementsAre(0, 10.5));
  EXPECT_EQ(stream->tables[0].schema.options().deduplicate_ms, 3'600'000);
}

}  // namespace
}  // namespace freshet::registry
