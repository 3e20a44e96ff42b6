#include "cli/pipe.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/interrupt.h"

namespace freshet::cli {
namespace {

constexpr size_t kChunkBytes = 256u << 10;
constexpr std::string_view kStandardInput = "-";

Status Interrupted() {
  return Status::Cancelled("interrupted: nothing was changed");
}

}  // namespace

Pipe::~Pipe() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

bool Pipe::IsOne(const std::string& path) {
  struct stat about = {};
  return path == kStandardInput ||
         (stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode));
}

Status Pipe::Open(const std::string& path) {
  path_ = path;
  descriptor_ = path == kStandardInput ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ >= 0) return Status::Ok();
  return IsInterrupted() ? Interrupted() : Failed();
}

Result<std::string> Pipe::Next() {
  std::string chunk(kChunkBytes, '\0');
  while (true) {
    if (IsInterrupted()) return Interrupted();
    const ssize_t got = read(descriptor_, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed();
    chunk.resize(static_cast<size_t>(got));
    return chunk;
  }
}

Status Pipe::Failed() const {
  return Status::IoError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
}

}  // namespace freshet::cli
