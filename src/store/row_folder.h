// A folder of rows that was built to be adopted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/manifest.h"

namespace freshet::store {

// Immutable; any thread. The folder is only read.
class RowFolder {
 public:
  // NotFound without such a folder, FailedPrecondition when it has no manifest or one of another version,
  // Corruption when that cannot be read.
  static Result<RowFolder> Open(std::string path);

  const std::string& path() const { return path_; }
  const Manifest& manifest() const { return manifest_; }

  // Corruption unless the file has the bytes that the manifest says. `is_wanted` is asked now and then; what
  // it answers instead of OK ends the reading.
  Status CheckBytes(const Manifest::File& file, FunctionRef<Status()> is_wanted) const;
  // Hands over the rows in order, counted from 1. Corruption when they are not the rows that the manifest
  // says, or one has not its columns; rows before that have been handed over by then.
  Status ReadRows(
      const Manifest::File& file,
      FunctionRef<Status(uint64_t number, std::string_view entity_key, std::string_view row)> visit)
      const;

 private:
  RowFolder(std::string path, Manifest manifest)
      : path_(std::move(path)), manifest_(std::move(manifest)) {}

  std::string PathOf(const Manifest::File& file) const { return path_ + "/" + file.name; }

  std::string path_;
  Manifest manifest_;
};

}  // namespace freshet::store
