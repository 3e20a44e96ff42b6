#include "rpc/response_wire.h"

#include <algorithm>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "freshet/v1/feature_store.pb.h"

#include "support/feature_block.h"
#include "support/seed.h"

namespace freshet::rpc {
namespace {

constexpr Type kTypes[] = {Type::kBool,      Type::kInt32,     Type::kInt64,     Type::kFloat,
                           Type::kDouble,    Type::kString,    Type::kTimestamp, Type::Decimal(0),
                           Type::Decimal(2), Type::Decimal(18)};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  FeatureResponse Response() {
    FeatureResponse response;
    response.read_time_ms = OneIn(4) ? 0 : Integer();
    response.row_count = static_cast<uint32_t>(Below(OneIn(3) ? 3 : 300));
    with_event_times_ = OneIn(2);
    AddFeatures(&response);
    for (size_t i = Below(4); i > 0; --i)
      response.as_of.push_back({Text(), OneIn(3) ? kNoEventTimeMs : OneIn(3) ? 0 : Integer()});
    return response;
  }

  FeatureResponse OneRow() {
    FeatureResponse response;
    response.row_count = 1;
    with_event_times_ = false;
    AddFeatures(&response);
    return response;
  }
  // Other values, statuses, failures of the same features; one row in ten with event times.
  void ChangeValues(FeatureResponse* response) {
    with_event_times_ = OneIn(10);
    for (FeatureColumn& column : response->features) {
      FeatureColumn changed =
          Values(column.values.type, column.values.is_list, response->row_count);
      changed.name = column.name;
      column = std::move(changed);
    }
  }

 private:
  void AddFeatures(FeatureResponse* response) {
    response->features.resize(Below(12));
    for (FeatureColumn& column : response->features) {
      column = Values(kTypes[Below(std::size(kTypes))], OneIn(4), response->row_count);
      column.name = OneIn(9) ? "" : Text();
    }
  }
  size_t Below(size_t bound) { return random_() % bound; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  // Of every width, so that every length of a varint is met.
  int64_t Integer() {
    if (small_) return static_cast<int64_t>(Below(128));
    const auto value = static_cast<int64_t>(random_() >> Below(64));
    return OneIn(2) ? value : -value;
  }
  double Number() {
    if (OneIn(10)) return 0.0;
    if (OneIn(10)) return -std::numeric_limits<double>::infinity();
    return static_cast<double>(Integer()) / 7;
  }
  std::string Text() {
    return std::string(Below(OneIn(5) ? 400 : 12), static_cast<char>('a' + Below(26))) + "\u00e9";
  }
  FeatureColumn Values(Type type, bool is_list, uint32_t rows) {
    small_ = OneIn(3);
    FeatureColumn column;
    column.values.type = type;
    column.values.is_list = is_list;
    for (uint32_t row = 0; row < rows; ++row) {
      size_t values = 1;
      if (column.values.is_list) {
        values = Below(OneIn(9) ? 200 : 4);
        column.values.lengths.push_back(static_cast<uint32_t>(values));
      }
      for (; values > 0; --values) AddValue(&column.values);
    }
    if (OneIn(2)) {
      for (uint32_t row = 0; row < rows; ++row)
        column.statuses.push_back(static_cast<FeatureStatus>(1 + Below(7)));
      const auto present =
          std::count(column.statuses.begin(), column.statuses.end(), FeatureStatus::kPresent);
      if (present == rows) column.statuses.clear();
    }
    if (with_event_times_) {
      for (uint32_t row = 0; row < rows; ++row)
        column.event_times_ms.push_back(OneIn(5) ? kNoEventTimeMs : Integer());
    }
    for (size_t i = column.statuses.empty() ? 0 : Below(5); i > 0; --i)
      column.failures.push_back({static_cast<uint32_t>(Below(300)), OneIn(5) ? "" : Text()});
    return column;
  }
  void AddValue(freshet::Column* values) {
    switch (values->type) {
      case Type::kBool:
        values->integers.push_back(OneIn(2) ? 1 : 0);
        break;
      case Type::kInt32:
        values->integers.push_back(static_cast<int32_t>(Integer()));
        break;
      case Type::kInt64:
      case Type::kTimestamp:
      case Type::kDecimal:
        values->integers.push_back(Integer());
        break;
      case Type::kFloat:
      case Type::kDouble:
        values->numbers.push_back(Number());
        break;
      case Type::kString:
      case Type::kBytes:
        values->texts.push_back(OneIn(5) ? "" : Text());
        break;
    }
  }

  std::mt19937_64 random_;
  bool with_event_times_ = false;
  bool small_ = false;  // whether integers stay within one byte of a varint
};

void FillValues(const Column& values, v1::FeatureColumn* wire) {
  // The array is there even when it has no rows: it tells the type.
  switch (values.type) {
    case Type::kBool:
      wire->mutable_bools();
      for (int64_t v : values.integers) wire->mutable_bools()->add_values(v != 0);
      break;
    case Type::kInt32:
      wire->mutable_int32s();
      for (int64_t v : values.integers) wire->mutable_int32s()->add_values(static_cast<int32_t>(v));
      break;
    case Type::kInt64:
    case Type::kTimestamp:
      wire->mutable_int64s();
      for (int64_t v : values.integers) wire->mutable_int64s()->add_values(v);
      break;
    case Type::kFloat:
      wire->mutable_floats();
      for (double v : values.numbers) wire->mutable_floats()->add_values(static_cast<float>(v));
      break;
    case Type::kDouble:
      wire->mutable_doubles();
      for (double v : values.numbers) wire->mutable_doubles()->add_values(v);
      break;
    case Type::kString:
    case Type::kBytes:
      wire->mutable_strings();
      for (const std::string& v : values.texts) wire->mutable_strings()->add_values(v);
      break;
    case Type::kDecimal:
      wire->mutable_decimals()->set_scale(values.type.scale);
      for (int64_t v : values.integers) wire->mutable_decimals()->add_unscaled(v);
      break;
  }
}

v1::GetFeaturesResponse AsMessage(const FeatureResponse& response) {
  v1::GetFeaturesResponse wire;
  for (const FeatureColumn& column : response.features) {
    v1::FeatureColumn* out = wire.add_features();
    out->set_name(column.name);
    FillValues(column.values, out);
    for (FeatureStatus status : column.statuses)
      out->mutable_statuses()->push_back(static_cast<char>(status));
    for (int64_t time_ms : column.event_times_ms) out->add_event_times_ms(time_ms);
    for (const FeatureFailure& failure : column.failures) {
      auto* added = out->add_failures();
      added->set_row(failure.row);
      added->set_reason(failure.reason);
    }
    out->set_type(static_cast<v1::Type>(column.values.type.kind));
    out->set_is_list(column.values.is_list);
    for (const uint32_t length : column.values.lengths) out->add_lengths(length);
  }
  wire.set_read_time_ms(response.read_time_ms);
  wire.set_row_count(response.row_count);
  for (const SourceAsOf& as_of : response.as_of) {
    auto* out = wire.add_as_of();
    out->set_source(as_of.source);
    if (as_of.as_of_ms != kNoEventTimeMs) out->set_as_of_ms(as_of.as_of_ms);
  }
  return wire;
}

std::string Encode(const FeatureBlock& answer, ResponseEncoder* encoder) {
  std::string bytes(encoder->Measure(answer), '\x7e');
  const size_t size = bytes.size();
  bytes.append("guard");
  encoder->Write(answer, reinterpret_cast<uint8_t*>(bytes.data()));
  EXPECT_EQ(bytes.substr(size), "guard");
  bytes.resize(size);
  return bytes;
}

TEST(ResponseWire, WritesTheBytesThatProtobufWrites) {
  SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(TestSeed()));
  Generator generator(TestSeed());
  ResponseEncoder encoder;
  for (int round = 0; round < 2'000; ++round) {
    const FeatureResponse response = generator.Response();
    const std::string bytes = Encode(testing::ToBlock(response), &encoder);
    const v1::GetFeaturesResponse expected = AsMessage(response);
    v1::GetFeaturesResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes));
    ASSERT_EQ(parsed.DebugString(), expected.DebugString()) << "round " << round;
    ASSERT_EQ(bytes, expected.SerializeAsString()) << "round " << round;
  }
}

// A shape is seen again and again, with values that its template fits and others.
TEST(ResponseWire, AnswersOfOneRowShareWhatTheirShapeHasInCommon) {
  SCOPED_TRACE("FRESHET_TEST_SEED=" + std::to_string(TestSeed()));
  Generator generator(TestSeed());
  ResponseEncoder encoder;
  for (int shape = 0; shape < 200; ++shape) {
    FeatureResponse response = generator.OneRow();
    FeatureBlock answer = testing::ToBlock(response);
    for (int round = 0; round < 20; ++round) {
      generator.ChangeValues(&response);
      FeatureBlock changed = testing::ToBlock(response);
      changed.shape = answer.shape;
      ASSERT_EQ(Encode(changed, &encoder), AsMessage(response).SerializeAsString());
    }
  }
}

TEST(ResponseWire, AnEmptyResponseIsEmpty) {
  ResponseEncoder encoder;
  EXPECT_EQ(encoder.Measure(FeatureBlock{}), 0u);
}

TEST(ResponseWire, ColumnsWithoutRowsKeepTheirType) {
  ResponseEncoder encoder;
  for (Type type : kTypes) {
    FeatureResponse response;
    response.features.push_back({.name = "view.feature", .values = {.type = type}});
    v1::GetFeaturesResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(Encode(testing::ToBlock(response), &encoder)));
    EXPECT_EQ(parsed.DebugString(), AsMessage(response).DebugString());
    EXPECT_NE(parsed.features(0).values_case(), v1::FeatureColumn::VALUES_NOT_SET);
  }
}

}  // namespace
}  // namespace freshet::rpc
