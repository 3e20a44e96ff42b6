// The examples that users copy from are right.
#include <algorithm>
#include <fstream>
#include <map>
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

TEST(DocsTest, TheExampleOfTheAggregationsIsRight) {
  std::vector<DefinitionFile> files = BlocksOf("docs/aggregations.md");
  EXPECT_GE(files.size(), 1u);
  yaml::Diagnostics diagnostics;
  EXPECT_NE(Registry::Build(files, Catalog(), &diagnostics), nullptr) << diagnostics.ToString();
}

// The rows of the page's table of functions: per function, its last column.
std::map<std::string, std::string> StateBytesOfThePage() {
  std::map<std::string, std::string> bytes;
  std::istringstream lines(ReadText(std::string("docs/aggregations.md")));
  for (std::string line; std::getline(lines, line);) {
    if (std::count(line.begin(), line.end(), '|') != 6 || line[2] != '`') continue;
    const size_t last = line.rfind('|', line.size() - 2);
    const std::string cell = line.substr(last + 2, line.size() - last - 4);
    std::istringstream names(line.substr(0, line.find('|', 1)));
    for (std::string name; std::getline(names, name, '`');)
      if (name.find_first_of("| ,") == std::string::npos) bytes[name] = cell;
  }
  return bytes;
}

TEST(DocsTest, EveryFunctionIsOnThePageWithTheBytesThatItKeeps) {
  const std::map<std::string, std::string> page = StateBytesOfThePage();
  for (const std::string& name : aggregate::AggregateNames()) {
    const Type type = Type::kDouble;
    const auto function = aggregate::FindAggregate(name, &type);
    ASSERT_TRUE(function.ok()) << name;
    ASSERT_EQ(page.count(name), 1u) << name;
    const size_t size_bytes = (*function)->size_bytes;
    // What varies is told in words.
    const bool is_number = page.at(name).find_first_not_of("0123456789") == std::string::npos;
    EXPECT_EQ(is_number, size_bytes != 0) << name;
    if (is_number) {
      EXPECT_EQ(page.at(name), std::to_string(size_bytes)) << name;
    }
  }
  EXPECT_EQ(page.size(), aggregate::AggregateNames().size());
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
