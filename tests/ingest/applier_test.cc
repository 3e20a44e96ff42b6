#include "ingest/applier.h"

#include <map>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "harness.h"

namespace freshet::ingest {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kT0 = 1'700'000'000'000;

const char* const kDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
  - {name: item, join_keys: {item_id: int64}}
sources:
  - name: clicks
    push:
    timestamp: {field: at, unit: ms}
    clock_skew: 10s
    fields: {user_id: int64, item_id: int64, kind: string, amount: double, quantity: int64}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 10m]}
      - {name: spend, function: sum, of: amount, where: "kind == 'buy'", windows: [10m]}
      - {name: doubled, function: sum, of: "quantity * 2"}
      - {name: price, function: max, of: "amount / double(quantity)", where: "quantity != 0"}
      - {name: shouted, function: last, of: "kind + '!'"}
  - name: popularity
    entity: item
    source: clicks
    aggregations:
      - {name: views, function: count}
  - name: purchases
    entity: item
    source: clicks
    where: kind == 'buy' && amount / double(quantity) > 1.0
    aggregations:
      - {name: all, function: count}
      - {name: many, function: count, where: quantity > 1}
)yaml";

struct Click {
  int64_t user_id = 1;
  int64_t item_id = 1;
  std::string kind = "view";
  double amount = 1;
  int64_t quantity = 1;
  int64_t time_ms = kT0;
};

class ApplierTest : public ::testing::Test {
 protected:
  ApplierTest() { NewApplier({}); }

  void NewApplier(const Offsets& start) {
    std::vector<TableTarget> targets;
    for (const auto& view : registry_->feature_views()) {
      for (const auto& table : view->stream()->tables) {
        targets.push_back({view.get(), &table, start});
      }
    }
    applier_ = std::make_unique<Applier>(source(), targets, *writer_);
  }
  const registry::Source& source() const { return *registry_->FindSource("clicks"); }

  DecodedEvent ToEvent(const Click& click) const {
    DecodedEvent event;
    event.time_ms = click.time_ms;
    event.values = {Datum::Int(click.user_id), Datum::Int(click.item_id), Datum::String(click.kind),
                    Datum::Double(click.amount), Datum::Int(click.quantity)};
    return event;
  }

  Refusal Apply(const DecodedEvent& event, int32_t partition, int64_t offset,
                int64_t record_time_ms) {
    Refusal refusal = Refusal::kNone;
    applier_->Foresee(event, &foresight_);
    applier_->PrefetchEntries(foresight_);
    applier_->PrefetchTimelines(foresight_);
    const Status applied = applier_->Apply(
        {partition, offset, record_time_ms, {}}, event, foresight_,
        [](const Status&) { return false; }, &refusal, &detail_);
    EXPECT_TRUE(applied.ok()) << applied.ToString();
    return refusal;
  }
  Refusal Apply(const Click& click, int64_t offset = 0) {
    return Apply(ToEvent(click), 0, offset, click.time_ms);
  }
  Value Read(std::string_view feature, int64_t key, int64_t now_ms = kT0) {
    return ReadFeature(harness_.store(), *registry_, feature, key, now_ms);
  }

  StoreHarness harness_;
  std::shared_ptr<const registry::Registry> registry_ = BuildRegistry(kDefinitions);
  std::unique_ptr<store::TimelineWriter> writer_ = harness_.store().NewTimelineWriter();
  std::unique_ptr<Applier> applier_;
  Applier::Foresight foresight_;
  std::string detail_;
};

TEST_F(ApplierTest, FoldsAnEventIntoEveryViewOfItsSource) {
  EXPECT_EQ(Apply(Click{.user_id = 5, .item_id = 9, .kind = "buy", .amount = 3, .quantity = 2}),
            Refusal::kNone);
  EXPECT_EQ(Read("activity.clicks_1m", 5), Value(int64_t{1}));
  EXPECT_EQ(Read("activity.spend_10m", 5), Value(3.0));
  EXPECT_EQ(Read("activity.doubled", 5), Value(int64_t{4}));
  EXPECT_EQ(Read("activity.price", 5), Value(1.5));
  EXPECT_EQ(Read("activity.shouted", 5), Value(std::string("buy!")));
  EXPECT_EQ(Read("popularity.views", 9), Value(int64_t{1}));
  EXPECT_EQ(Read("popularity.views", 5), Value());
  EXPECT_EQ(applier_->counts().applied, 1u);
  EXPECT_EQ(applier_->counts().filter_failures, 0u);
}

TEST_F(ApplierTest, WhatAConditionKeepsOutIsNotEvaluated) {
  Apply(Click{.quantity = 0});
  EXPECT_EQ(Read("activity.price", 1), Value());
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value(int64_t{1}));
  EXPECT_EQ(applier_->counts().filter_failures, 0u);
}

TEST_F(ApplierTest, HowLateEventsCameIsCounted) {
  Apply(ToEvent(Click{}), 0, 0, kT0 - 500);
  Apply(ToEvent(Click{}), 0, 1, kT0 + 1'000);
  Apply(ToEvent(Click{}), 0, 2, kT0 + 1'001);
  Apply(ToEvent(Click{}), 0, 3, kT0 + 30 * 86'400'000LL);
  EXPECT_EQ(Apply(ToEvent(Click{}), 0, 4, kT0 - 60'000), Refusal::kTooFarInFuture);
  const EventDelays& delays = applier_->counts().delays;
  EXPECT_EQ(delays.counts, (std::array<uint64_t, 9>{2, 1, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(delays.sum_ms, 2'001u + 30 * 86'400'000ULL);
}

TEST_F(ApplierTest, TheConditionOfAViewChoosesItsEvents) {
  Apply(Click{.item_id = 9, .kind = "buy", .amount = 3, .quantity = 2});
  Apply(Click{.item_id = 9, .kind = "buy", .amount = 3, .quantity = 1}, 1);
  Apply(Click{.item_id = 9, .kind = "view", .amount = 3}, 2);
  Apply(Click{.item_id = 7, .kind = "view"}, 3);
  EXPECT_EQ(Read("purchases.all", 9), Value(int64_t{2}));
  EXPECT_EQ(Read("purchases.many", 9), Value(int64_t{1}));
  EXPECT_EQ(Read("purchases.all", 7), Value()) << "no event of the view: not seen";
  EXPECT_EQ(Read("popularity.views", 7), Value(int64_t{1}));
  EXPECT_EQ(applier_->counts().filter_failures, 0u);
  const Click click;
  DecodedEvent event = ToEvent(click);
  event.values[0] = Datum::Int(5);
  event.values[1] = Datum::Null();
  EXPECT_EQ(Apply(event, 0, 4, kT0), Refusal::kMissingField) << "for popularity, which takes all";
}

TEST_F(ApplierTest, NullConditionsAdmitNothingAndFailuresAreCounted) {
  const Click click;
  DecodedEvent event = ToEvent(click);
  event.values[2] = Datum::Null();  // kind: `==` is false with null, `+` fails
  event.values[4] = Datum::Null();  // quantity: `!=` is true with null, `*` and `double()` fail
  EXPECT_EQ(Apply(event, 0, 0, kT0), Refusal::kNone);
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value(int64_t{1}));
  EXPECT_EQ(Read("activity.doubled", 1), Value(int64_t{0}));
  EXPECT_EQ(Read("activity.shouted", 1), Value());
  EXPECT_EQ(applier_->counts().filter_failures, 3u);
}

TEST_F(ApplierTest, ATextThatAnExpressionMakesTooLongIsANullAndCounted) {
  Apply(Click{.kind = std::string(limits::kStringValueBytesMax - 1, 'x')});
  EXPECT_EQ(Read("activity.shouted", 1),
            Value(std::string(limits::kStringValueBytesMax - 1, 'x') + "!"));
  EXPECT_EQ(applier_->counts().filter_failures, 0u);
  Apply(Click{.user_id = 2, .kind = std::string(limits::kStringValueBytesMax, 'x')}, 1);
  EXPECT_EQ(Read("activity.shouted", 2), Value());
  EXPECT_EQ(applier_->counts().filter_failures, 1u);
}

TEST_F(ApplierTest, AnIntegerOverflowInAnExpressionIsANullAndCounted) {
  Apply(Click{.quantity = INT64_MAX});
  EXPECT_EQ(Read("activity.doubled", 1), Value(int64_t{0}));
  EXPECT_EQ(applier_->counts().filter_failures, 1u);
}

TEST_F(ApplierTest, AViewWithoutItsKeyIsLeftOutAndTheOthersAreNot) {
  const Click click;
  DecodedEvent event = ToEvent(click);
  event.values[1] = Datum::Null();
  EXPECT_EQ(Apply(event, 0, 0, kT0), Refusal::kMissingField);
  EXPECT_THAT(detail_, HasSubstr("item_id"));
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value(int64_t{1}));
  EXPECT_EQ(Read("popularity.views", 1), Value());
}

TEST_F(ApplierTest, EventsAheadOfTheirRecordAreRefused) {
  const Click click;
  DecodedEvent event = ToEvent(click);
  EXPECT_EQ(Apply(event, 0, 0, kT0 - 10'001), Refusal::kTooFarInFuture);
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value());
  EXPECT_EQ(Apply(event, 0, 0, kT0 - 10'000), Refusal::kNone);
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value(int64_t{1}));
  EXPECT_EQ(Apply(event, 0, 1, INT64_MIN), Refusal::kTooFarInFuture);
  EXPECT_EQ(Apply(event, 0, 1, INT64_MAX), Refusal::kNone);
}

TEST_F(ApplierTest, TablesSkipWhatTheyHave) {
  NewApplier({{0, 10}, {2, 3}});
  EXPECT_EQ(Apply(Click(), 9), Refusal::kNone);
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value());
  Apply(Click(), 10);
  Apply(ToEvent(Click()), 1, 0, kT0);
  Apply(ToEvent(Click()), 2, 2, kT0);
  Apply(ToEvent(Click()), 2, 3, kT0);
  Apply(ToEvent(Click()), 7, 0, kT0);
  EXPECT_EQ(Read("activity.clicks_1m", 1), Value(int64_t{4}));
  EXPECT_EQ(applier_->counts().applied, 4u);
}

TEST_F(ApplierTest, WhatIsTooOldIsCounted) {
  const registry::FeatureView& activity = *registry_->FindFeatureView("activity");
  ASSERT_EQ(activity.stream()->tables.size(), 1u);
  Apply(Click(), 0);
  Apply(Click{.time_ms = kT0 - 86'400'000}, 1);  // only the lifetime still sees it
  EXPECT_EQ(Read("activity.clicks_10m", 1), Value(int64_t{1}));
  EXPECT_EQ(Read("popularity.views", 1), Value(int64_t{2}));
}

// All events are kept and each value is computed from its definition.
class Model {
 public:
  void Add(const Click& click) { clicks_.push_back(click); }

  bool InWindow(const Click& click, int64_t head_hop_ms, const timeline::Window& window,
                int64_t now_ms) const {
    return AlignDown(click.time_ms, head_hop_ms) <= now_ms &&
           click.time_ms >= AlignDown(now_ms - window.window_ms, window.hop_ms);
  }

  const std::vector<Click>& clicks() const { return clicks_; }

 private:
  std::vector<Click> clicks_;
};

TEST_F(ApplierTest, AgreesWithANaiveModel) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  Model model;
  for (int64_t offset = 0; offset < 3'000; ++offset) {
    Click click;
    click.user_id = static_cast<int64_t>(random() % 5);
    click.kind = random() % 2 == 0 ? "buy" : "view";
    click.amount = static_cast<double>(random() % 1'000) / 4;
    click.quantity = static_cast<int64_t>(random() % 4);
    click.time_ms = kT0 - static_cast<int64_t>(random() % 1'200'000);
    model.Add(click);
    ASSERT_EQ(Apply(ToEvent(click), static_cast<int32_t>(random() % 3), offset, click.time_ms),
              Refusal::kNone);
  }
  const registry::StreamView& stream = *registry_->FindFeatureView("activity")->stream();
  const timeline::Window minute = stream.aggregations[0].windows[0];
  const timeline::Window ten_minutes = stream.aggregations[0].windows[1];
  for (int64_t user = 0; user < 5; ++user) {
    for (int64_t now_ms = kT0; now_ms < kT0 + 700'000; now_ms += 7'001) {
      int64_t clicks_1m = 0;
      int64_t clicks_10m = 0;
      double spend_10m = 0;
      int64_t doubled = 0;
      for (const Click& click : model.clicks()) {
        if (click.user_id != user) continue;
        clicks_1m += model.InWindow(click, stream.head_hop_ms, minute, now_ms);
        const bool in_ten = model.InWindow(click, stream.head_hop_ms, ten_minutes, now_ms);
        clicks_10m += in_ten;
        if (in_ten && click.kind == "buy") spend_10m += click.amount;
        doubled += 2 * click.quantity;
      }
      ASSERT_EQ(Read("activity.clicks_1m", user, now_ms), Value(clicks_1m));
      ASSERT_EQ(Read("activity.clicks_10m", user, now_ms), Value(clicks_10m));
      const Value spend = Read("activity.spend_10m", user, now_ms);
      ASSERT_EQ(std::holds_alternative<double>(spend) ? std::get<double>(spend) : 0.0, spend_10m);
      ASSERT_EQ(Read("activity.doubled", user, now_ms), Value(doubled));
    }
  }
}

}  // namespace
}  // namespace freshet::ingest
