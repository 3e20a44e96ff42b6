#include "store/row_sorter.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/database.h"
#include "store/row.h"
#include "support/seed.h"
#include "support/temp_folder.h"

namespace freshet::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class RowSorterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::Open({.path = folder_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = std::move(*opened);
    std::filesystem::create_directories(runs_);
  }

  RowSorter NewSorter(size_t memory_bytes, bool keeps_ordered_files = false,
                      size_t processors = 2) const {
    return RowSorter(database_->row_files(), {.folder = runs_,
                                              .table = 1,
                                              .memory_bytes = memory_bytes,
                                              .keeps_ordered_files = keeps_ordered_files,
                                              .processors = processors});
  }
  static std::string KeyOf(int number) { return fmt::format("key{:06}", number); }
  static std::string RowOf(size_t text_bytes, int64_t time_ms = 1) {
    static const RowLayout layout({Type::kString});
    const std::string text(text_bytes, 'x');
    const Datum values[] = {Datum::String(text)};
    std::string row;
    layout.Encode(time_ms, values, row);
    return row;
  }
  // What is handed over, in order.
  static std::map<std::string, std::string> RowsOf(RowSorter& sorter) {
    std::map<std::string, std::string> rows;
    const Status status = sorter.Finish([&](std::string_view key, std::string_view row) {
      EXPECT_TRUE(rows.empty() || rows.rbegin()->first < key);
      rows.emplace_hint(rows.end(), key, row);
      return Status::Ok();
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return rows;
  }
  size_t FileCount() const {
    const auto files = std::filesystem::directory_iterator(runs_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  testing::TempFolder folder_;
  const std::string runs_ = folder_.File("runs");
  std::unique_ptr<Database> database_;
};

TEST_F(RowSorterTest, HoldsNoMoreThanItsBudgetWhateverTheRowsAreLike) {
  constexpr size_t kBudgetBytes = 1u << 20;
  RowSorter sorter = NewSorter(kBudgetBytes);
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
  // The budget is used: runs are not much smaller than half of it, small rows with what is kept for each of
  // them apart.
  EXPECT_LE(FileCount(), 24 * row_bytes / kBudgetBytes);
  ASSERT_TRUE(sorter.Seal().ok());
  const std::map<std::string, std::string> rows = RowsOf(sorter);
  EXPECT_EQ(rows.size(), static_cast<size_t>(next) - sorter.duplicate_count());
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(RowSorterTest, ARowThatIsLargerThanTheBudgetIsSorted) {
  RowSorter sorter = NewSorter(1'000);
  ASSERT_TRUE(sorter.Add("b", RowOf(5'000)).ok());
  ASSERT_TRUE(sorter.Add("a", RowOf(10)).ok());
  ASSERT_TRUE(sorter.Seal().ok());
  EXPECT_THAT(RowsOf(sorter), ElementsAre(Pair("a", RowOf(10)), Pair("b", RowOf(5'000))));
}

TEST_F(RowSorterTest, RowsThatComeInOrderAreWrittenOnceHoweverManyOfAKey) {
  for (const size_t processors : {1, 2}) {
    RowSorter sorter = NewSorter(10'000, true, processors);
    constexpr int kKeys = 500;
    constexpr int kRowsOfAKey = 7;
    for (int key = 0; key < kKeys; ++key) {
      for (int row = 0; row < kRowsOfAKey; ++row)
        ASSERT_TRUE(sorter.Add(KeyOf(key), RowOf(20, row * 3 % kRowsOfAKey)).ok());
    }
    ASSERT_TRUE(sorter.Seal().ok());
    ASSERT_NE(sorter.ordered_files(), nullptr);
    EXPECT_EQ(sorter.ordered_files()->rows_written(), kKeys);
    EXPECT_EQ(sorter.duplicate_count(), kKeys * (kRowsOfAKey - 1));
    const std::map<std::string, std::string> rows = RowsOf(sorter);
    ASSERT_EQ(rows.size(), kKeys);
    for (const auto& [key, row] : rows) EXPECT_EQ(RowLayout::EventTimeMs(row), kRowsOfAKey - 1);
  }
}

TEST_F(RowSorterTest, RowsOfOneKeyAloneTakeNoSpace) {
  RowSorter sorter = NewSorter(10'000, true);
  for (int row = 0; row < 1'000; ++row) ASSERT_TRUE(sorter.Add("a", RowOf(20, row)).ok());
  EXPECT_EQ(FileCount(), 0u);
  ASSERT_TRUE(sorter.Seal().ok());
  EXPECT_THAT(RowsOf(sorter), ElementsAre(Pair("a", RowOf(20, 999))));
}

TEST_F(RowSorterTest, ADeletedRowAmongOthersInOrderIsHandedOver) {
  std::string tombstone;
  RowLayout::EncodeTombstone(5, tombstone);
  for (const size_t processors : {1, 2}) {
    RowSorter sorter = NewSorter(10'000, true, processors);
    for (int key = 0; key < 1'000; ++key)
      ASSERT_TRUE(sorter.Add(KeyOf(key), key == 700 ? tombstone : RowOf(20)).ok());
    ASSERT_TRUE(sorter.Seal().ok());
    EXPECT_EQ(sorter.ordered_files(), nullptr);
    EXPECT_EQ(RowsOf(sorter).at(KeyOf(700)), tombstone);
  }
}

// Wherever it is broken off, what it told last is gone on after.
TEST_F(RowSorterTest, WhatIsKeptOfRowsInOrderIsGoneOnAfter) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  constexpr int kRows = 3'000;
  for (int round = 0; round < 20; ++round) {
    const size_t processors = 1 + random() % 2;
    const int end = static_cast<int>(random() % kRows);
    SortedParts kept;
    int next = 0;
    int kept_next = 0;
    const RowSorter::Keeper keeper = {.state = [&] { return std::to_string(next); },
                                      .keep =
                                          [&](const SortedParts& parts, const std::string& state) {
                                            kept = parts;
                                            kept_next = std::stoi(state);
                                            return Status::Ok();
                                          }};
    const auto add = [&](RowSorter& sorter, int until) {
      for (; next < until; ++next)
        ASSERT_TRUE(sorter.Add(KeyOf(next / 3), RowOf(50, next * 7 % 3)).ok());
    };
    {
      RowSorter broken_off = NewSorter(40'000, true, processors);
      broken_off.KeepParts(keeper);
      add(broken_off, end);
    }
    EXPECT_EQ(kept.rows_added, static_cast<uint64_t>(kept_next));
    EXPECT_TRUE(end < kRows / 2 || kept_next > 0);
    RowSorter sorter = NewSorter(40'000, true, processors);
    sorter.KeepParts(keeper);
    if (kept_next > 0) sorter.Resume(kept);
    next = kept_next;
    add(sorter, kRows);
    ASSERT_TRUE(sorter.Seal().ok());
    ASSERT_NE(sorter.ordered_files(), nullptr);
    EXPECT_EQ(kept_next, kRows);
    EXPECT_EQ(sorter.duplicate_count(), kRows / 3 * 2u);
    const std::map<std::string, std::string> rows = RowsOf(sorter);
    ASSERT_EQ(rows.size(), kRows / 3);
    for (const auto& [key, row] : rows) EXPECT_EQ(RowLayout::EventTimeMs(row), 2) << key;
  }
}

TEST_F(RowSorterTest, ARunThatIsDamagedMeanwhileIsToldOf) {
  RowSorter sorter = NewSorter(10'000);
  for (int key = 1'000; key > 0; --key) ASSERT_TRUE(sorter.Add(KeyOf(key), RowOf(20)).ok());
  ASSERT_TRUE(sorter.Seal().ok());
  const std::string path = runs_ + "/sorted-000001.run";
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2)).put('?');
  file.close();
  const Status status =
      sorter.Finish([](std::string_view, std::string_view) { return Status::Ok(); });
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.ToString(), HasSubstr(path + " is damaged: the checksum of a block"));
}

// As an older Freshet left them.
TEST_F(RowSorterTest, RunsThatAreSstFilesAreMergedWithOthers) {
  RowFileWriter file(database_->row_files().served, 1, UINT64_MAX,
                     [&] { return runs_ + "/sorted-000000.sst"; });
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(file.Add(key, RowOf(10, 5)).ok());
  ASSERT_TRUE(file.Finish().ok());
  RowSorter sorter = NewSorter(1'000, true);
  sorter.Resume({.rows_added = 4, .next_file = 1, .files = {{"sorted-000000.sst", 1}}});
  for (const auto& [key, time_ms] :
       {std::pair("d", 1), std::pair("c", 4), std::pair("b", 5), std::pair("a", 6)})
    ASSERT_TRUE(sorter.Add(key, RowOf(400, time_ms)).ok());
  ASSERT_TRUE(sorter.Seal().ok());
  EXPECT_THAT(RowsOf(sorter), ElementsAre(Pair("a", RowOf(400, 6)), Pair("b", RowOf(400, 5)),
                                          Pair("c", RowOf(10, 5)), Pair("d", RowOf(400, 1))));
  EXPECT_EQ(sorter.duplicate_count(), 4u);
  EXPECT_EQ(FileCount(), 0u);
}

// Beside a map, for rows that are in order up to some point, or never.
TEST_F(RowSorterTest, TheNewestRowOfEachKeyStays) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  const auto below = [&](size_t limit) { return static_cast<int>(random() % limit); };
  for (int round = 0; round < 20; ++round) {
    RowSorter sorter = NewSorter(8'000 + random() % 40'000, below(4) > 0, 1 + random() % 2);
    std::map<std::string, std::string> expected;
    const int row_count = below(3'000);
    const int in_order = below(3) == 0 ? row_count : below(3'001);
    size_t added = 0;
    for (int i = 0; i < row_count; ++i) {
      const std::string key = KeyOf(i < in_order ? i / 3 : below(1'000));
      const std::string row = RowOf(random() % 50, below(10));
      ASSERT_TRUE(sorter.Add(key, row).ok());
      ++added;
      std::string& kept = expected[key];
      if (kept.empty() || RowLayout::EventTimeMs(row) >= RowLayout::EventTimeMs(kept)) kept = row;
    }
    ASSERT_TRUE(sorter.Seal().ok());
    if (sorter.ordered_files() != nullptr) {
      EXPECT_EQ(sorter.ordered_files()->rows_written(), expected.size());
    }
    ASSERT_EQ(RowsOf(sorter), expected) << "round " << round;
    EXPECT_EQ(sorter.duplicate_count(), added - expected.size());
  }
}

}  // namespace
}  // namespace freshet::store
