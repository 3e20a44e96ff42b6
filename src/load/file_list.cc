#include "load/file_list.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <glob.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "load/file_path.h"
#include "load/s3_file_list.h"
#include "registry/file_format.h"

namespace freshet::load {
namespace {

Status CannotRead(const std::string& path, int error) {
  return Status::IoError(fmt::format("cannot read {}: {}", path, std::strerror(error)));
}

class LocalFile final : public LoadFile {
 public:
  LocalFile(const std::string& path, const struct stat& about)
      : LoadFile(path, static_cast<uint64_t>(about.st_size), PathValuesOf(path),
                 about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec) {}
  ~LocalFile() override { Close(); }

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    if (descriptor_ < 0) descriptor_ = open(name().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) return CannotRead(name(), errno);
    while (count > 0) {
      const ssize_t got = pread(descriptor_, bytes, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return CannotRead(name(), errno);
      if (got == 0) {
        return Status::IoError(
            fmt::format("{} became shorter while it was read: it had {} bytes", name(), size()));
      }
      bytes += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<size_t>(got);
    }
    return Status::Ok();
  }

  void Close() override {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
};

Status AddFile(const std::string& path, FileList* list) {
  struct stat about = {};
  if (stat(path.c_str(), &about) != 0) return CannotRead(path, errno);
  if (!S_ISREG(about.st_mode))
    return Status::IoError(fmt::format("cannot read {}: it is not a file", path));
  if (access(path.c_str(), R_OK) != 0) return CannotRead(path, errno);
  return AddListed(std::make_unique<LocalFile>(path, about), list);
}

Status AddFolder(const std::string& folder, FileList* list) {
  std::error_code error;
  // Links that lead round in a circle end in an error: the system follows a few dozen.
  std::filesystem::recursive_directory_iterator walk(
      folder, std::filesystem::directory_options::follow_directory_symlink, error);
  for (; !error && walk != std::filesystem::recursive_directory_iterator(); walk.increment(error)) {
    if (IsHidden(walk->path().filename().string())) {
      walk.disable_recursion_pending();
      continue;
    }
    const bool is_folder = walk->is_directory(error);
    if (error) return CannotRead(walk->path().string(), error.value());
    if (!is_folder) FRESHET_RETURN_IF_ERROR(AddFile(walk->path().string(), list));
  }
  return error ? CannotRead(folder, error.value()) : Status::Ok();
}

Status AddPath(const std::string& path, FileList* list) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? AddFolder(path, list) : AddFile(path, list);
}

Status AddMatches(const std::string& pattern, FileList* list) {
  glob_t matches = {};
  const int outcome = glob(pattern.c_str(), GLOB_ERR, nullptr, &matches);
  Status status;
  if (outcome == GLOB_ABORTED) status = CannotRead(pattern, errno);
  for (size_t i = 0; i < matches.gl_pathc && status.ok(); ++i)
    status = AddPath(matches.gl_pathv[i], list);
  globfree(&matches);
  return status;
}

Status TellFormat(FileList* list) {
  const LoadFile* teller = nullptr;
  for (const auto& file : list->files) {
    const auto format = registry::FileFormatOfPath(file->name());
    if (!format.has_value()) continue;
    const std::string_view name = registry::FileFormatName(*format);
    if (teller != nullptr && name != list->format) {
      return Status::InvalidArgument(
          fmt::format("the files are of different formats: {} and {}; load one of them",
                      teller->name(), file->name()));
    }
    teller = file.get();
    list->format = name;
  }
  return Status::Ok();
}

Status ListLocal(const std::string& path, FileList* list) {
  std::error_code ignored;
  const bool is_pattern = IsPattern(path) && !std::filesystem::exists(path, ignored);
  FRESHET_RETURN_IF_ERROR(is_pattern ? AddMatches(path, list) : AddPath(path, list));
  if (!list->files.empty()) return Status::Ok();
  return Status::InvalidArgument(is_pattern ? fmt::format("nothing matches {}", path)
                                            : fmt::format("there are no files in {}", path));
}

}  // namespace

ObjectStoreScope::~ObjectStoreScope() {
  CloseS3();
}

Result<FileList> ListFiles(const std::string& path, const ObjectStoreOptions& options) {
  FileList list;
  FRESHET_RETURN_IF_ERROR(IsS3Url(path) ? ListS3(path, options.s3_endpoint, &list)
                                        : ListLocal(path, &list));
  std::sort(list.files.begin(), list.files.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  FRESHET_RETURN_IF_ERROR(TellFormat(&list));
  return list;
}

}  // namespace freshet::load
