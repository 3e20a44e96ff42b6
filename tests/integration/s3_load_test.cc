// Loads from a real server of S3.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "integration/cli_fixture.h"
#include "load/file_list.h"
#include "load/written_files.h"
#include "support/s3_server.h"
#include "support/seed.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// What the whole program shares: a store, somebody who may read it, and an end to the use of stores.
class Stores : public ::testing::Environment {
 public:
  void SetUp() override {
    setenv("AWS_ACCESS_KEY_ID", "key", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    // Nobody asks the machine's own network for credentials.
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    for (const char* name : {"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
                             "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"})
      unsetenv(name);
    scope_ = std::make_unique<load::ObjectStoreScope>();
    server_ = std::make_unique<testing::S3Server>();
  }
  void TearDown() override {
    server_.reset();
    scope_.reset();
  }
  const testing::S3Server& server() const { return *server_; }

 private:
  std::unique_ptr<load::ObjectStoreScope> scope_;
  std::unique_ptr<testing::S3Server> server_;
};

// gtest owns it.
Stores& stores = *static_cast<Stores*>(::testing::AddGlobalTestEnvironment(new Stores));

constexpr int64_t kUsers = 10'000;  // as many as one request may ask for

constexpr char kDefinitions[] = R"(
entities: [{name: user, join_keys: {user_id: int64}}]
sources:
  - name: users
    file: {path: users.csv}
    timestamp: {field: updated_at, unit: ms}
    fields: {user_id: int64, age: int32, country: string}
feature_views: [{name: profile, entity: user, source: users, features: [age, country]}]
)";

class S3Load : public testing::CliTest {
 protected:
  const std::string& endpoint() const { return stores.server().endpoint(); }

  // A bucket of what was written into the folder `name`.
  void MakeBucket(const std::string& name) { stores.server().MakeBucket(name, folder_.File(name)); }
  std::vector<std::string> Names(const std::string& url) {
    auto list = load::ListFiles(url, {.s3_endpoint = endpoint()});
    EXPECT_TRUE(list.ok()) << list.status().ToString();
    std::vector<std::string> names;
    if (!list.ok()) return names;
    for (const auto& file : list->files) names.push_back(file->name());
    return names;
  }
  std::string Refusal(const std::string& url) { return Refusal(url, endpoint()); }
  // What the view has of all users, feature by feature.
  std::vector<FeatureColumn> Served() {
    FeatureRequest request;
    request.features = {"profile.age", "profile.country"};
    NamedColumn& keys = request.entities.emplace_back();
    keys.name = "user_id";
    keys.values.type = Type::kInt64;
    for (int64_t user = 0; user < kUsers; ++user) keys.values.integers.push_back(user);
    FeatureResponse response;
    const Status status = server_->NewClient()->GetFeatures(request, &response);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return response.features;
  }
  // Loads what the URL names until something of it is kept, and kills `freshet load` then; the load's number.
  uint64_t KillOneThatKeeps(const std::string& url) {
    const auto client = server_->NewClient();
    const auto unfinished = [&] { return client->GetStatus().value().unfinished_loads; };
    while (true) {
      const pid_t process = testing::StartProgram(
          {kBinary, "load", "profile", "--file", url, "--s3-endpoint", endpoint()}, STDIN_FILENO,
          folder_.File("load.out"), folder_.File("load.err"),
          {"FRESHET_ADDRESS=" + server_->address()});
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (unfinished().empty() && std::chrono::steady_clock::now() < deadline) {
      }
      ::kill(process, SIGKILL);
      testing::WaitForExit(process);
      while (!unfinished().empty() && unfinished()[0].is_under_way) {
      }
      if (const auto kept = unfinished(); !kept.empty()) return kept[0].id;
      if (std::chrono::steady_clock::now() >= deadline) return 0;
    }
  }
  static std::string Refusal(const std::string& url, const std::string& endpoint) {
    const auto list = load::ListFiles(url, {.s3_endpoint = endpoint});
    EXPECT_FALSE(list.ok());
    return std::string(list.status().message());
  }
};

TEST_F(S3Load, ListsObjectsFoldersAndPatternsAsTheDiskDoes) {
  for (const char* name :
       {"u/a.csv", "u/country=FI/x.csv", "u/country=S%2FE/year=2026/y.csv", "u/_SUCCESS",
        "u/.hidden/z.csv", "u/sub/_temporary/w.csv", "other/a.csv", "u[1]/a.csv"})
    Write(std::string("lists/") + name, "text");
  MakeBucket("lists");

  EXPECT_THAT(Names("s3://lists/u/a.csv"), ElementsAre("s3://lists/u/a.csv"));
  const auto all = ElementsAre("s3://lists/u/a.csv", "s3://lists/u/country=FI/x.csv",
                               "s3://lists/u/country=S%2FE/year=2026/y.csv");
  EXPECT_THAT(Names("s3://lists/u"), all);
  EXPECT_THAT(Names("s3://lists/u/"), all);
  EXPECT_THAT(Names("s3://lists/u/*.csv"), ElementsAre("s3://lists/u/a.csv"));
  EXPECT_THAT(Names("s3://lists/u/country=[F-S]?/*"), ElementsAre("s3://lists/u/country=FI/x.csv"));
  EXPECT_THAT(Names("s3://lists/*/a.csv"),
              ElementsAre("s3://lists/other/a.csv", "s3://lists/u/a.csv", "s3://lists/u[1]/a.csv"));
  EXPECT_THAT(Names("s3://lists/u[1]"), ElementsAre("s3://lists/u[1]/a.csv"));
  const auto list = load::ListFiles("s3://lists/u/country*/*/*", {.s3_endpoint = endpoint()});
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->files.size(), 1u);
  EXPECT_THAT(list->files[0]->path_values(),
              ElementsAre(Pair("country", "S/E"), Pair("year", "2026")));
  EXPECT_EQ(list->bytes, 4u);
}

TEST_F(S3Load, ReadsRangesInAnyOrder) {
  std::string bytes(2 * limits::kObjectReadBytes + 12'345, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2'654'435'761u >> 13);
  Write("ranges/large.csv", bytes);
  MakeBucket("ranges");
  const auto list = load::ListFiles("s3://ranges/large.csv", {.s3_endpoint = endpoint()});
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  LoadFile& file = *list->files[0];
  ASSERT_EQ(file.size(), bytes.size());
  const size_t end = bytes.size();
  const std::pair<size_t, size_t> ranges[] = {{0, 10},      {10, limits::kObjectReadBytes},
                                              {end - 7, 7}, {5, 1},
                                              {0, end},     {limits::kObjectReadBytes - 3, 6}};
  for (const auto& [offset, count] : ranges) {
    std::string read(count, '\0');
    const Status status = file.ReadAt(offset, count, read.data());
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(read == bytes.substr(offset, count)) << offset << "+" << count;
    if (offset == 5) file.Close();
  }
}

TEST_F(S3Load, SaysWhatToLookAtWhenItCannotRead) {
  Write("there/u/a.csv", "text");
  MakeBucket("there");
  EXPECT_THAT(Refusal("s3://nobucket/u"), HasSubstr("there is no bucket nobucket"));
  EXPECT_THAT(Refusal("s3://nobucket/*.csv"), HasSubstr("there is no such bucket there"));
  EXPECT_THAT(Refusal("s3://there/v"), HasSubstr("there is no object and no folder s3://there/v"));
  EXPECT_THAT(Refusal("s3://there/*.parquet"), HasSubstr("nothing matches s3://there/*.parquet"));
  for (const char* url : {"s3://", "s3://*/a.csv", "s3://there//a.csv"})
    EXPECT_THAT(Refusal(url), HasSubstr("does not name a bucket and what is in it"));
  EXPECT_THAT(Refusal("s3://there/u", "ftp://somewhere"),
              HasSubstr("write it as http://host:port or https://host"));
  EXPECT_THAT(Refusal("s3://there/u", "http://127.0.0.1:1"),
              HasSubstr("nothing answers there; look at --s3-endpoint"));
  const testing::S3Server strict({"INITIAL_NO_AUTH_ACTION_COUNT=0"});
  EXPECT_THAT(Refusal("s3://there/u", strict.endpoint()), HasSubstr("set AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(Refusal("s3://there/u*", strict.endpoint()), HasSubstr("AWS_ACCESS_KEY_ID"));
}

TEST_F(S3Load, AnObjectThatChangesIsAnError) {
  Write("changes/a.csv", "hello world");
  MakeBucket("changes");
  const auto list = load::ListFiles("s3://changes/a.csv", {.s3_endpoint = endpoint()});
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  std::string bytes(11, '\0');
  ASSERT_TRUE(list->files[0]->ReadAt(0, 11, bytes.data()).ok());
  Write("changes/a.csv", "hello");
  MakeBucket("changes");
  list->files[0]->Close();
  const Status status = list->files[0]->ReadAt(0, 11, bytes.data());
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(std::string(status.message()), HasSubstr("was changed while it was read"));
}

TEST_F(S3Load, LoadsWhatTheStoreHas) {
  StartServer();
  Write("definitions/users.yaml", kDefinitions);
  ASSERT_EQ(Run({"apply", folder_.File("definitions")}).exit_code, 0);
  Write("lake/csv/country=FI/a.csv", "user_id,age,updated_at\n1,30,5\n2,31,5\n");
  Write("lake/csv/country=SE/b.csv", "user_id,age,updated_at\n3,32,5\n");
  std::filesystem::create_directories(folder_.File("lake/columns"));
  std::filesystem::copy_file(load::WrittenFile("large.parquet"),
                             folder_.File("lake/columns/users.parquet"));
  MakeBucket("lake");

  auto loaded = Run({"load", "profile", "--file", "s3://lake/csv", "--s3-endpoint", endpoint()});
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("3 rows served, of 3 read"));
  auto vector = Run({"get", "--features", "profile.age,profile.country", "user_id=3"});
  EXPECT_THAT(vector.out, HasSubstr("SE")) << vector.err;

  setenv("AWS_ENDPOINT_URL", endpoint().c_str(), 1);
  loaded = Run({"load", "profile", "--file", "s3://lake/columns/*.parquet"});
  unsetenv("AWS_ENDPOINT_URL");
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("3 rows served, of 3 read"));

  loaded = Run({"load", "profile", "--file", "s3://nobucket/csv", "--s3-endpoint", endpoint()});
  EXPECT_EQ(loaded.exit_code, 2);
  EXPECT_THAT(loaded.err, HasSubstr("there is no bucket nobucket"));
}

TEST_F(S3Load, ALoadThatIsKilledGoesOnToWhatALoadInOneGoServes) {
  StartServer({"--config", Write("freshet.yaml", "load: {memory_limit: 1MiB}\n")});
  Write("definitions/users.yaml", kDefinitions);
  ASSERT_EQ(Run({"apply", folder_.File("definitions")}).exit_code, 0);
  // Files of which some are done when the load is killed; users stand there several times, in any order.
  std::mt19937_64 random(TestSeed());
  for (int part = 0; part < 4; ++part) {
    std::string text = "user_id,age,updated_at,note\n";
    for (int line = 0; line < 40'000; ++line)
      text += fmt::format("{},{},{},{:0>60}\n", random() % kUsers, line, random() % 7, random());
    Write(fmt::format("resumes/users/country=C{}/users.csv", part), text);
  }
  MakeBucket("resumes");
  const uint64_t id = KillOneThatKeeps("s3://resumes/users");
  ASSERT_NE(id, 0u);
  // It knows its store.
  const auto resumed = Run({"load", "--resume", std::to_string(id)});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, AllOf(HasSubstr("of 160 000 read"), HasSubstr("before it was resumed")));
  const auto served = Served();
  const auto whole =
      Run({"load", "profile", "--file", "s3://resumes/users", "--s3-endpoint", endpoint()});
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("of 160 000 read"));
  const auto served_whole = Served();
  ASSERT_EQ(served.size(), 2u);
  EXPECT_TRUE(served[0].values.integers == served_whole[0].values.integers);
  EXPECT_TRUE(served[1].values.texts == served_whole[1].values.texts);
  EXPECT_EQ(served[0].statuses, served_whole[0].statuses);
}

TEST_F(S3Load, AResumedLoadRefusesAnObjectThatWasReplaced) {
  StartServer({"--config", Write("freshet.yaml", "load: {memory_limit: 1MiB}\n")});
  Write("definitions/users.yaml", kDefinitions);
  ASSERT_EQ(Run({"apply", folder_.File("definitions")}).exit_code, 0);
  std::string text = "user_id,age,updated_at,country\n";
  for (int line = 0; line < 100'000; ++line)
    text += fmt::format("{},{},{},{:0>60}\n", line, 30, 7, line);
  Write("replaced/users.csv", text);
  MakeBucket("replaced");
  const uint64_t id = KillOneThatKeeps("s3://replaced/users.csv");
  ASSERT_NE(id, 0u);
  Write("replaced/users.csv", text + "1,2,3,4\n");
  MakeBucket("replaced");
  const auto refused = Run({"load", "--resume", std::to_string(id)});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("was changed since the load began with it"));
}

}  // namespace
}  // namespace freshet
