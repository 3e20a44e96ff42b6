// Rows that are built in a folder, and adopted by a store of the same definitions or of others.
#include "load/adoption.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "load/file_list.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "support/temp_folder.h"

namespace freshet::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kBuiltDefinitions[] = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, country: string}
feature_views:
  - {name: profile, entity: user, source: users, features: [age, country]}
  - {name: other, entity: user, source: users, features: [age, country]}
)";

class AdoptionTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(kBuiltDefinitions); }

  static std::shared_ptr<const registry::Registry> Define(const std::string& yaml) {
    const std::vector<registry::DefinitionFile> files = {{"test.yaml", yaml}};
    yaml::Diagnostics diagnostics;
    auto registry = registry::Registry::Build(files, registry::Catalog(), &diagnostics);
    EXPECT_NE(registry, nullptr) << diagnostics.ToString();
    return registry;
  }
  // kBuiltDefinitions with `from` as `to`.
  static std::string Changed(const std::string& from, const std::string& to) {
    std::string yaml = kBuiltDefinitions;
    for (size_t at = yaml.find(from); at != std::string::npos; at = yaml.find(from, at + to.size()))
      yaml.replace(at, from.size(), to);
    return yaml;
  }
  // The store's definitions.
  void Open(const std::string& yaml) {
    store_.reset();
    registry_ = Define(yaml);
    auto opened = store::Store::Open({.path = folder_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }

  Status Build(const std::string& rows, const LoadOptions& options = {}) {
    std::filesystem::remove_all(built_);
    FRESHET_ASSIGN_OR_RETURN(
        const std::unique_ptr<Load> load,
        Load::StartBuild(Define(kBuiltDefinitions), "profile", options, built_));
    FRESHET_RETURN_IF_ERROR(load->Feed("user_id,age,country,at\n" + rows));
    Status status = load->Finish([](LoadPhase, uint64_t) {});
    report_ = load->report();
    return status;
  }
  Status Adopt(const LoadOptions& options = {}, const std::string& view = "profile") {
    FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<Load> load,
                             StartAdoption(registry_, view, options, built_, *store_));
    Status status = load->Finish([&](LoadPhase phase, uint64_t) { phases_.push_back(phase); });
    report_ = load->report();
    return status;
  }
  std::shared_ptr<const store::Generation> Served() {
    return store_->FindGeneration(registry_->FindFeatureView("profile")->id);
  }
  // "33 FI at 5" of a user; empty without a row.
  std::string User(int64_t user_id) {
    const auto served = Served();
    std::string key;
    EXPECT_TRUE(store::AppendEntityKey(Type::kInt64, Datum::Int(user_id), key).ok());
    const store::StateKey state_key{store::TableKind::kRows, served->table, key};
    std::string shown;
    const store::RowLayout layout(served->column_types);
    EXPECT_TRUE(store_
                    ->Lookup({&state_key, 1},
                             [&](size_t, std::string_view row) {
                               if (row.empty()) return;
                               shown = fmt::format("{} {} at {}", layout.Read(row, 0).as_int(),
                                                   layout.Read(row, 1).as_string(),
                                                   store::RowLayout::EventTimeMs(row));
                             })
                    .ok());
    return shown;
  }

  testing::TempFolder folder_;
  const std::string built_ = folder_.File("built");
  std::shared_ptr<const registry::Registry> registry_;
  std::unique_ptr<store::Store> store_;
  LoadReport report_;
  std::vector<LoadPhase> phases_;
};

TEST_F(AdoptionTest, WhatWasBuiltIsServed) {
  const Status built = Build("2,31,SE,5\n1,30,FI,5\n1,32,NO,6\n3,x,FI,5\n", {.bad_rows_max = 1});
  ASSERT_TRUE(built.ok()) << built.ToString();
  EXPECT_EQ(report_.rows_kept, 2u);
  EXPECT_EQ(report_.rows_bad, 1u);
  const uint64_t bytes_read = report_.bytes_read;
  EXPECT_EQ(Served(), nullptr);

  const Status adopted = Adopt();
  ASSERT_TRUE(adopted.ok()) << adopted.ToString();
  EXPECT_EQ(User(1), "32 NO at 6");
  EXPECT_EQ(User(2), "31 SE at 5");
  EXPECT_EQ(User(3), "");
  EXPECT_EQ(Served()->row_count, 2u);
  EXPECT_EQ(report_.rows_read, 2u);
  EXPECT_EQ(report_.rows_kept, 2u);
  EXPECT_EQ(report_.rows_bad, 0u);
  ASSERT_TRUE(report_.build.has_value());
  EXPECT_EQ(report_.build->rows_read, 4u);
  EXPECT_EQ(report_.build->rows_bad, 1u);
  EXPECT_EQ(report_.build->rows_duplicate, 1u);
  EXPECT_EQ(report_.build->bytes_read, bytes_read);
  EXPECT_EQ(phases_.back(), LoadPhase::kPublish);
}

TEST_F(AdoptionTest, TheLoadBeforeIsKeptAndTheFolderCanBeAdoptedAgain) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  ASSERT_TRUE(Adopt().ok());
  const store::TableId first = Served()->table;
  ASSERT_TRUE(Adopt().ok());
  EXPECT_NE(Served()->table, first);
  EXPECT_EQ(User(1), "30 FI at 5");
  ASSERT_TRUE(Build("1,40,SE,6\n2,41,SE,6\n").ok());
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(User(1), "40 SE at 6");
  ASSERT_TRUE(store_->RollBack(registry_->FindFeatureView("profile")->id).ok());
  EXPECT_EQ(User(1), "30 FI at 5");
  EXPECT_EQ(User(2), "");
  Open(kBuiltDefinitions);
  EXPECT_EQ(User(1), "30 FI at 5");
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(User(2), "41 SE at 6");
}

TEST_F(AdoptionTest, NoRowsEmptyTheView) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  ASSERT_TRUE(Adopt().ok());
  ASSERT_TRUE(Build("").ok());
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(Served()->row_count, 0u);
  EXPECT_EQ(User(1), "");
}

TEST_F(AdoptionTest, OtherDefinitionsAreToldColumnByColumn) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  const std::map<std::string, std::string> problems = {
      {Changed("age: int32", "age: int64"), "its feature 'age' is int32, not int64"},
      {Changed("age, country]", "age]"), "its feature 'country' is none of the view's"},
      {Changed("features: [age", "features: [user_id, age"), "it lacks the feature 'user_id'"},
      {Changed("[age, country]", "[country, age]"),
       "its features are in the order age, country, not country, age"},
      {Changed("user_id: int64", "user_id: string"), "its join key 'user_id' is int64, not string"},
      {Changed("user_id", "user"),
       "it lacks the join key 'user'; its join key 'user_id' is none of the view's"},
  };
  for (const auto& [yaml, problem] : problems) {
    Open(yaml);
    const Status status = Adopt();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.ToString(), HasSubstr(problem));
    EXPECT_THAT(status.ToString(), HasSubstr("Build it again"));
    EXPECT_EQ(Served(), nullptr);
  }
}

TEST_F(AdoptionTest, AnotherViewIsRefused) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  EXPECT_THAT(Adopt({}, "other").ToString(),
              HasSubstr("was built for the feature view 'profile', not for 'other'"));
  EXPECT_EQ(Adopt({}, "nothing").code(), StatusCode::kNotFound);
}

TEST_F(AdoptionTest, WhatTheViewExpectsNowHolds) {
  ASSERT_TRUE(Build("1,30,FI,5\n2,200,FI,5\n").ok());
  Open(Changed("features: [age,", "features: [{name: age, expect: {between: [0, 150]}},"));
  const Status status = Adopt();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(report_.broken_expectations,
              ElementsAre(HasSubstr("not between 0 and 150, the first: rows-000000.sst:2: 200")));
  EXPECT_EQ(Served(), nullptr);
}

TEST_F(AdoptionTest, ADryRunChangesNothing) {
  ASSERT_TRUE(Build("1,30,FI,5\n2,40,FI,5\n").ok());
  ASSERT_TRUE(Adopt({.is_dry_run = true}).ok());
  EXPECT_EQ(Served(), nullptr);
  ASSERT_TRUE(report_.profile.has_value());
  EXPECT_EQ(report_.profile->keys_new, 2u);
  ASSERT_THAT(report_.profile->columns, SizeIs(2));
  EXPECT_EQ(report_.profile->columns[0].greatest, "40");
}

TEST_F(AdoptionTest, DamageChangesNothing) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  ASSERT_TRUE(Adopt().ok());
  ASSERT_TRUE(Build("1,40,SE,6\n").ok());
  const std::string file = built_ + "/rows-000000.sst";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  const Status status = Adopt();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.ToString(), HasSubstr("rows-000000.sst has"));
  EXPECT_EQ(User(1), "30 FI at 5");
  // The view is not being loaded any more.
  ASSERT_TRUE(Build("1,41,SE,6\n").ok());
  EXPECT_TRUE(Adopt().ok());
}

TEST_F(AdoptionTest, AFolderIsAdoptedWhole) {
  ASSERT_TRUE(Build("1,30,FI,5\n").ok());
  EXPECT_EQ(Adopt({.kind = store::LoadKind::kUpsert}).code(), StatusCode::kInvalidArgument);
  auto load = StartAdoption(registry_, "profile", {}, built_, *store_);
  ASSERT_TRUE(load.ok());
  EXPECT_EQ((*load)->Feed("x").code(), StatusCode::kFailedPrecondition);
  (*load)->Cancel();
  EXPECT_EQ((*load)->Finish([](LoadPhase, uint64_t) {}).code(), StatusCode::kCancelled);
  EXPECT_EQ(Served(), nullptr);
}

TEST_F(AdoptionTest, BuildsAreWholeAndFailAsLoadsDo) {
  EXPECT_EQ(Build("", {.kind = store::LoadKind::kUpsert}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Build("", {.is_dry_run = true}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Build("1,x,FI,5\n").code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(built_));
}

TEST_F(AdoptionTest, ARowThatIsTooLargeIsBad) {
  std::string yaml =
      "entities: [{name: user, join_keys: {user_id: int64}}]\nsources:\n  - name: "
      "users\n    file: {path: users.csv}\n    timestamp: {field: at, unit: ms}\n"
      "    fields: {user_id: int64, text: string}\nfeature_views:\n  - name: wide\n"
      "    entity: user\n    source: users\n    features:\n";
  const size_t features = limits::kStoredRowBytesMax / limits::kStringValueBytesMax;
  for (size_t i = 0; i < features; ++i)
    yaml += fmt::format("      - {{name: f{}, field: text}}\n", i);
  Open(yaml);
  auto load = Load::Start(registry_, "wide", {.bad_rows_max = 1}, *store_);
  ASSERT_TRUE(load.ok()) << load.status().ToString();
  const std::string text(limits::kStringValueBytesMax, 'x');
  ASSERT_TRUE(
      (*load)->Feed("user_id,at,text\n1,1," + text + "\n2,1," + text.substr(8'192) + "\n").ok());
  ASSERT_TRUE((*load)->Finish([](LoadPhase, uint64_t) {}).ok());
  EXPECT_EQ((*load)->report().rows_kept, 1u);
  ASSERT_THAT((*load)->report().bad_rows, SizeIs(1));
  EXPECT_EQ((*load)->report().bad_rows[0].line, 2u);
  EXPECT_THAT((*load)->report().bad_rows[0].reason, HasSubstr("bytes together, at most 4194304"));
}

}  // namespace
}  // namespace freshet::load
