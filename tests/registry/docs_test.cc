// The examples that users copy from are right.
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "registry/build_registry.h"

namespace freshet::registry {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(FRESHET_SOURCE_FOLDER "/" + path);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The ```yaml blocks of a page, each as a file named after its line.
std::vector<DefinitionFile> BlocksOf(const std::string& page) {
  std::vector<DefinitionFile> files;
  std::istringstream lines(ReadText(page));
  bool is_inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == "```yaml") {
      is_inside = true;
      files.push_back({page + ":" + std::to_string(number), ""});
    } else if (line == "```") {
      is_inside = false;
    } else if (is_inside) {
      files.back().text += line + "\n";
    }
  }
  return files;
}

TEST(DocsTest, TheExamplesOfTheReferenceAreOneRightSet) {
  std::vector<DefinitionFile> files = BlocksOf("docs/definitions.md");
  EXPECT_GE(files.size(), 5u);
  yaml::Diagnostics diagnostics;
  EXPECT_NE(Registry::Build(files, Catalog(), &diagnostics), nullptr) << diagnostics.ToString();
}

TEST(DocsTest, TheQuickstartIsRight) {
  Result<std::vector<DefinitionFile>> files =
      ReadDefinitionFiles(FRESHET_SOURCE_FOLDER "/examples/quickstart");
  ASSERT_TRUE(files.ok());
  yaml::Diagnostics diagnostics;
  auto registry = Registry::Build(*files, Catalog(), &diagnostics);
  ASSERT_NE(registry, nullptr) << diagnostics.ToString();
  EXPECT_NE(registry->FindFeatureService("ranking"), nullptr);
}

}  // namespace
}  // namespace freshet::registry
