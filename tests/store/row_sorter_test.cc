#include "store/row_sorter.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/row.h"
#include "support/temp_folder.h"

namespace freshet::store {
namespace {

class RowSorterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::Open({.path = folder_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = std::move(*opened);
    std::filesystem::create_directories(runs_);
  }

  static std::string RowOf(size_t text_bytes) {
    static const RowLayout layout({Type::kString});
    const std::string text(text_bytes, 'x');
    const Datum values[] = {Datum::String(text)};
    std::string row;
    layout.Encode(1, values, row);
    return row;
  }
  size_t RunCount() const {
    const auto files = std::filesystem::directory_iterator(runs_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  testing::TempFolder folder_;
  const std::string runs_ = folder_.File("runs");
  std::unique_ptr<Database> database_;
};

TEST_F(RowSorterTest, HoldsNoMoreThanItsBudgetWhateverTheRowsAreLike) {
  constexpr size_t kBudgetBytes = 1u << 20;
  RowSorter sorter(*database_, runs_, 1, kBudgetBytes);
  size_t row_bytes = 0;
  int next = 0;
  // Many small rows, few large ones, and back.
  for (const size_t text_bytes : {size_t{3}, size_t{60'000}, size_t{200}, size_t{3}}) {
    const std::string row = RowOf(text_bytes);
    for (size_t bytes = 0; bytes < 3 * kBudgetBytes; bytes += row.size() + 8) {
      const std::string key = "key" + std::to_string(next++ * 7919 % 1'000'003);
      ASSERT_TRUE(sorter.Add(key, row).ok());
      ASSERT_LE(sorter.held_bytes(), kBudgetBytes);
      row_bytes += key.size() + row.size();
    }
  }
  // The budget is used: runs are not much smaller than it, small rows with what is kept for each of
  // them apart.
  EXPECT_LE(RunCount(), 12 * row_bytes / kBudgetBytes);
  size_t count = 0;
  std::string before;
  const Status status = sorter.Finish([&](std::string_view key, std::string_view) {
    EXPECT_LT(before, key);
    before = key;
    ++count;
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(count, static_cast<size_t>(next) - sorter.duplicate_count());
  EXPECT_EQ(RunCount(), 0u);
}

TEST_F(RowSorterTest, ARowThatIsLargerThanTheBudgetIsSorted) {
  RowSorter sorter(*database_, runs_, 1, 1'000);
  ASSERT_TRUE(sorter.Add("b", RowOf(5'000)).ok());
  ASSERT_TRUE(sorter.Add("a", RowOf(10)).ok());
  std::vector<std::string> keys;
  const Status status = sorter.Finish([&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace freshet::store
