// Many requests of one service, each with the next keys of a list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "freshet/engine.h"
#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet::cli {

// Reads a file with an object a line, {"user_id": 42, "basket_value": 120}, into words as
// ReadKeyValues takes them, at the end of *words. InvalidArgument names the line. At most
// kPoolRowsMax lines.
Status ReadKeysFile(const std::string& path, std::vector<std::string>* words);

inline constexpr size_t kPoolRowsMax = 1'000'000;

class RequestPool {
 public:
  // `words` as in ReadKeyValues, whose errors it has; they hold one row at least. `rows` of them go
  // into each request.
  static Result<RequestPool> Make(const std::vector<std::string>& words,
                                  const ServiceDescription& description, size_t rows);

  // The index-th request: the rows after those of the one before, from the first again after the
  // last.
  FeatureRequest Take(uint64_t index) const;
  size_t size() const { return size_; }

 private:
  RequestPool() = default;

  FeatureRequest all_;  // every row
  size_t size_ = 1;
  size_t rows_ = 1;
};

}  // namespace freshet::cli
