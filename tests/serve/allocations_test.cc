// An answer allocates nothing for each value, each row and each key: every `new` of this program is
// counted.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "serve/fixture.h"

namespace {

thread_local size_t allocations = 0;

void* TryAllocate(size_t bytes) {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* Allocate(size_t bytes) {
  if (void* memory = TryAllocate(bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t bytes) {
  return Allocate(bytes);
}
void* operator new[](size_t bytes) {
  return Allocate(bytes);
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return TryAllocate(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return TryAllocate(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}

namespace freshet::serve {
namespace {

constexpr int64_t kUsers = 200;

class AllocationsTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    Define(R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, amount: double}
  - name: rows
    file: {path: rows.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, a: int64, b: double, c: string}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [10m, 1h, 1d]}
      - {name: spend, function: sum, of: amount, windows: [10m, 1h, 1d]}
      - {name: mean, function: mean, of: amount, windows: [10m, 1h, 1d]}
      - {name: most, function: max, of: amount, windows: [10m, 1h, 1d]}
  - {name: profile, entity: user, source: rows, features: [a, b, c]}
feature_services:
  - {name: all, features: [activity, profile]}
)yaml");
    std::vector<Row> rows;
    for (int64_t user = 0; user < kUsers; ++user) {
      for (const int64_t ago_ms : {kSecondMs, 20 * kMinuteMs, 3 * kHourMs}) {
        const Datum amount = Datum::Double(1.5);
        AddEvent("activity", user, kNowMs - ago_ms, {Datum(), amount, amount, amount});
      }
      rows.push_back({user, kNowMs, {Datum::Int(1), Datum::Double(2), Datum::String("three")}});
    }
    LoadRows("profile", {"a", "b", "c"}, {Type::kInt64, Type::kDouble, Type::kString}, rows);
  }

  // Of the second of two equal requests, whose answer goes where the first one's went.
  size_t AllocationsFor(int64_t users) {
    FeatureRequest request = UserRequest({}, {});
    request.feature_service = "all";
    request.entities[0].values.integers.clear();
    for (int64_t user = 0; user < users; ++user)
      request.entities[0].values.integers.push_back(user);
    FeatureBlock answer;
    EXPECT_TRUE(server_->GetFeatures(request, &answer).ok());
    const size_t before = allocations;
    EXPECT_TRUE(server_->GetFeatures(request, &answer).ok());
    const size_t after = allocations;
    EXPECT_EQ(answer.row_count, static_cast<uint32_t>(users));
    for (const uint32_t count : answer.absent_counts) EXPECT_EQ(count, 0u);
    return after - before;
  }
};

TEST_F(AllocationsTest, AnAnswerThatGoesWhereTheLastOneWentTakesNone) {
  EXPECT_GT(allocations, 0u);  // of what came before: they are counted
  EXPECT_EQ(AllocationsFor(1), 0u);
  EXPECT_EQ(AllocationsFor(kUsers), 0u);
}

}  // namespace
}  // namespace freshet::serve
