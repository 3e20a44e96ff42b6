#include "cli/line_reader.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

namespace freshet::cli {
namespace {

constexpr size_t kReadBytes = 256u << 10;

}  // namespace

LineReader::LineReader(int descriptor, size_t line_bytes_max)
    : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

Result<LineReader::Event> LineReader::Next(int64_t wait_ms, std::string_view* line) {
  while (!TakeLine(line)) {
    if (buffer_.size() - begin_ > line_bytes_max_) {
      ++line_number_;
      return Status::ResourceExhausted(fmt::format(
          "the line is longer than the {} bytes that a record may have", line_bytes_max_));
    }
    if (at_end_) return Event::kEnd;
    FRESHET_ASSIGN_OR_RETURN(const bool came, Fill(wait_ms));
    if (!came) return Event::kQuiet;
  }
  ++line_number_;
  if (line->size() > line_bytes_max_)
    return Status::ResourceExhausted(
        fmt::format("the line has {} bytes, more than the {} that a record may have", line->size(),
                    line_bytes_max_));
  return Event::kLine;
}

bool LineReader::TakeLine(std::string_view* line) {
  const size_t newline = buffer_.find('\n', scanned_);
  const bool unfinished = newline == std::string::npos;
  scanned_ = buffer_.size();
  if (unfinished && (!at_end_ || begin_ == buffer_.size())) return false;
  const size_t end = unfinished ? buffer_.size() : newline;
  *line = std::string_view(buffer_).substr(begin_, end - begin_);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  begin_ = unfinished ? end : end + 1;
  scanned_ = begin_;
  return true;
}

Result<bool> LineReader::Fill(int64_t wait_ms) {
  pollfd waiting = {.fd = descriptor_, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&waiting, 1, static_cast<int>(wait_ms));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return false;
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  const size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  ssize_t got = 0;
  do {
    got = read(descriptor_, buffer_.data() + size, kReadBytes);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<size_t>(got < 0 ? 0 : got));
  if (got < 0) return Status::IoError(fmt::format("cannot read: {}", std::strerror(errno)));
  at_end_ = got == 0;
  return true;
}

}  // namespace freshet::cli
