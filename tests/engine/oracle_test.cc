// Random events, restarts and evictions against the definition of a value: a whole engine over real files answers as the
// brute-force oracle that keeps every event.
#include "timeline/oracle.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/definitions_record.h"
#include "engine/fixture.h"
#include "registry/registry.h"
#include "store/store.h"
#include "support/seed.h"

namespace freshet {
namespace {

using timeline::FloorTo;
using timeline::OracleAnswer;
using timeline::OracleEvent;

constexpr int64_t kBaseMs =
    1'770'000'000'000;  // long past, so that no event is ahead of its record
constexpr int64_t kUsers = 400;
const std::vector<std::string> kWindows = {"1s", "5s", "1m", "10m", "1h", "6h", "1d", "7d"};

struct Event {
  int64_t user_id = 0;
  int64_t at_ms = 0;
  std::string kind;
  std::optional<double> amount;
  std::optional<int64_t> points;
  std::optional<int64_t> cents;  // of the price
  std::optional<std::string> item;

  std::string Json() const {
    std::string json =
        fmt::format(R"({{"user_id": {}, "at": {}, "kind": "{}")", user_id, at_ms, kind);
    if (amount) json += fmt::format(R"(, "amount": {})", *amount);
    if (points) json += fmt::format(R"(, "points": {})", *points);
    if (cents) json += fmt::format(R"(, "price": {}e-2)", *cents);
    if (item) json += fmt::format(R"(, "item": "{}")", *item);
    return json + "}";
  }
};

// What an aggregation of the test takes from an event, in words of this test: no expression is compiled here.
Value Of(const registry::Aggregation& aggregation, const Event& event) {
  const std::string& of = aggregation.of_text;
  if (of == "amount" && event.amount) return *event.amount;
  if (of == "points" && event.points) return *event.points;
  if (of == "price" && event.cents) return *event.cents;
  if (of == "item" && event.item) return *event.item;
  return {};
}
bool IsAdmitted(const registry::Aggregation& aggregation, const Event& event) {
  return aggregation.where_text.empty() || event.kind == "buy";
}

class RandomEngineTest : public EngineTest, public ::testing::WithParamInterface<int> {
 protected:
  using Random = std::mt19937_64;

  void SetUp() override {
    const char* given = std::getenv("FRESHET_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10)
                             : std::random_device()() + uint64_t{1} * GetParam();
    RecordProperty("seed", std::to_string(seed_));
    fmt::print("seed {}; FRESHET_TEST_SEED={} repeats it\n", seed_, seed_);
    random_.seed(seed_);
    // A few dozen timelines of several hundred fit.
    options_.cache_bytes = 64u << 10;
    options_.block_cache_bytes = 256u << 10;
    options_.checkpoint_dirty_bytes = 64u << 10;
  }

  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  template <typename T>
  T OneOf(const std::vector<T>& choices) {
    return choices[static_cast<size_t>(Pick(0, static_cast<int64_t>(choices.size()) - 1))];
  }

  // Ascending windows, as definitions write them, from the one of index `least` on. Much longer ones would keep more fine
  // cells, until the coarse hop lets them fold, than a timeline may have.
  std::string RandomWindows(size_t count, size_t least) {
    std::set<size_t> chosen;
    while (chosen.size() < count) {
      const size_t most = std::min(least_window_ + 3, kWindows.size() - 1);
      chosen.insert(
          static_cast<size_t>(Pick(static_cast<int64_t>(least), static_cast<int64_t>(most))));
    }
    std::string text;
    for (size_t index : chosen) text += (text.empty() ? "" : ", ") + kWindows[index];
    return text;
  }

  void RandomDefinitions() {
    least_window_ = static_cast<size_t>(Pick(0, 5));
    std::string windows = kWindows[least_window_];
    if (const int64_t more = Pick(0, 2); more > 0) {
      windows += ", " + RandomWindows(static_cast<size_t>(more), least_window_ + 1);
    }
    // Fine hops over a long skew would be more cells than a timeline may have.
    skew_ms_ = least_window_ < 2 ? 1'000 : OneOf<int64_t>({1'000, 60'000, 600'000});
    definitions_ =
        fmt::format(R"(
entities: [{{name: user, join_keys: {{user_id: int64}}}}]
sources:
  - name: clicks
    push: {{}}
    timestamp: {{field: at, unit: ms}}
    clock_skew: {}ms
    fields: {{user_id: int64, kind: string, amount: double, points: int64, price: decimal(2), item: string}}
feature_views:
  - name: activity
    entity: user
    source: clicks
    exact: {}
    where: kind != 'noise'
    time_zone: Australia/Lord_Howe
    aggregations:
      - {{name: events, function: count, windows: [{}]}}
      - {{name: bought, function: sum, of: amount, where: "kind == 'buy'", windows: [{}]}}
      - {{name: points, function: sum, of: points, windows: [{}]}}
      - {{name: paid, function: sum, of: price, windows: [{}]}}
      - {{name: ticket, function: mean, of: price, windows: [{}]}}
      - {{name: dearest, function: max, of: price, where: "kind == 'buy'", windows: [{}]}}
      - {{name: least, function: min, of: amount, windows: [{}]}}
      - {{name: most, function: max, of: points, where: "kind == 'buy'", windows: [{}]}}
      - {{name: average, function: mean, of: amount, windows: [{}]}}
      - {{name: opening, function: first, of: item, windows: [{}]}}
      - {{name: newest, function: last, of: item, windows: [{}]}}
      - {{name: quiet, function: time_since_last, where: "kind == 'buy'", windows: [{}]}}
      - {{name: local, function: count, windows: [today, yesterday, this_hour, last_month]}}
      - {{name: tumbled, function: sum, of: points, windows: [{{tumbling: 1h}}, {{tumbling: 6h, previous: true}}]}}
      - {{name: visit, function: sum, of: points, where: "kind == 'buy'", windows: [{{session: 10m}}, {{session: 1h, longest: 7d}}]}}
      - {{name: latest, function: mean, of: amount, windows: [{{last: 5}}]}}
      - {{name: ever, function: count}}
      - {{name: last_item, function: last, of: item, where: "kind == 'buy'"}}
)",
                    skew_ms_, Pick(0, 2) == 0, windows, windows, windows, windows, windows, windows,
                    windows, windows, windows, windows, windows, windows);
  }

  // More windows and aggregations for the living view: they get tables of their own.
  void GrowDefinitions() {
    definitions_ +=
        fmt::format("      - {{name: late{}, function: sum, of: amount, windows: [{}]}}\n",
                    grown_++, RandomWindows(2, least_window_));
    Apply(definitions_);
  }

  // The registry as the engine has it: the same files over the same catalog give the same tables.
  void ReadRegistry() {
    seen_by_.reset();
    ASSERT_TRUE(engine_->Stop().ok());
    engine_.reset();
    store::StoreOptions options;
    options.path = options_.data_folder;
    Result<std::unique_ptr<store::Store>> store = store::Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    const auto bytes = (*store)->ReadDefinitions();
    ASSERT_TRUE(bytes.ok() && bytes->has_value());
    const Result<engine::DefinitionsRecord> record = engine::DecodeDefinitions(**bytes);
    ASSERT_TRUE(record.ok());
    yaml::Diagnostics diagnostics;
    registry_ = registry::Registry::Build(record->files, record->catalog, &diagnostics);
    ASSERT_NE(registry_, nullptr) << diagnostics.ToString();
    (*store).reset();
    Reopen();
    Await([&] { return engine_->Ready(); }, "caught up after a restart");
  }

  Event RandomEvent() {
    Event event;
    event.user_id =
        Pick(0, 9) == 0 ? Pick(0, kUsers - 1) : Pick(0, 19);  // a few hot ones, many cold ones
    const int64_t grain_ms = OneOf<int64_t>({1, 1, 1'000, 60'000, 3'600'000});  // coarse ones tie
    const int64_t span_ms = OneOf<int64_t>({2'000, 120'000, 7'200'000, 86'400'000, 9 * 86'400'000});
    event.at_ms = kBaseMs + clock_ms_ - FloorTo(Pick(0, span_ms), grain_ms);
    if (Pick(0, 1) == 0) event.at_ms = FloorTo(event.at_ms, grain_ms);
    event.kind = OneOf<std::string>({"buy", "look", "look", "noise"});
    if (Pick(0, 4) != 0) event.amount = static_cast<double>(Pick(-4'000, 4'000)) / 8;
    if (Pick(0, 4) != 0) event.points = Pick(0, 400) == 0 ? INT64_MAX : Pick(-1'000, 1'000);
    if (Pick(0, 4) != 0) event.cents = Pick(0, 400) == 0 ? INT64_MIN : Pick(-100'000, 100'000);
    if (Pick(0, 4) != 0) event.item = fmt::format("item-{}", Pick(0, 50));
    return event;
  }

  void PushSome() {
    clock_ms_ += OneOf<int64_t>({0, 500, 30'000, 3'600'000, 86'400'000});
    std::vector<std::string> records;
    for (int64_t i = Pick(1, 300); i > 0; --i) {
      const Event event = RandomEvent();
      records.push_back(event.Json());
      const int64_t offset = next_offset_++;
      if (event.kind != "noise") events_[event.user_id].push_back({offset, event});
    }
    ASSERT_EQ(Push("clicks", records), next_offset_ - 1);
  }

  // A time at or beside an edge of some window or hop, as some event of the user sees it.
  int64_t RandomReadTime(int64_t user_id) {
    const auto& view = *registry_->FindFeatureView("activity")->stream();
    const auto known = events_.find(user_id);
    if (known == events_.end() || Pick(0, 9) == 0) return kBaseMs + clock_ms_;
    const int64_t t = OneOf(known->second).second.at_ms;
    const auto& table = OneOf(Pointers(view.tables))->schema;
    const int64_t head_ms = table.options().head_hop_ms;
    if (table.windows().empty() || Pick(0, 3) == 0) return FloorTo(t, head_ms) + Pick(-1, 1);
    const timeline::Window window = OneOf(table.windows());
    return FloorTo(t, window.hop_ms) + window.window_ms + Pick(0, 1) * window.hop_ms + Pick(-1, 1);
  }

  template <typename T>
  static std::vector<const T*> Pointers(const std::vector<T>& values) {
    std::vector<const T*> pointers;
    for (const T& value : values) pointers.push_back(&value);
    return pointers;
  }

  // The user's events as the aggregations of a table see them; those asked for last are kept, since features of one table come
  // one after the other.
  const std::vector<OracleEvent>& SeenBy(size_t table, int64_t user_id) {
    const std::vector<std::pair<int64_t, Event>>& events = events_[user_id];
    const auto asked = std::make_tuple(table, user_id, events.size());
    if (asked == seen_by_) return seen_;
    seen_by_ = asked;
    seen_.clear();
    const registry::StreamView& stream = *registry_->FindFeatureView("activity")->stream();
    for (const auto& [offset, event] : events) {
      OracleEvent& seen = seen_.emplace_back();
      seen.order = {event.at_ms, 0, offset};
      for (uint32_t index : stream.tables[table].aggregations) {
        seen.values.push_back(Of(stream.aggregations[index], event));
        seen.by.emplace_back();
        seen.admitted.push_back(IsAdmitted(stream.aggregations[index], event) ? 1 : 0);
      }
    }
    return seen_;
  }

  // What the oracle says of one feature, as Shown has it, and its event time.
  std::pair<std::string, int64_t> Expected(int64_t user_id, size_t feature, int64_t now_ms) {
    const registry::FeatureView& view = *registry_->FindFeatureView("activity");
    const registry::StreamView& stream = *view.stream();
    const registry::WindowedFeature& windowed = stream.windowed[feature];
    const registry::TimelineTable& table = stream.tables[windowed.table];
    FeatureColumn shown;
    shown.values.type = view.features[feature].type;
    SetTo(view.features[feature].default_value, shown.values);
    const auto known = events_.find(user_id);
    if (known == events_.end()) return Answer(shown, FeatureStatus::kNotFound, kNoEventTimeMs);

    int64_t newest_event_ms = INT64_MIN;
    for (const auto& [offset, event] : known->second)
      newest_event_ms = std::max(newest_event_ms, event.at_ms);
    if (now_ms < newest_event_ms - skew_ms_)
      return Answer(shown, FeatureStatus::kFailed, kNoEventTimeMs);
    const OracleAnswer answer = timeline::Ask(
        table.schema.options(), SeenBy(windowed.table, user_id), windowed.want, now_ms);
    switch (answer.outcome) {
      case timeline::ReadOutcome::kValue:
        SetTo(answer.value, shown.values);
        return Answer(shown, FeatureStatus::kPresent, answer.newest_ms);
      case timeline::ReadOutcome::kNull:
        return Answer(shown, FeatureStatus::kNullValue, answer.newest_ms);
      default:
        return Answer(shown, FeatureStatus::kFailed, answer.newest_ms);
    }
  }

  static void SetTo(const Value& value, Column& column) {
    column.integers.clear();
    column.numbers.clear();
    column.texts.clear();
    if (const auto* integer = std::get_if<int64_t>(&value)) column.integers.push_back(*integer);
    if (const auto* number = std::get_if<double>(&value)) column.numbers.push_back(*number);
    if (const auto* text = std::get_if<std::string>(&value)) column.texts.push_back(*text);
  }

  static std::pair<std::string, int64_t> Answer(FeatureColumn& column, FeatureStatus status,
                                                int64_t newest_ms) {
    column.statuses = {status};
    return {Shown(column, 0), newest_ms};
  }

  void CompareSome() {
    const registry::FeatureView& view = *registry_->FindFeatureView("activity");
    std::vector<std::string> names;
    for (const registry::Feature& feature : view.features)
      names.push_back("activity." + feature.name);
    for (int64_t i = 0; i < 60 && !HasFailure(); ++i) {
      std::vector<int64_t> users;
      for (int64_t row = Pick(1, 6); row > 0; --row)
        users.push_back(Pick(0, 1) == 0 ? Pick(0, 19) : Pick(0, kUsers));
      FeatureRequest request = UserRequest(names, users);
      request.read_time_ms = RandomReadTime(users[0]);
      request.include_event_times = true;
      const FeatureResponse response = Get(request);
      ASSERT_EQ(response.features.size(), names.size());
      for (size_t row = 0; row < users.size(); ++row) {
        for (size_t feature = 0; feature < names.size(); ++feature) {
          const auto [expected, newest_ms] = Expected(users[row], feature, *request.read_time_ms);
          ASSERT_EQ(Shown(response.features[feature], row), expected)
              << names[feature] << " of user " << users[row] << " at " << *request.read_time_ms
              << ", seed " << seed_ << "\n"
              << definitions_;
          if (expected.rfind("FAILED", 0) == 0) continue;
          ASSERT_EQ(response.features[feature].event_times_ms[row], newest_ms)
              << names[feature] << " of user " << users[row] << " at " << *request.read_time_ms
              << ", seed " << seed_;
        }
      }
      ++requests_;
    }
  }

  uint64_t seed_ = 0;
  Random random_;
  size_t least_window_ = 0;
  std::string definitions_;
  int grown_ = 0;
  int64_t skew_ms_ = 0;
  int64_t clock_ms_ = 0;
  int64_t next_offset_ = 0;
  int requests_ = 0;
  std::map<int64_t, std::vector<std::pair<int64_t, Event>>> events_;
  std::optional<std::tuple<size_t, int64_t, size_t>> seen_by_;  // nothing under new definitions
  std::vector<OracleEvent> seen_;
  std::shared_ptr<const registry::Registry> registry_;
};

TEST_P(RandomEngineTest, AnswersAsTheDefinitionSays) {
  Reopen();
  RandomDefinitions();
  Apply(definitions_);
  ReadRegistry();
  for (int round = 0; round < 12 && !HasFailure(); ++round) {
    PushSome();
    if (Pick(0, 4) == 0 && grown_ < 2) {
      GrowDefinitions();
      ReadRegistry();
    }
    if (Pick(0, 3) == 0) Reopen();
    Await([&] { return engine_->Ready() && HasRead("clicks", next_offset_ - 1); }, "all is read");
    CompareSome();
  }
  EXPECT_GT(engine_->GetStatus().counters.at("store_cache_misses"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Runs, RandomEngineTest,
                         ::testing::Range(0, static_cast<int>(TestCases(8))));

}  // namespace
}  // namespace freshet
