// Which files a path means, and reading them: from this machine and from object stores.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

namespace freshet::load {

struct FileList {
  std::vector<std::unique_ptr<LoadFile>> files;  // by name
  uint64_t bytes = 0;                            // all together
  std::string format;                            // as all names tell it; empty when they do not
};

// A program that lists objects has one around all lists and their files: what the stores hold of the
// process, threads too, must go before main ends. After it no object can be listed.
class ObjectStoreScope {
 public:
  ObjectStoreScope() = default;
  ~ObjectStoreScope();
  ObjectStoreScope(const ObjectStoreScope&) = delete;
  ObjectStoreScope& operator=(const ObjectStoreScope&) = delete;
};

struct ObjectStoreOptions {
  // http://host:port or https://host of a store that speaks S3. Empty: AWS_ENDPOINT_URL_S3, else
  // AWS_ENDPOINT_URL of the environment, else Amazon's.
  std::string s3_endpoint;
};

// One file; a folder: all files in it and in its folders, those apart whose names begin with '.' or
// '_'; or a pattern with *, ? and [...], each match a file or a folder. A part `column=value` of a
// path fixes a column, as Hive writes them. IoError, InvalidArgument when there are no files or when
// their names tell different formats. Any thread may read a file, one at a time.
//
// The same by s3://bucket/key for objects, where what stands before a '/' is a folder. Credentials come
// from where the AWS SDK looks for them, the environment first. Only the ranges that are read travel.
Result<FileList> ListFiles(const std::string& path, const ObjectStoreOptions& options = {});

}  // namespace freshet::load
