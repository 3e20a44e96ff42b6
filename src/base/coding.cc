#include "base/coding.h"

#include "base/check.h"

namespace freshet {

void AppendBigEndian32(std::string& to, uint32_t value) {
  Append(to, __builtin_bswap32(value));
}

void AppendBigEndian64(std::string& to, uint64_t value) {
  Append(to, static_cast<uint64_t>(__builtin_bswap64(value)));
}

uint32_t LoadBigEndian32(const char* from) {
  return __builtin_bswap32(Load<uint32_t>(from));
}

uint64_t LoadBigEndian64(const char* from) {
  return __builtin_bswap64(Load<uint64_t>(from));
}

void AppendSized(std::string& to, std::string_view bytes) {
  FRESHET_CHECK(bytes.size() <= UINT32_MAX);
  Append(to, static_cast<uint32_t>(bytes.size()));
  to.append(bytes);
}

std::string_view ByteReader::ReadBytes(size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

std::string_view ByteReader::ReadSized() {
  return ReadBytes(Read<uint32_t>());
}

}  // namespace freshet
