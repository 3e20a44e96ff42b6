// An erasure while loads of the entity's views are under way or kept: it finds every row, or says what is in its way.
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "engine/fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kHead = R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, text: string}
feature_views:
  - {name: other, entity: user, source: users, features: [text]}
)";
const std::string kBefore =
    kHead + "  - {name: profile, entity: user, source: users, features: [age, text]}\n";
const std::string kChanged =
    kHead +
    "  - {name: profile, entity: user, source: users, features: [{name: age, expect: {not_null: "
    "true}}, text]}\n";

// The rows of a CSV file, in the order of their keys.
class UsersFile final : public LoadFile {
 public:
  explicit UsersFile(std::string text) : LoadFile("users.csv", text.size(), {}, 1), text_(text) {}
  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    text_.copy(bytes, count, offset);
    return Status::Ok();
  }

 private:
  const std::string text_;
};

std::string UsersText() {
  std::string text = "user_id,at,age,text\n";
  for (int64_t user = 0; user < 8'000; ++user)
    text += fmt::format("{},{},{},{:0>200}\n", user, 1, 30, user);
  return text;
}

class ForgetTest : public EngineTest {
 protected:
  ForgetTest() { options_.load_memory_bytes = limits::kLoadMemoryBytesMin; }
  void SetUp() override {
    Reopen();
    Apply(kBefore);
  }

  // A load that has kept some of its rows and goes on.
  std::unique_ptr<LoadSession> LoadThatKeeps() {
    auto session = engine_->Load(
        {.view = "profile", .files = {IdentityOf(file_)}, .origin = {"users.csv", ""}});
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    const Status status = (*session)->ReadFile(file_, nullptr);
    EXPECT_TRUE(status.ok()) << status.ToString();
    Await([&] { return !engine_->GetStatus().unfinished_loads.empty(); }, "rows are kept");
    return std::move(*session);
  }
  Status Forget() { return engine_->Forget({{"user_id", "1"}}).status(); }
  bool HasLoadFiles() {
    const std::filesystem::path loads = folder_.File("data/loads");
    return !std::filesystem::is_empty(loads);
  }

  UsersFile file_{UsersText()};
};

TEST_F(ForgetTest, SaysWhichLoadIsInItsWay) {
  LoadThatKeeps();
  const Status kept = Forget();
  EXPECT_EQ(kept.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(kept.message()), HasSubstr("an unfinished load of the view is kept"));
  const auto unfinished = engine_->GetStatus().unfinished_loads;
  ASSERT_EQ(unfinished.size(), 1u);
  ASSERT_TRUE(engine_->DiscardLoad(unfinished[0].id).ok());
  EXPECT_TRUE(Forget().ok());
}

// The change finds the load under way; once that has broken off, nothing can go on with it.
TEST_F(ForgetTest, TakesWhatIsKeptOfAViewThatWasChanged) {
  auto session = LoadThatKeeps();
  Apply(kChanged);
  const Status under_way = Forget();
  EXPECT_EQ(under_way.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(under_way.message()), HasSubstr("is under way"));
  session.reset();
  const auto unfinished = engine_->GetStatus().unfinished_loads;
  ASSERT_EQ(unfinished.size(), 1u);
  EXPECT_THAT(unfinished[0].obstacle, HasSubstr("the view 'profile' was changed"));
  EXPECT_GT(unfinished[0].bytes, 0u);
  EXPECT_TRUE(HasLoadFiles());
  const Status forgotten = Forget();
  EXPECT_TRUE(forgotten.ok()) << forgotten.ToString();
  EXPECT_FALSE(HasLoadFiles());
}

TEST_F(ForgetTest, TakesWhatIsKeptOfAViewThatWasRemoved) {
  auto session = LoadThatKeeps();
  Apply(kHead);
  const Status under_way = Forget();
  EXPECT_EQ(under_way.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(under_way.message()), HasSubstr("is being loaded"));
  session.reset();
  const Status forgotten = Forget();
  EXPECT_TRUE(forgotten.ok()) << forgotten.ToString();
  EXPECT_FALSE(HasLoadFiles());
}

}  // namespace
}  // namespace freshet
