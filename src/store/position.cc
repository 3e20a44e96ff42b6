#include "store/position.h"

#include "base/coding.h"

namespace freshet::store {
namespace {

constexpr uint8_t kPositionVersion = 1;

}  // namespace

std::string EncodePosition(int64_t next_offset) {
  std::string bytes;
  Append(bytes, kPositionVersion);
  Append(bytes, next_offset);
  return bytes;
}

Result<int64_t> DecodePosition(std::string_view bytes) {
  ByteReader reader(bytes);
  auto version = reader.Read<uint8_t>();
  auto next_offset = reader.Read<int64_t>();
  if (!reader.done() || version != kPositionVersion || next_offset < 0)
    return Status::Corruption("a stored stream position cannot be read");
  return next_offset;
}

}  // namespace freshet::store
