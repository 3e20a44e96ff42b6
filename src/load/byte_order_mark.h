// The three bytes EF BB BF that some programs put in front of UTF-8 text: not content, so they are
// skipped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet::load {

// Passes the bytes of a file on, without a byte order mark at its very start. The first bytes are
// held back until enough have come to tell.
class ByteOrderMark {
 public:
  // `next(bytes)` takes content and answers a Status.
  template <typename Next>
  Status Feed(std::string_view bytes, Next next) {
    if (decided_) return next(bytes);
    const size_t wanted = kMark.size() - start_.size();
    start_.append(bytes.substr(0, wanted));
    if (start_.size() < kMark.size()) return Status::Ok();
    FRESHET_RETURN_IF_ERROR(Finish(next));
    return next(bytes.substr(std::min(wanted, bytes.size())));
  }

  // The file has ended: passes on what is still held back.
  template <typename Next>
  Status Finish(Next next) {
    if (decided_) return Status::Ok();
    decided_ = true;
    return start_ == kMark ? Status::Ok() : next(std::string_view(start_));
  }

  // Of content that is not read from its start: there is no mark.
  void Skip() { decided_ = true; }
  // What was not passed on.
  size_t bytes() const { return decided_ && start_ == kMark ? kMark.size() : 0; }

 private:
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";

  std::string start_;
  bool decided_ = false;
};

}  // namespace freshet::load
