#include "engine/fixture.h"

#include <chrono>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace freshet {

std::vector<DefinitionText> Definitions(const std::string& yaml) {
  return {{"definitions.yaml", yaml}};
}

void Await(const std::function<bool()>& condition, std::string_view what) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never came: " << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

FeatureRequest UserRequest(std::vector<std::string> features, std::vector<int64_t> user_ids) {
  FeatureRequest request;
  request.features = std::move(features);
  NamedColumn column{"user_id", {}};
  column.values.integers = std::move(user_ids);
  request.entities.push_back(std::move(column));
  return request;
}

std::string Shown(const FeatureColumn& column, size_t row) {
  const FeatureStatus status =
      column.statuses.empty() ? FeatureStatus::kPresent : column.statuses[row];
  const Value value = column.values.at(row);
  std::string text;
  if (const auto* flag = std::get_if<bool>(&value)) text = *flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) text = fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value)) text = fmt::format("{}", *number);
  if (const auto* string = std::get_if<std::string>(&value)) text = *string;
  return fmt::format("{} {}", FeatureStatusName(status), text);
}

EngineTest::EngineTest() {
  options_.data_folder = folder_.File("data");
  options_.cache_bytes = 16u << 20;
  options_.write_buffer_bytes = 4u << 20;
  options_.checkpoint_interval_ms = 20;
  options_.as_of_interval_ms = 20;
  options_.allow_read_time = true;
}

void EngineTest::Reopen() {
  engine_.reset();
  Result<std::unique_ptr<Engine>> engine = Engine::Open(options_);
  ASSERT_TRUE(engine.ok()) << engine.status().ToString();
  engine_ = std::move(*engine);
}

void EngineTest::Apply(const std::string& yaml) {
  const Result<PlanOutcome> outcome = engine_->Apply(Definitions(yaml));
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  for (const DefinitionError& error : outcome->errors) {
    ADD_FAILURE() << error.file << ":" << error.line << ":" << error.column << ": "
                  << error.message;
  }
  for (const DefinitionChange& change : outcome->changes) {
    EXPECT_FALSE(change.refused) << change.subject << ": " << change.reason;
  }
  ASSERT_TRUE(outcome->applicable());
}

PlanOutcome EngineTest::Refused(const std::string& yaml) {
  const Result<PlanOutcome> outcome = engine_->Apply(Definitions(yaml));
  EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  if (!outcome.ok()) return {};
  EXPECT_FALSE(outcome->applicable());
  return *outcome;
}

bool EngineTest::HasRead(std::string_view source, int64_t offset) {
  for (const ServerStatus::Stream& stream : engine_->GetStatus().streams) {
    if (stream.source != source) continue;
    if (stream.partitions.empty()) return false;
    for (const ServerStatus::Partition& partition : stream.partitions) {
      if (partition.next_offset <= offset) return false;
    }
  }
  return true;
}

int64_t EngineTest::Push(std::string_view source, const std::vector<std::string>& records) {
  const std::vector<std::string_view> views(records.begin(), records.end());
  const Result<int64_t> last = engine_->Push(source, views);
  EXPECT_TRUE(last.ok()) << last.status().ToString();
  if (!last.ok()) return -1;
  Await([&] { return HasRead(source, *last); }, "what was pushed is read");
  return *last;
}

Status EngineTest::TryLoad(const std::string& view, std::string_view csv, LoadProgress* progress) {
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<LoadSession> session, engine_->Load({view, "", 0.0}));
  Status status = session->Feed(csv);
  if (status.ok()) status = session->Finish(nullptr);
  if (progress != nullptr) *progress = session->Progress();
  return status;
}

void EngineTest::Load(const std::string& view, std::string_view csv) {
  const Status status = TryLoad(view, csv);
  ASSERT_TRUE(status.ok()) << status.ToString();
}

FeatureResponse EngineTest::Get(const FeatureRequest& request) {
  FeatureResponse response;
  const Status status = engine_->GetFeatures(request, &response);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return response;
}

std::vector<std::vector<std::string>> EngineTest::Table(const FeatureRequest& request) {
  const FeatureResponse response = Get(request);
  std::vector<std::vector<std::string>> rows(response.row_count);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (const FeatureColumn& column : response.features) rows[row].push_back(Shown(column, row));
  }
  return rows;
}

}  // namespace freshet
