#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "registry/registry.h"
#include "support/temp_folder.h"

namespace freshet::registry {
namespace {

using ::testing::HasSubstr;

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

TEST(FilesTest, ReadsTheYamlOfAFolderByName) {
  testing::TempFolder folder;
  WriteFile(folder.File("b.yaml"), "b");
  WriteFile(folder.File("a.yml"), "a");
  WriteFile(folder.File("notes.txt"), "x");
  WriteFile(folder.File(".hidden.yaml"), "x");
  std::filesystem::create_directory(folder.File("below.yaml"));
  WriteFile(folder.File("below.yaml/c.yaml"), "x");
  Result<std::vector<DefinitionFile>> files = ReadDefinitionFiles(folder.path());
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0], (DefinitionFile{folder.File("a.yml"), "a"}));
  EXPECT_EQ((*files)[1], (DefinitionFile{folder.File("b.yaml"), "b"}));
}

TEST(FilesTest, ReadsOneFile) {
  testing::TempFolder folder;
  WriteFile(folder.File("a.yaml"), std::string("a\0b", 3));
  Result<std::vector<DefinitionFile>> files = ReadDefinitionFiles(folder.File("a.yaml"));
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->at(0).text, std::string("a\0b", 3));
}

TEST(FilesTest, SaysWhatIsMissing) {
  testing::TempFolder folder;
  Status no_folder = ReadDefinitionFiles(folder.File("none")).status();
  EXPECT_EQ(no_folder.code(), StatusCode::kNotFound);
  EXPECT_THAT(no_folder.ToString(), HasSubstr("does not exist"));
  Status no_yaml = ReadDefinitionFiles(folder.path()).status();
  EXPECT_EQ(no_yaml.code(), StatusCode::kNotFound);
  EXPECT_THAT(no_yaml.ToString(), HasSubstr("has no .yaml or .yml file"));
}

TEST(FilesTest, SaysWhatCannotBeRead) {
  if (geteuid() == 0) {
    // Nothing is unreadable to root but what is no file.
    EXPECT_EQ(ReadDefinitionFiles("/proc/self/mem").status().code(), StatusCode::kIoError);
    return;
  }
  testing::TempFolder folder;
  WriteFile(folder.File("a.yaml"), "a");
  std::filesystem::permissions(folder.File("a.yaml"), std::filesystem::perms::none);
  EXPECT_EQ(ReadDefinitionFiles(folder.path()).status().code(), StatusCode::kIoError);
}

TEST(FilesTest, TakesNoMoreThanIsAllowed) {
  testing::TempFolder folder;
  WriteFile(folder.File("a.yaml"), std::string(limits::kDefinitionBytesMax, '#'));
  EXPECT_TRUE(ReadDefinitionFiles(folder.path()).ok());
  WriteFile(folder.File("b.yaml"), "#");
  Status status = ReadDefinitionFiles(folder.path()).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.ToString(), HasSubstr("b.yaml"));
}

}  // namespace
}  // namespace freshet::registry
