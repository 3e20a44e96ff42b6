#include "engine/definitions_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

DefinitionsRecord SomeRecord() {
  DefinitionsRecord record;
  record.files = {{"a.yaml", "entities: []\n"}, {"b.yaml", ""}};
  record.catalog.next_id = 9;
  record.catalog.sources["clicks"] = 1;
  record.catalog.views["activity"] = {2, {{3, {"clicks_1m"}}}};
  record.leftovers = {{4, 5}, {6}, {7, 8}};
  return record;
}

TEST(DefinitionsRecord, ComesBackAsItWas) {
  const DefinitionsRecord record = SomeRecord();
  const Result<DefinitionsRecord> back = DecodeDefinitions(EncodeDefinitions(record));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->files, record.files);
  EXPECT_EQ(back->catalog, record.catalog);
  EXPECT_EQ(back->leftovers, record.leftovers);
}

TEST(DefinitionsRecord, HasTheseBytes) {
  DefinitionsRecord record;
  record.files = {{"a", "bc"}};
  record.leftovers = {{4}, {}, {256}};
  const std::string catalog = record.catalog.Encode();
  std::string expected("\x01\x01\0\0\0\x01\0\0\0a\x02\0\0\0bc", 16);
  expected += static_cast<char>(catalog.size());
  expected += std::string("\0\0\0", 3) + catalog;
  expected += std::string("\x01\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0\0\x01\0\0", 20);
  EXPECT_EQ(EncodeDefinitions(record), expected);
}

TEST(DefinitionsRecord, EveryCutIsCorruption) {
  const std::string bytes = EncodeDefinitions(SomeRecord());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeDefinitions(std::string_view(bytes).substr(0, size)).status().code(),
              StatusCode::kCorruption)
        << size;
  }
  EXPECT_EQ(DecodeDefinitions(bytes + "x").status().code(), StatusCode::kCorruption);
  std::string other_version = bytes;
  other_version[0] = 2;
  EXPECT_EQ(DecodeDefinitions(other_version).status().code(), StatusCode::kCorruption);
}

std::shared_ptr<const registry::Registry> Build(const std::string& yaml,
                                                const registry::Catalog& catalog) {
  yaml::Diagnostics diagnostics;
  const std::vector<registry::DefinitionFile> files = {{"definitions.yaml", yaml}};
  auto registry = registry::Registry::Build(files, catalog, &diagnostics);
  EXPECT_NE(registry, nullptr) << diagnostics.ToString();
  return registry;
}

TEST(DefinitionsRecord, LeftoversAreWhatWasStoredAndIsNotNamedAnyMore) {
  const std::string common = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
)";
  const auto live = Build(common + R"(
sources:
  - {name: clicks, push: {}, timestamp: {field: at, unit: ms}, fields: {user_id: int64}}
  - {name: users, file: {path: users.csv}, timestamp: {field: at, unit: ms}, fields: {user_id: int64, age: int32}}
feature_views:
  - {name: activity, entity: user, source: clicks, aggregations: [{name: n, function: count, windows: [1m]}]}
  - {name: profile, entity: user, source: users, features: [age]}
)",
                          {});
  const auto same = Build(live->files()[0].text, live->catalog());
  EXPECT_TRUE(FindLeftovers(*live, *same).empty());

  const auto next = Build(common, live->catalog());
  const Leftovers leftovers = FindLeftovers(*live, *next);
  EXPECT_THAT(leftovers.tables,
              ElementsAre(live->FindFeatureView("activity")->stream()->tables[0].id));
  EXPECT_THAT(leftovers.views, ElementsAre(live->FindFeatureView("profile")->id));
  EXPECT_THAT(leftovers.sources, ElementsAre(live->FindSource("clicks")->id));
  EXPECT_TRUE(FindLeftovers(*next, *live).empty());
}

}  // namespace
}  // namespace freshet::engine
