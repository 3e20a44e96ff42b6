// The disk is full just when a load is published: it is served later or not at all, and nothing that
// is served is harmed.
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "store/format_file.h"
#include "store/row.h"
#include "store_fixture.h"
#include "support/small_disk.h"

namespace freshet::store {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kView = 5;
constexpr size_t kMemory = 16u << 20;
constexpr int kKeys = 1'000;

class DiskFullTest : public StoreTest {
 protected:
  DiskFullTest() : disk_(folder_.File("data"), 64u << 20) {}

  void SetUp() override {
    ASSERT_TRUE(disk_.is_mounted());
    options_.write_buffer_bytes = 1u << 20;
    Open();
  }

  std::string RowOf(bool value) const {
    const std::vector<Datum> values(types_.size(), Datum::Bool(value));
    std::string row;
    RowLayout(types_).Encode(1, values, row);
    return row;
  }

  std::unique_ptr<GenerationWriter> Finished(LoadKind kind, bool value) {
    auto writer = kind == LoadKind::kReplace ? store_->NewGeneration(kView, names_, types_, kMemory)
                                             : store_->NewUpsert(kView, names_, types_, kMemory);
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    if (!writer.ok()) return nullptr;
    for (int i = 0; i < kKeys; ++i)
      EXPECT_TRUE((*writer)->Add("key" + std::to_string(i), RowOf(value)).ok());
    const Status status = (*writer)->Finish([](uint64_t) {});
    EXPECT_TRUE(status.ok()) << status.ToString();
    return status.ok() ? std::move(*writer) : nullptr;
  }

  void ExpectServed(bool value) {
    const TableId table = store_->FindGeneration(kView)->table;
    for (const char* key : {"key0", "key999"})
      EXPECT_TRUE(Read(table, key, TableKind::kRows) == RowOf(value)) << key;
  }

  void CheckPublish(LoadKind kind) {
    auto first = Finished(LoadKind::kReplace, false);
    ASSERT_TRUE(first->Publish().ok());
    first.reset();

    auto writer = Finished(kind, true);
    ASSERT_NE(writer, nullptr);
    disk_.LeaveFree(0);
    // Its log has room of its own for a while.
    while (store_->WriteDefinitions(std::string(64u << 10, 'd')).ok()) continue;
    const Status full = writer->Publish();
    // The files of an upsert are in place, and may be taken over without another byte.
    EXPECT_TRUE(kind == LoadKind::kUpsert || !full.ok());
    if (!full.ok()) {
      EXPECT_THAT(full.ToString(), HasSubstr("No space left"));
    }
    ExpectServed(full.ok());
    writer.reset();
    ExpectServed(full.ok());
    disk_.GiveBack();
    EXPECT_TRUE(std::filesystem::is_empty(LoadsFolder(options_.path)));

    Open();
    ExpectServed(full.ok());
    for (const bool value : {false, true}) {
      auto again = Finished(kind, value);
      ASSERT_NE(again, nullptr);
      const Status published = again->Publish();
      ASSERT_TRUE(published.ok()) << published.ToString();
      again.reset();
      ExpectServed(value);
    }
    Open();
    ExpectServed(true);
  }

  testing::SmallDisk disk_;
  const std::vector<std::string> names_ = {"value"};
  const std::vector<Type> types_ = {Type::kBool};
};

TEST_F(DiskFullTest, AWholeLoadIsNotPublished) {
  CheckPublish(LoadKind::kReplace);
}

TEST_F(DiskFullTest, AnUpsertIsNotPublished) {
  CheckPublish(LoadKind::kUpsert);
}

// What is kept of a load takes room, and is given back where there is none to note that it is.
TEST_F(DiskFullTest, WhatIsKeptOfALoadGoesAtOnceAndForGood) {
  for (const bool is_under_way : {true, false}) {
    auto writer = store_->NewGeneration(kView, names_, types_, limits::kLoadMemoryBytesMin);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    (*writer)->KeepParts([] { return "state"; });
    for (int i = 0; i < 100 * kKeys; ++i)
      ASSERT_TRUE((*writer)->Add(fmt::format("key{:08}", i), RowOf(true)).ok());
    ASSERT_TRUE((*writer)->Finish([](uint64_t) {}).ok());
    ASSERT_FALSE(store_->KeptLoads().empty());
    const TableId load = (*writer)->id();
    if (!is_under_way) writer->reset();
    disk_.LeaveFree(0);
    while (store_->WriteDefinitions(std::string(64u << 10, 'd')).ok()) continue;
    if (is_under_way) {
      (*writer)->Discard();
      writer->reset();
    } else {
      EXPECT_THAT(store_->DiscardLoad(load).ToString(), HasSubstr("No space left"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(LoadsFolder(options_.path)));
    EXPECT_TRUE(store_->KeptLoads().empty());
    disk_.GiveBack();
    Open();
    EXPECT_TRUE(std::filesystem::is_empty(LoadsFolder(options_.path)));
    EXPECT_TRUE(store_->KeptLoads().empty());
  }
}

// A large checkpoint that finds no room stays as it was frozen, whatever changes meanwhile, until there is room.
TEST_F(DiskFullTest, ACheckpointIsWrittenLater) {
  constexpr TableId kTable = 7;
  options_.checkpoint_file_bytes = 1u << 20;
  Open();
  auto writer = store_->NewTimelineWriter();
  const auto fill = [&](char letter) {
    std::string noise;
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = "user" + std::to_string(i);
      noise.assign(4'000, letter);
      for (size_t at = 0; at < noise.size(); at += 2) noise[at] = static_cast<char>(rand());
      noise[1] = letter;
      ASSERT_TRUE(writer->Update(kTable, key, [&](std::string& bytes) { bytes = noise; }).ok());
    }
  };
  fill('a');
  ASSERT_TRUE(writer->Freeze({{kTable, 0, 1}}).ok());
  disk_.LeaveFree(1u << 20);
  const Status full = writer->Write();
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(full.ToString(), HasSubstr("No space left"));
  EXPECT_TRUE(std::filesystem::is_empty(CheckpointsFolder(options_.path)));
  EXPECT_TRUE(store_->ReadPositions(kTable)->empty());
  fill('b');
  EXPECT_EQ(Read(kTable, "user0")[1], 'b');
  disk_.GiveBack();
  const Status written = writer->Write();
  ASSERT_TRUE(written.ok()) << written.ToString();
  EXPECT_EQ(Read(kTable, "user0")[1], 'b');
  writer.reset();
  Open();
  EXPECT_EQ(*store_->ReadPositions(kTable), (std::vector<Position>{{kTable, 0, 1}}));
  for (const char* key : {"user0", "user999"}) EXPECT_EQ(Read(kTable, key)[1], 'a') << key;
}

}  // namespace
}  // namespace freshet::store
