#include "freshet/client.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/scripted_engine.h"
#include "rpc/server.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = rpc::RpcServer::Start(engine_, {.address = "127.0.0.1:0"});
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(*started);
    client_ = Client::New({.address = "127.0.0.1:" + std::to_string(server_->port())});
  }

  testing::ScriptedEngine engine_;
  std::unique_ptr<rpc::RpcServer> server_;
  std::unique_ptr<Client> client_;
};

NamedColumn Integers(std::string name, Type type, std::vector<int64_t> values) {
  return {std::move(name), {.type = type, .integers = std::move(values)}};
}

TEST_F(ClientTest, ManyCallsAreUnderWayAtOnce) {
  engine_.get_features = [](const FeatureRequest& request, FeatureResponse* response) {
    if (request.features.at(0) == "wrong") return Status::InvalidArgument("features: wrong");
    response->row_count = 1;
    response->features.resize(1);
    response->features[0].name = request.features.at(0);
    response->features[0].values = {.type = Type::kInt64, .integers = {7}};
    return Status::Ok();
  };
  constexpr int calls = 100;
  std::mutex mutex;
  std::condition_variable changed;
  int done = 0;
  int refused = 0;
  for (int i = 0; i < calls; ++i) {
    FeatureRequest request;
    request.features = {i % 2 == 0 ? "a." + std::to_string(i) : "wrong"};
    client_->StartGetFeatures(
        request, [&, name = request.features[0]](const Status& status, const FeatureResponse& got) {
          std::lock_guard lock(mutex);
          if (!status.ok()) {
            EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
            ++refused;
          } else {
            EXPECT_EQ(got.features.at(0).name, name);
          }
          ++done;
          changed.notify_all();
        });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done == calls; });
  EXPECT_EQ(refused, calls / 2);
}

TEST_F(ClientTest, ARequestArrivesAsItWasMade) {
  FeatureRequest request;
  request.features = {"activity.clicks", "profile.age"};
  request.entities = {Integers("user_id", Type::kInt64, {1, -2}),
                      {"country", {.type = Type::kString, .texts = {"NL", ""}}}};
  request.inputs = {Integers("flag", Type::kBool, {0, 1}),
                    Integers("n", Type::kInt32, {-5, 5}),
                    {"x", {.type = Type::kFloat, .numbers = {0.5, -1}}},
                    {"y", {.type = Type::kDouble, .numbers = {0.1, 1e300}}},
                    Integers("price", Type::Decimal(2), {1234, -5})};
  request.read_time_ms = -1;
  request.max_staleness_ms = 0;
  request.include_event_times = true;
  request.include_as_of = true;
  FeatureRequest seen;
  engine_.get_features = [&](const FeatureRequest& arrived, FeatureResponse*) {
    seen = arrived;
    return Status::Ok();
  };
  FeatureResponse response;
  ASSERT_TRUE(client_->GetFeatures(request, &response).ok());
  EXPECT_EQ(seen.features, request.features);
  for (const auto& [sent, arrived] :
       {std::pair(&request.entities, &seen.entities), std::pair(&request.inputs, &seen.inputs)}) {
    ASSERT_EQ(sent->size(), arrived->size());
    for (size_t i = 0; i < sent->size(); ++i) {
      EXPECT_EQ((*sent)[i].name, (*arrived)[i].name);
      EXPECT_EQ((*sent)[i].values.type, (*arrived)[i].values.type);
      EXPECT_EQ((*sent)[i].values.integers, (*arrived)[i].values.integers);
      EXPECT_EQ((*sent)[i].values.numbers, (*arrived)[i].values.numbers);
      EXPECT_EQ((*sent)[i].values.texts, (*arrived)[i].values.texts);
    }
  }
  EXPECT_EQ(seen.read_time_ms, -1);
  EXPECT_EQ(seen.max_staleness_ms, 0);
  EXPECT_TRUE(seen.include_event_times);
  EXPECT_TRUE(seen.include_as_of);
}

FeatureResponse Answer() {
  FeatureResponse response;
  response.read_time_ms = 123;
  response.row_count = 2;
  response.features = {
      {.name = "a.b", .values = {.type = Type::kBool, .integers = {1, 0}}},
      {.name = "a.i", .values = {.type = Type::kInt32, .integers = {-1, 7}}},
      {.name = "a.l", .values = {.type = Type::kInt64, .integers = {INT64_MIN, INT64_MAX}}},
      {.name = "a.f", .values = {.type = Type::kFloat, .numbers = {0.5, -2}}},
      {.name = "a.d",
       .values = {.type = Type::kDouble, .numbers = {0.1, 0}},
       .statuses = {FeatureStatus::kPresent, FeatureStatus::kFailed},
       .failures = {{1, "division by zero"}}},
      {.name = "a.s",
       .values = {.type = Type::kString, .texts = {"\u00e9", ""}},
       .statuses = {FeatureStatus::kPresent, FeatureStatus::kNotFound}},
      {.name = "a.p", .values = {.type = Type::Decimal(2), .integers = {1234, -5}}},
      {.name = "a.w", .values = {.type = Type::Decimal(0), .integers = {INT64_MIN, 0}}},
      {.name = "a.lp",
       .values =
           {.type = Type::Decimal(18), .is_list = true, .lengths = {2, 0}, .integers = {7, 8}}},
      {.name = "a.t", .values = {.type = Type::kTimestamp, .integers = {9, 10}}},
      {.name = "a.ls",
       .values = {.type = Type::kString, .is_list = true, .lengths = {0, 2}, .texts = {"x", ""}}},
      {.name = "a.ld",
       .values = {.type = Type::kDouble, .is_list = true, .lengths = {1, 0}, .numbers = {0.5}}}};
  int64_t time_ms = 0;
  for (FeatureColumn& column : response.features)
    column.event_times_ms = {kNoEventTimeMs, ++time_ms};
  response.as_of = {{"clicks", 99}, {"views", kNoEventTimeMs}};
  return response;
}

TEST_F(ClientTest, AnAnswerArrivesAsItWasGiven) {
  const FeatureResponse given = Answer();
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse* response) {
    *response = given;
    return Status::Ok();
  };
  FeatureResponse response;
  // Twice into the same response, so that what an earlier answer left is seen to be gone.
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client_->GetFeatures({}, &response).ok());
  EXPECT_EQ(response.read_time_ms, 123);
  EXPECT_EQ(response.row_count, 2u);
  ASSERT_EQ(response.features.size(), given.features.size());
  for (size_t i = 0; i < given.features.size(); ++i) {
    const FeatureColumn& expected = given.features[i];
    const FeatureColumn& column = response.features[i];
    EXPECT_EQ(column.name, expected.name);
    EXPECT_EQ(column.values.type, expected.values.type);
    EXPECT_EQ(column.values.is_list, expected.values.is_list);
    EXPECT_EQ(column.values.lengths, expected.values.lengths);
    EXPECT_EQ(column.values.integers, expected.values.integers);
    EXPECT_EQ(column.values.numbers, expected.values.numbers);
    EXPECT_EQ(column.values.texts, expected.values.texts);
    EXPECT_EQ(column.statuses, expected.statuses);
    EXPECT_EQ(column.event_times_ms, expected.event_times_ms);
    ASSERT_EQ(column.failures.size(), expected.failures.size());
  }
  EXPECT_EQ(response.features[4].failures[0].row, 1u);
  EXPECT_EQ(response.features[4].failures[0].reason, "division by zero");
  ASSERT_THAT(response.as_of, SizeIs(2));
  EXPECT_EQ(response.as_of[0].as_of_ms, 99);
  EXPECT_EQ(response.as_of[1].as_of_ms, kNoEventTimeMs);
}

TEST_F(ClientTest, EveryStatusCodeComesBackWithItsMessage) {
  for (StatusCode code :
       {StatusCode::kInvalidArgument, StatusCode::kNotFound, StatusCode::kAlreadyExists,
        StatusCode::kFailedPrecondition, StatusCode::kResourceExhausted, StatusCode::kCorruption,
        StatusCode::kIoError, StatusCode::kUnavailable, StatusCode::kDeadlineExceeded,
        StatusCode::kCancelled, StatusCode::kInternal}) {
    engine_.get_features = [code](const FeatureRequest&, FeatureResponse*) {
      return Status(code, "what was wrong");
    };
    FeatureResponse response;
    const Status status = client_->GetFeatures({}, &response);
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), "what was wrong");
  }
}

TEST_F(ClientTest, AServerThatIsNotThereIsUnavailableWithTheWayOut) {
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  server_->Shutdown(0);
  const auto status = client_->GetStatus().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot reach a server at " + address +
                                                       ": is `freshet serve` running there?"));
}

TEST_F(ClientTest, PushPlanAndDescribe) {
  EXPECT_EQ(*client_->Push("clicks", {"{}", "{}", "{}"}), 2);
  engine_.plan = [](const std::vector<DefinitionText>& files) {
    PlanOutcome outcome;
    outcome.errors.push_back({files.at(0).name, 3, 7, files.at(0).text});
    outcome.changes.push_back(
        {DefinitionChangeKind::kAdd, "entity user", "detail", true, "reason", "way out"});
    outcome.changes.push_back({DefinitionChangeKind::kChange, "entity item"});
    outcome.changes.push_back({DefinitionChangeKind::kRemove, "entity shop"});
    return Result<PlanOutcome>(outcome);
  };
  for (auto method : {&Client::Plan, &Client::Apply}) {
    const auto outcome = (client_.get()->*method)({{"a.yaml", "text"}});
    ASSERT_TRUE(outcome.ok());
    ASSERT_THAT(outcome->errors, SizeIs(1));
    EXPECT_EQ(outcome->errors[0].file, "a.yaml");
    EXPECT_EQ(outcome->errors[0].line, 3);
    EXPECT_EQ(outcome->errors[0].message, "text");
    ASSERT_THAT(outcome->changes, SizeIs(3));
    EXPECT_EQ(outcome->changes[0].kind, DefinitionChangeKind::kAdd);
    EXPECT_TRUE(outcome->changes[0].refused);
    EXPECT_EQ(outcome->changes[0].way_out, "way out");
    EXPECT_EQ(outcome->changes[2].kind, DefinitionChangeKind::kRemove);
  }
  engine_.describe = [](std::string_view, const std::vector<std::string>& features) {
    ServiceDescription description;
    for (const std::string& name : features) description.features.push_back({name, Type::kFloat});
    description.inputs = {{"price", Type::Decimal(2)}};
    return Result<ServiceDescription>(description);
  };
  const auto description = client_->DescribeService("", {"a.b"});
  ASSERT_TRUE(description.ok());
  ASSERT_THAT(description->features, SizeIs(1));
  EXPECT_EQ(description->features[0].type, Type::kFloat);
  ASSERT_THAT(description->inputs, SizeIs(1));
  EXPECT_EQ(description->inputs[0].type, Type::Decimal(2));
}

TEST_F(ClientTest, StatusComesWhole) {
  engine_.status.ready = true;
  engine_.status.version = "1.2.3";
  engine_.status.streams.push_back({"clicks", {"activity"}, "reading", true, 77, {{0, 5, 4, -1}}});
  engine_.status.sources.push_back({"clicks", "push", 1, 2, 3, 4, 5, 6, 7, {{"not JSON", 9}}});
  engine_.status.views.push_back({"profile", "batch", "user", "users", 2, kNoEventTimeMs, 10});
  engine_.status.services = {"ranking"};
  engine_.status.counters = {{"requests", 11}};
  const auto status = client_->GetStatus();
  ASSERT_TRUE(status.ok());
  EXPECT_TRUE(status->ready);
  EXPECT_EQ(status->version, "1.2.3");
  EXPECT_EQ(status->streams.at(0).as_of_ms, 77);
  EXPECT_TRUE(status->streams[0].failed);
  EXPECT_EQ(status->streams[0].partitions.at(0).checkpointed_offset, 4);
  EXPECT_EQ(status->streams[0].partitions[0].end_offset, -1);
  EXPECT_EQ(status->sources.at(0).repeated, 5u);
  EXPECT_EQ(status->sources.at(0).lost, 7u);
  EXPECT_EQ(status->sources[0].refused.at("not JSON"), 9u);
  EXPECT_EQ(status->views.at(0).loaded_at_ms, kNoEventTimeMs);
  EXPECT_THAT(status->services, ElementsAre("ranking"));
  EXPECT_EQ(status->counters.at("requests"), 11u);
}

// Hands out the chunks one by one, then the end.
class Chunks {
 public:
  explicit Chunks(std::vector<std::string> chunks) : chunks_(std::move(chunks)) {}
  Result<std::string> Next() {
    if (next_ == chunks_.size()) return std::string();
    return chunks_[next_++];
  }

 private:
  std::vector<std::string> chunks_;
  size_t next_ = 0;
};

TEST_F(ClientTest, LoadStreamsEveryByteInPieces) {
  std::string fed;
  engine_.load.feed = [&](std::string_view bytes) {
    fed += bytes;
    return Status::Ok();
  };
  engine_.load.progress.rows_written = 3;
  const std::string large(5u << 20, 'x');
  Chunks chunks({"user_id\n", large});
  LoadProgress outcome;
  int reports = 0;
  const Status status = client_->Load(
      {.view = "profile"}, [&] { return chunks.Next(); }, [&](const LoadProgress&) { ++reports; },
      nullptr, &outcome);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(fed, "user_id\n" + large);
  EXPECT_EQ(outcome.phase, LoadProgress::Phase::kDone);
  EXPECT_EQ(outcome.rows_written, 3u);
  EXPECT_GE(reports, 1);
}

TEST_F(ClientTest, ARefusedLoadSaysWhyAndWhichRows) {
  engine_.load.finish = [](const auto&) { return Status::FailedPrecondition("too many bad rows"); };
  engine_.load.progress.bad_rows = {{7, "age: 'x' is no int32"}};
  LoadProgress outcome;
  Chunks chunks({"user_id\n"});
  const Status status = client_->Load(
      {.view = "profile"}, [&] { return chunks.Next(); }, [](const LoadProgress&) {}, nullptr,
      &outcome);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "too many bad rows");
  ASSERT_THAT(outcome.bad_rows, SizeIs(1));
  EXPECT_EQ(outcome.bad_rows[0].line, 7u);
}

TEST_F(ClientTest, ALoadThatIsRefusedEarlyDoesNotHang) {
  engine_.load_status = Status::NotFound("there is no feature view 'profle'");
  LoadProgress outcome;
  const Status status = client_->Load(
      {.view = "profle"}, [] { return Result<std::string>(std::string(1'000, 'x')); },
      [](const LoadProgress&) {}, nullptr, &outcome);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(outcome.bad_rows, IsEmpty());
}

// A file in memory.
class TextLoadFile : public LoadFile {
 public:
  TextLoadFile(std::string name, std::string text, PathValues path_values = {})
      : LoadFile(std::move(name), text.size(), std::move(path_values)), text_(std::move(text)) {}
  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    if (!failure.ok()) return failure;
    text_.copy(bytes, count, offset);
    return Status::Ok();
  }
  void Close() override { ++closed; }

  Status failure;
  int closed = 0;

 private:
  const std::string text_;
};

TEST_F(ClientTest, FilesAreSentAsTheServerAsksForThem) {
  std::vector<std::string> seen;
  LoadFile::PathValues path_values;
  engine_.load.read_file = [&](LoadFile& file) {
    std::string tail(6, '\0');
    FRESHET_RETURN_IF_ERROR(file.ReadAt(file.size() - 6, 6, tail.data()));
    std::string all(file.size(), '\0');
    FRESHET_RETURN_IF_ERROR(file.ReadAt(0, all.size(), all.data()));
    seen.push_back(file.name() + " " + tail + " " +
                   std::to_string(all == std::string(all.size() - 6, 'x') + tail));
    path_values.insert(path_values.end(), file.path_values().begin(), file.path_values().end());
    return Status::Ok();
  };
  TextLoadFile one("one", std::string(5u << 20, 'x') + "footer", {{"country", "FI"}});
  TextLoadFile two("two", "xxxend two");
  LoadProgress outcome;
  const Status status = client_->LoadFiles(
      {.view = "profile", .format = "parquet"}, {&one, &two}, [](const LoadProgress&) {},
      [] { return false; }, &outcome);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(seen, ElementsAre("one footer 1", "two nd two 0"));
  EXPECT_THAT(path_values, ElementsAre(Pair("country", "FI")));
  EXPECT_EQ(one.closed, 1);
  EXPECT_EQ(outcome.phase, LoadProgress::Phase::kDone);
  EXPECT_EQ(engine_.load_request.format, "parquet");
}

TEST_F(ClientTest, AFileThatFailsEndsTheLoad) {
  engine_.load.read_file = [](LoadFile& file) {
    std::string bytes(3, '\0');
    return file.ReadAt(0, 3, bytes.data());
  };
  TextLoadFile file("one", "text");
  file.failure = Status::IoError("one: gone");
  LoadProgress outcome;
  const Status status = client_->LoadFiles(
      {.view = "profile"}, {&file}, [](const LoadProgress&) {}, [] { return false; }, &outcome);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_EQ(status.message(), "one: gone");
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(ClientTest, ALoadOfFilesCanBeCancelled) {
  std::atomic<bool> is_reading = false;
  engine_.load.read_file = [&](LoadFile& file) {
    is_reading = true;
    std::string bytes(3, '\0');
    Status status;
    while (status.ok()) status = file.ReadAt(0, 3, bytes.data());
    return status;
  };
  TextLoadFile file("one", "text");
  LoadProgress outcome;
  const Status status = client_->LoadFiles(
      {.view = "profile"}, {&file}, [](const LoadProgress&) {}, [&] { return is_reading.load(); },
      &outcome);
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(ClientTest, AFileThatCannotBeReadCancelsTheLoad) {
  LoadProgress outcome;
  const Status status = client_->Load(
      {.view = "profile"}, [] { return Result<std::string>(Status::IoError("users.csv: gone")); },
      [](const LoadProgress&) {}, nullptr, &outcome);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_EQ(status.message(), "users.csv: gone");
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(ClientTest, AnExplanationArrivesAsItWasGiven) {
  engine_.explain = [](const FeatureRequest& request) -> Result<Explanation> {
    if (request.features.at(0) == "wrong") return Status::InvalidArgument("features: wrong");
    Explanation explanation{.read_time_ms = 9};
    ExplainedFeature windowed{.name = "activity.clicks_1m", .is_asked = true, .value = int64_t{4}};
    windowed.status = FeatureStatus::kSourceStale;
    windowed.reason = "why";
    windowed.event_time_ms = 5;
    windowed.timeline = 0;
    windowed.aggregation = "clicks";
    windowed.window = "1m";
    windowed.window_begin_ms = -3;
    windowed.window_end_ms = 10;
    windowed.cell_begin = 1;
    windowed.cell_end = 2;
    ExplainedFeature column{.name = "profile.age", .value = 1.5};
    column.row = 0;
    column.column = "age";
    ExplainedFeature derived{.name = "signals.a"};
    derived.expression = "a > 1";
    derived.steps = {{0, "a > 1", true, true, ""}, {1, "a", false, {}, "null value"}};
    explanation.features = {windowed, column, derived};
    ExplainedTimeline timeline{.view = "activity", .source = "clicks", .key = "user_id=1"};
    timeline.table = 7;
    timeline.is_found = true;
    timeline.newest_event_ms = 5;
    timeline.as_of_ms = 8;
    timeline.positions = {{"clicks", 2, 11}};
    timeline.aggregations = {"clicks", "last"};
    timeline.cell_count = 2'000;
    timeline.cells = {{kNoEventTimeMs, 2, 1, {int64_t{3}, {}}},
                      {2, 3, 2, {int64_t{4}, std::string("x")}}};
    explanation.timelines = {timeline};
    ExplainedRow row{.view = "profile", .source = "users", .key = "user_id=1"};
    row.generation = 3;
    row.loaded_at_ms = 4;
    row.row_count = 5;
    row.is_found = true;
    row.event_time_ms = 6;
    row.max_age_ms = 7;
    ExplainedRow of_stream{.view = "account", .source = "accounts", .key = "user_id=1"};
    of_stream.table = 12;
    of_stream.is_deleted = true;
    of_stream.event_time_ms = 13;
    of_stream.as_of_ms = 14;
    of_stream.positions = {{"accounts", 1, 15}};
    explanation.rows = {row, ExplainedRow{}, of_stream};
    return explanation;
  };
  FeatureRequest request;
  request.features = {"a.b"};
  const Result<Explanation> got = client_->Explain(request);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(got->read_time_ms, 9);
  ASSERT_THAT(got->features, SizeIs(3));
  const ExplainedFeature& windowed = got->features[0];
  EXPECT_EQ(windowed.name, "activity.clicks_1m");
  EXPECT_TRUE(windowed.is_asked);
  EXPECT_EQ(windowed.status, FeatureStatus::kSourceStale);
  EXPECT_EQ(windowed.value, Value(int64_t{4}));
  EXPECT_EQ(windowed.reason, "why");
  EXPECT_EQ(windowed.event_time_ms, 5);
  EXPECT_EQ(windowed.timeline, 0u);
  EXPECT_EQ(windowed.aggregation, "clicks");
  EXPECT_EQ(windowed.window, "1m");
  EXPECT_EQ(windowed.window_begin_ms, -3);
  EXPECT_EQ(windowed.window_end_ms, 10);
  EXPECT_EQ(windowed.cell_begin, 1u);
  EXPECT_EQ(windowed.cell_end, 2u);
  EXPECT_EQ(got->features[1].value, Value(1.5));
  EXPECT_EQ(got->features[1].row, 0u);
  EXPECT_EQ(got->features[1].timeline, std::nullopt);
  EXPECT_EQ(got->features[1].column, "age");
  EXPECT_EQ(got->features[1].event_time_ms, kNoEventTimeMs);
  const ExplainedFeature& derived = got->features[2];
  EXPECT_EQ(derived.value, Value());
  EXPECT_EQ(derived.expression, "a > 1");
  ASSERT_THAT(derived.steps, SizeIs(2));
  EXPECT_EQ(derived.steps[0].value, Value(true));
  EXPECT_TRUE(derived.steps[0].is_evaluated);
  EXPECT_EQ(derived.steps[1].depth, 1u);
  EXPECT_EQ(derived.steps[1].text, "a");
  EXPECT_FALSE(derived.steps[1].is_evaluated);
  EXPECT_EQ(derived.steps[1].error, "null value");
  ASSERT_THAT(got->timelines, SizeIs(1));
  const ExplainedTimeline& timeline = got->timelines[0];
  EXPECT_EQ(timeline.view + timeline.source + timeline.key, "activityclicksuser_id=1");
  EXPECT_EQ(timeline.table, 7u);
  EXPECT_EQ(timeline.newest_event_ms, 5);
  EXPECT_EQ(timeline.as_of_ms, 8);
  EXPECT_EQ(timeline.positions.at(0).partition, 2);
  EXPECT_EQ(timeline.positions[0].offset, 11);
  EXPECT_THAT(timeline.aggregations, ElementsAre("clicks", "last"));
  EXPECT_EQ(timeline.cell_count, 2'000u);
  ASSERT_THAT(timeline.cells, SizeIs(2));
  EXPECT_EQ(timeline.cells[0].begin_ms, kNoEventTimeMs);
  EXPECT_THAT(timeline.cells[0].slots, ElementsAre(Value(int64_t{3}), Value()));
  EXPECT_EQ(timeline.cells[1].end_ms, 3);
  EXPECT_EQ(timeline.cells[1].newest_event_ms, 2);
  EXPECT_EQ(timeline.cells[1].slots[1], Value(std::string("x")));
  ASSERT_THAT(got->rows, SizeIs(3));
  EXPECT_EQ(got->rows[0].generation, 3u);
  EXPECT_EQ(got->rows[0].loaded_at_ms, 4);
  EXPECT_EQ(got->rows[0].row_count, 5u);
  EXPECT_EQ(got->rows[0].event_time_ms, 6);
  EXPECT_EQ(got->rows[0].max_age_ms, 7);
  EXPECT_FALSE(got->rows[1].is_found);
  EXPECT_EQ(got->rows[1].loaded_at_ms, kNoEventTimeMs);
  EXPECT_EQ(got->rows[1].table, 0u);
  EXPECT_EQ(got->rows[1].as_of_ms, kNoEventTimeMs);
  const ExplainedRow& of_stream = got->rows[2];
  EXPECT_EQ(of_stream.table, 12u);
  EXPECT_TRUE(of_stream.is_deleted);
  EXPECT_EQ(of_stream.event_time_ms, 13);
  EXPECT_EQ(of_stream.as_of_ms, 14);
  ASSERT_THAT(of_stream.positions, SizeIs(1));
  EXPECT_EQ(of_stream.positions[0].source, "accounts");
  EXPECT_EQ(of_stream.positions[0].partition, 1);
  EXPECT_EQ(of_stream.positions[0].offset, 15);
  request.features = {"wrong"};
  EXPECT_EQ(client_->Explain(request).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace freshet
