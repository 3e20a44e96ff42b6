// Random definitions, events, loads, restarts and requests: what a whole engine over real files answers, called directly and
// over a real socket, is what docs/serving.md says, value by value.
#include "engine/served_oracle.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include "freshet/client.h"

#include "base/clock.h"
#include "engine/engine_impl.h"
#include "engine/fixture.h"
#include "engine/served_case.h"
#include "engine/served_changes.h"
#include "engine/served_requests.h"
#include "rpc/server.h"
#include "support/seed.h"

namespace freshet::served {
namespace {

// Also shortly before clocks change in New York, Berlin and on Lord Howe Island, and where a year ends.
const std::vector<int64_t> kBeginsMs = {1'790'000'000'000, 1'793'511'000'000, 1'792'888'000'000,
                                        1'791'039'000'000, 1'798'759'000'000};

using FileStates = std::map<std::string, std::pair<uintmax_t, std::filesystem::file_time_type>>;

FileStates StatesOf(const std::string& folder) {
  FileStates states;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::error_code gone;  // by the engine, meanwhile
    const auto bytes = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    states[entry.path()] = {bytes, entry.last_write_time(gone)};
  }
  return states;
}

// All files of one moment: what was changed while it was copied is copied again.
void CopyAsItStands(const std::string& folder, const std::string& copy) {
  for (int tries = 0; tries < 1'000; ++tries) {
    std::filesystem::remove_all(copy);
    const FileStates before = StatesOf(folder);
    std::error_code gone;
    std::filesystem::copy(folder, copy, std::filesystem::copy_options::recursive, gone);
    if (!gone && StatesOf(folder) == before) return;
  }
  FAIL() << "the folder never stood still";
}

class ServedOracleTest : public EngineTest, public ::testing::WithParamInterface<int> {
 protected:
  ServedOracleTest() {
    // Some dozens of the timelines and rows fit.
    options_.cache_bytes = 48u << 10;
    options_.block_cache_bytes = 256u << 10;
    options_.checkpoint_dirty_bytes = 32u << 10;
  }
  void TearDown() override { Close(); }

  void Close() {
    client_.reset();
    server_.reset();
    engine_.reset();
  }

  void Open() {
    Close();
    // So that some events are in no checkpoint when the engine ends.
    options_.checkpoint_interval_ms = random_.Once(2) ? 20 : 600'000;
    auto engine = std::make_unique<engine::EngineImpl>(options_, clock_);
    const Status status = engine->Start();
    ASSERT_TRUE(status.ok()) << status.ToString();
    engine_ = std::move(engine);
    auto server = rpc::RpcServer::Start(*engine_, {.address = "127.0.0.1:0"});
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
    client_ = Client::New(
        {.address = fmt::format("127.0.0.1:{}", server_->port()), .timeout_ms = 300'000});
  }

  // As kill -9 leaves it: a copy of the folder takes its place, made while the engine runs, with events
  // that it has not read yet and others that are in no checkpoint.
  void Crash() {
    PushSome(false);
    const std::string copy = folder_.File("copy");
    CopyAsItStands(options_.data_folder, copy);
    Close();
    std::filesystem::remove_all(options_.data_folder);
    std::filesystem::rename(copy, options_.data_folder);
    Open();
  }

  // Every stream is known to be complete up to the time that the clock stands at.
  void AwaitAsOf() {
    Await(
        [&] {
          for (const ServerStatus::Stream& stream : engine_->GetStatus().streams)
            if (stream.as_of_ms != clock_.NowMs()) return false;
          return engine_->Ready();
        },
        "all streams are known to be complete up to now");
    for (const auto& [source, stream] : case_.streams) as_of_ms_[source] = clock_.NowMs();
  }

  void PushSome(bool waits) {
    for (const auto& entry : case_.streams) {
      const std::string& source = entry.first;
      std::vector<std::string> records;
      for (int64_t i = random_.Pick(0, 150); i > 0; --i) {
        history_.events.push_back(RandomEvent(random_, case_, source, clock_.NowMs()));
        records.push_back(JsonOf(history_.events.back()));
      }
      const bool is_read = std::any_of(case_.views.begin(), case_.views.end(),
                                       [&](const View& view) { return view.source == source; });
      if (records.empty() || !is_read) continue;
      next_offset_[source] += static_cast<int64_t>(records.size());
      const std::vector<std::string_view> views(records.begin(), records.end());
      const Result<int64_t> last = engine_->Push(source, views);
      ASSERT_TRUE(last.ok()) << last.status().ToString();
      ASSERT_EQ(*last, next_offset_[source] - 1);
      if (waits) Await([&] { return HasRead(source, *last); }, "what was pushed is read");
    }
  }

  void LoadSome() {
    for (const View& view : case_.views) {
      if (view.is_fed || random_.Once(2)) continue;
      if (random_.Once(5)) {
        RollBack(view);
        continue;
      }
      const bool is_upsert = history_.rows.count(view.name) != 0 && !random_.Once(3);
      const bool has_deletions = random_.Once(2);
      const File file = RandomFile(random_, view, case_.entities[view.entity], clock_.NowMs(),
                                   is_upsert, has_deletions);
      LoadRequest request;
      request.view = view.name;
      request.format = "csv";
      request.upsert = is_upsert;
      if (has_deletions) request.delete_column = "gone";
      auto session = engine_->Load(request);
      ASSERT_TRUE(session.ok()) << session.status().ToString();
      Status status = (*session)->Feed(file.csv);
      if (status.ok()) status = (*session)->Finish(nullptr);
      ASSERT_TRUE(status.ok()) << status.ToString() << "\n" << file.csv;
      history_.Load(view.name, file.rows, is_upsert);
    }
  }

  void RollBack(const View& view) {
    const auto outcome = engine_->Rollback(view.name);
    ASSERT_EQ(outcome.ok(), history_.RollBack(view.name)) << outcome.status().ToString();
  }

  void ForgetSomeone() {
    const auto entity = static_cast<size_t>(random_.Pick(0, 4));
    std::map<std::string, std::string> texts;
    Key key;
    for (const auto& [name, type] : case_.entities[entity].keys) {
      key.push_back(KeyValue(random_, name));
      texts[name] = KeyText(type, key.back());
    }
    const auto receipt = engine_->Forget(texts);
    ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
    history_.Forget(case_, entity, key);
  }

  static Fields RowOf(const std::map<std::string, std::vector<Value>>& columns, size_t row) {
    Fields fields;
    for (const auto& [name, values] : columns) fields[name] = values[values.size() == 1 ? 0 : row];
    return fields;
  }

  std::string Where(const Asked& asked, const Selected& selected, size_t row) const {
    std::string text = fmt::format("{} at {}", selected.name, asked.terms.now_ms);
    for (const auto& [name, value] : RowOf(asked.columns, row))
      text += fmt::format(" {}={}", name, absl::CEscape(TextOf(value)));
    const std::string evidence =
        Oracle(case_, history_, asked.terms).Evidence(selected, RowOf(asked.columns, row));
    return fmt::format("{}, row {} of {}; {}; FRESHET_TEST_SEED={} repeats it\n{}", text, row,
                       asked.row_count, evidence, seed_, case_.Yaml());
  }

  void Compare(const Asked& asked, const FeatureResponse& response) {
    ASSERT_EQ(response.row_count, asked.row_count);
    ASSERT_EQ(response.features.size(), asked.selected.size());
    EXPECT_EQ(response.read_time_ms, asked.terms.now_ms);
    for (const SourceAsOf& told : response.as_of)
      EXPECT_EQ(told.as_of_ms, asked.terms.as_of_ms.at(told.source)) << told.source;
    const Oracle oracle(case_, history_, asked.terms);
    for (size_t i = 0; i < asked.selected.size(); ++i) {
      const Selected& selected = asked.selected[i];
      // Those of `view.*` come in the view's own order.
      const FeatureColumn& column =
          selected.columns.empty() ? response.features[i] : ColumnOf(response, selected.name);
      const Feature& feature = case_.features[selected.feature];
      ASSERT_EQ(column.name, selected.name);
      ASSERT_EQ(column.values.type, feature.type);
      ASSERT_EQ(column.values.is_list, feature.is_list);
      ASSERT_EQ(column.values.size(), asked.row_count);
      for (size_t row = 0; row < asked.row_count; ++row) {
        const Cell cell =
            oracle.Answer(selected, RowOf(asked.columns, row), RowOf(asked.inputs, row));
        if (!cell.is_promised) continue;
        ++seen_[cell.status];
        ASSERT_EQ(Shown(column, row), TextOf(cell.status, feature.is_list, cell.value, cell.list))
            << Where(asked, selected, row);
        if (!asked.request.include_event_times || !cell.event_time_ms.has_value()) continue;
        ASSERT_EQ(column.event_times_ms[row], *cell.event_time_ms) << Where(asked, selected, row);
      }
    }
  }

  static const FeatureColumn& ColumnOf(const FeatureResponse& response, const std::string& name) {
    const auto found = std::find_if(response.features.begin(), response.features.end(),
                                    [&](const FeatureColumn& each) { return each.name == name; });
    return found == response.features.end() ? response.features.front() : *found;
  }

  static std::string Shown(const FeatureColumn& column, size_t row) {
    const FeatureStatus status =
        column.statuses.empty() ? FeatureStatus::kPresent : column.statuses[row];
    if (!column.values.is_list) return TextOf(status, false, column.values.at(row), {});
    const freshet::Column list = column.values.list_at(row);
    std::vector<Value> elements;
    for (size_t i = 0; i < list.size(); ++i) elements.push_back(list.at(i));
    return TextOf(status, true, {}, elements);
  }

  void AskSome(int64_t count, bool waits) {
    for (; count > 0 && !HasFailure(); --count) {
      const Asked asked =
          RandomRequest(random_, {case_, history_, clock_.NowMs(), as_of_ms_, next_offset_}, waits);
      // Again, so that what answers leave for one another is asked for.
      for (int64_t times = random_.Once(6) ? 3 : 1; times > 0 && !HasFailure(); --times) Ask(asked);
    }
  }

  void Ask(const Asked& asked) {
    FeatureResponse response;
    const Status status = random_.Once(2) ? engine_->GetFeatures(asked.request, &response)
                                          : client_->GetFeatures(asked.request, &response);
    if (Oracle(case_, history_, asked.terms).Refuses(asked.selected)) {
      ASSERT_EQ(status.code(), StatusCode::kFailedPrecondition)
          << status.ToString() << Where(asked, asked.selected[0], 0);
      return;
    }
    ASSERT_TRUE(status.ok()) << status.ToString() << "; FRESHET_TEST_SEED=" << seed_ << "\n"
                             << case_.Yaml();
    Compare(asked, response);
  }

  // Ingest stands still, and streams fall behind as the clock goes on.
  void AskWhileBehind() {
    ASSERT_TRUE(engine_->Stop().ok());
    clock_.Advance(random_.Pick(0, 4) * 500 + random_.Pick(-1, 1) * (random_.Once(2) ? 1 : 0) + 1);
    AskSome(20, false);
    Open();
  }

  const uint64_t seed_ = TestSeed() + static_cast<uint64_t>(GetParam());
  Random random_{seed_};
  FakeClock clock_{random_.OneOf(kBeginsMs)};
  Case case_ = RandomCase(random_);
  History history_;
  std::map<std::string, int64_t> as_of_ms_;
  std::map<std::string, int64_t> next_offset_;
  std::map<FeatureStatus, int> seen_;
  std::unique_ptr<rpc::RpcServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_P(ServedOracleTest, AnswersAsTheDocumentationSays) {
  fmt::print("seed {}; FRESHET_TEST_SEED={} repeats it\n", seed_, seed_);
  Open();
  Apply(case_.Yaml());
  if (HasFailure()) fmt::print("{}", case_.Yaml());
  for (int round = 0; round < 6 && !HasFailure(); ++round) {
    clock_.Advance(random_.OneOf<int64_t>({1, 700, 60'000, 3'600'000}));
    PushSome(true);
    LoadSome();
    if (random_.Once(4)) ForgetSomeone();
    if (random_.Once(2)) random_.Once(3) ? Open() : Crash();
    AwaitAsOf();
    AskSome(60, true);
    if (random_.Once(3) && !HasFailure()) AskWhileBehind();
  }
  for (const auto& [status, count] : seen_)
    RecordProperty(std::string(FeatureStatusName(status)), count);
  EXPECT_GT(seen_[FeatureStatus::kPresent], 0);
}

INSTANTIATE_TEST_SUITE_P(Runs, ServedOracleTest,
                         ::testing::Range(0, static_cast<int>(TestCases(4))));

}  // namespace
}  // namespace freshet::served
