// Each case edits live definitions and says what that would change.
#include "registry/change.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "registry/build_registry.h"
#include "registry/expressions.h"

namespace freshet::registry {
namespace {

const char* const kLive = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
  - {name: unused, join_keys: {id: int64}}
sources:
  - {name: clicks, push: {}, timestamp: at, fields: {user_id: int64, item: string, amount: double, price: decimal(2)}}
  - {name: orders, kafka: {topic: orders}, timestamp: at, fields: {user_id: int64, total: double}}
  - {name: users, file: {path: users.csv}, timestamp: at, fields: {user_id: int64, age: int32, nation: string, debt: decimal(2)}}
  - {name: totals, kafka: {topic: totals}, timestamp: at, fields: {user_id: int64, total: double}}
  - {name: spare, kafka: {topic: spare}, timestamp: at, fields: {id: int64}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, where: "item != ''", windows: [10m, 1h]}
      - {name: spend, function: sum, of: amount, windows: [1h]}
  - {name: buys, entity: user, source: orders, aggregations: [{name: n, function: count}]}
  - {name: latest, entity: user, source: totals, features: [total]}
  - {name: pair, entity: user, source: totals, features: [user_id, total]}
  - {name: profile, entity: user, source: users, features: [age, nation], max_age: 30d}
  - name: signals
    request: {basket: double}
    features:
      - {name: ratio, type: double, expr: "request.basket / activity.spend_1h"}
feature_services:
  - {name: ranking, features: [activity.clicks_1h, profile.age]}
)";

struct Edit {
  std::string from;  // empty: append
  std::string to;
};

struct Case {
  std::string name;
  std::vector<Edit> edits;
  // "+", "~" or "-", "!" when refused, subject, detail, and in brackets the reason; each may be cut
  // short at its end.
  std::vector<std::string> expected;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

std::string Edited(const std::vector<Edit>& edits) {
  std::string text = kLive;
  for (const Edit& edit : edits) {
    size_t at = edit.from.empty() ? text.size() : text.find(edit.from);
    EXPECT_NE(at, std::string::npos) << "nothing to edit: " << edit.from;
    if (at != std::string::npos) text.replace(at, edit.from.size(), edit.to);
  }
  return text;
}

std::string Shown(const Change& change) {
  constexpr std::string_view kSigns = "+~-";
  std::string text = fmt::format("{}{} {}: {}", kSigns[static_cast<size_t>(change.kind)],
                                 change.refused ? "!" : "", change.subject, change.detail);
  if (change.refused) text += fmt::format(" [{}]", change.reason);
  return text;
}

class ChangeTest : public ::testing::TestWithParam<Case> {};

TEST_P(ChangeTest, SaysWhatIsDifferent) {
  auto live = BuildText(kLive);
  auto next = BuildText(Edited(GetParam().edits), live->catalog());
  ASSERT_NE(next, nullptr);
  std::vector<Change> changes = Compare(live.get(), *next);
  std::string all;
  for (const Change& change : changes) all += Shown(change) + "\n";
  const std::vector<std::string>& expected = GetParam().expected;
  ASSERT_EQ(changes.size(), expected.size()) << all;
  for (size_t i = 0; i < changes.size(); ++i) {
    EXPECT_TRUE(Shown(changes[i]).starts_with(expected[i]))
        << "expected: " << expected[i] << "\nfound:    " << Shown(changes[i]);
    EXPECT_EQ(changes[i].refused, !changes[i].reason.empty());
    EXPECT_EQ(changes[i].refused, !changes[i].way_out.empty());
  }
}

const std::vector<Case> kCases = {
    {"Nothing", {}, {}},
    {"SpacingAndQuotesOfExpressions",
     {{R"("item != ''")", R"('item!=""')"}, {"of: amount,", "of: ' amount ',"}},
     {}},
    {"OrderOfFieldsAndAggregations",
     {{"{user_id: int64, item: string, amount: double, price: decimal(2)}",
       "{amount: double, price: decimal(2), item: string, user_id: int64}"},
      {"windows: [10m, 1h]", "windows: [1h, 10m]"},
      {"features: [age, nation]", "features: [nation, age]"}},
     {}},
    {"Descriptions",
     {{"name: user,", "name: user, description: Who,"},
      {"name: spend,", "name: spend, description: Money,"},
      {"name: ranking,", "name: ranking, description: Model,"}},
     {"~ entity user: description: none -> Who",
      "~ feature activity.spend_1h: description: none -> Money",
      "~ feature service ranking: description: none -> Model"}},
    {"DefaultAndMaxAge",
     {{"of: amount,", "of: amount, default: 1.5,"}, {"max_age: 30d", "max_age: 7d"}},
     {"~ feature view profile: max_age: 30d -> 7d",
      "~ feature activity.spend_1h: default: 0 -> 1.5"}},
    {"Expectations",
     {{"features: [age, nation], max_age: 30d",
       "features: [{name: age, expect: {between: [0, 150]}}, nation], max_age: 30d, min_rows: 10"}},
     {"~ feature view profile: min_rows: none -> 10",
      "~ feature profile.age: expect: none -> between 0 and 150"}},
    {"Retention",
     {{"max_age: 30d", "max_age: 30d, retention: 60d"}},
     {"~ feature view profile: retention: none -> 60d"}},
    {"Staleness",
     {{"of: amount,", "of: amount, max_staleness: 2s,"},
      {"name: ranking,", "name: ranking, max_staleness: 5s, stale_action: serve, timeout: 50ms,"}},
     {"~ feature activity.spend_1h: max_staleness: none -> 2s",
      "~ feature service ranking: max_staleness: none -> 5s; stale_action: none -> serve; timeout: "
      "none -> 50ms"}},
    // Entities.
    {"JoinKeysOfALiveEntity",
     {{"name: user, join_keys: {user_id: int64}",
       "name: user, join_keys: {user_id: int64, item: string}"},
      {"timestamp: at, fields: {user_id: int64, total: double}",
       "timestamp: at, fields: {user_id: int64, item: string, total: double}"},
      {"topic: totals}, timestamp: at, fields: {user_id: int64, total: double}",
       "topic: totals}, timestamp: at, fields: {user_id: int64, item: string, total: double}"},
      {"user_id: int64, age: int32", "user_id: int64, item: string, age: int32"}},
     {"~! entity user: join keys: user_id int64 -> user_id int64, item string [the state of "
      "activity, buys, latest, pair, profile is stored under these join keys]",
      "~ source orders: new field item string", "~ source users: new field item string",
      "~ source totals: new field item string"}},
    {"JoinKeysOfAnUnusedEntity",
     {{"{id: int64}}\nsources", "{id: string}}\nsources"}},
     {"~ entity unused: join keys: id int64 -> id string"}},
    {"EntityRemoved", {{"  - {name: unused, join_keys: {id: int64}}\n", ""}}, {"- entity unused"}},
    // Sources.
    {"PushBecomesKafka",
     {{"push: {}", "kafka: {topic: clicks}"}},
     {"~! source clicks: kind: push -> kafka topic clicks [the events that were pushed are kept"}},
    {"OtherTopic",
     {{"topic: orders", "topic: orders2"}},
     {"~! source orders: kind: kafka topic orders -> kafka topic orders2 [the live values of "
      "buys"}},
    {"OtherTopicOfAnUnreadSource",
     {{"topic: spare", "topic: spare2"}},
     {"~ source spare: kind: kafka topic spare -> kafka topic spare2"}},
    {"DeadLetters",
     {{"topic: orders", "topic: orders, dead_letter_topic: bad"}},
     {"~ source orders: dead_letter_topic: none -> bad"}},
    {"OtherTimestamp",
     {{"topic: orders}, timestamp: at", "topic: orders}, timestamp: {field: at, unit: ms}"}},
     {"~! source orders: timestamp: at (rfc3339) -> at (ms) ["}},
    {"OtherClockSkew",
     {{"push: {}", "push: {}, clock_skew: 5s"}},
     {"~! source clicks: clock_skew: 1m -> 5s [the live values of activity",
      "~! feature view activity: layout of its timelines: "}},
    {"OtherFieldType",
     {{"age: int32", "age: int64"}},
     {"~! source users: type of field age: int32 -> int64",
      "~! feature profile.age: type: int32 -> int64 [it would change what a live feature means]"}},
    {"OtherScaleOfAFieldThatNobodyReads",
     {{"debt: decimal(2)", "debt: decimal(3)"}},
     {"~! source users: type of field debt: decimal(2) -> decimal(3) [the live values of profile"}},
    {"ADecimalForADouble",
     {{"total: double", "total: decimal(2)"}},
     {"~! source orders: type of field total: double -> decimal(2) [the live values of buys"}},
    {"FieldsComeAndGo",
     {{"total: double", "tax: double"}},
     {"~ source orders: new field tax double; field total is gone"}},
    {"OtherFile",
     {{"path: users.csv", "path: new/users.jsonl"}},
     {"~ source users: file: users.csv (csv) -> new/users.jsonl (jsonl)"}},
    {"SourceRemoved",
     {{"  - {name: spare, kafka: {topic: spare}, timestamp: at, fields: {id: int64}}\n", ""}},
     {"- source spare: no view reads it"}},
    {"SourceAdded",
     {{"sources:\n", "sources:\n  - {name: more, push: {}, timestamp: at, fields: {id: int64}}\n"}},
     {"+ source more: push, 1 fields"}},
    // Views.
    {"ViewAdded",
     {{"feature_views:\n",
       "feature_views:\n  - {name: more, entity: user, source: clicks, aggregations: [{name: n, "
       "function: count, windows: [1m, 1h]}]}\n"}},
     {"+ feature view more: stream view of user over clicks, 2 features: n_1m, n_1h; timeline, "
      "filled from the beginning of its stream: 1m in hops of 1s, 1h in hops of 1m; at most "}},
    {"ViewRemoved",
     {{"  - {name: buys, entity: user, source: orders, aggregations: [{name: n, function: "
       "count}]}\n",
       ""}},
     {"- feature view buys: with its 1 features: n; its state is deleted"}},
    {"ServedViewRemoved",
     {{"  - {name: profile, entity: user, source: users, features: [age, nation], max_age: 30d}\n",
       ""},
      {"[activity.clicks_1h, profile.age]", "[activity.clicks_1h]"}},
     {"-! feature view profile: with its 2 features: age, nation; its state is deleted [it is "
      "served "
      "by ranking, and its state would be gone for good]",
      "~ feature service ranking: loses profile.age"}},
    {"OtherKind",
     {{"name: buys, entity: user, source: orders, aggregations: [{name: n, function: count}]",
       "name: buys, entity: user, source: users, features: [{name: n, field: age}]"}},
     {"~! feature view buys: kind: stream -> batch"}},
    {"OtherSource",
     {{"source: orders", "source: clicks"}},
     {"~! feature view buys: source: orders -> clicks"}},
    {"Exact",
     {{"source: clicks\n", "source: clicks\n    exact: true\n"}},
     {"~! feature view activity: exact: false -> true; hop at the newer end of all windows: 10s -> "
      "1s",
      "~! feature activity.clicks_10m: hop: 10s -> exact",
      "~! feature activity.clicks_1h: hop: 1m -> exact",
      "~! feature activity.spend_1h: hop: 1m -> exact"}},
    // Features of streams.
    {"WindowAdded",
     {{"windows: [10m, 1h]", "windows: [10m, 1h, 1d]"}},
     {"~ feature view activity: one more timeline, filled from the beginning of its stream: 1d in "
      "hops of 20m; at most ",
      "+ feature activity.clicks_1d: int64: count where item != '' over 1d in hops of 20m"}},
    {"AggregationAdded",
     {{"    aggregations:\n",
       "    aggregations:\n      - {name: last, function: last, of: item}\n"}},
     {"~ feature view activity: one more timeline, filled from the beginning of its stream: the "
      "lifetime; at most ",
      "+ feature activity.last: string: last of item over the lifetime"}},
    {"FinerWindowAdded",
     {{"windows: [10m, 1h]", "windows: [1m, 10m, 1h]"}},
     {"~! feature view activity: hop at the newer end of all windows: 10s -> 1s; one more timeline",
      "+ feature activity.clicks_1m: "}},
    {"ShorterWindowWithTheSameHop",
     {{"windows: [10m, 1h]", "windows: [{window: 1m, hop: 10s}, 10m, 1h]"}},
     {"~ feature view activity: one more timeline", "+ feature activity.clicks_1m: "}},
    {"FunctionChanged",
     {{"function: sum, of: amount", "function: max, of: amount"}},
     {"~! feature view activity: layout of its timelines: ",
      "~! feature activity.spend_1h: function: sum -> max"}},
    {"OfChanged",
     {{"of: amount,", "of: amount * 2.0,"}},
     {"~! feature activity.spend_1h: of: amount -> amount * 2.0 [it would change"}},
    {"WhereChanged",
     {{"item != ''", "item != 'x'"}},
     {"~! feature activity.clicks_10m: where: item != '' -> item != 'x'",
      "~! feature activity.clicks_1h: where: item != '' -> item != 'x'"}},
    {"ViewWhereAdded",
     {{"    source: clicks\n    aggregations",
       "    source: clicks\n    where: amount > 0.0\n    aggregations"}},
     {"~! feature view activity: where: none -> amount > 0.0 [it chooses the events of all live "
      "features"}},
    {"HopChanged",
     {{"windows: [10m, 1h]", "windows: [10m, {window: 1h, hop: 5m}]"}},
     {"~! feature view activity: layout of its timelines: ",
      "~! feature activity.clicks_1h: hop: 1m -> 5m",
      "~! feature activity.spend_1h: hop: 1m -> 5m"}},
    {"FeatureThatSharesATimelineRemoved",
     {{"      - {name: spend, function: sum, of: amount, windows: [1h]}\n", ""},
      {"activity.spend_1h", "1.0"}},
     {"~! feature view activity: layout of its timelines: ",
      "-! feature activity.spend_1h: no service uses it [its state stands in one timeline with "
      "that "
      "of clicks_10m, clicks_1h, which stays]",
      "~! feature signals.ratio: expr: "}},
    // Rows of a stream.
    {"RowViewAdded",
     {{"  - name: signals",
       "  - {name: state, entity: user, source: totals, features: [total]}\n  - name: signals"}},
     {"+ feature view state: row view of user over totals, 1 features: total; the newest row of "
      "each "
      "entity, filled from the beginning of its stream"}},
    {"RowFeatureAdded",
     {{"features: [total]}", "features: [total, {name: sum, field: total}]}"}},
     {"~ feature view latest: one more row an entity, of 1 columns, filled from the beginning of "
      "its "
      "stream",
      "+ feature latest.sum: double from field total"}},
    {"RowFeatureRemoved",
     {{"features: [user_id, total]", "features: [user_id]"}},
     {"~! feature view pair: layout of its rows: rows=int64,double -> rows=int64 [stored rows "
      "could "
      "not be read any more]",
      "-! feature pair.total: no service uses it [its state stands in one row with that of "
      "user_id, "
      "which stays]"}},
    {"DeletionsChanged",
     {{"features: [total]}", "features: [total], delete_when: total < 0.0}"}},
     {"~! feature view latest: delete_when: none -> total < 0.0 [it says which events have "
      "deleted"}},
    {"RowFieldChanged",
     {{"features: [total]}", "features: [{name: total, field: user_id}]}"}},
     {"~! feature view latest: layout of its rows: rows=double -> rows=int64",
      "~! feature latest.total: type: double -> int64"}},
    {"RowsOfAFileInstead",
     {{"source: totals, features: [total]}", "source: users, features: [age]}"}},
     {"~! feature view latest: kind: row -> batch"}},
    {"RowMaxAge",
     {{"features: [total]}", "features: [total], max_age: 1d}"}},
     {"~ feature view latest: max_age: none -> 1d"}},
    {"RowViewRemoved",
     {{"  - {name: latest, entity: user, source: totals, features: [total]}\n", ""}},
     {"- feature view latest: with its 1 features: total; its state is deleted"}},
    // Features of files.
    {"BatchFeatureAddedAndRemoved",
     {{"features: [age, nation]", "features: [age, {name: country, field: nation}]"}},
     {"+ feature profile.country: string from field nation; null until the next load",
      "- feature profile.nation: no service uses it"}},
    {"BatchFeatureOfAnotherField",
     {{"features: [age, nation]", "features: [age, {name: nation, field: age}]"}},
     {"~! feature profile.nation: type: string -> int32; field: nation -> age; default: \"\" -> "
      "0"}},
    // On-demand features.
    {"ExpressionChanged",
     {{"request.basket / activity", "2.0 * request.basket / activity"}},
     {"~! feature signals.ratio: expr: request.basket / activity.spend_1h -> 2.0 * request"}},
    {"InputTypeChanged",
     {{"basket: double", "basket: int64"}},
     {"~! feature view signals: type of request input basket: double -> int64"}},
    {"InputAdded",
     {{"basket: double", "basket: double, rush: bool"}},
     {"~ feature view signals: new request input rush bool"}},
    // Services.
    {"ServiceChanged",
     {{"[activity.clicks_1h, profile.age]", "[profile.age, signals.ratio]"}},
     {"~ feature service ranking: gains signals.ratio; loses activity.clicks_1h"}},
    {"ServiceReordered",
     {{"[activity.clicks_1h, profile.age]", "[profile.age, activity.clicks_1h]"}},
     {"~ feature service ranking: order: activity.clicks_1h, profile.age -> profile.age, "}},
    {"ServiceAddedAndRemoved",
     {{"name: ranking", "name: fraud"}},
     {"+ feature service fraud: 2 features: activity.clicks_1h, profile.age",
      "- feature service ranking: requests that name it will fail"}},
};

INSTANTIATE_TEST_SUITE_P(Cases, ChangeTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(CompareTest, FromNothingEverythingIsAdded) {
  auto next = BuildText(kLive);
  std::vector<Change> changes = Compare(nullptr, *next);
  ASSERT_EQ(changes.size(), 14u);
  for (const Change& change : changes) {
    EXPECT_EQ(change.kind, ChangeKind::kAdd);
    EXPECT_FALSE(change.refused);
    EXPECT_FALSE(change.detail.empty());
  }
  EXPECT_EQ(changes[0].subject, "entity user");
  EXPECT_EQ(changes[2].subject, "source clicks");
  EXPECT_EQ(changes[7].subject, "feature view activity");
  EXPECT_EQ(changes[13].subject, "feature service ranking");
}

TEST(CompareTest, ATimelineOfItsOwnMayGo) {
  auto first = BuildText(kLive);
  auto second =
      BuildText(Edited({{"windows: [10m, 1h]", "windows: [10m, 1h, 1d]"}}), first->catalog());
  auto third = BuildText(kLive, second->catalog());
  std::vector<Change> changes = Compare(second.get(), *third);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(Shown(changes[0]),
            "~ feature view activity: the timelines of the removed features are deleted");
  EXPECT_EQ(Shown(changes[1]),
            "- feature activity.clicks_1d: no service uses it; its timelines are deleted");
}

TEST(CompareTest, TheWayOutOfARefusalWorks) {
  auto live = BuildText(kLive);
  auto next =
      BuildText(Edited({{"windows: [10m, 1h]", "windows: [10m, 1h, {window: 1m, hop: 10s}]"}}),
                live->catalog());
  for (const Change& change : Compare(live.get(), *next)) EXPECT_FALSE(change.refused);
}

TEST(IsSameExpression, NumbersAreTheDigitsThatAreWritten) {
  EXPECT_TRUE(IsSameExpression("price<=1.50", "price <= 15e-1"));
  EXPECT_TRUE(IsSameExpression("price < 0.1234567890123456789", "price<0.1234567890123456789"));
  // The nearest double is one.
  EXPECT_FALSE(IsSameExpression("price < 90071992547409.921", "price < 90071992547409.922"));
}

}  // namespace
}  // namespace freshet::registry
