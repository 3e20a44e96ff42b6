#include "store/row_folder.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/iterator.h>
#include <rocksdb/sst_file_reader.h>

#include "base/limits.h"
#include "store/database.h"
#include "store/file_checksum.h"
#include "store/key_layout.h"
#include "store/row.h"
#include "store/row_file_options.h"

namespace freshet::store {
namespace {

constexpr size_t kReadAheadBytes = 2u << 20;
constexpr std::string_view kWayOut = "copy the folder again, or build it again";

// OK for what is not there, too, which reading it tells. A link could lead out of the folders that a
// server adopts from, and a pipe or a device never ends.
Status CheckIsFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status))
    return Status::Ok();
  return Status::Corruption(fmt::format("{} is not a file of its own; {}", path, kWayOut));
}

Result<std::string> ReadManifest(const std::string& path) {
  FRESHET_RETURN_IF_ERROR(CheckIsFile(path));
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (!error && size > limits::kManifestBytesMax) {
    return Status::Corruption(fmt::format("{}: {} bytes; a manifest has at most {}", path, size,
                                          limits::kManifestBytesMax));
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || in.bad()) return Status::IoError(fmt::format("cannot read {}", path));
  return bytes;
}

// The rows of one file, each against what the manifest says of them all.
class RowsCheck {
 public:
  RowsCheck(const Manifest::File& file, const RowLayout& layout) : file_(file), layout_(layout) {}

  // What is wrong; empty when nothing is.
  std::string Take(std::string_view state_key, std::string_view row) {
    if (state_key.size() < kTablePrefixBytes || TableOf(state_key) != kBuiltTable)
      return "the key is not one of a built row";
    const std::string_view key = EntityKeyOf(state_key);
    if (rows_++ == 0 ? key != file_.first_key : key <= last_key_)
      return rows_ == 1 ? "it is not the first that the manifest says" : "it is out of order";
    if (key > file_.last_key) return "it comes after the last that the manifest says";
    last_key_ = key;
    if (RowLayout::IsTombstone(row)) return "it deletes its entity, and built rows are whole";
    return std::string(layout_.Validate(row).message());
  }

  bool is_whole() const { return rows_ == file_.rows && last_key_ == file_.last_key; }
  uint64_t rows() const { return rows_; }

 private:
  const Manifest::File& file_;
  const RowLayout& layout_;
  std::string last_key_;
  uint64_t rows_ = 0;
};

}  // namespace

Result<RowFolder> RowFolder::Open(std::string path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored))
    return Status::NotFound(fmt::format("there is no folder {}", path));
  const std::string file = fmt::format("{}/{}", path, kManifestName);
  if (!std::filesystem::exists(file, ignored)) {
    return Status::FailedPrecondition(
        fmt::format("{} has no {}: it is no folder of built rows, or its build did not come to its "
                    "end; build it again",
                    path, kManifestName));
  }
  FRESHET_ASSIGN_OR_RETURN(const std::string bytes, ReadManifest(file));
  auto manifest = DecodeManifest(bytes);
  if (manifest.ok()) return RowFolder(std::move(path), std::move(*manifest));
  Status status = manifest.status().Prefixed(file);
  if (status.code() != StatusCode::kCorruption) return status;
  return Status::Corruption(fmt::format("{}; {}", status.message(), kWayOut));
}

Status RowFolder::CheckBytes(const Manifest::File& file, FunctionRef<Status()> is_wanted) const {
  const std::string path = PathOf(file);
  FRESHET_RETURN_IF_ERROR(CheckIsFile(path));
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error)
    return Status::Corruption(
        fmt::format("cannot read {}: {}; {}", path, error.message(), kWayOut));
  if (size != file.bytes) {
    return Status::Corruption(fmt::format("{} has {} bytes, where the manifest says {}; {}", path,
                                          size, file.bytes, kWayOut));
  }
  FRESHET_ASSIGN_OR_RETURN(const uint64_t checksum, ChecksumOfFile(path, is_wanted));
  if (checksum == file.checksum) return Status::Ok();
  return Status::Corruption(
      fmt::format("{} has the checksum {:016x}, where the manifest says {:016x}: it was damaged or "
                  "replaced; {}",
                  path, checksum, file.checksum, kWayOut));
}

Status RowFolder::ReadRows(
    const Manifest::File& file,
    FunctionRef<Status(uint64_t number, std::string_view entity_key, std::string_view row)> visit)
    const {
  const std::string path = PathOf(file);
  const RowFileOptions options = NewRowFileOptions({});
  rocksdb::SstFileReader reader(options.served);
  FRESHET_RETURN_IF_ERROR(FromRocks(reader.Open(path), fmt::format("read {}", path)));
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  read.readahead_size = kReadAheadBytes;
  const std::unique_ptr<rocksdb::Iterator> rows(reader.NewIterator(read));
  const RowLayout layout(manifest_.shape.columns.types);
  RowsCheck check(file, layout);
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const std::string problem = check.Take(ToView(rows->key()), ToView(rows->value()));
    if (!problem.empty())
      return Status::Corruption(
          fmt::format("{}: row {}: {}; {}", path, check.rows(), problem, kWayOut));
    FRESHET_RETURN_IF_ERROR(
        visit(check.rows(), EntityKeyOf(ToView(rows->key())), ToView(rows->value())));
  }
  FRESHET_RETURN_IF_ERROR(FromRocks(rows->status(), fmt::format("read {}", path)));
  if (check.is_whole()) return Status::Ok();
  return Status::Corruption(fmt::format("{} has {} rows, where the manifest says {}; {}", path,
                                        check.rows(), file.rows, kWayOut));
}

}  // namespace freshet::store
