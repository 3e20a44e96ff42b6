// Text files that come compressed: which compression it is shows in the file's first bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "base/function_ref.h"

namespace freshet::load {

// Passes the content of a file on: unpacked where it is gzip, zstd, bzip2 or LZ4 frames, else as it
// comes. One thread.
class Decompressor {
 public:
  using Next = FunctionRef<Status(std::string_view content)>;

  Decompressor();
  ~Decompressor();

  // InvalidArgument when the bytes are damaged; else what `next` says.
  Status Feed(std::string_view bytes, Next next);
  // The file has ended. InvalidArgument when it was cut off.
  Status Finish(Next next);
  // What is passed on is what was fed: known once something is passed on.
  bool is_plain() const { return begun_ && codec_ == nullptr; }

 private:
  class Codec;

  // The first bytes have come, or all that there are.
  Status Begin(Next next);

  std::string start_;  // held back until it tells the compression
  bool begun_ = false;
  std::unique_ptr<Codec> codec_;  // null: not compressed
};

}  // namespace freshet::load
