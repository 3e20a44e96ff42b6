#include "http/server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/http_fixture.h"
#include "http/raw_socket.h"

namespace freshet::http {
namespace {

using ::testing::HasSubstr;
using testing::RawSocket;
using ::testing::StartsWith;

using Server = testing::HttpTest;

// A call of the engine that stands still until it is let go.
class Gate {
 public:
  Status Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    return {};
  }
  void AwaitWaiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return waiting_ >= count; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

TEST_F(Server, TellsWhetherItLivesAndIsReady) {
  engine_.ready = false;
  const auto live = Get("/healthz");
  ASSERT_TRUE(live);
  EXPECT_EQ(live->status, 200);
  EXPECT_EQ(live->body, "ok\n");
  const auto waiting = Get("/readyz");
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->status, 503);
  EXPECT_EQ(waiting->body, "not ready: catching up\n");
  engine_.ready = true;
  const auto ready = Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 200);
  EXPECT_EQ(ready->body, "ready\n");
}

TEST_F(Server, PathsAndMethodsThatAreNotThereAreToldWhatIs) {
  for (const char* path : {"/", "/v1/services/", "/v1/services/a/b", "/v2/features", "/healthz/"}) {
    const auto problem = testing::ProblemOf(Get(path));
    EXPECT_EQ(problem.value("status", 0), 404) << path;
    EXPECT_THAT(problem.value("detail", ""), HasSubstr("POST /v1/features"));
  }
  auto client = NewClient();
  const auto read = client.Get("/v1/features");
  EXPECT_EQ(testing::ProblemOf(read).value("status", 0), 405);
  EXPECT_EQ(read->get_header_value("Allow"), "POST");
  const auto removed = client.Delete("/v1/services");
  EXPECT_EQ(testing::ProblemOf(removed).value("status", 0), 405);
  EXPECT_EQ(removed->get_header_value("Allow"), "GET, HEAD");
  const auto posted = client.Post("/healthz", std::string(100'000, 'x'), "text/plain");
  EXPECT_EQ(testing::ProblemOf(posted).value("status", 0), 405);
}

TEST_F(Server, HeadIsGetWithoutTheBody) {
  const auto head = NewClient().Head("/healthz");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->get_header_value("Content-Length"), "3");
  EXPECT_EQ(head->body, "");
}

TEST_F(Server, AQueryIsNoPartOfThePath) {
  const auto live = Get("/healthz?verbose=1");
  ASSERT_TRUE(live);
  EXPECT_EQ(live->status, 200);
}

TEST_F(Server, OneConnectionCarriesManyRequests) {
  const RawSocket socket(server_->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(socket.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(socket.ReadUntil("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(Server, ABodyIsReadInPieces) {
  engine_.describe = [](std::string_view service, const std::vector<std::string>&) {
    return Result<ServiceDescription>(ServiceDescription{std::string(service), {}, {}, {}});
  };
  const RawSocket socket(server_->port());
  ASSERT_TRUE(
      socket.Send("POST /v1/features HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\n{\"fea\r\n"));
  ASSERT_TRUE(socket.Send("18\r\nture_service\": \"ranking\"\r\n"));
  ASSERT_TRUE(socket.Send("1\r\n}\r\n0\r\n\r\n"));
  EXPECT_THAT(socket.ReadUntil("}\n"), HasSubstr("\"features\":[]"));
}

TEST_F(Server, ABodyThatIsTooLargeIsRefusedBeforeItIsSent) {
  const RawSocket socket(server_->port());
  ASSERT_TRUE(socket.Send("POST /v1/features HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                          std::to_string(limits::kHttpBodyBytesMax + 1) +
                          "\r\nExpect: 100-continue\r\n\r\n"));
  const std::string answer = socket.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("a body has at most 4194304 bytes"));
}

TEST_F(Server, ABodyThatTurnsOutTooLargeIsRefused) {
  const RawSocket socket(server_->port());
  ASSERT_TRUE(
      socket.Send("POST /v1/features HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
  for (size_t sent = 0; sent <= limits::kHttpBodyBytesMax; sent += 0x10000)
    ASSERT_TRUE(socket.Send(chunk));
  ASSERT_TRUE(socket.Send("0\r\n\r\n"));
  EXPECT_THAT(socket.ReadUntil("}\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Server, TheLargestBodyIsTaken) {
  std::string body = "{\"features\": [1]}";
  body.insert(1, limits::kHttpBodyBytesMax - body.size(), ' ');
  const auto problem = testing::ProblemOf(PostFeatures(body));
  EXPECT_EQ(problem.value("pointer", ""), "#/features/0");
}

TEST_F(Server, AllBodiesTogetherAreBounded) {
  Gate gate;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) { return gate.Pass(); };
  std::string body = "{\"features\": []}";
  body.insert(1, limits::kHttpBodyBytesMax - body.size(), ' ');
  constexpr int fitting = limits::kHttpBodiesBytesMax / limits::kHttpBodyBytesMax;
  std::vector<std::thread> callers;
  for (int i = 0; i < fitting; ++i)
    callers.emplace_back([&] { EXPECT_EQ(PostFeatures(body)->status, 200); });
  gate.AwaitWaiting(fitting);
  const auto refused = PostFeatures("{}");
  EXPECT_EQ(testing::ProblemOf(refused).value("status", 0), 503);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  gate.Open();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(PostFeatures("{\"features\": []}")->status, 200) << "all was given back";
}

TEST_F(Server, CompressedBodiesAreRefused) {
  const auto answer =
      NewClient().Post("/v1/features", {{"Content-Encoding", "gzip"}}, "xxxx", "application/json");
  EXPECT_EQ(testing::ProblemOf(answer).value("status", 0), 415);
}

TEST_F(Server, HeadsAreBounded) {
  const RawSocket long_path(server_->port());
  long_path.Send("GET /" + std::string(limits::kHttpConnectionBytesMax, 'x') +
                 " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(long_path.ReadToEnd(), StartsWith("HTTP/1.1 414 "));
  const RawSocket many_headers(server_->port());
  std::string head = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
  for (size_t i = 0; head.size() < limits::kHttpConnectionBytesMax; ++i)
    head += "X-" + std::to_string(i) + ": y\r\n";
  many_headers.Send(head + "\r\n");
  EXPECT_THAT(many_headers.ReadToEnd(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(Server, WhatIsNoHttpIsRefusedAndTheServerGoesOn) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02"), std::string("\r\n\r\n\r\n\r\n"),
        std::string("GET\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string("POST /v1/features HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"),
        std::string("POST /v1/features HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")}) {
    const RawSocket socket(server_->port());
    socket.Send(bytes);
    socket.EndSending();
    EXPECT_THAT(socket.ReadToEnd(), ::testing::Not(HasSubstr(" 200 "))) << bytes;
  }
  EXPECT_EQ(Get("/healthz")->status, 200);
}

TEST_F(Server, HealthIsAnsweredWhileFeaturesAreSlow) {
  Gate gate;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) { return gate.Pass(); };
  std::vector<std::thread> callers;
  for (int i = 0; i < 20; ++i)
    callers.emplace_back([this] { EXPECT_EQ(PostFeatures("{\"features\": []}")->status, 200); });
  gate.AwaitWaiting(20);
  EXPECT_EQ(Get("/healthz")->status, 200);
  gate.Open();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(Server, ConnectionsBeyondTheLimitAreClosed) {
  Start({.address = "127.0.0.1:0", .connections = 2});
  auto first = std::make_unique<RawSocket>(server_->port());
  const RawSocket second(server_->port());
  for (const RawSocket* socket : std::initializer_list<const RawSocket*>{first.get(), &second}) {
    ASSERT_TRUE(socket->Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    socket->ReadUntil("ok\n");
  }
  EXPECT_EQ(RawSocket(server_->port()).ReadToEnd(), "");
  first.reset();
  while (!Get("/healthz")) std::this_thread::yield();
}

TEST_F(Server, ShutdownLetsRequestsEndAndTakesNoNewOnes) {
  Gate gate;
  engine_.get_features = [&](const FeatureRequest&, FeatureResponse*) { return gate.Pass(); };
  auto idle = NewClient();
  idle.set_keep_alive(true);
  ASSERT_TRUE(idle.Get("/healthz"));
  std::thread caller([this] {
    const auto answer = PostFeatures("{\"features\": []}");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->get_header_value("Connection"), "close");
  });
  gate.AwaitWaiting(1);
  server_->BeginDrain();
  EXPECT_FALSE(RawSocket(server_->port()).connected());
  const auto not_ready = idle.Get("/readyz");
  ASSERT_TRUE(not_ready) << "a connection that was open is still answered";
  EXPECT_EQ(not_ready->status, 503);
  EXPECT_EQ(not_ready->body, "not ready: stopping\n");
  std::thread stopping([this] { server_->Shutdown(60'000); });
  gate.Open();
  stopping.join();
  caller.join();
}

TEST_F(Server, ShutdownDoesNotWaitForIdleConnections) {
  const RawSocket idle(server_->port());
  ASSERT_TRUE(idle.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  idle.ReadUntil("ok\n");
  const auto begun = std::chrono::steady_clock::now();
  server_->Shutdown(60'000);
  server_->Shutdown(60'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_EQ(idle.ReadToEnd(), "");
}

TEST_F(Server, ShutdownCutsOffWhoSendsTooSlowly) {
  const RawSocket slow(server_->port());
  ASSERT_TRUE(
      slow.Send("POST /v1/features HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"
                "Expect: 100-continue\r\n\r\n"));
  EXPECT_THAT(slow.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  const auto begun = std::chrono::steady_clock::now();
  server_->Shutdown(100);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_EQ(slow.ReadToEnd(), "");
}

TEST_F(Server, AddressesThatCannotBeListenedOnAreRefused) {
  const std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  const auto twice = HttpServer::Start(engine_, {.address = taken});
  EXPECT_EQ(twice.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(twice.status().message(), HasSubstr("cannot listen on " + taken + " for HTTP"));
  for (const char* address : {"", "7071", "127.0.0.1:", ":7071", "127.0.0.1:http", "no such:1"})
    EXPECT_EQ(HttpServer::Start(engine_, {.address = address}).status().code(),
              StatusCode::kInvalidArgument)
        << address;
}

TEST_F(Server, ManyCallersEachGetTheirOwnAnswer) {
  engine_.describe = [](std::string_view, const std::vector<std::string>&) {
    return Result<ServiceDescription>(
        ServiceDescription{"ranking", {{"user_id", Type::kInt64}}, {}, {}});
  };
  engine_.get_features = [](const FeatureRequest& request, FeatureResponse* response) {
    response->row_count = 1;
    response->features.resize(1);
    response->features[0].values = request.entities.at(0).values;
    return Status::Ok();
  };
  std::atomic<int> wrong = 0;
  const auto call_often = [&](int first) {
    auto client = NewClient();
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    for (int user_id = first; user_id < first + 100; ++user_id) {
      const std::string id = std::to_string(user_id);
      const auto answer = client.Post(
          "/v1/features",
          "{\"feature_service\": \"ranking\", \"entities\": {\"user_id\": [" + id + "]}}",
          "application/json");
      if (!answer || answer->body.find("\"values\":[" + id + "]") == std::string::npos) ++wrong;
    }
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) callers.emplace_back(call_often, i * 1'000);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  const auto metrics = Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_THAT(
      metrics->body,
      HasSubstr(
          "freshet_http_requests_total{code=\"200\",method=\"POST\",path=\"/v1/features\"} 800\n"));
}

TEST_F(Server, WhatIsBeyondTheLimitIsRefusedAtOnce) {
  std::promise<void> go_on;
  engine_.get_features = [gone_on = go_on.get_future().share()](const FeatureRequest&,
                                                                FeatureResponse*) {
    gone_on.wait();
    return Status::Ok();
  };
  const std::string body = "{\"feature_service\": \"ranking\", \"entities\": {}}";
  std::vector<std::thread> callers;
  for (size_t i = 0; i < testing::ScriptedEngine::kInFlightMax; ++i)
    callers.emplace_back([&] { EXPECT_EQ(PostFeatures(body)->status, 200); });
  while (engine_.request_gate.in_flight() < testing::ScriptedEngine::kInFlightMax)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto refused = PostFeatures(body);
  const auto problem = testing::ProblemOf(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  EXPECT_EQ(problem["code"], "ResourceExhausted");
  EXPECT_THAT(problem["detail"], HasSubstr("serving.requests_in_flight"));
  EXPECT_EQ(engine_.request_gate.refused(), 1u);
  EXPECT_EQ(Get("/healthz")->status, 200);
  go_on.set_value();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(PostFeatures(body)->status, 200);
  EXPECT_EQ(engine_.request_gate.in_flight(), 0u);
}

constexpr const char* kWaitForever =
    "{\"feature_service\": \"ranking\", \"entities\": {}, \"read_after\": [{\"source\": \"a\", "
    "\"offset\": 9}]}";

// An engine whose events never come.
Status WaitUntilCancelled(const FeatureRequest& request, std::atomic<int>& waiting) {
  ++waiting;
  while (!request.is_cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  --waiting;
  return Status::Cancelled("the caller gave up while the request waited for its events");
}

TEST_F(Server, AWaitForEventsEndsWithItsCaller) {
  std::atomic<int> waiting{0};
  engine_.get_features = [&](const FeatureRequest& request, FeatureResponse*) {
    return WaitUntilCancelled(request, waiting);
  };
  {
    const RawSocket caller(server_->port());
    const std::string body = kWaitForever;
    caller.Send("POST /v1/features HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    while (waiting == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(engine_.request_gate.in_flight(), 0u) << "who waits takes no place";
  }
  while (waiting > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST_F(Server, WaitsForEventsAreBoundedAndEndWithTheServer) {
  server_.reset();
  Start({.address = "127.0.0.1:0", .connections = 4});
  std::atomic<int> waiting{0};
  engine_.get_features = [&](const FeatureRequest& request, FeatureResponse*) {
    return WaitUntilCancelled(request, waiting);
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i)
    callers.emplace_back([&] { EXPECT_EQ(PostFeatures(kWaitForever)->status, 503); });
  while (waiting < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto refused = PostFeatures(kWaitForever);
  EXPECT_EQ(refused->status, 429);
  EXPECT_THAT(testing::ProblemOf(refused)["detail"], HasSubstr("2 requests wait"));
  EXPECT_EQ(Get("/healthz")->status, 200);
  server_->Shutdown(60'000);
  for (std::thread& caller : callers) caller.join();
}

TEST_F(Server, ANulDoesNotEndAPath) {
  for (const char* path : {"/healthz%00x", "/v1/services%00"}) {
    const RawSocket caller(server_->port());
    caller.Send(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(caller.ReadToEnd(), StartsWith("HTTP/1.1 404")) << path;
  }
}

TEST_F(Server, ErrorsAreBoundedWhateverTheyQuote) {
  const auto answer =
      PostFeatures("{\"" + std::string(limits::kHttpBodyBytesMax - 100, 'x') + "\": 1}");
  EXPECT_EQ(testing::ProblemOf(answer)["status"], 400);
  EXPECT_LT(answer->body.size(), 4 * limits::kErrorBytesMax);
}

}  // namespace
}  // namespace freshet::http
