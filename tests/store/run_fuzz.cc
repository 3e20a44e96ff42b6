// Any bytes are either refused or a run of rows. What the first byte leaves as it is must be a run of its own; else
// the bytes are the rows of a block, whose frame is put right, since no change of the bytes would pass its checksum: their rows come to
// the same bytes again when they are written.
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/coding.h"
#include "base/limits.h"
#include "store/file_checksum.h"
#include "store/run_file.h"

namespace {

using namespace freshet;

// A file in memory.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("run", MFD_CLOEXEC)) { FRESHET_CHECK(descriptor_ >= 0); }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }
  void Replace(std::string_view bytes) const {
    FRESHET_CHECK(ftruncate(descriptor_, 0) == 0);
    const auto size = static_cast<ssize_t>(bytes.size());
    FRESHET_CHECK(pwrite(descriptor_, bytes.data(), bytes.size(), 0) == size);
  }
  std::string Bytes() const {
    std::string bytes(static_cast<size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    const auto size = static_cast<ssize_t>(bytes.size());
    FRESHET_CHECK(pread(descriptor_, bytes.data(), bytes.size(), 0) == size);
    return bytes;
  }

 private:
  int descriptor_;
};

// As a run of one block.
std::string Framed(std::string_view rows) {
  std::string bytes = "freshet-run 1\n";
  Append(bytes, static_cast<uint32_t>(rows.size()));
  Append(bytes, store::ChecksumOfBytes(rows));
  bytes += rows;
  Append(bytes, uint32_t{0});
  return bytes;
}

// The number of rows; *all: whether the file was read to its end.
uint64_t Copy(const MemoryFile& from, const MemoryFile& to, bool* all) {
  auto writer = store::RunWriter::Create(to.path(), limits::kRunBlockBytes);
  FRESHET_CHECK(writer.ok());
  uint64_t rows = 0;
  auto run = store::RunReader::Open(from.path());
  *all = run.ok();
  while (*all && (*run)->valid()) {
    FRESHET_CHECK(writer->Add((*run)->entity_key(), (*run)->row()).ok());
    ++rows;
    *all = (*run)->Next().ok();
  }
  FRESHET_CHECK(writer->Finish(store::Durability::kBuffered).ok());
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > limits::kRunBlockBytes) return 0;
  static const MemoryFile given;
  static const MemoryFile written;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_whole_file = data[0] == 0;
  bool all = false;
  if (is_whole_file) {
    given.Replace(bytes);
    Copy(given, written, &all);
    return 0;
  }
  if (bytes.empty()) return 0;
  std::string framed = Framed(bytes);
  given.Replace(framed);
  Append(framed, Copy(given, written, &all));
  given.Replace(framed);
  Copy(given, written, &all);
  if (all) FRESHET_CHECK(written.Bytes() == framed);
  return 0;
}
