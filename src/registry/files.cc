#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/registry.h"

namespace freshet::registry {
namespace {

namespace fs = std::filesystem;

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// The YAML files of a folder, sorted by name; hidden ones are left alone.
Result<std::vector<fs::path>> ListFolder(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator each(folder, error);
  for (; !error && each != fs::directory_iterator(); each.increment(error)) {
    const fs::path& path = each->path();
    std::error_code is_gone;
    if (IsYaml(path) && path.filename().string().front() != '.' &&
        fs::is_regular_file(path, is_gone)) {
      paths.push_back(path);
    }
  }
  if (error) {
    return Status::IoError(
        fmt::format("cannot read the folder '{}': {}", folder.string(), error.message()));
  }
  if (paths.empty()) {
    return Status::NotFound(fmt::format(
        "the folder '{}' has no .yaml or .yml file; folders in it are not read", folder.string()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::string> ReadText(const fs::path& path, size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes_max + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof())) {
    return Status::IoError(
        fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno)));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > bytes_max) {
    return Status::ResourceExhausted(
        fmt::format("'{}' takes the definitions over {} bytes, which is all that is allowed",
                    path.string(), limits::kDefinitionBytesMax));
  }
  return text;
}

}  // namespace

Result<std::vector<DefinitionFile>> ReadDefinitionFiles(const std::string& path) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return Status::NotFound(
        fmt::format("'{}' does not exist; name a folder of YAML files, or one file", path));
  }
  if (error) return Status::IoError(fmt::format("cannot look at '{}': {}", path, error.message()));
  std::vector<fs::path> paths = {path};
  if (fs::is_directory(status)) {
    FRESHET_ASSIGN_OR_RETURN(paths, ListFolder(path));
  }
  if (paths.size() > limits::kDefinitionFilesMax) {
    return Status::ResourceExhausted(
        fmt::format("the folder '{}' has {} YAML files; at most {} are allowed", path, paths.size(),
                    limits::kDefinitionFilesMax));
  }
  std::vector<DefinitionFile> files;
  size_t bytes_left = limits::kDefinitionBytesMax;
  for (const fs::path& each : paths) {
    FRESHET_ASSIGN_OR_RETURN(std::string text, ReadText(each, bytes_left));
    bytes_left -= text.size();
    files.push_back({each.string(), std::move(text)});
  }
  return files;
}

}  // namespace freshet::registry
