#include "store/prefix_sort.h"

#include <algorithm>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/seed.h"

namespace freshet::store {
namespace {

struct Numbered {
  uint64_t key_prefix = 0;
  uint32_t number = 0;

  friend bool operator==(const Numbered&, const Numbered&) = default;
};

bool NumberedBefore(const Numbered& a, const Numbered& b) {
  return a.key_prefix != b.key_prefix ? a.key_prefix < b.key_prefix : a.number > b.number;
}

// Prefixes that differ in any of their bits, few or all of them, with many that are the same.
TEST(PrefixSort, SortsAsComparingDoes) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const uint64_t differing = random() & random() >> random() % 64;
    const uint64_t common = random() & ~differing;
    std::vector<Numbered> records(random() % (round % 10 == 0 ? 20'000 : 300));
    for (Numbered& record : records)
      record = {common | (random() & differing), static_cast<uint32_t>(random() % 1'000)};
    std::vector<Numbered> expected = records;
    std::sort(expected.begin(), expected.end(), NumberedBefore);
    SortByPrefix(std::span(records), NumberedBefore);
    ASSERT_EQ(records, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace freshet::store
