// A real server of S3 for tests, moto, on a port of its own.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "support/temp_folder.h"

namespace freshet::testing {

class S3Server {
 public:
  // Returns once it listens; a test failure when it does not come up. `environment` holds NAME=VALUE.
  // The program is looked for in the folder that the build was configured with (FRESHET_MOTO).
  explicit S3Server(const std::vector<std::string>& environment = {});
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  const std::string& endpoint() const { return endpoint_; }  // "http://127.0.0.1:port"

  // Makes a bucket of all files of a folder; their keys are their paths in it.
  void MakeBucket(const std::string& bucket, const std::string& folder) const;

 private:
  TempFolder folder_;
  pid_t process_ = -1;
  std::string endpoint_;
};

}  // namespace freshet::testing
