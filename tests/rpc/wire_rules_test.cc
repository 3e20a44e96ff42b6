// What gRPC and HTTP/2 ask of a server, whatever a caller does with its connection.
#include <filesystem>
#include <functional>
#include <iterator>
#include <malloc.h>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/raw_socket.h"
#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using ::testing::ElementsAre;

constexpr int kConnections = 2'000;
// What gRPC may keep of each connection that is gone, in bytes: a small part of what one takes.
constexpr size_t kKeptBytesMax = 512;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Length 0, SETTINGS, no flags, stream 0.
constexpr std::string_view kSettings("\0\0\0\x04\0\0\0\0\0", 9);
// The head of a HEADERS frame of 100 bytes, of which none comes.
constexpr std::string_view kHalfAFrame("\0\0\x64\x01\x04\0\0\0\x01", 9);

class WireRules : public testing::RpcTest {
 protected:
  void SetUp() override {
    testing::RpcTest::SetUp();
    engine_.get_features = [](const FeatureRequest& request, FeatureResponse* response) {
      response->row_count = 1;
      response->features.resize(1);
      response->features[0].values.type = Type::kInt64;
      response->features[0].values.integers = request.entities.at(0).values.integers;
      return Status::Ok();
    };
  }

  static v1::GetFeaturesRequest RequestFor(int64_t user_id) {
    v1::GetFeaturesRequest request;
    request.set_feature_service("ranking");
    v1::Column* column = request.add_entities();
    column->set_name("user_id");
    column->mutable_int64s()->add_values(user_id);
    return request;
  }

  void ExpectServed(grpc::ClientContext& context, const v1::GetFeaturesRequest& request) {
    v1::GetFeaturesResponse response;
    const grpc::Status status = features_->GetFeatures(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_THAT(response.features(0).int64s().values(), ElementsAre(42));
  }
  void ExpectServed() {
    grpc::ClientContext context;
    ExpectServed(context, RequestFor(42));
  }

  void Reconnect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
    features_ = v1::FeatureStore::NewStub(channel_);
  }

  // What comes before the caller goes, in turn; some wait for the server's settings first.
  void OpenAndDrop(int connection) const {
    const testing::RawSocket socket(server_->port());
    ASSERT_TRUE(socket.connected());
    switch (connection % 5) {
      case 0:
        break;
      case 1:
        socket.Send(kPreface.substr(0, 10));
        break;
      case 2:
        socket.Send(std::string(kPreface) + std::string(kSettings));
        EXPECT_FALSE(socket.ReadUntil(std::string_view("\0", 1)).empty());
        break;
      case 3:
        socket.Send(std::string(kPreface) + std::string(kSettings) + std::string(kHalfAFrame));
        socket.EndSending();
        break;
      case 4:
        socket.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        socket.ReadToEnd();
        break;
    }
  }
};

size_t OpenDescriptors() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                           std::filesystem::directory_iterator()));
}

TEST_F(WireRules, UnknownFieldsAreIgnored) {
  v1::GetFeaturesRequest request = RequestFor(42);
  const auto add_unknown = [](google::protobuf::Message& message) {
    auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
    unknown->AddVarint(5'000, 7);
    unknown->AddLengthDelimited(5'001, "of a later version");
  };
  add_unknown(request);
  add_unknown(*request.mutable_entities(0));
  add_unknown(*request.mutable_entities(0)->mutable_int64s());
  grpc::ClientContext context;
  ExpectServed(context, request);
}

TEST_F(WireRules, RequestsMayBeCompressed) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::GetFeaturesRequest request = RequestFor(42);
    request.mutable_entities(0)->set_name(std::string(10'000, 'n'));
    ExpectServed(context, request);
  }
}

TEST_F(WireRules, ACompressedMessageIsBoundedByWhatItBecomes) {
  v1::GetFeaturesRequest request = RequestFor(42);
  request.mutable_entities(0)->set_name(std::string(limits::kMessageBytesMax + 1, 'n'));
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::GetFeaturesResponse response;
  EXPECT_EQ(features_->GetFeatures(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectServed();
}

TEST_F(WireRules, MetadataBeyondTheLimitEndsTheCallAndNotTheServer) {
  grpc::ClientContext context;
  context.AddMetadata("x-long", std::string(2 * limits::kMetadataBytesMax, 'm'));
  v1::GetFeaturesResponse response;
  EXPECT_FALSE(features_->GetFeatures(&context, RequestFor(42), &response).ok());
  // gRPC may end the connection with the call, whenever this side hears of it.
  Reconnect();
  ExpectServed();
}

TEST_F(WireRules, AConnectionThatIsHalfClosedIsClosed) {
  const testing::RawSocket socket(server_->port());
  ASSERT_TRUE(socket.Send(std::string(kPreface) + std::string(kSettings)));
  socket.EndSending();
  // Returns once the server has closed, too.
  EXPECT_FALSE(socket.ReadToEnd().empty());
  ExpectServed();
}

TEST_F(WireRules, ConnectionsThatAreDroppedLeaveNothingBehind) {
  ExpectServed();
  for (int i = 0; i < kConnections; ++i) OpenAndDrop(i);
  const size_t descriptors = OpenDescriptors();
  const size_t used_bytes = mallinfo2().uordblks;
  for (int i = 0; i < kConnections; ++i) OpenAndDrop(i);
  // The last ones may not have been heard of yet.
  while (OpenDescriptors() > descriptors) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_LT(mallinfo2().uordblks, used_bytes + kConnections * kKeptBytesMax);
  ExpectServed();
}

}  // namespace
}  // namespace freshet::rpc
