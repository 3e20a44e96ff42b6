#include "store/durable_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

namespace freshet::store {

Status SystemError(std::string_view doing, const std::string& path) {
  return Status::IoError(fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno)));
}

Status SyncPath(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("open", path);
  int failed = ::fsync(descriptor);
  Status status = failed != 0 ? SystemError("sync", path) : Status::Ok();
  ::close(descriptor);
  return status;
}

Status WriteDurably(const std::string& folder, const std::string& name, std::string_view bytes) {
  const std::string file = folder + "/" + name;
  const std::string unfinished = file + ".new";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return SystemError("write", unfinished);
  FRESHET_RETURN_IF_ERROR(SyncPath(unfinished));
  if (::rename(unfinished.c_str(), file.c_str()) != 0) return SystemError("rename", unfinished);
  return SyncPath(folder);
}

}  // namespace freshet::store
