#include "rpc/request_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RequestWire, TakesEveryFieldAndType) {
  v1::GetFeaturesRequest wire;
  wire.set_feature_service("ranking");
  auto* column = wire.add_entities();
  column->set_name("user_id");
  column->mutable_int64s()->add_values(42);
  column->mutable_int64s()->add_values(-1);
  column = wire.add_entities();
  column->set_name("country");
  column->mutable_strings()->add_values("NL");
  column->mutable_strings()->add_values("");
  wire.add_entities()->mutable_bytes()->add_values("\xff\x01");
  wire.add_inputs()->mutable_bools()->add_values(true);
  wire.add_inputs()->mutable_int32s()->add_values(7);
  wire.add_inputs()->mutable_floats()->add_values(0.5f);
  wire.add_inputs()->mutable_doubles()->add_values(2.5);
  wire.set_include_as_of(true);
  wire.set_include_event_times(true);
  wire.set_read_time_ms(0);
  wire.set_max_staleness_ms(5'000);
  wire.set_stale_action(v1::STALE_ACTION_FAIL);
  wire.set_include_phases(true);
  v1::StreamPosition* event = wire.add_read_after();
  event->set_source("clicks");
  event->set_partition(3);
  event->set_offset(17);

  FeatureRequest request;
  ASSERT_TRUE(FromWire(wire, &request).ok());
  EXPECT_EQ(request.feature_service, "ranking");
  ASSERT_EQ(request.entities.size(), 3u);
  EXPECT_EQ(request.entities[2].values.type, Type::kBytes);
  EXPECT_THAT(request.entities[2].values.texts, ElementsAre("\xff\x01"));
  EXPECT_EQ(request.entities[0].name, "user_id");
  EXPECT_EQ(request.entities[0].values.type, Type::kInt64);
  EXPECT_THAT(request.entities[0].values.integers, ElementsAre(42, -1));
  EXPECT_THAT(request.entities[1].values.texts, ElementsAre("NL", ""));
  ASSERT_EQ(request.inputs.size(), 4u);
  EXPECT_EQ(request.inputs[0].values.type, Type::kBool);
  EXPECT_THAT(request.inputs[0].values.integers, ElementsAre(1));
  EXPECT_EQ(request.inputs[1].values.type, Type::kInt32);
  EXPECT_EQ(request.inputs[2].values.type, Type::kFloat);
  EXPECT_THAT(request.inputs[2].values.numbers, ElementsAre(0.5));
  EXPECT_EQ(request.inputs[3].values.type, Type::kDouble);
  EXPECT_TRUE(request.include_as_of);
  EXPECT_TRUE(request.include_event_times);
  EXPECT_EQ(request.read_time_ms, 0);
  EXPECT_EQ(request.max_staleness_ms, 5'000);
  EXPECT_EQ(request.stale_action, StaleAction::kFail);
  EXPECT_TRUE(request.include_phases);
  ASSERT_EQ(request.read_after.size(), 1u);
  EXPECT_EQ(request.read_after[0].source, "clicks");
  EXPECT_EQ(request.read_after[0].partition, 3);
  EXPECT_EQ(request.read_after[0].offset, 17);
}

TEST(RequestWire, TakesDecimalsWithTheirScale) {
  v1::GetFeaturesRequest wire;
  auto* decimals = wire.add_inputs()->mutable_decimals();
  decimals->add_unscaled(1234);
  decimals->add_unscaled(-5);
  decimals->set_scale(2);
  // No decimal has such a scale; it must not become one that does.
  wire.add_inputs()->mutable_decimals()->set_scale(256 + 2);
  FeatureRequest request;
  ASSERT_TRUE(FromWire(wire, &request).ok());
  EXPECT_EQ(request.inputs[0].values.type, Type::Decimal(2));
  EXPECT_THAT(request.inputs[0].values.integers, ElementsAre(1234, -5));
  EXPECT_GT(request.inputs[1].values.type.scale, kDecimalScaleMax);
}

TEST(RequestWire, NothingOfTheLastRequestIsLeft) {
  v1::GetFeaturesRequest first;
  first.set_feature_service("ranking");
  first.add_features("a.b");
  first.add_entities()->mutable_strings()->add_values("old");
  first.add_inputs()->mutable_doubles()->add_values(1);
  first.set_read_time_ms(1);
  first.set_max_staleness_ms(1);
  first.set_include_as_of(true);
  first.set_stale_action(v1::STALE_ACTION_SERVE);
  first.set_include_phases(true);
  first.add_read_after()->set_offset(1);
  v1::GetFeaturesRequest second;
  second.add_entities()->mutable_int64s()->add_values(5);

  FeatureRequest request;
  ASSERT_TRUE(FromWire(first, &request).ok());
  ASSERT_TRUE(FromWire(second, &request).ok());
  EXPECT_EQ(request.feature_service, "");
  EXPECT_THAT(request.features, IsEmpty());
  EXPECT_THAT(request.inputs, IsEmpty());
  ASSERT_EQ(request.entities.size(), 1u);
  EXPECT_THAT(request.entities[0].values.texts, IsEmpty());
  EXPECT_THAT(request.entities[0].values.integers, ElementsAre(5));
  EXPECT_FALSE(request.read_time_ms.has_value());
  EXPECT_FALSE(request.max_staleness_ms.has_value());
  EXPECT_FALSE(request.include_as_of);
  EXPECT_FALSE(request.stale_action.has_value());
  EXPECT_FALSE(request.include_phases);
  EXPECT_THAT(request.read_after, IsEmpty());
}

TEST(RequestWire, AnUnknownStaleActionIsRefused) {
  v1::GetFeaturesRequest wire;
  wire.set_stale_action(static_cast<v1::StaleAction>(9));
  FeatureRequest request;
  const Status status = FromWire(wire, &request);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("stale_action: 9"));
}

TEST(RequestWire, AColumnWithoutValuesIsNamed) {
  v1::GetFeaturesRequest wire;
  wire.add_entities()->mutable_int64s();
  wire.add_entities()->set_name("item_id");
  FeatureRequest request;
  const Status status = FromWire(wire, &request);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("entities[1]: the column 'item_id'"));
}

}  // namespace
}  // namespace freshet::rpc
