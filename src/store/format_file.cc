#include "store/format_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "store/durable_file.h"

namespace freshet::store {
namespace {

constexpr std::string_view kFormat = "freshet-store 1\n";

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
    return WriteDurably(path, "FORMAT", kFormat);
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
