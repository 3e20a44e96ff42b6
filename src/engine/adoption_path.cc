#include "engine/adoption_path.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace freshet::engine {
namespace {

bool IsIn(const std::filesystem::path& folder, const std::filesystem::path& path) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

}  // namespace

Result<std::string> ResolveAdoptFolder(const std::string& adopt_from, const std::string& path) {
  if (adopt_from.empty()) {
    return Status::FailedPrecondition(
        "this server adopts no folders: load.adopt_from of its configuration says below which "
        "folder they may be, and says none");
  }
  std::error_code error;
  const std::filesystem::path root = std::filesystem::canonical(adopt_from, error);
  if (error) {
    return Status::FailedPrecondition(
        fmt::format("load.adopt_from {}: {}", adopt_from, error.message()));
  }
  // Not only what there is: nobody is told what else the server's disk has.
  std::filesystem::path folder = std::filesystem::weakly_canonical(root / path, error);
  if (!error && !folder.has_filename()) folder = folder.parent_path();
  if (error || !IsIn(root, folder)) {
    return Status::InvalidArgument(fmt::format(
        "this server adopts folders in {} alone, as load.adopt_from of its configuration says, and "
        "{} is not there",
        root.string(), path));
  }
  return folder.string();
}

}  // namespace freshet::engine
