#include "store/row_pipe.h"

#include <utility>

#include "base/limits.h"

namespace freshet::store {

RowPipe::RowPipe(RowFileWriter& writer)
    : writer_(writer), gathered_(limits::kPipePartBytes), written_(limits::kPipePartBytes) {}

RowPipe::~RowPipe() {
  if (writing_.valid()) writing_.wait();
}

Status RowPipe::Add(std::string_view entity_key, std::string_view row) {
  if (!gathered_.HasRoomFor(entity_key.size() + row.size())) FRESHET_RETURN_IF_ERROR(HandOver());
  gathered_.Add(entity_key, row, added_++);
  return Status::Ok();
}

Status RowPipe::Finish() {
  FRESHET_RETURN_IF_ERROR(HandOver());
  FRESHET_RETURN_IF_ERROR(Wait());
  return writer_.Finish();
}

Status RowPipe::HandOver() {
  FRESHET_RETURN_IF_ERROR(Wait());
  std::swap(gathered_, written_);
  writing_ = std::async(std::launch::async, [this] {
    return written_.Take([this](std::string_view entity_key, std::string_view row) {
      return writer_.Add(entity_key, row);
    });
  });
  return Status::Ok();
}

Status RowPipe::Wait() {
  return writing_.valid() ? writing_.get() : Status::Ok();
}

}  // namespace freshet::store
