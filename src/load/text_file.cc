#include "load/text_file.h"

#include <algorithm>

namespace freshet::load {

uint64_t TextFile::SkipAhead() {
  if (!begin_.has_value() || !decompressor_.is_plain() || passed_bytes_ < begin_->head_bytes)
    return 0;
  const uint64_t bytes = begin_->offset - passed_bytes_;
  Begin();
  return bytes;
}

Status TextFile::Feed(std::string_view bytes, FunctionRef<void(const FileRow& row)> visit) {
  return decompressor_.Feed(bytes,
                            [&](std::string_view content) { return TakeContent(content, visit); });
}

Status TextFile::Finish(FunctionRef<void(const FileRow& row)> visit) {
  FRESHET_RETURN_IF_ERROR(
      decompressor_.Finish([&](std::string_view content) { return TakeContent(content, visit); }));
  if (!begin_.has_value()) return reader_->Finish(visit);
  return Status::InvalidArgument(
      "the file ends before the row that the load has to go on with: it was changed");
}

Status TextFile::TakeContent(std::string_view content,
                             FunctionRef<void(const FileRow& row)> visit) {
  if (!begin_.has_value()) return reader_->Feed(content, visit);
  const auto pass = [&](uint64_t end) {
    const std::string_view passed = content.substr(0, std::max(end, passed_bytes_) - passed_bytes_);
    content.remove_prefix(passed.size());
    passed_bytes_ += passed.size();
    return passed;
  };
  FRESHET_RETURN_IF_ERROR(reader_->Feed(pass(begin_->head_bytes), visit));
  pass(begin_->offset);
  if (passed_bytes_ < begin_->offset) return Status::Ok();
  Begin();
  return reader_->Feed(content, visit);
}

void TextFile::Begin() {
  reader_->GoOn(begin_->offset, begin_->line);
  begin_.reset();
}

}  // namespace freshet::load
