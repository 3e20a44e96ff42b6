// Every file of the folder invalid/ is a set of definitions with mistakes. The comments
// `# expect: line:column: message` in it are exactly what must be reported, in that order; a
// message may be cut short at its end. `# expect: message` without a place is about the whole file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "registry/build_registry.h"

namespace freshet::registry {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> ExpectationsOf(const std::string& text) {
  constexpr std::string_view kMarker = "# expect: ";
  std::vector<std::string> expectations;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kMarker)) expectations.push_back(line.substr(kMarker.size()));
  }
  return expectations;
}

std::vector<std::string> ReportsOf(const std::string& text) {
  yaml::Diagnostics diagnostics;
  EXPECT_EQ(TryBuild(text, &diagnostics), nullptr);
  std::vector<std::string> reports;
  for (const yaml::Diagnostic& each : diagnostics.Sorted()) {
    reports.push_back(each.mark.line == 0 ? each.message
                                          : fmt::format("{}:{}: {}", each.mark.line,
                                                        each.mark.column, each.message));
  }
  return reports;
}

class InvalidDefinitionsTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(InvalidDefinitionsTest, ReportsEveryMistakeInOneRun) {
  std::string text = ReadText(GetParam());
  std::vector<std::string> expected = ExpectationsOf(text);
  std::vector<std::string> reported = ReportsOf(text);
  std::string all;
  for (const std::string& each : reported) all += "# expect: " + each + "\n";
  ASSERT_FALSE(expected.empty()) << "nothing is expected; reported was\n" << all;
  ASSERT_EQ(expected.size(), reported.size()) << "reported was\n" << all;
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(reported[i].starts_with(expected[i]))
        << "expected: " << expected[i] << "\nreported: " << reported[i];
}

std::vector<fs::path> InvalidFiles() {
  std::vector<fs::path> paths;
  for (const auto& each : fs::directory_iterator(FRESHET_SOURCE_FOLDER "/tests/registry/invalid"))
    paths.push_back(each.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

INSTANTIATE_TEST_SUITE_P(Files, InvalidDefinitionsTest, ::testing::ValuesIn(InvalidFiles()),
                         [](const auto& info) { return info.param.stem().string(); });

TEST(ManyFilesTest, AreOneSetOfDefinitions) {
  std::vector<DefinitionFile> files = {
      {"a.yaml",
       "feature_views:\n  - {name: v, entity: usr, source: s, aggregations: "
       "[{name: n, function: count}]}\n"},
      {"b.yaml", "entities:\n  - {name: user, join_keys: {id: int64}}\n"},
      {"c.yaml",
       "sources:\n  - {name: s, push: {}, timestamp: t, fields: {id: int64}}\n"
       "entities:\n  - {name: user, join_keys: {id: int64}}\n"}};
  yaml::Diagnostics diagnostics;
  EXPECT_EQ(Registry::Build(files, Catalog(), &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.ToString(),
            "a.yaml:2:23: no entity 'usr' is defined; did you mean 'user'?\n"
            "c.yaml:4:12: entity 'user' is defined twice; the first is at b.yaml:2:12");
}

TEST(ManyFilesTest, WhatABrokenFileDefinesIsNotMissed) {
  std::vector<DefinitionFile> files = {
      {"a.yaml", "entities: [\n"},
      {"b.yaml", "feature_services:\n  - {name: s, features: [v.x], other: 1}\n"}};
  yaml::Diagnostics diagnostics;
  EXPECT_EQ(Registry::Build(files, Catalog(), &diagnostics), nullptr);
  std::vector<yaml::Diagnostic> sorted = diagnostics.Sorted();
  ASSERT_EQ(sorted.size(), 2u) << diagnostics.ToString();
  EXPECT_EQ(sorted[0].mark.file, "a.yaml");
  EXPECT_EQ(sorted[1].ToString().substr(0, 12), "b.yaml:2:32:");
}

TEST(ManyFilesTest, AreBounded) {
  std::vector<DefinitionFile> many(limits::kDefinitionFilesMax + 1, {"a.yaml", ""});
  yaml::Diagnostics diagnostics;
  EXPECT_EQ(Registry::Build(many, Catalog(), &diagnostics), nullptr);
  EXPECT_NE(diagnostics.ToString().find("at most 1000 are allowed"), std::string::npos);

  std::vector<DefinitionFile> large = {
      {"a.yaml", "#" + std::string(limits::kDefinitionBytesMax, 'x')}};
  yaml::Diagnostics more;
  EXPECT_EQ(Registry::Build(large, Catalog(), &more), nullptr);
  EXPECT_NE(more.ToString().find("bytes together"), std::string::npos);
}

}  // namespace
}  // namespace freshet::registry
