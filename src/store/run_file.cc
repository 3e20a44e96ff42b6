#include "store/run_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/coding.h"
#include "base/limits.h"
#include "store/durable_file.h"
#include "store/file_checksum.h"
#include "store/row.h"

namespace freshet::store {
namespace {

constexpr std::string_view kRunMagic = "freshet-run 1\n";
constexpr size_t kFrameBytes = sizeof(uint32_t) + sizeof(uint64_t);
constexpr size_t kSizesBytes = 2 * sizeof(uint32_t);
constexpr size_t kRunBlockBytesMax =
    limits::kRunBlockBytes + kSizesBytes + limits::kEntityKeyBytesMax + limits::kStoredRowBytesMax;

OpenFile OpenUnbuffered(const std::string& path, const char* mode) {
  OpenFile file(std::fopen(path.c_str(), mode), &std::fclose);
  // Blocks are larger than its buffer would be.
  if (file != nullptr) std::setvbuf(file.get(), nullptr, _IONBF, 0);
  return file;
}

void SaveFrame(char* to, uint32_t size, uint64_t number) {
  Save(to, size);
  Save(to + sizeof(uint32_t), number);
}

}  // namespace

Result<RunWriter> RunWriter::Create(std::string path, size_t block_bytes) {
  OpenFile file = OpenUnbuffered(path, "wbe");
  if (file == nullptr) return SystemError("make", path);
  RunWriter writer(std::move(path), std::move(file), block_bytes);
  FRESHET_RETURN_IF_ERROR(writer.Write(kRunMagic));
  return writer;
}

RunWriter::RunWriter(std::string path, OpenFile file, size_t block_bytes)
    : path_(std::move(path)),
      file_(std::move(file)),
      block_(kFrameBytes + block_bytes, '\0'),
      filled_(kFrameBytes) {
  FRESHET_CHECK(block_bytes <= limits::kRunBlockBytes);
}

Status RunWriter::Add(std::string_view entity_key, std::string_view row) {
  const size_t size = kSizesBytes + entity_key.size() + row.size();
  if (filled_ + size > block_.size()) {
    if (filled_ > kFrameBytes) FRESHET_RETURN_IF_ERROR(WriteBlock());
    if (kFrameBytes + size > block_.size()) block_.resize(kFrameBytes + size);
  }
  char* const to = block_.data() + filled_;
  Save(to, static_cast<uint32_t>(entity_key.size()));
  Save(to + sizeof(uint32_t), static_cast<uint32_t>(row.size()));
  entity_key.copy(to + kSizesBytes, entity_key.size());
  row.copy(to + kSizesBytes + entity_key.size(), row.size());
  filled_ += size;
  ++rows_;
  return Status::Ok();
}

Status RunWriter::Finish(Durability durability) {
  if (filled_ > kFrameBytes) FRESHET_RETURN_IF_ERROR(WriteBlock());
  SaveFrame(block_.data(), 0, rows_);
  FRESHET_RETURN_IF_ERROR(Write({block_.data(), kFrameBytes}));
  if (durability == Durability::kSynced && ::fsync(::fileno(file_.get())) != 0)
    return SystemError("sync", path_);
  return std::fclose(file_.release()) == 0 ? Status::Ok() : SystemError("write", path_);
}

Status RunWriter::WriteBlock() {
  const std::string_view rows(block_.data() + kFrameBytes, filled_ - kFrameBytes);
  SaveFrame(block_.data(), static_cast<uint32_t>(rows.size()), ChecksumOfBytes(rows));
  return Write({block_.data(), std::exchange(filled_, kFrameBytes)});
}

Status RunWriter::Write(std::string_view bytes) {
  const size_t written = std::fwrite(bytes.data(), 1, bytes.size(), file_.get());
  return written == bytes.size() ? Status::Ok() : SystemError("write", path_);
}

Result<std::unique_ptr<SortedRows>> RunReader::Open(std::string path) {
  OpenFile file = OpenUnbuffered(path, "rbe");
  if (file == nullptr) return SystemError("open", path);
  std::unique_ptr<RunReader> reader(new RunReader(std::move(path), std::move(file)));
  FRESHET_RETURN_IF_ERROR(reader->Begin());
  return std::unique_ptr<SortedRows>(std::move(reader));
}

RunReader::RunReader(std::string path, OpenFile file)
    : path_(std::move(path)), file_(std::move(file)) {}

Status RunReader::Begin() {
  // Advice: without it the file is only read in smaller pieces.
  posix_fadvise(::fileno(file_.get()), 0, 0, POSIX_FADV_SEQUENTIAL);
  block_.resize(kRunMagic.size() + kFrameBytes);
  FRESHET_RETURN_IF_ERROR(Read(block_.data(), block_.size()));
  if (!block_.starts_with(kRunMagic)) return Damaged("it does not begin as one");
  frame_ = std::string_view(block_).substr(kRunMagic.size());
  return Next();
}

Status RunReader::Next() {
  valid_ = false;
  if (rest_.empty()) {
    FRESHET_RETURN_IF_ERROR(ReadBlock());
    if (rest_.empty()) return Status::Ok();
  }
  if (rest_.size() < kSizesBytes) return Damaged("a row ends early");
  const size_t key_size = freshet::Load<uint32_t>(rest_.data());
  const size_t row_size = freshet::Load<uint32_t>(rest_.data() + sizeof(uint32_t));
  const size_t size = kSizesBytes + key_size + row_size;
  if (size > rest_.size() || row_size < RowLayout::kHeaderBytes) return Damaged("a row ends early");
  entity_key_ = rest_.substr(kSizesBytes, key_size);
  row_ = rest_.substr(kSizesBytes + key_size, row_size);
  rest_.remove_prefix(size);
  ++rows_;
  valid_ = true;
  return Status::Ok();
}

Status RunReader::ReadBlock() {
  const size_t size = freshet::Load<uint32_t>(frame_.data());
  const auto number = freshet::Load<uint64_t>(frame_.data() + sizeof(uint32_t));
  if (size == 0) return number == rows_ ? CheckEnd() : Damaged("it has another number of rows");
  if (size > kRunBlockBytesMax) return Damaged("a block is too large");
  if (block_.size() < size + kFrameBytes) block_.resize(size + kFrameBytes);
  FRESHET_RETURN_IF_ERROR(Read(block_.data(), size + kFrameBytes));
  const std::string_view rows(block_.data(), size);
  if (ChecksumOfBytes(rows) != number) return Damaged("the checksum of a block is another");
  rest_ = rows;
  frame_ = {block_.data() + size, kFrameBytes};
  return Status::Ok();
}

Status RunReader::CheckEnd() {
  if (std::fgetc(file_.get()) != EOF) return Damaged("something follows its end");
  return std::ferror(file_.get()) == 0 ? Status::Ok() : SystemError("read", path_);
}

Status RunReader::Read(char* bytes, size_t size) {
  if (std::fread(bytes, 1, size, file_.get()) == size) return Status::Ok();
  return std::ferror(file_.get()) == 0 ? Damaged("it ends early") : SystemError("read", path_);
}

Status RunReader::Damaged(std::string_view how) const {
  return Status::Corruption(fmt::format(
      "the sorted run {} is damaged: {}; load anew, and discard what is kept of the load", path_,
      how));
}

}  // namespace freshet::store
