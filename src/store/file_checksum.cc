#include "store/file_checksum.h"

#include <cstdio>

#include "base/check.h"
#include "base/coding.h"
#include "store/durable_file.h"

namespace freshet::store {
namespace {

constexpr size_t kReadBytes = 1u << 20;

std::unique_ptr<rocksdb::FileChecksumGenerator> NewGenerator() {
  return NewFileChecksums()->CreateFileChecksumGenerator({});
}

uint32_t Finish(rocksdb::FileChecksumGenerator& generator) {
  generator.Finalize();
  return ChecksumOf(generator.GetChecksum());
}

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> NewFileChecksums() {
  return rocksdb::GetFileChecksumGenCrc32cFactory();
}

uint32_t ChecksumOf(const std::string& row_file_checksum) {
  FRESHET_CHECK(row_file_checksum.size() == sizeof(uint32_t));
  return LoadBigEndian32(row_file_checksum.data());
}

uint32_t ChecksumOfBytes(std::string_view bytes) {
  const auto generator = NewGenerator();
  generator->Update(bytes.data(), bytes.size());
  return Finish(*generator);
}

Result<uint32_t> ChecksumOfFile(const std::string& path, FunctionRef<Status()> is_wanted) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return SystemError("open", path);
  const auto generator = NewGenerator();
  std::string bytes(kReadBytes, '\0');
  while (true) {
    FRESHET_RETURN_IF_ERROR(is_wanted());
    const size_t got = std::fread(bytes.data(), 1, bytes.size(), file.get());
    generator->Update(bytes.data(), got);
    if (got == bytes.size()) continue;
    if (std::ferror(file.get()) != 0) return SystemError("read", path);
    return Finish(*generator);
  }
}

}  // namespace freshet::store
