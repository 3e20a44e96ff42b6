#include "cli/definition_report.h"

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

TEST(DefinitionReport, ErrorsCarryTheirPlace) {
  EXPECT_EQ(RenderErrors({{"a.yaml", 3, 7, "unknown key 'nme'; did you mean 'name'?"},
                          {"b.yaml", 0, 0, "the file is empty"}}),
            "a.yaml:3:7: unknown key 'nme'; did you mean 'name'?\n"
            "b.yaml: the file is empty\n");
}

TEST(DefinitionReport, ChangesAreSignedAndRefusalsExplained) {
  EXPECT_EQ(RenderChanges({{DefinitionChangeKind::kAdd, "entity item"},
                           {DefinitionChangeKind::kChange, "feature view activity", "window 1m",
                            true, "it would change what is served", "give it another name"},
                           {DefinitionChangeKind::kRemove, "feature service old", "2 features"}}),
            "+ entity item\n"
            "~ feature view activity: window 1m  REFUSED\n"
            "    why: it would change what is served\n"
            "    way out: give it another name\n"
            "- feature service old: 2 features\n"
            "1 to add, 1 to change, 1 to remove; 1 refused\n");
}

TEST(DefinitionReport, NothingToChangeIsSaid) {
  EXPECT_EQ(RenderChanges({}), "Nothing changes: these definitions are the ones being served.\n");
}

TEST(DefinitionReport, AFolderThatIsNotThereIsNamed) {
  const auto files = ReadDefinitions("/nowhere/definitions");
  ASSERT_FALSE(files.ok());
  EXPECT_NE(files.status().message().find("/nowhere/definitions"), std::string::npos);
}

}  // namespace
}  // namespace freshet::cli
