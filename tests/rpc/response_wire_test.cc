#include "rpc/response_wire.h"

#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "freshet/v1/feature_store.pb.h"

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
    response.features.resize(Below(12));
    for (FeatureColumn& column : response.features) column = Column(response.row_count);
    for (size_t i = Below(4); i > 0; --i)
      response.as_of.push_back({Text(), OneIn(3) ? kNoEventTimeMs : OneIn(3) ? 0 : Integer()});
    return response;
  }

 private:
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
  FeatureColumn Column(uint32_t rows) {
    small_ = OneIn(3);
    FeatureColumn column;
    column.name = OneIn(9) ? "" : Text();
    column.values.type = kTypes[Below(std::size(kTypes))];
    column.values.is_list = OneIn(4);
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
    }
    if (OneIn(2)) {
      for (uint32_t row = 0; row < rows; ++row)
        column.event_times_ms.push_back(OneIn(5) ? kNoEventTimeMs : Integer());
    }
    for (size_t i = OneIn(2) ? Below(5) : 0; i > 0; --i)
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

std::string Encode(const FeatureResponse& response, ResponseEncoder* encoder) {
  std::string bytes(encoder->Measure(response), '\x7e');
  const size_t size = bytes.size();
  bytes.append("guard");
  encoder->Write(response, reinterpret_cast<uint8_t*>(bytes.data()));
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
    const std::string bytes = Encode(response, &encoder);
    const v1::GetFeaturesResponse expected = AsMessage(response);
    v1::GetFeaturesResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes));
    ASSERT_EQ(parsed.DebugString(), expected.DebugString()) << "round " << round;
    ASSERT_EQ(bytes, expected.SerializeAsString()) << "round " << round;
  }
}

TEST(ResponseWire, AnEmptyResponseIsEmpty) {
  ResponseEncoder encoder;
  EXPECT_EQ(encoder.Measure(FeatureResponse{}), 0u);
}

TEST(ResponseWire, ColumnsWithoutRowsKeepTheirType) {
  ResponseEncoder encoder;
  for (Type type : kTypes) {
    FeatureResponse response;
    response.features.push_back({.name = "view.feature", .values = {.type = type}});
    v1::GetFeaturesResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(Encode(response, &encoder)));
    EXPECT_EQ(parsed.DebugString(), AsMessage(response).DebugString());
    EXPECT_NE(parsed.features(0).values_case(), v1::FeatureColumn::VALUES_NOT_SET);
  }
}

}  // namespace
}  // namespace freshet::rpc
