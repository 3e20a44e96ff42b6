// A server over a real socket, its engine scripted, and clients that talk to it.
#pragma once

#include <chrono>
#include <httplib.h>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "http/server.h"
#include "rpc/scripted_engine.h"

namespace freshet::testing {

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({.address = "127.0.0.1:0"}); }

  void Start(const http::HttpOptions& options) {
    auto started = http::HttpServer::Start(engine_, options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server_ = std::move(*started);
  }

  httplib::Client NewClient() const {
    httplib::Client client("127.0.0.1", server_->port());
    // Large bodies take long under a sanitizer.
    client.set_read_timeout(std::chrono::minutes(2));
    return client;
  }

  httplib::Result Get(const std::string& path) const { return NewClient().Get(path); }
  httplib::Result PostFeatures(const std::string& body) const {
    return NewClient().Post("/v1/features", body, "application/json");
  }

  ScriptedEngine engine_;
  std::unique_ptr<http::HttpServer> server_;
};

// An error as RFC 9457 has it: fails the test when the answer is none.
inline nlohmann::json ProblemOf(const httplib::Result& answer) {
  if (!answer) {
    ADD_FAILURE() << "no answer: " << httplib::to_string(answer.error());
    return nlohmann::json::object();
  }
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/problem+json") << answer->body;
  auto problem = nlohmann::json::parse(answer->body, nullptr, false);
  EXPECT_TRUE(problem.is_object()) << answer->body;
  EXPECT_EQ(problem.value("status", 0), answer->status);
  EXPECT_FALSE(problem.value("title", "").empty());
  EXPECT_FALSE(problem.value("detail", "").empty());
  return problem;
}

}  // namespace freshet::testing
