#include "load/file_list.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/file_path.h"
#include "load/load_state.h"
#include "support/temp_folder.h"

namespace freshet::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class FileListTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  std::vector<std::string> Names(const std::string& path) {
    auto list = ListFiles(folder_.File(path));
    EXPECT_TRUE(list.ok()) << list.status().ToString();
    std::vector<std::string> names;
    if (!list.ok()) return names;
    for (const auto& file : list->files)
      names.push_back(file->name().substr(folder_.path().size() + 1));
    return names;
  }

  std::string Refusal(const std::string& path) {
    const auto list = ListFiles(folder_.File(path));
    EXPECT_FALSE(list.ok());
    return std::string(list.status().message());
  }

  testing::TempFolder folder_;
};

TEST_F(FileListTest, AFileIsItself) {
  Write("users.csv", "hello world");
  auto list = ListFiles(folder_.File("users.csv"));
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->files.size(), 1u);
  EXPECT_EQ(list->bytes, 11u);
  EXPECT_EQ(list->format, "csv");
  std::string bytes(5, '\0');
  ASSERT_TRUE(list->files[0]->ReadAt(6, 5, bytes.data()).ok());
  EXPECT_EQ(bytes, "world");
  list->files[0]->Close();
  ASSERT_TRUE(list->files[0]->ReadAt(0, 5, bytes.data()).ok());
  EXPECT_EQ(bytes, "hello");
}

TEST_F(FileListTest, AFolderIsItsFilesByName) {
  Write("users/b/2.csv.gz", "");
  Write("users/a.csv", "");
  Write("users/_SUCCESS", "");
  Write("users/.crc/1.csv", "");
  Write("users/b/1.csv", "");
  EXPECT_THAT(Names("users"), ElementsAre("users/a.csv", "users/b/1.csv", "users/b/2.csv.gz"));
  EXPECT_THAT(Names("users/*.csv"), ElementsAre("users/a.csv"));
  EXPECT_THAT(Names("u*/?"), ElementsAre("users/b/1.csv", "users/b/2.csv.gz"));
}

TEST_F(FileListTest, PathsTellValues) {
  Write("users/country=FI/year=2026/a.parquet", "");
  Write("users/country=C%C3%B4te%2Fx/a.parquet", "");
  auto list = ListFiles(folder_.File("users"));
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->files.size(), 2u);
  EXPECT_THAT(list->files[0]->path_values(), ElementsAre(Pair("country", "Côte/x")));
  EXPECT_THAT(list->files[1]->path_values(),
              ElementsAre(Pair("country", "FI"), Pair("year", "2026")));
  EXPECT_EQ(list->format, "parquet");
}

TEST_F(FileListTest, OfAFolderBeforeADotNothingTellsValues) {
  Write("year=2026/country=FI/a.csv", "");
  const auto list = ListFiles(folder_.File("year=2026/./"));
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->files.size(), 1u);
  EXPECT_THAT(list->files[0]->path_values(), ElementsAre(Pair("country", "FI")));
  for (const char* path : {"year=2026/country=FI/.", "year=2026/country=FI/./a.csv"}) {
    const auto none = ListFiles(folder_.File(path));
    ASSERT_TRUE(none.ok()) << none.status().ToString();
    EXPECT_THAT(none->files[0]->path_values(), IsEmpty()) << path;
  }
}

// A load that is resumed finds its files from anywhere, and they mean what they meant.
TEST_F(FileListTest, PathsFromAnywhereTellTheSameValues) {
  Write("x=1/a.csv", "a");
  Write("x=1/y=2/b.csv", "bb");
  Write("c.csv", "ccc");
  Write("z=3/d.csv", "dddd");
  const std::filesystem::path before = std::filesystem::current_path();
  const std::string here = folder_.File("x=1"), there = folder_.File("z=3");
  for (const std::string& path :
       {std::string("a.csv"), std::string("./a.csv"), std::string("."), std::string("*.csv"),
        std::string("y=2"), std::string("y=2/b.csv"), std::string("y=2/."),
        std::string("y=2/./b.csv"), std::string("../x=1/a.csv"), std::string(".."),
        std::string("../c.csv"), std::string("../z=3"), here, here + "/a.csv", here + "/./a.csv",
        here + "/../c.csv", there + "/../x=1/*.csv", folder_.File("c.csv")}) {
    SCOPED_TRACE(path);
    std::filesystem::current_path(here);
    const auto began_with = ListFiles(path);
    const std::string from_anywhere = PathFromAnywhere(path);
    std::filesystem::current_path(before);
    ASSERT_TRUE(began_with.ok()) << began_with.status().ToString();
    const auto now = ListFiles(from_anywhere);
    ASSERT_TRUE(now.ok()) << now.status().ToString();
    ASSERT_EQ(now->files.size(), began_with->files.size());
    std::vector<LoadFileIdentity> files_before;
    std::vector<LoadFileIdentity> files_now;
    for (size_t i = 0; i < now->files.size(); ++i) {
      files_before.push_back(IdentityOf(*began_with->files[i]));
      files_now.push_back(IdentityOf(*now->files[i]));
      EXPECT_EQ(now->files[i]->path_values(), began_with->files[i]->path_values());
    }
    const Status same = CheckSameFiles(files_before, files_now);
    EXPECT_TRUE(same.ok()) << same.ToString();
  }
  EXPECT_EQ(PathFromAnywhere("s3://bucket/x=1/./a.csv"), "s3://bucket/x=1/./a.csv");
  EXPECT_EQ(PathFromAnywhere("a/../b.csv"), (before / "b.csv").string());
}

TEST_F(FileListTest, WhatCannotBeLoadedSaysWhy) {
  Write("mixed/a.csv", "");
  Write("mixed/b.parquet", "");
  std::filesystem::create_directories(folder_.File("empty"));
  EXPECT_THAT(Refusal("mixed"), HasSubstr("the files are of different formats: "));
  EXPECT_THAT(Refusal("empty"), HasSubstr("there are no files in "));
  EXPECT_THAT(Refusal("*.parquet"), HasSubstr("nothing matches "));
  EXPECT_THAT(Refusal("nowhere.csv"), HasSubstr("No such file or directory"));
}

TEST_F(FileListTest, LinksAreFollowed) {
  Write("here/a.csv", "");
  Write("there/b.csv", "");
  std::filesystem::create_directory_symlink(folder_.File("there"), folder_.File("here/link"));
  const auto list = ListFiles(folder_.File("here"));
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  EXPECT_EQ(list->files.size(), 2u);
  std::filesystem::create_symlink(folder_.File("nothing"), folder_.File("here/dangling.csv"));
  EXPECT_THAT(Refusal("here"), HasSubstr("dangling.csv: No such file"));
  std::filesystem::create_directories(folder_.File("round"));
  std::filesystem::create_directory_symlink(folder_.File("round"), folder_.File("round/again"));
  EXPECT_THAT(Refusal("round"), HasSubstr("levels of symbolic links"));
}

TEST_F(FileListTest, NamesThatAreNotUtf8AreRefused) {
  Write("x\xff.csv", "");
  EXPECT_THAT(Refusal("x\xff.csv"), HasSubstr("x\\xff.csv is not UTF-8"));
}

TEST_F(FileListTest, AFileThatShrinksIsAnError) {
  Write("users.csv", "hello world");
  auto list = ListFiles(folder_.File("users.csv"));
  ASSERT_TRUE(list.ok());
  Write("users.csv", "hello");
  std::string bytes(11, '\0');
  const Status status = list->files[0]->ReadAt(0, 11, bytes.data());
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("became shorter while it was read"));
}

}  // namespace
}  // namespace freshet::load
