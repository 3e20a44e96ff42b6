#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using google::protobuf::Message;
using ::testing::IsSupersetOf;

using ReflectionTest = testing::RpcTest;

// The messages of grpc.reflection.v1alpha come with gRPC's library, but without headers.
class ReflectionClient {
 public:
  explicit ReflectionClient(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}

  std::unique_ptr<Message> Ask(const std::string& field, const std::string& value) {
    auto request = New("ServerReflectionRequest");
    request->GetReflection()->SetString(request.get(),
                                        request->GetDescriptor()->FindFieldByName(field), value);
    const grpc::Slice slice(request->SerializeAsString());
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call = stub_.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    grpc::ByteBuffer answer;
    call->StartCall(this);
    Next(queue);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), this);
    Next(queue);
    call->Read(&answer, this);
    Next(queue);
    grpc::Status status;
    call->Finish(&status, this);
    Next(queue);
    EXPECT_TRUE(status.ok()) << status.error_message();
    grpc::Slice bytes;
    EXPECT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
    auto response = New("ServerReflectionResponse");
    EXPECT_TRUE(response->ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())));
    return response;
  }

 private:
  std::unique_ptr<Message> New(const std::string& name) {
    const auto* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
            "grpc.reflection.v1alpha." + name);
    return std::unique_ptr<Message>(factory_.GetPrototype(descriptor)->New());
  }
  static void Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  }

  google::protobuf::DynamicMessageFactory factory_;
  grpc::GenericStub stub_;
};

const Message& Child(const Message& message, const std::string& field) {
  return message.GetReflection()->GetMessage(message,
                                             message.GetDescriptor()->FindFieldByName(field));
}

TEST_F(ReflectionTest, ListsTheServices) {
  ReflectionClient client(channel_);
  const auto response = client.Ask("list_services", "");
  const Message& list = Child(*response, "list_services_response");
  const auto* services = list.GetDescriptor()->FindFieldByName("service");
  std::vector<std::string> names;
  for (int i = 0; i < list.GetReflection()->FieldSize(list, services); ++i) {
    const Message& service = list.GetReflection()->GetRepeatedMessage(list, services, i);
    names.push_back(service.GetReflection()->GetString(
        service, service.GetDescriptor()->FindFieldByName("name")));
  }
  EXPECT_THAT(names, IsSupersetOf(
                         {"freshet.v1.FeatureStore", "freshet.v1.Admin", "grpc.health.v1.Health"}));
}

TEST_F(ReflectionTest, DescribesTheRawMethodToo) {
  ReflectionClient client(channel_);
  const auto response = client.Ask("file_containing_symbol", "freshet.v1.FeatureStore.GetFeatures");
  const Message& files = Child(*response, "file_descriptor_response");
  const auto* file = files.GetDescriptor()->FindFieldByName("file_descriptor_proto");
  ASSERT_EQ(files.GetReflection()->FieldSize(files, file), 1);
  google::protobuf::FileDescriptorProto parsed;
  ASSERT_TRUE(parsed.ParseFromString(files.GetReflection()->GetRepeatedString(files, file, 0)));
  EXPECT_EQ(parsed.name(), "freshet/v1/feature_store.proto");
}

}  // namespace
}  // namespace freshet::rpc
