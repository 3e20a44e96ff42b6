// A server over a real socket, its engine scripted, and stubs that talk to it.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "freshet/v1/admin.grpc.pb.h"
#include "freshet/v1/feature_store.grpc.pb.h"

#include "rpc/scripted_engine.h"
#include "rpc/server.h"

namespace freshet::testing {

class RpcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = rpc::RpcServer::Start(engine_, {.address = "127.0.0.1:0"});
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(*started);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
    channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
    features_ = v1::FeatureStore::NewStub(channel_);
    admin_ = v1::Admin::NewStub(channel_);
  }

  ScriptedEngine engine_;
  std::unique_ptr<rpc::RpcServer> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::FeatureStore::Stub> features_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace freshet::testing
