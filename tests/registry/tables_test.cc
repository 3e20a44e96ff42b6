// The layout of timelines must follow from the catalog, never from the arrangement of the YAML.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/build_registry.h"
#include "registry/change.h"

namespace freshet::registry {
namespace {

using ::testing::ElementsAre;

// A set of definitions with one stream view `v` of these aggregations.
std::string WithAggregations(const std::vector<std::string>& aggregations) {
  std::string text = R"(
entities: [{name: user, join_keys: {id: int64}}]
sources: [{name: s, push: {}, timestamp: t, fields: {id: int64, x: double, y: int64, w: string}}]
feature_views:
  - name: v
    entity: user
    source: s
    aggregations:
)";
  for (const std::string& each : aggregations) text += "      - " + each + "\n";
  return text;
}

const std::string kClicks = "{name: clicks, function: count, windows: [1m, 1h]}";
const std::string kSpend = "{name: spend, function: sum, of: x, windows: [1h]}";
const std::string kLast = "{name: last, function: last, of: w}";
const std::string kMost = "{name: most, function: max, of: y, windows: [10m]}";

const StreamView& StreamOf(const Registry& registry) {
  return *registry.FindFeatureView("v")->stream();
}

// What is read for a feature: the function, the input and the window that its want points to.
std::string ReadOf(const Registry& registry, const std::string& feature) {
  Result<FeatureReference> found = registry.FindFeature("v." + feature);
  EXPECT_TRUE(found.ok());
  const StreamView& stream = StreamOf(registry);
  const WindowedFeature& windowed = stream.windowed[found->feature];
  const TimelineTable& table = stream.tables[windowed.table];
  EXPECT_EQ(table.aggregations[windowed.want.aggregation], windowed.aggregation);
  const auto& function = table.schema.aggregations()[windowed.want.aggregation];
  EXPECT_EQ(function, stream.aggregations[windowed.aggregation].function);
  if (!windowed.want.window.has_value()) {
    EXPECT_TRUE(table.schema.options().has_lifetime);
    EXPECT_FALSE(windowed.window.has_value());
    return fmt::format("table {} {} lifetime", table.id, function->name);
  }
  const timeline::Window& window = table.schema.windows()[*windowed.want.window];
  EXPECT_EQ(window, stream.aggregations[windowed.aggregation].windows[*windowed.window]);
  return fmt::format("table {} {} {}", table.id, function->name, window.window_ms);
}

// Everything that stored bytes hang on, from the schemas themselves.
std::string BytesOf(const Registry& registry) {
  std::string text;
  for (const TimelineTable& table : StreamOf(registry).tables) {
    const timeline::Schema::Options& options = table.schema.options();
    text += fmt::format("{} head {} skew {} life {}:", table.id, options.head_hop_ms,
                        options.clock_skew_ms, options.has_lifetime);
    for (const timeline::Window& each : options.windows)
      text += fmt::format(" {}/{}", each.window_ms, each.hop_ms);
    for (const auto& each : options.aggregations)
      text += fmt::format(" {}({})", each->name, TypeName(each->input));
    text += "\n";
  }
  return text;
}

std::vector<std::string> TableOf(const Registry& registry, size_t index) {
  return registry.catalog().views.at("v").tables.at(index).features;
}

TEST(TablesTest, ANewViewHasOneTable) {
  auto registry = BuildText(WithAggregations({kClicks, kSpend, kLast}));
  const StreamView& stream = StreamOf(*registry);
  ASSERT_EQ(stream.tables.size(), 1u);
  const timeline::Schema& schema = stream.tables[0].schema;
  EXPECT_THAT(schema.windows(),
              ElementsAre(timeline::Window{60'000, 1'000}, timeline::Window{3'600'000, 60'000}));
  EXPECT_TRUE(schema.options().has_lifetime);
  EXPECT_EQ(schema.options().head_hop_ms, 1'000);
  EXPECT_EQ(schema.options().clock_skew_ms, 60'000);
  EXPECT_THAT(TableOf(*registry, 0), ElementsAre("clicks_1m", "clicks_1h", "spend_1h", "last"));
  for (const char* feature : {"clicks_1m", "clicks_1h", "spend_1h", "last"})
    ReadOf(*registry, feature);
}

TEST(TablesTest, IdsComeFromOneSequence) {
  auto registry = BuildText(WithAggregations({kClicks}));
  EXPECT_EQ(registry->FindSource("s")->id, 1u);
  EXPECT_EQ(registry->FindFeatureView("v")->id, 2u);
  EXPECT_EQ(StreamOf(*registry).tables[0].id, 3u);
  EXPECT_EQ(registry->catalog().next_id, 4u);
}

TEST(TablesTest, BuildingAgainFromWhatWasStoredChangesNothing) {
  std::string text = WithAggregations({kClicks, kSpend, kLast});
  auto registry = BuildText(text);
  auto again = BuildText(text, registry->catalog());
  EXPECT_EQ(again->catalog(), registry->catalog());
  EXPECT_EQ(BytesOf(*again), BytesOf(*registry));
}

TEST(TablesTest, ArrangingTheYamlOtherwiseKeepsTheLayout) {
  std::vector<std::string> aggregations = {kClicks, kSpend, kLast, kMost};
  auto registry = BuildText(WithAggregations(aggregations));
  std::sort(aggregations.begin(), aggregations.end());
  do {
    auto other = BuildText(WithAggregations(aggregations), registry->catalog());
    EXPECT_EQ(other->catalog(), registry->catalog());
    EXPECT_EQ(BytesOf(*other), BytesOf(*registry));
    for (const char* feature : {"clicks_1m", "clicks_1h", "spend_1h", "last", "most_10m"})
      EXPECT_EQ(ReadOf(*other, feature), ReadOf(*registry, feature));
    EXPECT_TRUE(Compare(registry.get(), *other).empty());
  } while (std::next_permutation(aggregations.begin(), aggregations.end()));
}

TEST(TablesTest, WhatIsAddedGoesIntoOneNewTable) {
  auto first = BuildText(WithAggregations({kClicks}));
  auto second = BuildText(
      WithAggregations({kMost, kLast, "{name: clicks, function: count, windows: [1m, 10m, 1h]}"}),
      first->catalog());
  const StreamView& stream = StreamOf(*second);
  ASSERT_EQ(stream.tables.size(), 2u);
  EXPECT_THAT(TableOf(*second, 0), ElementsAre("clicks_1m", "clicks_1h"));
  EXPECT_THAT(TableOf(*second, 1), ElementsAre("most_10m", "last", "clicks_10m"));
  EXPECT_EQ(stream.tables[0].id, StreamOf(*first).tables[0].id);
  EXPECT_EQ(stream.tables[1].id, first->catalog().next_id);
  EXPECT_EQ(stream.tables[1].schema.options().head_hop_ms, stream.head_hop_ms);
  EXPECT_EQ(ReadOf(*second, "clicks_1m"), ReadOf(*first, "clicks_1m"));
  EXPECT_EQ(ReadOf(*second, "clicks_10m"), "table 4 count 600000");
  // The live table has no slot and no window that it did not have.
  EXPECT_EQ(BytesOf(*second).substr(0, BytesOf(*first).size()), BytesOf(*first));
}

TEST(TablesTest, ATableThatNobodyNeedsGoesAndItsIdStaysUsed) {
  auto first = BuildText(WithAggregations({kClicks}));
  auto second = BuildText(WithAggregations({kClicks, kMost}), first->catalog());
  auto third = BuildText(WithAggregations({kClicks}), second->catalog());
  EXPECT_EQ(StreamOf(*third).tables.size(), 1u);
  auto fourth = BuildText(WithAggregations({kClicks, kMost}), third->catalog());
  EXPECT_GT(StreamOf(*fourth).tables[1].id, StreamOf(*second).tables[1].id);
}

TEST(TablesTest, ARemovedViewComesBackUnderOtherIds) {
  auto first = BuildText(WithAggregations({kClicks}));
  auto gone = BuildText("entities: [{name: user, join_keys: {id: int64}}]\n", first->catalog());
  EXPECT_TRUE(gone->catalog().views.empty());
  EXPECT_TRUE(gone->catalog().sources.empty());
  auto back = BuildText(WithAggregations({kClicks}), gone->catalog());
  EXPECT_GE(back->FindSource("s")->id, first->catalog().next_id);
  EXPECT_GE(back->FindFeatureView("v")->id, first->catalog().next_id);
  EXPECT_GE(StreamOf(*back).tables[0].id, first->catalog().next_id);
}

// Whatever is added, in whatever order, and however the file is shuffled: live tables keep their
// bytes and every feature reads what it means.
TEST(TablesTest, RandomAdditionsNeverTouchLiveTables) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const std::vector<std::string> functions = {"function: count", "function: sum, of: x",
                                              "function: sum, of: y", "function: last, of: w",
                                              "function: max, of: y"};
  const std::vector<std::string> windows = {"", "2m", "10m", "1h", "1d"};
  for (int round = 0; round < 50; ++round) {
    // The shortest window is there from the beginning, since it sets the head's hop.
    std::vector<std::string> aggregations = {"{name: base, function: count, windows: [1m]}"};
    auto live = BuildText(WithAggregations(aggregations));
    for (int step = 0; step < 5; ++step) {
      size_t count = 1 + random() % 3;
      for (size_t i = 0; i < count; ++i) {
        const std::string& window = windows[random() % windows.size()];
        aggregations.push_back(fmt::format(
            "{{name: a{}, {}{}}}", aggregations.size(), functions[random() % functions.size()],
            window.empty() ? "" : fmt::format(", windows: [{}]", window)));
      }
      std::shuffle(aggregations.begin(), aggregations.end(), random);
      auto next = BuildText(WithAggregations(aggregations), live->catalog());
      for (const Change& change : Compare(live.get(), *next))
        ASSERT_FALSE(change.refused) << change.subject << ": " << change.reason;
      ASSERT_EQ(BytesOf(*next).substr(0, BytesOf(*live).size()), BytesOf(*live));
      for (const Feature& feature : live->FindFeatureView("v")->features)
        ASSERT_EQ(ReadOf(*next, feature.name), ReadOf(*live, feature.name));
      live = next;
    }
  }
}

// What `plan` says that one timeline of the view may take.
std::string SizeOf(const std::vector<std::string>& aggregations) {
  const std::string detail =
      Compare(nullptr, *BuildText(WithAggregations(aggregations))).at(2).detail;
  return detail.substr(detail.find("; at most") + 2);
}

TEST(TablesTest, APlanSaysWhatATimelineTakesAndWhatItMayGrowTo) {
  EXPECT_EQ(SizeOf({kClicks, kSpend}), "at most 242 cells an entity, together 9712 B");
  EXPECT_EQ(SizeOf({kLast}),
            "at most 62 cells an entity, together 1544 B, or when all lists, sketches and texts "
            "are full 4064 B with texts of 20 B and 4.1 MB with texts of 65.5 KB");
  EXPECT_EQ(SizeOf({"{name: many, function: distinct_count, of: y, windows: [1h]}"}),
            "at most 63 cells an entity, together 1544 B, or 259.7 KB when all lists and sketches "
            "are full");
  EXPECT_EQ(SizeOf({"{name: list, function: last_k, k: 5, of: w, windows: [1h]}"}),
            "at most 63 cells an entity, together 1544 B, or when all lists, sketches and texts "
            "are full 15.4 KB with texts of 20 B and 8.4 MB with texts of 65.5 KB (the oldest "
            "cells go when all come to 8.4 MB)");
  EXPECT_EQ(SizeOf({"{name: p, function: percentile, quantile: 0.9, of: x, windows: [1h, 1d, "
                    "30d]}"}),
            "at most 248 cells an entity, together 5984 B, or 8.4 MB when all lists and sketches "
            "are full (the oldest cells go when all come to 8.4 MB)");
  EXPECT_EQ(SizeOf({"{name: n, function: sum, of: x, windows: [{last: 10}, {session: 30m}]}"}),
            "at most 219 cells and 74 single events of 52 B an entity, together 12.7 KB");
}

std::string ErrorOf(const std::vector<std::string>& aggregations) {
  yaml::Diagnostics diagnostics;
  EXPECT_EQ(TryBuild(WithAggregations(aggregations), &diagnostics), nullptr);
  return diagnostics.ToString();
}

TEST(TablesTest, MoreBytesThanATimelineMayHaveAreRefusedWithTheFigure) {
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i)
    many.push_back(fmt::format("{{name: a{}, function: kurtosis, of: x, windows: [WINDOW]}}", i));
  const auto with = [&](const std::string& window) {
    std::vector<std::string> aggregations = many;
    for (std::string& each : aggregations) each.replace(each.find("WINDOW"), 6, window);
    return aggregations;
  };
  EXPECT_EQ(ErrorOf(with("{window: 1h, hop: 1s}")),
            "a.yaml:5:5: the cells of an entity's timeline could need too many bytes: 3725 cells "
            "of 4336 B are 16.2 MB, and at most 8.4 MB are allowed; larger hops or shorter windows "
            "need fewer cells, and fewer aggregations in the view smaller ones");
  EXPECT_EQ(ErrorOf(with("{last: 1000}")),
            "a.yaml:5:5: the last 1000 events of an entity could need too many bytes: 1064 are "
            "kept, of 4348 B each, and at most 4.2 MB are allowed; a smaller `last`, or fewer "
            "aggregations in the view, need fewer");
  EXPECT_EQ(ErrorOf({"{name: a, function: last_k, k: 100, of: w}",
                     "{name: b, function: first_k, k: 100, of: w}",
                     "{name: c, function: top_k, k: 100, of: w}",
                     "{name: d, function: bottom_k, k: 100, of: w}",
                     "{name: e, function: last_distinct_k, k: 100, of: w}",
                     "{name: f, function: top_k_by, k: 100, of: w, by: x}"}),
            "a.yaml:5:5: what an entity's timeline keeps over the lifetime could need too many "
            "bytes: 39.3 MB with texts of 65.5 KB, 6.6 MB of them for one top_k_by, and at most "
            "33.6 MB are allowed; a smaller `k`, windows for all aggregations of the view, or more "
            "views with fewer aggregations each need fewer");
}

std::string WithRows(const std::string& features) {
  return R"(
entities: [{name: user, join_keys: {id: int64}}]
sources: [{name: s, push: {}, timestamp: t, fields: {id: int64, x: double, w: string}}]
feature_views:
  - {name: v, entity: user, source: s, features: [)" +
         features + "]}\n";
}

TEST(TablesTest, RowsOfAStreamKeepTheirColumnsWhateverTheOrderOfTheFeatures) {
  auto before = BuildText(WithRows("x, w"));
  const FeatureView& view = *before->FindFeatureView("v");
  EXPECT_EQ(view.fed_by(), before->FindSource("s"));
  EXPECT_THAT(view.fed_tables(), ElementsAre(3u));
  EXPECT_EQ(before->catalog().views.at("v").tables.at(0).layout, "rows=double,string");

  auto after = BuildText(WithRows("{name: id_too, field: id}, w, x"), before->catalog());
  const BatchView& batch = *after->FindFeatureView("v")->batch();
  ASSERT_EQ(batch.tables.size(), 2u);
  EXPECT_EQ(batch.tables[0].id, 3u);
  EXPECT_THAT(batch.tables[0].features, ElementsAre(2u, 1u));
  EXPECT_EQ(batch.tables[1].id, 4u);
  EXPECT_THAT(batch.tables[1].features, ElementsAre(0u));
  EXPECT_EQ(batch.columns[0].table, 1u);
  EXPECT_EQ(batch.columns[1].table, 0u);
  EXPECT_EQ(batch.columns[1].column, 1u);
  EXPECT_EQ(batch.columns[2].column, 0u);
  EXPECT_EQ(after->catalog().views.at("v").tables.at(0).layout, "rows=double,string");
  EXPECT_EQ(after->catalog().views.at("v").tables.at(1).layout, "rows=int64");

  auto again = BuildText(WithRows("{name: id_too, field: id}, w, x"), after->catalog());
  EXPECT_EQ(again->catalog(), after->catalog());
}

TEST(TablesTest, LoadedRowsHaveNoTables) {
  auto registry = BuildText(R"(
entities: [{name: user, join_keys: {id: int64}}]
sources: [{name: s, file: {path: s.csv}, timestamp: t, fields: {id: int64, x: double}}]
feature_views: [{name: v, entity: user, source: s, features: [x]}]
)");
  const FeatureView& view = *registry->FindFeatureView("v");
  EXPECT_EQ(view.fed_by(), nullptr);
  EXPECT_TRUE(view.fed_tables().empty());
  EXPECT_TRUE(registry->catalog().views.at("v").tables.empty());
}

}  // namespace
}  // namespace freshet::registry
