#include "serve/fixture.h"

#include <chrono>
#include <thread>
#include <utility>

#include "aggregate/aggregate.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "timeline/timeline.h"

namespace freshet::serve {

const char* const kShopDefinitions = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
  - {name: seat, join_keys: {venue: string, number: int32}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: event_time, unit: ms}
    fields: {user_id: int64, venue: string, number: int32, item_id: string, amount: double, points: int64}
  - name: users
    file: {path: users.csv}
    timestamp: {field: updated_at, unit: ms}
    fields: {user_id: int64, age: int32, country: string}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 1h]}
      - {name: spend, function: sum, of: amount, windows: [1h]}
      - {name: last_item, function: last, of: item_id}
      - {name: points, function: sum, of: points, windows: [1h]}
      - {name: dearest, function: max, of: amount, windows: [1m], default: -1.5}
  - name: seats
    entity: seat
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1h]}
  - name: profile
    entity: user
    source: users
    features: [age, {name: country, default: unknown}]
    max_age: 30d
  - name: signals
    request: {basket: double}
    features:
      - {name: ratio, type: double, expr: "request.basket / activity.spend_1h"}
      - {name: double_clicks, type: int32, expr: "activity.clicks_1h * 2"}
      - {name: grown_up, type: bool, expr: "has(profile.age) && profile.age >= 18"}
      - {name: points_left, type: int32, expr: "activity.points_1h + 1"}
feature_services:
  - {name: ranking, features: [activity.clicks_1m, profile.age, profile.country, signals.ratio]}
  - {name: seating, features: [seats.clicks_1h]}
)";

NamedColumn Integers(std::string name, std::vector<int64_t> values, Type type) {
  NamedColumn column{std::move(name), {}};
  column.values.type = type;
  column.values.integers = std::move(values);
  return column;
}

NamedColumn Numbers(std::string name, std::vector<double> values, Type type) {
  NamedColumn column{std::move(name), {}};
  column.values.type = type;
  column.values.numbers = std::move(values);
  return column;
}

NamedColumn Texts(std::string name, std::vector<std::string> values) {
  NamedColumn column{std::move(name), {}};
  column.values.type = Type::kString;
  column.values.texts = std::move(values);
  return column;
}

FeatureRequest UserRequest(std::vector<std::string> features, std::vector<int64_t> user_ids) {
  FeatureRequest request;
  request.features = std::move(features);
  request.entities.push_back(Integers("user_id", std::move(user_ids)));
  return request;
}

void ServeTest::SetUp() {
  store::StoreOptions options;
  options.path = folder_.File("data");
  options.cache_bytes = 4u << 20;
  Result<std::unique_ptr<store::Store>> store = store::Store::Open(options);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  store_ = std::move(*store);
  writer_ = store_->NewTimelineWriter();
  server_ = FeatureServer::New({.allow_read_time = true}, *store_, clock_, Streams());
}

StreamStanding ServeTest::Streams() {
  return {.as_of_ms =
              [this](registry::TableId table) {
                const auto found = as_of_ms_.find(table);
                return found == as_of_ms_.end() ? kNoEventTimeMs : found->second;
              },
          .wait_until_in =
              [this](registry::TableId, int32_t partition, int64_t offset,
                     std::chrono::steady_clock::time_point deadline) {
                if (partition == 0 && offset < next_offset_in_) return Arrival::kIn;
                std::this_thread::sleep_until(deadline);
                return Arrival::kNotYet;
              },
          .positions =
              [this](registry::TableId) {
                return std::vector<StreamPosition>{{"", 0, next_offset_}};
              }};
}

void ServeTest::Define(const std::string& yaml) {
  yaml::Diagnostics diagnostics;
  const registry::Catalog catalog =
      registry_ == nullptr ? registry::Catalog{} : registry_->catalog();
  const std::vector<registry::DefinitionFile> files = {{"definitions.yaml", yaml}};
  auto registry = registry::Registry::Build(files, catalog, &diagnostics);
  ASSERT_NE(registry, nullptr) << diagnostics.ToString();
  registry_ = registry;
  ASSERT_TRUE(server_->Apply(registry_).ok());
}

void ServeTest::AddEvent(std::string_view view, int64_t user_id, int64_t time_ms,
                         std::vector<Datum> values) {
  const registry::FeatureView* found = registry_->FindFeatureView(view);
  ASSERT_NE(found, nullptr);
  ASSERT_NE(found->stream(), nullptr);
  std::string key;
  ASSERT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(user_id), key).ok());
  const aggregate::EventOrder order{time_ms, 0, next_offset_++};
  for (const registry::TimelineTable& table : found->stream()->tables) {
    std::vector<Datum> of_table;
    for (uint32_t aggregation : table.aggregations) of_table.push_back(values.at(aggregation));
    const std::vector<uint8_t> admitted(of_table.size(), 1);
    const Status status = writer_->Update(table.id, key, [&](std::string& bytes) {
      timeline::Apply(table.schema, {order, of_table, admitted}, bytes);
    });
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
}

void ServeTest::LoadRows(std::string_view view, std::vector<std::string> columns,
                         std::vector<Type> types, const std::vector<Row>& rows) {
  const registry::FeatureView* found = registry_->FindFeatureView(view);
  ASSERT_NE(found, nullptr);
  auto generation = store_->NewGeneration(found->id, std::move(columns), types, 16u << 20);
  ASSERT_TRUE(generation.ok()) << generation.status().ToString();
  const store::RowLayout layout(types);
  for (const Row& row : rows) {
    std::string key;
    std::string bytes;
    ASSERT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(row.user_id), key).ok());
    layout.Encode(row.time_ms, row.values, bytes);
    ASSERT_TRUE((*generation)->Add(key, bytes).ok());
  }
  ASSERT_TRUE((*generation)->Finish([](uint64_t) {}).ok());
  ASSERT_TRUE((*generation)->Publish().ok());
}

FeatureResponse ServeTest::Get(const FeatureRequest& request) {
  FeatureResponse response;
  const Status status = server_->GetFeatures(request, &response);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return response;
}

Status ServeTest::Refusal(const FeatureRequest& request) {
  FeatureResponse response;
  Status status = server_->GetFeatures(request, &response);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.ToString();
  return status;
}

}  // namespace freshet::serve
