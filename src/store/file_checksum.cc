#include "store/file_checksum.h"

#include <cstdio>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/coding.h"
#include "store/durable_file.h"

namespace freshet::store {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr const char* kChecksumName = "FreshetXxh3";

class Checksum final : public rocksdb::FileChecksumGenerator {
 public:
  Checksum() { XXH3_64bits_reset(&state_); }

  void Update(const char* data, size_t size) override { XXH3_64bits_update(&state_, data, size); }
  void Finalize() override { AppendBigEndian64(text_, number()); }
  std::string GetChecksum() const override { return text_; }
  const char* Name() const override { return kChecksumName; }

  uint64_t number() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
  std::string text_;
};

class ChecksumFactory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& /*context*/) override {
    return std::make_unique<Checksum>();
  }
  const char* Name() const override { return kChecksumName; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> NewFileChecksums() {
  return std::make_shared<ChecksumFactory>();
}

uint64_t ChecksumOf(const std::string& row_file_checksum) {
  FRESHET_CHECK(row_file_checksum.size() == sizeof(uint64_t));
  return LoadBigEndian64(row_file_checksum.data());
}

uint64_t ChecksumOfBytes(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Result<uint64_t> ChecksumOfFile(const std::string& path, FunctionRef<Status()> is_wanted) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return SystemError("open", path);
  Checksum checksum;
  std::string bytes(kReadBytes, '\0');
  while (true) {
    FRESHET_RETURN_IF_ERROR(is_wanted());
    const size_t got = std::fread(bytes.data(), 1, bytes.size(), file.get());
    checksum.Update(bytes.data(), got);
    if (got == bytes.size()) continue;
    if (std::ferror(file.get()) != 0) return SystemError("read", path);
    return checksum.number();
  }
}

}  // namespace freshet::store
