#include "load/decompressor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/util/compression.h>
#include <fmt/format.h>

namespace freshet::load {
namespace {

using arrow::Compression;

constexpr size_t kMagicBytesMax = 4;
constexpr size_t kContentBytes = 256u << 10;

struct Magic {
  std::string_view bytes;
  Compression::type compression;
  std::string_view name;
};

// None of them begins a text file in UTF-8 that has a header or a JSON object in front.
constexpr Magic kMagics[] = {
    {"\x1F\x8B", Compression::GZIP, "gzip"},
    {"\x28\xB5\x2F\xFD", Compression::ZSTD, "zstd"},
    {"BZh", Compression::BZ2, "bzip2"},
    {"\x04\x22\x4D\x18", Compression::LZ4_FRAME, "lz4"},
};

const Magic* FindMagic(std::string_view start) {
  for (const Magic& magic : kMagics) {
    if (start.starts_with(magic.bytes)) return &magic;
  }
  return nullptr;
}

}  // namespace

// The frames or members of one compression, one after the other.
class Decompressor::Codec {
 public:
  static Result<std::unique_ptr<Codec>> Create(const Magic& magic) {
    auto codec = arrow::util::Codec::Create(magic.compression);
    if (!codec.ok()) {
      return Status::InvalidArgument(
          fmt::format("the file is compressed by {}, which this build "
                      "cannot read: {}",
                      magic.name, codec.status().message()));
    }
    auto decompressor = (*codec)->MakeDecompressor();
    if (!decompressor.ok()) return Status::Internal(decompressor.status().message());
    return std::unique_ptr<Codec>(
        new Codec(magic.name, *std::move(codec), *std::move(decompressor)));
  }

  Status Feed(std::string_view bytes, Next next) {
    bool more = false;
    while (!bytes.empty() || more) {
      if (frame_done_) {
        if (bytes.empty()) return Status::Ok();
        if (const auto reset = decompressor_->Reset(); !reset.ok()) return Damaged(reset.message());
        frame_done_ = false;
      }
      auto step = decompressor_->Decompress(
          static_cast<int64_t>(bytes.size()), reinterpret_cast<const uint8_t*>(bytes.data()),
          static_cast<int64_t>(content_.size()), reinterpret_cast<uint8_t*>(content_.data()));
      if (!step.ok()) return Damaged(step.status().message());
      bytes.remove_prefix(static_cast<size_t>(step->bytes_read));
      frame_done_ = decompressor_->IsFinished();
      if (step->bytes_written > 0)
        FRESHET_RETURN_IF_ERROR(next({content_.data(), static_cast<size_t>(step->bytes_written)}));
      more = step->need_more_output && !frame_done_;
      if (step->bytes_read == 0 && step->bytes_written == 0 && !frame_done_) {
        if (!bytes.empty()) return Damaged("it makes no progress");
        more = false;
      }
    }
    return Status::Ok();
  }

  Status Finish() const {
    if (frame_done_) return Status::Ok();
    return Status::InvalidArgument(
        fmt::format("the {} file ends in the middle: it was cut off", name_));
  }

 private:
  Codec(std::string_view name, std::unique_ptr<arrow::util::Codec> codec,
        std::shared_ptr<arrow::util::Decompressor> decompressor)
      : name_(name),
        codec_(std::move(codec)),
        decompressor_(std::move(decompressor)),
        content_(kContentBytes) {}

  Status Damaged(std::string_view why) const {
    return Status::InvalidArgument(fmt::format("the {} file is damaged: {}", name_, why));
  }

  const std::string_view name_;
  const std::unique_ptr<arrow::util::Codec> codec_;
  const std::shared_ptr<arrow::util::Decompressor> decompressor_;
  std::vector<char> content_;
  bool frame_done_ = false;
};

Decompressor::Decompressor() = default;
Decompressor::~Decompressor() = default;

Status Decompressor::Feed(std::string_view bytes, Next next) {
  if (!begun_) {
    const size_t wanted = std::min(bytes.size(), kMagicBytesMax - start_.size());
    start_.append(bytes.substr(0, wanted));
    bytes.remove_prefix(wanted);
    if (start_.size() < kMagicBytesMax) return Status::Ok();
    FRESHET_RETURN_IF_ERROR(Begin(next));
  }
  if (bytes.empty()) return Status::Ok();
  return codec_ == nullptr ? next(bytes) : codec_->Feed(bytes, next);
}

Status Decompressor::Finish(Next next) {
  if (!begun_) FRESHET_RETURN_IF_ERROR(Begin(next));
  return codec_ == nullptr ? Status::Ok() : codec_->Finish();
}

Status Decompressor::Begin(Next next) {
  begun_ = true;
  const Magic* magic = FindMagic(start_);
  if (magic == nullptr) return start_.empty() ? Status::Ok() : next(start_);
  FRESHET_ASSIGN_OR_RETURN(codec_, Codec::Create(*magic));
  return codec_->Feed(start_, next);
}

}  // namespace freshet::load
