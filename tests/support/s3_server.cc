#include "support/s3_server.h"

#include <chrono>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/subprocess.h"

namespace freshet::testing {
namespace {

constexpr char kMakeBucket[] = R"(
import os, sys, boto3
endpoint, bucket, folder = sys.argv[1:]
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                      aws_access_key_id="key", aws_secret_access_key="secret")
client.create_bucket(Bucket=bucket)
for parent, _, names in os.walk(folder):
    for name in names:
        path = os.path.join(parent, name)
        client.upload_file(path, bucket, os.path.relpath(path, folder))
)";

std::string PythonPath() {
  return std::string("PYTHONPATH=") + FRESHET_MOTO;
}

// The address in what the server says of itself; empty when it has not said it yet.
std::string FindEndpoint(const std::string& log) {
  const size_t begin = log.find("http://");
  const size_t end = log.find('\n', begin);
  if (begin == std::string::npos || end == std::string::npos) return "";
  return log.substr(begin, end - begin);
}

}  // namespace

S3Server::S3Server(const std::vector<std::string>& environment) {
  std::vector<std::string> all = environment;
  all.push_back(PythonPath());
  const std::string log = folder_.File("log");
  process_ =
      StartProgram({"/usr/bin/env", "python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"},
                   STDIN_FILENO, folder_.File("out"), log, all);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (endpoint_.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    endpoint_ = FindEndpoint(ReadFile(log));
  }
  EXPECT_FALSE(endpoint_.empty()) << ReadFile(log);
}

S3Server::~S3Server() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  WaitForExit(process_);
}

void S3Server::MakeBucket(const std::string& bucket, const std::string& folder) const {
  const Finished made =
      RunProgram({"/usr/bin/env", "python3", "-c", kMakeBucket, endpoint_, bucket, folder}, "",
                 {PythonPath()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
}

}  // namespace freshet::testing
