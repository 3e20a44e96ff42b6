#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ControlCalls = testing::RpcTest;

TEST_F(ControlCalls, PushCarriesTheRecordsAndTheOffset) {
  engine_.push = [](std::string_view source, const std::vector<std::string_view>& records) {
    EXPECT_EQ(source, "clicks");
    EXPECT_THAT(records, ElementsAre("{\"a\":1}", "{}"));
    return Result<int64_t>(41);
  };
  v1::PushRequest request;
  request.set_source("clicks");
  request.add_records("{\"a\":1}");
  request.add_records("{}");
  grpc::ClientContext context;
  v1::PushResponse response;
  ASSERT_TRUE(features_->Push(&context, request, &response).ok());
  EXPECT_EQ(response.last_offset(), 41);
}

TEST_F(ControlCalls, PlanAndApplyCarryErrorsAndChanges) {
  engine_.plan = [](const std::vector<DefinitionText>& files) {
    EXPECT_EQ(files.size(), 1u);
    EXPECT_EQ(files[0].name, "a.yaml");
    EXPECT_EQ(files[0].text, "entities:");
    PlanOutcome outcome;
    outcome.errors.push_back({"a.yaml", 1, 10, "entities must be a list"});
    outcome.changes.push_back({DefinitionChangeKind::kRemove, "feature view activity", "", true,
                               "the service ranking serves it", "remove it there first"});
    return Result<PlanOutcome>(outcome);
  };
  v1::PlanRequest request;
  request.add_files()->set_name("a.yaml");
  request.mutable_files(0)->set_text("entities:");
  for (auto method : {&v1::Admin::Stub::Plan, &v1::Admin::Stub::Apply}) {
    grpc::ClientContext context;
    v1::PlanResponse response;
    ASSERT_TRUE((admin_.get()->*method)(&context, request, &response).ok());
    ASSERT_EQ(response.errors_size(), 1);
    EXPECT_EQ(response.errors(0).line(), 1);
    EXPECT_EQ(response.errors(0).column(), 10);
    ASSERT_EQ(response.changes_size(), 1);
    EXPECT_EQ(response.changes(0).kind(), v1::DefinitionChange::REMOVE);
    EXPECT_TRUE(response.changes(0).refused());
    EXPECT_EQ(response.changes(0).way_out(), "remove it there first");
  }
}

TEST_F(ControlCalls, DescribeServiceTakesAServiceOrAList) {
  engine_.describe = [](std::string_view service, const std::vector<std::string>& features) {
    if (service == "nothing") return Result<ServiceDescription>(Status::NotFound("no such"));
    EXPECT_THAT(features, ElementsAre("activity.clicks"));
    ServiceDescription description;
    description.entities = {{"user_id", Type::kInt64}};
    description.inputs = {{"basket_value", Type::kDouble}};
    description.features = {{"activity.clicks", Type::kInt64}};
    return Result<ServiceDescription>(description);
  };
  v1::DescribeServiceRequest request;
  request.add_features("activity.clicks");
  v1::DescribeServiceResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(features_->DescribeService(&context, request, &response).ok());
  EXPECT_EQ(response.entities(0).name(), "user_id");
  EXPECT_EQ(response.inputs(0).type(), v1::DOUBLE);
  request.set_feature_service("nothing");
  grpc::ClientContext second;
  EXPECT_EQ(features_->DescribeService(&second, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

// A plan that takes its time stands in nobody's way.
TEST_F(ControlCalls, FeaturesAreServedWhileAPlanIsMade) {
  std::mutex mutex;
  std::condition_variable changed;
  bool planning = false;
  bool go_on = false;
  engine_.plan = [&](const std::vector<DefinitionText>&) {
    std::unique_lock lock(mutex);
    planning = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return Result<PlanOutcome>(PlanOutcome{});
  };
  std::thread planner([&] {
    grpc::ClientContext context;
    v1::PlanResponse response;
    EXPECT_TRUE(admin_->Plan(&context, {}, &response).ok());
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return planning; });
  }
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    v1::GetFeaturesResponse response;
    EXPECT_TRUE(features_->GetFeatures(&context, {}, &response).ok());
    grpc::ClientContext status_context;
    v1::GetStatusResponse status;
    EXPECT_TRUE(admin_->GetStatus(&status_context, {}, &status).ok());
  }
  {
    std::lock_guard lock(mutex);
    go_on = true;
  }
  changed.notify_all();
  planner.join();
}

TEST_F(ControlCalls, ASecondServerOnTheSamePortIsRefused) {
  testing::ScriptedEngine other;
  auto second = RpcServer::Start(other, {.address = address_});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("cannot listen on " + address_));
}

TEST_F(ControlCalls, AnAddressWithoutAPortIsRefused) {
  auto server = RpcServer::Start(engine_, {.address = "localhost"});
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace freshet::rpc
