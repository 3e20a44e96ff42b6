#include "cli/open_loop.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "rpc/scripted_engine.h"
#include "rpc/server.h"

namespace freshet::cli {
namespace {

constexpr int64_t kMillisecondNs = 1'000'000;

class OpenLoop : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = rpc::RpcServer::Start(engine_, {.address = "127.0.0.1:0"});
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(*started);
    options_.address = "127.0.0.1:" + std::to_string(server_->port());
  }

  OpenLoopFigures Run() {
    return RunOpenLoop(
        options_,
        [](uint64_t index) {
          FeatureRequest request;
          request.features = {"a." + std::to_string(index)};
          return request;
        },
        &interrupted_, [this](const OpenLoopFigures& second) { seconds_.push_back(second.sent); });
  }

  testing::ScriptedEngine engine_;
  std::unique_ptr<rpc::RpcServer> server_;
  OpenLoopOptions options_;
  volatile std::sig_atomic_t interrupted_ = 0;
  std::vector<uint64_t> seconds_;
};

TEST_F(OpenLoop, SendsEachRequestOnceAtTheRate) {
  std::mutex mutex;
  std::multiset<std::string> seen;
  engine_.get_features = [&](const FeatureRequest& request, FeatureResponse*) {
    std::lock_guard lock(mutex);
    seen.insert(request.features.at(0));
    return Status::Ok();
  };
  options_.requests_per_second = 200;
  options_.duration_ms = 2'500;
  options_.connections = 3;
  const OpenLoopFigures figures = Run();
  EXPECT_EQ(figures.due, 500u);
  EXPECT_EQ(figures.sent, 500u);
  EXPECT_EQ(figures.answered, 500u);
  EXPECT_EQ(figures.failed(), 0u);
  EXPECT_EQ(figures.latency.count(), 500u);
  EXPECT_GE(figures.elapsed_seconds, 2.49);
  EXPECT_LE(figures.answered_per_second(), 201);
  EXPECT_GE(seconds_.size(), 2u);
  // Each connection is opened with the first one.
  EXPECT_EQ(seen.size(), 503u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 500u);
}

TEST_F(OpenLoop, WhatWaitsForAServerThatStallsHasWaited) {
  // All calls stand still from 0.2 s to 0.5 s.
  std::mutex mutex;
  int calls = 0;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) {
    std::lock_guard lock(mutex);
    if (++calls == 40) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return Status::Ok();
  };
  options_.requests_per_second = 200;
  options_.duration_ms = 1'000;
  const OpenLoopFigures figures = Run();
  EXPECT_EQ(figures.answered, 200u);
  // Some 40 of the 200 were due in the first 200 ms of the stall; it spared none of them.
  EXPECT_GE(figures.latency.QuantileNs(0.85), 100 * kMillisecondNs);
  EXPECT_GE(figures.latency.max_ns(), 290 * kMillisecondNs);
}

TEST_F(OpenLoop, ErrorsAreCountedByCode) {
  std::atomic<int> calls = 0;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) {
    const int call = calls++;
    if (call % 4 == 1) return Status::ResourceExhausted("too busy");
    if (call % 4 == 2) return Status::Unavailable("stale");
    return Status::Ok();
  };
  options_.requests_per_second = 1'000;
  options_.duration_ms = 400;
  const OpenLoopFigures figures = Run();
  EXPECT_EQ(figures.sent, 400u);
  EXPECT_EQ(figures.answered, 200u);
  EXPECT_EQ(figures.latency.count(), 200u);
  EXPECT_EQ(figures.errors.at(StatusCode::kResourceExhausted), 100u);
  EXPECT_EQ(figures.errors.at(StatusCode::kUnavailable), 100u);
}

TEST_F(OpenLoop, WhatIsNotAnsweredInTimeIsAnError) {
  engine_.get_features = [](const FeatureRequest& request, FeatureResponse*) {
    if (request.features.at(0) == "a.7") std::this_thread::sleep_for(std::chrono::seconds(1));
    return Status::Ok();
  };
  options_.requests_per_second = 50;
  options_.duration_ms = 400;
  options_.timeout_ms = 200;
  const OpenLoopFigures figures = Run();
  EXPECT_EQ(figures.answered + figures.failed(), 20u);
  EXPECT_GE(figures.errors.at(StatusCode::kDeadlineExceeded), 1u);
}

TEST_F(OpenLoop, ARateThatCannotBeReachedEndsInTimeAndShows) {
  options_.requests_per_second = 1'000'000;
  options_.duration_ms = 100;
  const OpenLoopFigures figures = Run();
  EXPECT_EQ(figures.due, 100'000u);
  EXPECT_LT(figures.sent, figures.due);
  EXPECT_EQ(figures.answered + figures.failed(), figures.sent);
  EXPECT_GT(figures.send_delay.QuantileNs(0.9), 100 * kMillisecondNs);
}

TEST_F(OpenLoop, AnInterruptEndsItWithWhatWasMeasured) {
  options_.requests_per_second = 100;
  options_.duration_ms = 3'600'000;
  std::atomic<int> calls = 0;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) {
    if (++calls == 40) interrupted_ = 1;
    return Status::Ok();
  };
  const OpenLoopFigures figures = Run();
  EXPECT_GT(figures.answered, 10u);
  EXPECT_LT(figures.answered, 2'000u);
  EXPECT_EQ(figures.answered, figures.sent);
}

}  // namespace
}  // namespace freshet::cli
