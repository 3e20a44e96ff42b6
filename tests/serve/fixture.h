// A feature server over a real store, with hands for putting events and rows into it and a clock that stands.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/datum.h"
#include "registry/registry.h"
#include "serve/server.h"
#include "store/store.h"
#include "support/temp_folder.h"

namespace freshet::serve {

inline constexpr int64_t kNowMs = 1'790'000'000'000;
inline constexpr int64_t kSecondMs = 1'000;
inline constexpr int64_t kMinuteMs = 60'000;
inline constexpr int64_t kHourMs = 3'600'000;
inline constexpr int64_t kDayMs = 86'400'000;

inline constexpr auto kPresent = FeatureStatus::kPresent;
inline constexpr auto kNullValue = FeatureStatus::kNullValue;
inline constexpr auto kNotFound = FeatureStatus::kNotFound;
inline constexpr auto kOutsideMaxAge = FeatureStatus::kOutsideMaxAge;
inline constexpr auto kSourceStale = FeatureStatus::kSourceStale;
inline constexpr auto kTimedOut = FeatureStatus::kTimedOut;
inline constexpr auto kFailed = FeatureStatus::kFailed;

NamedColumn Integers(std::string name, std::vector<int64_t> values, Type type = Type::kInt64);
NamedColumn Numbers(std::string name, std::vector<double> values, Type type = Type::kDouble);
NamedColumn Texts(std::string name, std::vector<std::string> values);

// A request for a list of features of users.
FeatureRequest UserRequest(std::vector<std::string> features, std::vector<int64_t> user_ids);

class ServeTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // Replaces what is served; a mistake in the definitions fails the test.
  void Define(const std::string& yaml);
  // An event of one user in one stream view: a value per aggregation of the view, all let in.
  void AddEvent(std::string_view view, int64_t user_id, int64_t time_ms, std::vector<Datum> values);
  struct Row {
    int64_t user_id = 0;
    int64_t time_ms = 0;
    std::vector<Datum> values;
  };
  // Publishes a generation with these columns.
  void LoadRows(std::string_view view, std::vector<std::string> columns, std::vector<Type> types,
                const std::vector<Row>& rows);
  // Fails the test unless the request is answered.
  FeatureResponse Get(const FeatureRequest& request);
  // The status of a request that must be refused.
  Status Refusal(const FeatureRequest& request);

  testing::TempFolder folder_;
  FakeClock clock_{kNowMs};
  // What the streams behind tables answer.
  StreamStanding Streams();

  std::map<registry::TableId, int64_t> as_of_ms_;
  int64_t next_offset_in_ = 0;  // of every table: what is before it is in
  std::shared_ptr<const registry::Registry> registry_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::TimelineWriter> writer_;
  std::unique_ptr<FeatureServer> server_;
  int64_t next_offset_ = 0;
};

// The definitions that most tests use.
extern const char* const kShopDefinitions;

}  // namespace freshet::serve
