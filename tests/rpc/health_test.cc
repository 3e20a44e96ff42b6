#include <chrono>
#include <string>
#include <thread>

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using HealthTest = testing::RpcTest;

constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";

// grpc.health.v1.Health/Check as bytes: a HealthCheckRequest is one string, its response one enum.
std::string Check(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  std::string bytes;
  if (!service.empty()) bytes = std::string("\x0a") + static_cast<char>(service.size()) + service;
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                    grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return "code " + std::to_string(status.error_code());
  grpc::Slice answer;
  EXPECT_TRUE(response.DumpToSingleSlice(&answer).ok());
  return {reinterpret_cast<const char*>(answer.begin()), answer.size()};
}

void WaitFor(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
             const std::string& expected) {
  while (Check(channel, service) != expected)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_F(HealthTest, FollowsTheEngine) {
  for (const std::string service : {"", "freshet.v1.FeatureStore"}) {
    engine_.ready = true;
    WaitFor(channel_, service, kServing);
    engine_.ready = false;
    WaitFor(channel_, service, kNotServing);
  }
}

TEST_F(HealthTest, AServiceThatThereIsNotIsNotFound) {
  EXPECT_EQ(Check(channel_, "freshet.v1.Nothing"), "code 5");
}

}  // namespace
}  // namespace freshet::rpc
