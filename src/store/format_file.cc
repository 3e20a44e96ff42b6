#include "store/format_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>

namespace freshet::store {
namespace {

constexpr std::string_view kFormat = "freshet-store 1\n";

Status SystemError(std::string_view doing, const std::string& path) {
  return Status::IoError(fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno)));
}

// Syncs a file or a folder.
Status SyncPath(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("open", path);
  int failed = ::fsync(descriptor);
  Status status = failed != 0 ? SystemError("sync", path) : Status::Ok();
  ::close(descriptor);
  return status;
}

// Through another name, so that a crash leaves the whole file or none.
Status WriteFormatFile(const std::string& path, const std::string& file) {
  const std::string unfinished = file + ".new";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out << kFormat;
  out.close();
  if (!out) return SystemError("write", unfinished);
  FRESHET_RETURN_IF_ERROR(SyncPath(unfinished));
  if (::rename(unfinished.c_str(), file.c_str()) != 0) return SystemError("rename", unfinished);
  return SyncPath(path);
}

}  // namespace

std::string DatabaseFolder(const std::string& path) {
  return path + "/db";
}

std::string LoadsFolder(const std::string& path) {
  return path + "/loads";
}

std::string CheckpointsFolder(const std::string& path) {
  return path + "/checkpoints";
}

Status ClearFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) std::filesystem::create_directories(folder, error);
  if (!error) return Status::Ok();
  return Status::IoError(fmt::format("cannot clear the folder {}: {}", folder, error.message()));
}

Status CheckOrWriteFormatFile(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return Status::IoError(
        fmt::format("cannot make the data folder {}: {}", path, error.message()));
  const std::string file = path + "/FORMAT";
  if (!std::filesystem::exists(file, error)) {
    if (std::filesystem::exists(DatabaseFolder(path) + "/CURRENT", error)) {
      return Status::FailedPrecondition(
          fmt::format("the data folder {} holds a database but no FORMAT file, so it is not "
                      "Freshet's; choose another folder",
                      path));
    }
    return WriteFormatFile(path, file);
  }
  std::ifstream in(file, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  if (!in) return SystemError("read", file);
  if (content.str() == kFormat) return Status::Ok();
  std::string found = content.str().substr(0, content.str().find('\n')).substr(0, 100);
  return Status::FailedPrecondition(fmt::format(
      "the data folder {} has the format '{}'; this program reads '{}'. Use the version "
      "of Freshet that wrote it, or another folder",
      path, found, kFormat.substr(0, kFormat.size() - 1)));
}

}  // namespace freshet::store
