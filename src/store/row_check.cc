#include "store/row_check.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace freshet::store {

Status CheckSizes(std::string_view entity_key, std::string_view row) {
  if (entity_key.empty() || entity_key.size() > limits::kEntityKeyBytesMax) {
    return Status::InvalidArgument(fmt::format("an entity key of {} bytes; 1 to {} are allowed",
                                               entity_key.size(), limits::kEntityKeyBytesMax));
  }
  if (row.size() > limits::kStoredRowBytesMax) {
    return Status::InvalidArgument(fmt::format("a row of {} bytes; at most {} are allowed",
                                               row.size(), limits::kStoredRowBytesMax));
  }
  return Status::Ok();
}

}  // namespace freshet::store
