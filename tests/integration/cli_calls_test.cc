#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/limits.h"
#include "integration/cli_fixture.h"
#include "support/send_signal.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Json = nlohmann::json;

class CliCalls : public testing::CliTest {
 protected:
  static std::string Clicks(int user_id, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i)
      lines += Json{{"user_id", user_id},
                    {"item_id", "item"},
                    {"kind", "purchase"},
                    {"amount", 2.5},
                    {"event_time", NowMs()}}
                   .dump() +
               "\n";
    return lines;
  }
  static int64_t NowMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  int64_t ClicksOf(int user_id) {
    const auto vector = Run({"get", "--features", "activity.clicks_1h",
                             "user_id=" + std::to_string(user_id), "--json"});
    EXPECT_EQ(vector.exit_code, 0) << vector.err;
    return Json::parse(vector.out)["activity.clicks_1h"]["value"].get<int64_t>();
  }
  void WaitForClicks(int user_id, int64_t count) {
    while (ClicksOf(user_id) != count) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
};

TEST_F(CliCalls, PlanShowsApplyDoes) {
  StartServer();
  const auto plan = Run({"plan", kQuickstart});
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_THAT(plan.out, HasSubstr("+ entity user"));
  EXPECT_THAT(plan.out, HasSubstr("7 to add, 0 to change, 0 to remove; 0 refused"));
  EXPECT_THAT(Run({"status"}).out, HasSubstr("Nothing is defined yet"));
  const auto apply = Run({"apply", kQuickstart});
  EXPECT_EQ(apply.exit_code, 0);
  EXPECT_THAT(apply.out, HasSubstr("Applied."));
  const auto again = Run({"apply", kQuickstart});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, StartsWith("Nothing changes"));
}

TEST_F(CliCalls, ARefusedChangeSaysWhyAndChangesNothing) {
  StartServer();
  const auto definitions = [](const std::string& function) {
    return "entities:\n  - {name: user, join_keys: {user_id: int64}}\n"
           "sources:\n  - name: clicks\n    push: {}\n    timestamp: {field: time, unit: ms}\n"
           "    fields: {user_id: int64, amount: double}\n"
           "feature_views:\n  - name: activity\n    entity: user\n    source: clicks\n"
           "    aggregations:\n      - {name: spend, function: " +
           function + ", of: amount, windows: [1h]}\n" +
           "feature_services:\n  - {name: ranking, features: [activity.spend_1h]}\n";
  };
  const std::string path = Write("d/a.yaml", definitions("sum"));
  ASSERT_EQ(Run({"apply", folder_.File("d")}).exit_code, 0);
  Write("d/a.yaml", definitions("mean"));
  for (const char* command : {"plan", "apply"}) {
    const auto refused = Run({command, path});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, HasSubstr("REFUSED"));
    EXPECT_THAT(refused.out, HasSubstr("    why: "));
    EXPECT_THAT(refused.out, HasSubstr("    way out: "));
    const auto json = Run({command, path, "--json"});
    EXPECT_EQ(json.exit_code, 1);
    EXPECT_FALSE(Json::parse(json.out)["applicable"].get<bool>());
  }
  Write("d/a.yaml", "entities: 7\n");
  const auto wrong = Run({"apply", path});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("a.yaml:1:11: "));
  Write("d/a.yaml", definitions("sum"));
  EXPECT_THAT(Run({"plan", path}).out, StartsWith("Nothing changes"));
}

TEST_F(CliCalls, LoadsIntoTheDataFolderOfAStoppedServer) {
  const std::string data = folder_.File("data");
  const std::string users =
      Write("users.csv", "user_id,age,country,updated_at\n1,41,FI,2026-01-01T00:00:00Z\n");
  const auto missing = Run({"load", "profile", "--file", users, "--data", data});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("there is no data folder"));
  EXPECT_FALSE(std::filesystem::exists(data));

  StartQuickstart();
  const auto locked = Run({"load", "profile", "--file", users, "--data", data});
  EXPECT_EQ(locked.exit_code, 1);
  EXPECT_THAT(locked.err, HasSubstr("is in use by another process"));
  ASSERT_EQ(server_->Terminate(), 0);

  const auto loaded = Run({"load", "profile", "--file", users, "--data", data, "--json"});
  ASSERT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_EQ(Json::parse(loaded.out)["rows_served"], 1);
  const auto piped = Run({"load", "profile", "--file", "-", "--data", data, "--upsert"},
                         "user_id,age,country,updated_at\n2,42,SE,2026-01-01T00:00:00Z\n");
  ASSERT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr("2 rows served, of 1 read"));
  const auto bad = Run({"load", "profile", "--file", "-", "--data", data, "--reject-file",
                        folder_.File("rejects.jsonl")},
                       "user_id,age,country,updated_at\n3,old,SE,2026-01-01T00:00:00Z\n");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("age: 'old' is not an int32"));
  EXPECT_THAT(testing::ReadFile(folder_.File("rejects.jsonl")), HasSubstr("not an int32"));
  const auto unknown = Run({"load", "profil", "--file", users, "--data", data});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'profile'?"));

  ASSERT_TRUE(server_->Start());
  for (const int user : {1, 2}) {
    const auto vector =
        Run({"get", "--features", "profile.age", "user_id=" + std::to_string(user), "--json"});
    EXPECT_EQ(Json::parse(vector.out)["profile.age"]["value"], 40 + user) << vector.err;
  }
  ASSERT_EQ(server_->Terminate(), 0);
  ASSERT_EQ(Run({"load", "profile", "--file", users, "--data", data}).exit_code, 0);
  const auto back = Run({"load", "--rollback", "profile", "--data", data});
  EXPECT_EQ(back.exit_code, 0) << back.err;
  EXPECT_THAT(back.out, HasSubstr("rolled back profile: 2 rows served"));
}

TEST_F(CliCalls, LoadReportsTheRowsAndServesThem) {
  StartQuickstart();
  const auto loaded = Run({"load", "profile", "--file", std::string(kQuickstart) + "/users.csv"});
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_THAT(loaded.out, StartsWith("loaded profile: 1 000 rows served, of 1 000 read"));
  const auto vector = Run({"get", "--features", "profile.age", "user_id=42", "--json"});
  EXPECT_THAT(vector.out, HasSubstr("\"status\":\"PRESENT\""));
}

TEST_F(CliCalls, LoadTakesFoldersOfParquetAndCompressedPipes) {
  StartQuickstart();
  const auto written = testing::RunProgram(
      {"/usr/bin/env", "python3", "-c",
       "import sys, pyarrow as pa, pyarrow.parquet as pq, datetime as d\n"
       "n = 5000\n"
       "t = pa.table({'user_id': range(n), 'age': pa.array([i % 90 for i in range(n)], pa.int32()),"
       " 'country': ['FI' if i % 2 else 'SE' for i in range(n)],"
       " 'updated_at': [d.datetime(2026, 1, 1)] * n})\n"
       "pq.write_to_dataset(t, sys.argv[1] + '/users', partition_cols=['country'])\n"
       "import gzip\n"
       "open(sys.argv[1] + '/users.csv.gz', 'wb').write(gzip.compress("
       "b'user_id,age,country,updated_at\\n7,77,NO,2026-01-01T00:00:00Z\\n'))\n",
       folder_.path()},
      "", {std::string("PYTHONPATH=") + FRESHET_SOURCE_FOLDER + "/build/arrow"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  const auto loaded = Run({"load", "profile", "--file", folder_.File("users")});
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_THAT(loaded.out, StartsWith("loaded profile: 5 000 rows served, of 5 000 read"));
  const auto get = [this] {
    return Run({"get", "--features", "profile.age,profile.country", "user_id=7", "--json"}).out;
  };
  EXPECT_THAT(get(), HasSubstr("\"value\":\"FI\""));
  const auto piped =
      Run({"load", "profile", "--file", "-"}, testing::ReadFile(folder_.File("users.csv.gz")));
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_THAT(get(), HasSubstr("\"value\":\"NO\""));
  const auto misfit =
      Run({"load", "profile", "--file", folder_.File("users"), "--format", "arrow"});
  EXPECT_EQ(misfit.exit_code, 1);
  EXPECT_THAT(misfit.err, HasSubstr("not an Arrow IPC file that can be read"));
  EXPECT_THAT(get(), HasSubstr("\"value\":\"NO\""));
}

TEST_F(CliCalls, UpsertsGoIntoWhatIsServed) {
  StartQuickstart();
  ASSERT_EQ(Run({"load", "profile", "--file", std::string(kQuickstart) + "/users.csv"}).exit_code,
            0);
  const std::string path = Write("changes.csv",
                                 "user_id,age,updated_at,is_deleted\n"
                                 "41,99,2100-01-01T00:00:00Z,false\n"
                                 "42,,2100-01-01T00:00:00Z,true\n"
                                 "43,99,1990-01-01T00:00:00Z,false\n");
  const auto loaded =
      Run({"load", "profile", "--file", path, "--upsert", "--delete-column", "is_deleted"});
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_THAT(loaded.out,
              StartsWith("loaded profile: 999 rows served, of 3 read; 1 deleted; 1 older than what "
                         "is served; "));
  const auto get = [this](const char* user) {
    return Run({"get", "--features", "profile.age", user, "--json"}).out;
  };
  EXPECT_THAT(get("user_id=41"), HasSubstr("\"value\":99"));
  EXPECT_THAT(get("user_id=42"), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(get("user_id=43"), ::testing::Not(HasSubstr("\"value\":99")));
}

TEST_F(CliCalls, BadRowsAreListedAndStopTheLoadUnlessAllowed) {
  StartQuickstart();
  const std::string path = Write("users.csv",
                                 "user_id,age,country,updated_at\n"
                                 "1,20,NL,2026-01-01T00:00:00Z\n"
                                 "2,old,NL,2026-01-01T00:00:00Z\n");
  const auto refused = Run({"load", "profile", "--file", path});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, HasSubstr(path + ":3: "));
  const auto get = [this] {
    return Run({"get", "--features", "profile.age", "user_id=1", "--json"}).out;
  };
  EXPECT_THAT(get(), HasSubstr("NOT_FOUND"));
  const auto allowed = Run({"load", "profile", "--file", path, "--max-bad-rows", "50%"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(allowed.err, HasSubstr(path + ":3: "));
  EXPECT_THAT(allowed.out, HasSubstr("1 rows served, of 2 read; 1 bad"));
  EXPECT_THAT(get(), HasSubstr("\"value\":20"));
  const auto unknown = Run({"load", "profle", "--file", path});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("profile"));
}

TEST_F(CliCalls, BadRowsMayHoldAnyBytes) {
  StartQuickstart();
  const std::string path = Write("users.csv",
                                 "user_id,age,country,updated_at\n"
                                 "1,20,\xff\xfe,2026-01-01T00:00:00Z\n"
                                 "2,\x1b[31mred\xff,NL,2026-01-01T00:00:00Z\n"
                                 "3,30,NL,2026-01-01T00:00:00Z\n");
  const auto allowed = Run({"load", "profile", "--file", path, "--max-bad-rows", "2"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(allowed.err, HasSubstr("red\\xff"));
  const auto refused = Run({"load", "profile", "--file", path});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, ::testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(refused.err, ::testing::Not(HasSubstr("libprotobuf")));
}

TEST_F(CliCalls, BadRowsGoToTheRejectFileAndIntoTheReport) {
  StartQuickstart();
  std::string rows = "user_id,age,country,updated_at\n1,20,NL,2026-01-01T00:00:00Z\n";
  for (int i = 0; i < 250; ++i) rows += "2,old,NL,2026-01-01T00:00:00Z\n";
  rows += "3,30,NL,soon\n1,21,NL,2026-01-02T00:00:00Z\n";
  const std::string path = Write("users.csv", rows);
  const std::string rejects = folder_.File("rejects.jsonl");
  const auto load = [&](const std::string& allowed, const std::string& file) {
    return Run({"load", "profile", "--file", file, "--format", "csv", "--max-bad-rows", allowed,
                "--reject-file", rejects, "--json"},
               file == "-" ? rows : "");
  };
  for (const std::string& file : {path, std::string("-")}) {
    const auto loaded = load("251", file);
    ASSERT_EQ(loaded.exit_code, 0) << loaded.err;
    const Json report = Json::parse(loaded.out);
    EXPECT_EQ(report["loaded"], true);
    EXPECT_EQ(report["rows_read"], 253);
    EXPECT_EQ(report["rows_served"], 1);
    EXPECT_EQ(report["rows_duplicate"], 1);
    EXPECT_EQ(report["rows_rejected"], 251);
    EXPECT_EQ(report["rejected_by_reason"]["age: not an int32"], 250);
    EXPECT_EQ(report["bytes_read"], rows.size());
    EXPECT_GT(report["bytes_written"], 0);
    for (const char* phase : {"read", "sort", "publish", "total"})
      EXPECT_GE(report["seconds"][phase], 0.0) << phase;
    std::istringstream lines(testing::ReadFile(rejects));
    int count = 0;
    Json last;
    for (std::string line; std::getline(lines, line); ++count) last = Json::parse(line);
    EXPECT_EQ(count, 251);
    EXPECT_EQ(last["file"], file);
    EXPECT_EQ(last["line"], 253);
    EXPECT_THAT(last["reason"].get<std::string>(), HasSubstr("updated_at: 'soon' is not a"));
  }
  const auto refused = load("250", path);
  EXPECT_EQ(refused.exit_code, 1);
  const Json report = Json::parse(refused.out);
  EXPECT_EQ(report["loaded"], false);
  EXPECT_TRUE(report["rows_served"].is_null());
  EXPECT_THAT(report["error"].get<std::string>(), HasSubstr("251 of 253 rows are bad"));
  const auto wrong = load("some", path);
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--max-bad-rows: 'some'"));
}

TEST_F(CliCalls, ARejectFileThatCannotBeWrittenStopsTheLoad) {
  StartQuickstart();
  const std::string path = std::string(kQuickstart) + "/users.csv";
  const auto nowhere =
      Run({"load", "profile", "--file", path, "--reject-file", folder_.File("no/where")});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--reject-file: cannot make "));
  const std::string bad =
      Write("bad.csv", "user_id,age,country,updated_at\n1,20,NL,2026-01-01T00:00:00Z\n2,x,NL,1\n");
  const auto full =
      Run({"load", "profile", "--file", bad, "--max-bad-rows", "1", "--reject-file", "/dev/full"});
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_THAT(full.err, HasSubstr("cannot write /dev/full: No space left on device"));
}

TEST_F(CliCalls, ADryRunShowsAProfileAndChangesNothing) {
  StartQuickstart();
  const std::string users = std::string(kQuickstart) + "/users.csv";
  const auto first = Run({"load", "profile", "--file", users, "--dry-run"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, StartsWith("dry run of profile: 1 000 rows read, 0 bad; nothing was "
                                    "changed\n1 000 distinct keys; 1 000 new (100.0%), 0 of the 0 "
                                    "served ones would be gone (0.0%)\n"));
  EXPECT_THAT(first.out, HasSubstr("  country"));
  EXPECT_THAT(Run({"load", "--rollback", "profile"}).err, HasSubstr("never loaded"));
  ASSERT_EQ(Run({"load", "profile", "--file", users}).exit_code, 0);
  const std::string rows = Write("rows.csv",
                                 "user_id,age,country,updated_at\n42,7,NL,2026-01-01T00:00:00Z\n"
                                 "5000,,NL,2026-01-01T00:00:00Z\n");
  const auto second = Run({"load", "profile", "--file", rows, "--dry-run", "--json"});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  const Json report = Json::parse(second.out);
  EXPECT_EQ(report["loaded"], false);
  EXPECT_TRUE(report["error"].is_null());
  EXPECT_EQ(report["profile"]["keys_new"], 1);
  EXPECT_EQ(report["profile"]["keys_gone"], 999);
  EXPECT_EQ(report["profile"]["columns"][0]["name"], "age");
  EXPECT_EQ(report["profile"]["columns"][0]["type"], "int32");
  EXPECT_EQ(report["profile"]["columns"][0]["nulls"], 1);
  EXPECT_EQ(report["profile"]["columns"][0]["least"], "7");
  EXPECT_THAT(Run({"status"}).out, HasSubstr("1 000"));
}

TEST_F(CliCalls, RowsThatAreNotAsExpectedStopTheLoad) {
  StartServer();
  const std::string definitions =
      Write("d/a.yaml",
            "entities:\n  - {name: user, join_keys: {user_id: int64}}\n"
            "sources:\n  - {name: users, file: {path: u.csv}, timestamp: {field: at, unit: ms}, "
            "fields: {user_id: int64, age: int32}}\n"
            "feature_views:\n  - name: profile\n    entity: user\n    source: users\n"
            "    min_rows: 2\n    features: [{name: age, expect: {between: [0, 150]}}]\n");
  ASSERT_EQ(Run({"apply", definitions}).exit_code, 0);
  const std::string rows = Write("rows.csv", "user_id,age,at\n1,200,5\n");
  for (const char* option : {"--upsert", "--dry-run"}) {
    const auto refused = Run({"load", "profile", "--file", rows, "--json", option});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err,
                HasSubstr("profile expects otherwise: age: 1 of 1 rows are not between "
                          "0 and 150, the first: " +
                          rows + ":2: 200\n"));
    EXPECT_THAT(refused.err, HasSubstr("the rows break 2 of the view's expectations"));
    EXPECT_EQ(Json::parse(refused.out)["broken_expectations"].size(), 2u);
  }
  EXPECT_THAT(Run({"get", "--features", "profile.age", "user_id=1", "--json"}).out,
              HasSubstr("NOT_FOUND"));
}

TEST_F(CliCalls, ForgetErasesAnEntityAndPrintsAReceipt) {
  StartQuickstart();
  const std::string users = std::string(kQuickstart) + "/users.csv";
  for (int i = 0; i < 2; ++i) ASSERT_EQ(Run({"load", "profile", "--file", users}).exit_code, 0);
  ASSERT_EQ(Run({"push", "clicks"}, Clicks(42, 3) + Clicks(43, 2)).exit_code, 0);
  WaitForClicks(42, 3);
  WaitForClicks(43, 2);
  const auto forgotten = Run({"forget", "user_id=42"});
  EXPECT_EQ(forgotten.exit_code, 0) << forgotten.err;
  EXPECT_THAT(forgotten.out, HasSubstr("clicks    pushed events                3\n"));
  EXPECT_THAT(forgotten.out, HasSubstr("profile   row of the load before       1\n"));
  EXPECT_THAT(forgotten.out, HasSubstr("not erased by this:\n  source users: the files"));
  const auto age = [this](const char* user) {
    return Run({"get", "--features", "profile.age", user, "--json"}).out;
  };
  EXPECT_EQ(ClicksOf(42), 0);
  EXPECT_EQ(ClicksOf(43), 2);
  EXPECT_THAT(age("user_id=42"), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(age("user_id=43"), HasSubstr("PRESENT"));
  ASSERT_EQ(Run({"load", "--rollback", "profile"}).exit_code, 0);
  EXPECT_THAT(age("user_id=42"), HasSubstr("NOT_FOUND"));
  const Json again = Json::parse(Run({"forget", "user_id=42", "--json"}).out);
  EXPECT_EQ(again["join_keys"]["user_id"], "42");
  for (const Json& part : again["erased"]) EXPECT_EQ(part["count"], 0);
  const auto unknown = Run({"forget", "usr_id=42"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("user (user_id)"));
  EXPECT_EQ(Run({"forget", "42"}).exit_code, 2);
}

TEST_F(CliCalls, ARollbackServesTheLoadBefore) {
  StartQuickstart();
  const auto rollback = [this] { return Run({"load", "--rollback", "profile"}); };
  const auto never = rollback();
  EXPECT_EQ(never.exit_code, 1);
  EXPECT_THAT(never.err, HasSubstr("profile: the view was never loaded"));
  const auto load = [this](const char* age) {
    const std::string row = std::string("1,") + age + ",NL,2026-01-01T00:00:00Z\n";
    const std::string path = Write("users.csv", "user_id,age,country,updated_at\n" + row);
    EXPECT_EQ(Run({"load", "profile", "--file", path}).exit_code, 0);
  };
  const auto age = [this] {
    return Run({"get", "--features", "profile.age", "user_id=1", "--json"}).out;
  };
  load("20");
  EXPECT_THAT(rollback().err, HasSubstr("no earlier load of the view is kept"));
  load("21");
  EXPECT_THAT(Run({"status"}).out, HasSubstr("1 rows, "));
  EXPECT_THAT(age(), HasSubstr("\"value\":21"));
  const auto done = rollback();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, StartsWith("rolled back profile: 1 rows served, loaded at 20"));
  EXPECT_THAT(age(), HasSubstr("\"value\":20"));
  EXPECT_EQ(rollback().exit_code, 1);
  EXPECT_TRUE(Json::parse(Run({"status", "--json"}).out)["feature_views"][1]["previous"].is_null());
  const auto both = Run({"load", "--rollback", "profile", "--file", "users.csv"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_EQ(Run({"load", "--rollback", "activity"}).exit_code, 1);
}

TEST_F(CliCalls, TheNameOfANamedPipeTellsItsFormat) {
  StartQuickstart();
  const std::string fifo = folder_.File("users.jsonl");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t process = testing::StartProgram(
      {kBinary, "load", "profile", "--file", fifo, "--address", server_->address()}, nothing,
      folder_.File("out"), folder_.File("err"));
  close(nothing);
  const int writer = open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  const std::string row =
      R"({"user_id":1,"age":20,"country":"NL","updated_at":"2026-01-01T00:00:00Z"})";
  ASSERT_EQ(write(writer, row.data(), row.size()), static_cast<ssize_t>(row.size()));
  close(writer);
  EXPECT_EQ(testing::WaitForExit(process), 0) << testing::ReadFile(folder_.File("err"));
  EXPECT_THAT(testing::ReadFile(folder_.File("out")), StartsWith("loaded profile: 1 rows served"));
}

TEST_F(CliCalls, AnInterruptedLoadChangesNothing) {
  StartQuickstart();
  const std::string fifo = folder_.File("users.fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t process = testing::StartProgram(
      {kBinary, "load", "profile", "--file", fifo, "--address", server_->address()}, nothing,
      folder_.File("out"), folder_.File("err"));
  close(nothing);
  const int writer = open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  const std::string rows = "user_id,age,country,updated_at\n1,20,NL,2026-01-01T00:00:00Z\n";
  ASSERT_EQ(write(writer, rows.data(), rows.size()), static_cast<ssize_t>(rows.size()));
  testing::SendSignal(process, SIGINT);
  EXPECT_EQ(testing::WaitForExit(process), 130);
  close(writer);
  EXPECT_THAT(testing::ReadFile(folder_.File("err")), HasSubstr("nothing was changed"));
  EXPECT_THAT(Run({"get", "--features", "profile.age", "user_id=1", "--json"}).out,
              HasSubstr("NOT_FOUND"));
  EXPECT_EQ(server_->Terminate(), 0);
}

TEST_F(CliCalls, PushCountsFromAFileAndFromAPipe) {
  StartQuickstart();
  const auto file = Run({"push", "clicks", Write("events.jsonl", Clicks(1, 5'000))});
  EXPECT_EQ(file.exit_code, 0) << file.err;
  EXPECT_EQ(file.out, "position: 4999\n");
  const auto pipe = Run({"push", "clicks"}, Clicks(2, 1) + "\n  \n" + Clicks(2, 1));
  EXPECT_EQ(pipe.out, "position: 5001\n");
  WaitForClicks(1, 5'000);
  WaitForClicks(2, 2);
  const auto nothing = Run({"push", "clicks"}, "\n");
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_THAT(nothing.out, IsEmpty());
}

TEST_F(CliCalls, PushSendsWhatASlowPipeHas) {
  StartQuickstart();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t process =
      testing::StartProgram({kBinary, "push", "clicks", "--address", server_->address()}, ends[0],
                            folder_.File("out"), folder_.File("err"));
  const std::string first = Clicks(3, 2);
  ASSERT_EQ(write(ends[1], first.data(), first.size()), static_cast<ssize_t>(first.size()));
  WaitForClicks(3, 2);
  close(ends[1]);
  EXPECT_EQ(testing::WaitForExit(process), 0);
  close(ends[0]);
  EXPECT_EQ(testing::ReadFile(folder_.File("out")), "position: 1\n");
}

TEST_F(CliCalls, ATooLargeRecordIsNamedAndWhatWasPushedBeforeIsTold) {
  StartQuickstart();
  const auto finished =
      Run({"push", "clicks"},
          Clicks(4, 2) + std::string(limits::kEventBytesMax + 1, 'x') + "\n" + Clicks(4, 1));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.out, IsEmpty());
  EXPECT_THAT(finished.err, HasSubstr("line 3: "));
  EXPECT_THAT(finished.err, HasSubstr("2 records before that were pushed, the last at position 1"));
  WaitForClicks(4, 2);
}

TEST_F(CliCalls, PushToWhatIsNoPushSourceIsRefused) {
  StartQuickstart();
  const auto file_source = Run({"push", "users"}, "{}\n");
  EXPECT_EQ(file_source.exit_code, 1);
  EXPECT_THAT(file_source.err, HasSubstr("nothing was pushed"));
  const auto unknown = Run({"push", "clcks"}, "{}\n");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("clicks"));
}

TEST_F(CliCalls, GetWaitsForThePushedEvent) {
  StartQuickstart();
  const std::vector<std::string> get = {"get",       "--features", "activity.clicks_1h",
                                        "user_id=9", "--json",     "--phases"};
  ASSERT_EQ(Run({"push", "clicks"}, Clicks(9, 1)).exit_code, 0);
  auto words = get;
  words.insert(words.end(), {"--after", "clicks:0:0", "--timeout", "10s"});
  const auto in = Run(words);
  EXPECT_EQ(in.exit_code, 0) << in.err;
  EXPECT_THAT(in.out, HasSubstr("{\"value\":1,\"status\":\"PRESENT\"}"));
  EXPECT_THAT(in.out, HasSubstr("\"lookup_ns\":"));

  words = get;
  words.insert(words.end(), {"--after", "clicks:0:99", "--timeout", "3s"});
  EXPECT_THAT(Run(words).out, HasSubstr("\"status\":\"TIMED_OUT\""));
  words = get;
  words.insert(words.end(), {"--after", "clicks:99"});
  const auto wrong = Run(words);
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("SOURCE:PARTITION:OFFSET"));
}

TEST_F(CliCalls, GetPrintsATableOrOneObjectARow) {
  StartQuickstart();
  ASSERT_EQ(Run({"push", "clicks"}, Clicks(42, 3)).exit_code, 0);
  WaitForClicks(42, 3);
  const auto table =
      Run({"get", "ranking", "user_id=42,43", "basket_value=15", "--times", "--as-of"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("user_id  feature"));
  EXPECT_THAT(table.out, HasSubstr("clicks is complete up to "));
  const auto json =
      Run({"get", "ranking", "user_id=42,43", "basket_value=15", "--json", "--times"});
  const size_t newline = json.out.find('\n');
  const Json first = Json::parse(json.out.substr(0, newline));
  const Json second = Json::parse(json.out.substr(newline + 1));
  EXPECT_EQ(first["user_id"], 42);
  EXPECT_EQ(first["activity.clicks_1m"]["value"], 3);
  EXPECT_EQ(first["activity.clicks_1m"]["status"], "PRESENT");
  EXPECT_GT(first["activity.clicks_1m"]["event_time_ms"].get<int64_t>(), NowMs() - 600'000);
  EXPECT_EQ(first["signals.basket_ratio"]["value"], 2.0);
  EXPECT_EQ(second["user_id"], 43);
  EXPECT_EQ(second["activity.clicks_1m"]["status"], "NOT_FOUND");
  EXPECT_TRUE(second["activity.clicks_1m"]["event_time_ms"].is_null());
}

TEST_F(CliCalls, GetTellsWrongUsageFromARefusedRequest) {
  StartQuickstart();
  const std::vector<std::pair<int, std::vector<std::string>>> cases = {
      {1, {"get", "rankin", "user_id=1"}},
      {1, {"get", "--features", "activity.nothing", "user_id=1"}},
      {1, {"get", "ranking", "user_id=1"}},
      {1, {"get", "ranking", "user_id=1", "basket_value=1", "--read-time", "1"}},
      {2, {"get", "ranking", "usr_id=1"}},
      {2, {"get", "ranking", "user_id=one"}},
      {2, {"get", "ranking", "user_id=1,2", "basket_value=1,2,3"}}};
  for (const auto& [exit_code, words] : cases) {
    const auto finished = Run(words);
    EXPECT_EQ(finished.exit_code, exit_code) << ::testing::PrintToString(words) << finished.err;
    EXPECT_THAT(finished.out, IsEmpty());
    EXPECT_THAT(finished.err, StartsWith("freshet get: "));
  }
}

TEST_F(CliCalls, StatusShowsPositionsAndWhatWasRefused) {
  StartQuickstart();
  ASSERT_EQ(Run({"push", "clicks"}, Clicks(5, 2) + "this is no JSON\n").exit_code, 0);
  Json status;
  do {
    const auto json = Run({"status", "--json"});
    ASSERT_EQ(json.exit_code, 0) << json.err;
    status = Json::parse(json.out);
  } while (status["streams"][0]["partitions"][0]["next_offset"] != 3);
  EXPECT_TRUE(status["ready"].get<bool>());
  const Json& clicks = status["sources"][0];
  EXPECT_EQ(clicks["name"], "clicks");
  EXPECT_EQ(clicks["events"], 3);
  EXPECT_EQ(clicks["applied"], 2);
  ASSERT_EQ(clicks["refused"].size(), 1u);
  const auto text = Run({"status"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("ready, started "));
  EXPECT_THAT(text.out, HasSubstr(clicks["refused"].begin().key()));
  EXPECT_THAT(text.out, HasSubstr("feature views\n"));
}

TEST_F(CliCalls, ExplainShowsWhereEachValueComesFrom) {
  StartQuickstart();
  ASSERT_EQ(Run({"load", "profile", "--file", std::string(kQuickstart) + "/users.csv"}).exit_code,
            0);
  const std::string clicks = Write("clicks.jsonl", Clicks(42, 4));
  ASSERT_EQ(Run({"push", "clicks", clicks}).exit_code, 0);
  WaitForClicks(42, 4);
  const auto told = Run({"explain", "ranking", "user_id=42", "basket_value=120"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  for (const char* part :
       {"read at 20", "activity.clicks_1m = 4  PRESENT", "clicks over 1m: events from ",
        "of the cells of timeline 1", "column age of row 1", "signals.basket_ratio = 12  PRESENT",
        "request.basket_value / activity.spend_1d  12",
        "  request.basket_value                    120", "activity.spend_1d = 10  PRESENT",
        "read by another", "timeline 1: activity, user_id=42, from clicks",
        "all before clicks:0:4 is in", "row 1: profile, user_id=42, from users", "load 1 of 20",
        "1 000 rows"})
    EXPECT_THAT(told.out, HasSubstr(part));
  const auto as_json = Run({"explain", "--features", "activity.spend_1h", "user_id=42", "--json"});
  ASSERT_EQ(as_json.exit_code, 0) << as_json.err;
  const Json json = Json::parse(as_json.out);
  const Json& feature = json["features"][0];
  EXPECT_EQ(feature["name"], "activity.spend_1h");
  EXPECT_EQ(feature["value"], 10.0);
  const Json& timeline = json["timelines"][feature["timeline"].get<size_t>()];
  EXPECT_EQ(timeline["key"], "user_id=42");
  EXPECT_EQ(timeline["positions"][0]["offset"], 4);
  double spend = 0;
  for (size_t i = feature["cell_begin"]; i < feature["cell_end"]; ++i)
    spend += timeline["cells"][i]["slots"][1].get<double>();
  EXPECT_EQ(spend, 10.0);
  const auto two = Run({"explain", "ranking", "user_id=1,2", "basket_value=1"});
  EXPECT_EQ(two.exit_code, 1);
  EXPECT_THAT(two.err, HasSubstr("an explanation is of one row"));
}

TEST_F(CliCalls, FeaturesWithoutAKeyAreTheSameForEveryRow) {
  StartServer();
  const std::string definitions = Write("definitions.yaml", R"(
entities:
  - {name: user, join_keys: {user_id: int64}}
  - {name: shop, join_keys: {}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: event_time, unit: ms}
    fields: {user_id: int64, amount: double}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations: [{name: clicks, function: count, windows: [1h]}]
  - name: all
    entity: shop
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1h]}
      - {name: spend, function: sum, of: amount, windows: [1h]}
  - name: shares
    features:
      - {name: of_clicks, type: double, expr: "double(activity.clicks_1h) / all.clicks_1h"}
feature_services:
  - {name: trend, features: [activity.clicks_1h, all.clicks_1h, all.spend_1h, shares.of_clicks]}
)");
  ASSERT_EQ(Run({"apply", definitions}).exit_code, 0);
  ASSERT_EQ(Run({"push", "clicks", "-"}, Clicks(1, 3) + Clicks(2, 1)).exit_code, 0);
  WaitForClicks(2, 1);
  const auto rows = Run({"get", "trend", "user_id=1,2", "--json"});
  ASSERT_EQ(rows.exit_code, 0) << rows.err;
  const Json first = Json::parse(rows.out.substr(0, rows.out.find('\n')));
  const Json second = Json::parse(rows.out.substr(rows.out.find('\n') + 1));
  EXPECT_EQ(first["activity.clicks_1h"]["value"], 3);
  EXPECT_EQ(second["activity.clicks_1h"]["value"], 1);
  for (const Json& row : {first, second}) {
    EXPECT_EQ(row["all.clicks_1h"]["value"], 4);
    EXPECT_EQ(row["all.spend_1h"]["value"], 10.0);
  }
  EXPECT_EQ(first["shares.of_clicks"]["value"], 0.75);
  EXPECT_EQ(second["shares.of_clicks"]["value"], 0.25);
  const auto alone = Run({"get", "--features", "all.clicks_1h", "--json"});
  EXPECT_EQ(Json::parse(alone.out)["all.clicks_1h"]["value"], 4) << alone.err;
  EXPECT_THAT(Run({"explain", "--features", "all.clicks_1h"}).out,
              HasSubstr("timeline 1: all, all events, from clicks"));
  // It survives a checkpoint and a restart like any other.
  ASSERT_EQ(server_->Terminate(), 0);
  ASSERT_TRUE(server_->Start());
  const auto again = Run({"get", "--features", "all.clicks_1h", "--json"});
  EXPECT_EQ(Json::parse(again.out)["all.clicks_1h"]["value"], 4) << again.err;
}

}  // namespace
}  // namespace freshet
