// Folders of built rows: what is built comes back, and what was damaged is refused.
#include "store/row_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/file_checksum.h"
#include "store/row.h"
#include "store/row_folder_writer.h"
#include "support/seed.h"
#include "support/temp_folder.h"

namespace freshet::store {
namespace {

using ::testing::HasSubstr;

const std::vector<Type> kBuiltTypes = {Type::kInt64, Type::kString};
const RowLayout kBuiltLayout(kBuiltTypes);
const RowShape kShape = {"profile",
                         {{"user", "device"}, {Type::kInt64, Type::kBytes}},
                         {{"number", "text"}, kBuiltTypes}};
constexpr auto kUnwatched = [](uint64_t) {};
constexpr auto kWanted = [] { return Status::Ok(); };

std::string BuiltRowOf(int64_t event_time_ms, int64_t number, std::string_view text = "text") {
  std::string row;
  const Datum values[] = {Datum::Int(number), Datum::String(text)};
  kBuiltLayout.Encode(event_time_ms, values, row);
  return row;
}

using Rows = std::map<std::string, std::string>;

class RowFolderTest : public ::testing::Test {
 protected:
  std::unique_ptr<GenerationWriter> Begin(size_t memory_bytes = 64u << 20) {
    auto writer = NewRowFolder(
        {.folder = path_, .shape = kShape, .memory_bytes = memory_bytes, .clock = &clock_});
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    return writer.ok() ? std::move(*writer) : nullptr;
  }
  void Build(const std::vector<std::pair<std::string, std::string>>& rows,
             size_t memory_bytes = 64u << 20) {
    std::filesystem::remove_all(path_);
    const auto writer = Begin(memory_bytes);
    for (const auto& [key, row] : rows) ASSERT_TRUE(writer->Add(key, row).ok());
    writer->SetReadCounts({1'000, 20, 3});
    ASSERT_TRUE(writer->Finish(kUnwatched).ok());
    const Status published = writer->Publish();
    ASSERT_TRUE(published.ok()) << published.ToString();
  }
  // Everything in the folder, looked at as an adoption does.
  Status Read(Rows* rows) const {
    FRESHET_ASSIGN_OR_RETURN(const RowFolder folder, RowFolder::Open(path_));
    for (const Manifest::File& file : folder.manifest().files) {
      FRESHET_RETURN_IF_ERROR(folder.CheckBytes(file, kWanted));
      FRESHET_RETURN_IF_ERROR(
          folder.ReadRows(file, [&](uint64_t, std::string_view key, std::string_view row) {
            rows->emplace(key, row);
            return Status::Ok();
          }));
    }
    return Status::Ok();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string Bytes(const std::string& name) const {
    std::ifstream in(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ + "/" + name, std::ios::binary | std::ios::trunc) << bytes;
  }
  // The manifest as `change` leaves it, its checksum included.
  void ChangeManifest(const std::function<void(Manifest& manifest)>& change) const {
    auto manifest = DecodeManifest(Bytes("MANIFEST"));
    ASSERT_TRUE(manifest.ok());
    change(*manifest);
    Write("MANIFEST", EncodeManifest(*manifest));
  }

  freshet::testing::TempFolder folder_;
  const std::string path_ = folder_.File("built");
  FakeClock clock_{1'234};
};

TEST_F(RowFolderTest, WhatIsBuiltComesBack) {
  Build({{"b", BuiltRowOf(10, 2)}, {"a", BuiltRowOf(10, 1)}, {"b", BuiltRowOf(11, 3)}});
  EXPECT_EQ(Names(), (std::vector<std::string>{"MANIFEST", "rows-000000.sst"}));
  const auto folder = RowFolder::Open(path_);
  ASSERT_TRUE(folder.ok()) << folder.status().ToString();
  const Manifest& manifest = folder->manifest();
  EXPECT_EQ(manifest.shape, kShape);
  EXPECT_EQ(manifest.built_at_ms, 1'234);
  EXPECT_EQ(manifest.read, (ReadCounts{1'000, 20, 3}));
  EXPECT_EQ(manifest.rows_duplicate, 1u);
  ASSERT_EQ(manifest.files.size(), 1u);
  EXPECT_EQ(manifest.files[0].bytes, Bytes("rows-000000.sst").size());
  EXPECT_EQ(manifest.files[0].checksum, ChecksumOfBytes(Bytes("rows-000000.sst")));
  EXPECT_EQ(manifest.files[0].first_key, "a");
  EXPECT_EQ(manifest.files[0].last_key, "b");
  Rows rows;
  ASSERT_TRUE(Read(&rows).ok());
  EXPECT_EQ(rows, (Rows{{"a", BuiltRowOf(10, 1)}, {"b", BuiltRowOf(11, 3)}}));
}

TEST_F(RowFolderTest, RandomRowsComeBackFromMemoryFromRunsAndInOrder) {
  SCOPED_TRACE(fmt::format("FRESHET_TEST_SEED={}", TestSeed()));
  std::mt19937_64 random(TestSeed());
  for (const bool is_ordered : {false, true}) {
    for (const size_t memory_bytes : {size_t{64} << 20, size_t{20'000}}) {
      Rows wanted;
      std::vector<std::pair<std::string, std::string>> rows;
      for (int i = 0; i < 2'000; ++i) {
        const std::string key = fmt::format("key{:05}", random() % 3'000);
        const auto row = BuiltRowOf(i, i, std::string(random() % 50, 'x'));
        wanted[key] = row;
        rows.emplace_back(key, row);
      }
      if (is_ordered)
        std::stable_sort(rows.begin(), rows.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
      Build(rows, memory_bytes);
      Rows read;
      const Status status = Read(&read);
      ASSERT_TRUE(status.ok()) << status.ToString();
      EXPECT_EQ(read, wanted);
      EXPECT_EQ(Names().size(), 2u);
    }
  }
}

TEST_F(RowFolderTest, DeletedRowsAreLeftOut) {
  std::string tombstone;
  RowLayout::EncodeTombstone(20, tombstone);
  Build({{"a", BuiltRowOf(10, 1)}, {"b", BuiltRowOf(10, 2)}, {"a", tombstone}});
  Rows rows;
  ASSERT_TRUE(Read(&rows).ok());
  EXPECT_EQ(rows, (Rows{{"b", BuiltRowOf(10, 2)}}));
  EXPECT_EQ(RowFolder::Open(path_)->manifest().rows_deleted, 1u);
}

TEST_F(RowFolderTest, MayHaveNoRows) {
  Build({});
  EXPECT_EQ(Names(), (std::vector<std::string>{"MANIFEST"}));
  EXPECT_EQ(RowFolder::Open(path_)->manifest().row_count(), 0u);
}

TEST_F(RowFolderTest, ABuildThatIsDroppedTakesEverythingBack) {
  for (const bool is_there : {false, true}) {
    for (const bool is_finished : {false, true}) {
      std::filesystem::remove_all(path_);
      if (is_there) std::filesystem::create_directory(path_);
      auto writer = Begin(1'000);
      for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(writer->Add(fmt::format("{}", i * 37 % 100), BuiltRowOf(1, i)).ok());
      const Status finished = is_finished ? writer->Finish(kUnwatched) : Status();
      ASSERT_TRUE(finished.ok());
      EXPECT_FALSE(std::filesystem::is_empty(path_));
      EXPECT_EQ(RowFolder::Open(path_).status().code(), StatusCode::kFailedPrecondition);
      writer.reset();
      EXPECT_EQ(std::filesystem::exists(path_), is_there);
      EXPECT_TRUE(!is_there || std::filesystem::is_empty(path_));
    }
  }
}

TEST_F(RowFolderTest, ABuildIsCancelled) {
  auto writer = Begin();
  ASSERT_TRUE(writer->Add("a", BuiltRowOf(1, 1)).ok());
  writer->Cancel();
  EXPECT_EQ(writer->Finish(kUnwatched).code(), StatusCode::kCancelled);
  EXPECT_EQ(writer->Publish().code(), StatusCode::kFailedPrecondition);
  writer.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RowFolderTest, AFolderThatIsNotEmptyIsRefused) {
  const RowFolderOptions options = {.folder = path_, .shape = kShape, .memory_bytes = 1 << 20};
  Build({{"a", BuiltRowOf(1, 1)}});
  auto again = NewRowFolder(options);
  EXPECT_EQ(again.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("is not empty"));
  EXPECT_TRUE(RowFolder::Open(path_).ok());
  // What a build that was killed leaves.
  std::filesystem::remove_all(path_);
  const auto under_way = Begin();
  again = NewRowFolder(options);
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("under way or one that was killed"));
}

TEST_F(RowFolderTest, RowsOfOtherSizesThanMayBeAreRefused) {
  const auto writer = Begin();
  const std::string large(limits::kStoredRowBytesMax, 'x');
  EXPECT_EQ(writer->Add("a", BuiltRowOf(1, 1, large)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->Add("", BuiltRowOf(1, 1)).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(writer->Add("a", BuiltRowOf(1, 1)).ok());
}

TEST_F(RowFolderTest, RowsOfOtherColumnsThanTheManifestSaysAreDamage) {
  std::string other;
  RowLayout({Type::kBool}).Encode(1, std::vector{Datum::Bool(true)}, other);
  for (const std::string& bad : {std::string("no row"), other, BuiltRowOf(1, 1) + "x"}) {
    std::filesystem::remove_all(path_);
    Build({{"a", BuiltRowOf(1, 1)}, {"b", bad}});
    Rows rows;
    const Status status = Read(&rows);
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_THAT(status.ToString(), HasSubstr("rows-000000.sst: row 2: a row"));
  }
}

TEST_F(RowFolderTest, NoByteOfAFileMayBeAnother) {
  std::mt19937_64 random(TestSeed());
  Build({{"a", BuiltRowOf(1, 1)}, {"b", BuiltRowOf(1, 2)}, {"c", BuiltRowOf(1, 3)}});
  for (const char* name : {"MANIFEST", "rows-000000.sst"}) {
    const std::string bytes = Bytes(name);
    for (int i = 0; i < 300; ++i) {
      std::string changed = bytes;
      changed[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
      if (i % 3 == 0) changed = bytes.substr(0, random() % bytes.size());
      if (i == 1) changed = bytes + "x";
      Write(name, changed);
      Rows rows;
      const Status status = Read(&rows);
      EXPECT_FALSE(status.ok()) << name;
      EXPECT_THAT(status.ToString(), HasSubstr(name));
    }
    Write(name, bytes);
  }
  std::filesystem::remove(path_ + "/rows-000000.sst");
  Rows rows;
  EXPECT_EQ(Read(&rows).code(), StatusCode::kCorruption);
}

TEST_F(RowFolderTest, LinksAndWhatIsNoFileAreRefused) {
  Build({{"a", BuiltRowOf(1, 1)}});
  for (const std::string name : {"MANIFEST", "rows-000000.sst"}) {
    const std::string elsewhere = folder_.File(name);
    std::filesystem::rename(path_ + "/" + name, elsewhere);
    std::filesystem::create_symlink(elsewhere, path_ + "/" + name);
    Rows rows;
    EXPECT_THAT(Read(&rows).ToString(), HasSubstr(name + " is not a file of its own"));
    std::filesystem::remove(path_ + "/" + name);
    ASSERT_EQ(mkfifo((path_ + "/" + name).c_str(), 0600), 0);
    EXPECT_THAT(Read(&rows).ToString(), HasSubstr(name + " is not a file of its own"));
    std::filesystem::rename(elsewhere, path_ + "/" + name);
  }
  Rows rows;
  EXPECT_TRUE(Read(&rows).ok());
}

// The checksums are right and the manifest is not.
TEST_F(RowFolderTest, RowsAreHeldAgainstTheManifest) {
  const auto expect_refused = [&](std::string_view problem) {
    Rows rows;
    const Status status = Read(&rows);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << problem;
    EXPECT_THAT(status.ToString(), HasSubstr(std::string(problem)));
  };
  Build({{"a", BuiltRowOf(1, 1)}, {"b", BuiltRowOf(1, 2)}, {"c", BuiltRowOf(1, 3)}});
  const std::string manifest = Bytes("MANIFEST");
  ChangeManifest([](Manifest& changed) { changed.files[0].first_key = "A"; });
  expect_refused("row 1: it is not the first");
  Write("MANIFEST", manifest);
  ChangeManifest([](Manifest& changed) { changed.files[0].last_key = "b"; });
  expect_refused("row 3: it comes after the last");
  Write("MANIFEST", manifest);
  ChangeManifest([](Manifest& changed) { changed.files[0].last_key = "d"; });
  expect_refused("has 3 rows, where the manifest says 3");
  Write("MANIFEST", manifest);
  ChangeManifest([](Manifest& changed) { changed.files[0].rows = 4; });
  expect_refused("has 3 rows, where the manifest says 4");
}

TEST_F(RowFolderTest, AnotherVersionIsToldApartFromDamage) {
  Build({});
  std::string bytes = Bytes("MANIFEST");
  bytes[bytes.find('1')] = '2';
  Write("MANIFEST", bytes);
  const Status status = RowFolder::Open(path_).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), HasSubstr("the format 'freshet-rows 2'"));
  EXPECT_EQ(RowFolder::Open(folder_.File("nothing")).status().code(), StatusCode::kNotFound);
}

TEST_F(RowFolderTest, ReadingEndsWhenItIsNotWanted) {
  Build({{"a", BuiltRowOf(1, 1)}});
  const auto folder = RowFolder::Open(path_);
  ASSERT_TRUE(folder.ok());
  const Manifest::File& file = folder->manifest().files[0];
  EXPECT_EQ(folder->CheckBytes(file, [] { return Status::Cancelled("no"); }).code(),
            StatusCode::kCancelled);
  EXPECT_EQ(folder
                ->ReadRows(file, [](uint64_t, std::string_view,
                                    std::string_view) { return Status::Cancelled("no"); })
                .code(),
            StatusCode::kCancelled);
}

}  // namespace
}  // namespace freshet::store
