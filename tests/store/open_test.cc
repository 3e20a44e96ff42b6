#include <filesystem>
#include <fstream>

#include "store/store.h"
#include "store_fixture.h"

namespace freshet::store {
namespace {

class Opening : public StoreTest {};

TEST_F(Opening, AFolderThatIsOpenAlreadyIsRefused) {
  Open();
  Result<std::unique_ptr<Store>> second = Store::Open(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find("in use by another process"), std::string_view::npos)
      << second.status().ToString();
}

TEST_F(Opening, AFolderOfAnotherVersionIsRefused) {
  Open();
  store_.reset();
  std::ofstream(options_.path + "/FORMAT") << "freshet-store 2\n";
  Result<std::unique_ptr<Store>> opened = Store::Open(options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(opened.status().message().find("'freshet-store 2'"), std::string_view::npos)
      << opened.status().ToString();
}

TEST_F(Opening, AnotherProgramsDatabaseIsRefused) {
  Open();
  store_.reset();
  std::filesystem::remove(options_.path + "/FORMAT");
  Result<std::unique_ptr<Store>> opened = Store::Open(options_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(Opening, AFileInTheFoldersPlaceIsRefused) {
  options_.path = folder_.path() + "/file";
  std::ofstream(options_.path) << "x";
  EXPECT_EQ(Store::Open(options_).status().code(), StatusCode::kIoError);
}

TEST_F(Opening, DefinitionsComeBack) {
  Open();
  EXPECT_FALSE(store_->ReadDefinitions()->has_value());
  const std::string record("any\0bytes", 9);
  ASSERT_TRUE(store_->WriteDefinitions("first").ok());
  ASSERT_TRUE(store_->WriteDefinitions(record).ok());
  Open();
  EXPECT_EQ(store_->ReadDefinitions()->value(), record);
}

}  // namespace
}  // namespace freshet::store
