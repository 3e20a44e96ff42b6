#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "serve/fixture.h"

namespace freshet::serve {
namespace {

using ::testing::ElementsAre;

class PlanSetTest : public ServeTest {};

TEST_F(PlanSetTest, MoreListsThanAreKeptAreAllAnswered) {
  std::string yaml = "feature_views:\n  - name: numbers\n    request: {x: int64}\n    features:\n";
  constexpr size_t kFeatures = 25;
  for (size_t i = 0; i < kFeatures; ++i) {
    yaml += fmt::format("      - {{name: f{0}, type: int64, expr: \"request.x + {0}\"}}\n", i);
  }
  Define(yaml);
  for (int round = 0; round < 2; ++round) {
    size_t lists = 0;
    for (size_t a = 0; a < kFeatures; ++a) {
      for (size_t b = 0; b < kFeatures; ++b) {
        if (a == b) continue;
        FeatureRequest request;
        request.features = {fmt::format("numbers.f{}", a), fmt::format("numbers.f{}", b)};
        request.inputs.push_back(Integers("x", {100}));
        const FeatureResponse response = Get(request);
        ASSERT_THAT(response.features[0].values.integers,
                    ElementsAre(100 + static_cast<int64_t>(a)));
        ASSERT_THAT(response.features[1].values.integers,
                    ElementsAre(100 + static_cast<int64_t>(b)));
        ++lists;
      }
    }
    ASSERT_GT(lists, limits::kListPlansMax);
  }
}

TEST_F(PlanSetTest, NewDefinitionsAreServedWhileRequestsRun) {
  const std::string yaml =
      "feature_views:\n  - name: numbers\n    request: {x: int64}\n    features:\n";
  const std::string before = yaml + "      - {name: y, type: int64, expr: \"request.x + 1\"}\n";
  const std::string after = yaml + "      - {name: y, type: int64, expr: \"request.x + 2\"}\n";
  Define(before);
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      FeatureRequest request;
      request.features = {"numbers.y"};
      request.inputs.push_back(Integers("x", {10}));
      FeatureResponse response;
      while (!done) {
        ASSERT_TRUE(server_->GetFeatures(request, &response).ok());
        const int64_t value = response.features[0].values.integers[0];
        ASSERT_TRUE(value == 11 || value == 12);
      }
    });
  }
  for (int i = 0; i < 50; ++i) Define(i % 2 == 0 ? after : before);
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace freshet::serve
