#include "load/decompressor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/util/compression.h>
#include <fmt/format.h>

namespace freshet::load {
namespace {

using arrow::Compression;

constexpr size_t kMagicBytes = 4;
constexpr size_t kBzip2MagicBytes = 10;
constexpr size_t kContentBytes = 256u << 10;

bool IsGzip(std::string_view start) {
  return start.starts_with("\x1F\x8B");
}

// A frame of zstd, or one to be skipped, which pzstd puts in front of each other one.
bool IsZstd(std::string_view start) {
  const bool is_skippable = start.size() >= kMagicBytes && (start[0] & '\xF0') == '\x50' &&
                            start.substr(1).starts_with("\x2A\x4D\x18");
  return is_skippable || start.starts_with("\x28\xB5\x2F\xFD");
}

// The magic "BZh9" is text too. What tells is that a block, or the end, comes after it; of a file
// that was cut off before, what there is of that.
bool IsBzip2(std::string_view start) {
  constexpr std::string_view kBlock = "\x31\x41\x59\x26\x53\x59";
  constexpr std::string_view kEnd = "\x17\x72\x45\x38\x50\x90";
  if (start.size() < kMagicBytes || !start.starts_with("BZh") || start[3] < '1' || start[3] > '9')
    return false;
  const std::string_view next = start.substr(4, kBlock.size());
  return kBlock.starts_with(next) || kEnd.starts_with(next);
}

bool IsLz4(std::string_view start) {
  return start.starts_with("\x04\x22\x4D\x18");
}

struct PackedFormat {
  bool (*begins)(std::string_view start);
  Compression::type compression;
  std::string_view name;
};

// None of them begins a text file in UTF-8 that has a header or a JSON object in front.
constexpr PackedFormat kCompressions[] = {
    {IsGzip, Compression::GZIP, "gzip"},
    {IsZstd, Compression::ZSTD, "zstd"},
    {IsBzip2, Compression::BZ2, "bzip2"},
    {IsLz4, Compression::LZ4_FRAME, "lz4"},
};

const PackedFormat* FindCompression(std::string_view start) {
  for (const PackedFormat& format : kCompressions) {
    if (format.begins(start)) return &format;
  }
  return nullptr;
}

// How many bytes tell the compression of a file that begins with `start`. No more than are needed:
// a file that cannot be used is to be refused at once.
size_t BytesThatTell(std::string_view start) {
  return IsBzip2(start) ? kBzip2MagicBytes : kMagicBytes;
}

size_t ZerosInFront(std::string_view bytes) {
  return std::min(bytes.find_first_not_of('\0'), bytes.size());
}

}  // namespace

// The frames or members of one compression, one after the other.
class Decompressor::Codec {
 public:
  static Result<std::unique_ptr<Codec>> Create(const PackedFormat& format) {
    auto codec = arrow::util::Codec::Create(format.compression);
    if (!codec.ok()) {
      return Status::InvalidArgument(
          fmt::format("the file is compressed by {}, which this build "
                      "cannot read: {}",
                      format.name, codec.status().message()));
    }
    auto decompressor = (*codec)->MakeDecompressor();
    if (!decompressor.ok()) return Status::Internal(decompressor.status().message());
    return std::unique_ptr<Codec>(new Codec(format, *std::move(codec), *std::move(decompressor)));
  }

  Status Feed(std::string_view bytes, Next next) {
    bool more = false;
    while (!bytes.empty() || more) {
      if (frame_done_) {
        if (may_be_padded_) bytes.remove_prefix(ZerosInFront(bytes));
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
  Codec(const PackedFormat& format, std::unique_ptr<arrow::util::Codec> codec,
        std::shared_ptr<arrow::util::Decompressor> decompressor)
      : name_(format.name),
        may_be_padded_(format.compression == Compression::GZIP),
        codec_(std::move(codec)),
        decompressor_(std::move(decompressor)),
        content_(kContentBytes) {}

  Status Damaged(std::string_view why) const {
    return Status::InvalidArgument(fmt::format("the {} file is damaged: {}", name_, why));
  }

  const std::string_view name_;
  const bool may_be_padded_;  // by zeros, after a member, as tapes and block devices do
  const std::unique_ptr<arrow::util::Codec> codec_;
  const std::shared_ptr<arrow::util::Decompressor> decompressor_;
  std::vector<char> content_;
  bool frame_done_ = false;
};

Decompressor::Decompressor() = default;
Decompressor::~Decompressor() = default;

Status Decompressor::Feed(std::string_view bytes, Next next) {
  while (!begun_ && start_.size() < BytesThatTell(start_)) {
    if (bytes.empty()) return Status::Ok();
    const size_t wanted = std::min(bytes.size(), BytesThatTell(start_) - start_.size());
    start_.append(bytes.substr(0, wanted));
    bytes.remove_prefix(wanted);
  }
  if (!begun_) FRESHET_RETURN_IF_ERROR(Begin(next));
  if (bytes.empty()) return Status::Ok();
  return codec_ == nullptr ? next(bytes) : codec_->Feed(bytes, next);
}

Status Decompressor::Finish(Next next) {
  if (!begun_) FRESHET_RETURN_IF_ERROR(Begin(next));
  return codec_ == nullptr ? Status::Ok() : codec_->Finish();
}

Status Decompressor::Begin(Next next) {
  begun_ = true;
  const PackedFormat* format = FindCompression(start_);
  if (format == nullptr) return start_.empty() ? Status::Ok() : next(start_);
  FRESHET_ASSIGN_OR_RETURN(codec_, Codec::Create(*format));
  return codec_->Feed(start_, next);
}

}  // namespace freshet::load
