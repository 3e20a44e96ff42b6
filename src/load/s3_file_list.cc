#include "load/s3_file_list.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fnmatch.h>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/filesystem/s3fs.h>
#include <arrow/io/interfaces.h>
#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "load/file_path.h"

namespace freshet::load {
namespace {

constexpr std::string_view kScheme = "s3://";
// For a store that is not Amazon's, and has no regions.
constexpr std::string_view kRegionDefault = "us-east-1";

// What Arrow's messages have in them, and what to do about it.
struct Advice {
  std::string_view symptom;
  std::string_view way_out;
};
constexpr Advice kAdvice[] = {
    {"NO_SUCH_BUCKET",
     "there is no such bucket there; look at its name and at --s3-endpoint (AWS_ENDPOINT_URL)"},
    {"NETWORK_CONNECTION",
     "nothing answers there; look at --s3-endpoint (AWS_ENDPOINT_URL) and at the network"},
    {"INVALID_ACCESS_KEY_ID",
     "the store does not know the access key; look at AWS_ACCESS_KEY_ID, or at AWS_PROFILE"},
    {"SIGNATURE_DOES_NOT_MATCH",
     "the secret key is not that of the access key; look at AWS_SECRET_ACCESS_KEY"},
    {"EXPIRED_TOKEN", "the credentials have expired; get new ones, or unset AWS_SESSION_TOKEN"},
    {"INVALID_CLIENT_TOKEN_ID",
     "the store does not know the credentials; look at AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"},
    {"ACCESS_DENIED",
     "the credentials may not read there, or there are none; set AWS_ACCESS_KEY_ID and "
     "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, of somebody who may list and read the bucket"},
    {"HTTP 301", "the bucket is in another region; set AWS_REGION to its region"},
    {"HTTP status 301", "the bucket is in another region; set AWS_REGION to its region"},
};

Status FromArrow(const arrow::Status& status, std::string_view doing) {
  const std::string& message = status.message();
  const auto* advice = std::find_if(std::begin(kAdvice), std::end(kAdvice), [&](const Advice& a) {
    return message.find(a.symptom) != std::string::npos;
  });
  const std::string_view way_out = advice == std::end(kAdvice) ? "" : advice->way_out;
  return Status::IoError(
      fmt::format("cannot {}: {}{}({})", doing, way_out, way_out.empty() ? "" : " ", message));
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The first of them that is set.
std::string Environment(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = Environment(name); !value.empty()) return value;
  }
  return "";
}

arrow::Status Initialize() {
  if (arrow::fs::IsS3Initialized()) return arrow::Status::OK();
  arrow::fs::S3GlobalOptions options = arrow::fs::S3GlobalOptions::Defaults();
  // What fails comes back as an error, and is not written beside it.
  if (Environment("ARROW_S3_LOG_LEVEL").empty()) options.log_level = arrow::fs::S3LogLevel::Off;
  return arrow::fs::InitializeS3(options);
}

Status SetEndpoint(std::string endpoint, arrow::fs::S3Options* options) {
  if (endpoint.empty()) endpoint = Environment({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (endpoint.empty()) return Status::Ok();
  const size_t separator = endpoint.find("://");
  const std::string scheme = endpoint.substr(0, separator);
  std::string host = separator == std::string::npos ? "" : endpoint.substr(separator + 3);
  while (host.ends_with('/')) host.pop_back();
  if ((scheme != "http" && scheme != "https") || host.empty() ||
      host.find('/') != std::string::npos) {
    return Status::InvalidArgument(fmt::format(
        "the S3 endpoint '{}' is not a URL; write it as http://host:port or https://host",
        endpoint));
  }
  options->scheme = scheme;
  options->endpoint_override = host;
  return Status::Ok();
}

Result<std::shared_ptr<arrow::fs::S3FileSystem>> Connect(const std::string& bucket,
                                                         const std::string& endpoint) {
  if (const arrow::Status status = Initialize(); !status.ok())
    return FromArrow(status, "begin to use S3");
  arrow::fs::S3Options options = arrow::fs::S3Options::Defaults();
  FRESHET_RETURN_IF_ERROR(SetEndpoint(endpoint, &options));
  options.connect_timeout = limits::kObjectConnectSecondsMax;
  options.request_timeout = limits::kObjectRequestSecondsMax;
  options.retry_strategy =
      arrow::fs::S3RetryStrategy::GetAwsStandardRetryStrategy(limits::kObjectTriesMax);
  options.region = Environment({"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (options.region.empty() && !options.endpoint_override.empty()) options.region = kRegionDefault;
  if (options.region.empty()) {
    const auto region = arrow::fs::ResolveS3BucketRegion(bucket);
    if (!region.ok()) return FromArrow(region.status(), fmt::format("find the bucket {}", bucket));
    options.region = *region;
  }
  auto files = arrow::fs::S3FileSystem::Make(options);
  if (!files.ok()) return FromArrow(files.status(), "begin to use S3");
  return *files;
}

// Reads ahead where the object is read front to back, as text is.
class S3File final : public LoadFile {
 public:
  S3File(std::shared_ptr<arrow::fs::S3FileSystem> files, arrow::fs::FileInfo info)
      : LoadFile(
            std::string(kScheme) + info.path(), static_cast<uint64_t>(info.size()),
            PathValuesOf(info.path()),
            std::chrono::duration_cast<std::chrono::nanoseconds>(info.mtime().time_since_epoch())
                .count()),
        files_(std::move(files)),
        info_(std::move(info)) {}

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    while (count > 0) {
      if (!Holds(offset)) FRESHET_RETURN_IF_ERROR(Fetch(offset, count));
      const auto begin = static_cast<size_t>(offset - held_offset_);
      const size_t some = std::min(count, static_cast<size_t>(held_->size()) - begin);
      std::copy_n(reinterpret_cast<const char*>(held_->data()) + begin, some, bytes);
      bytes += some;
      offset += some;
      count -= some;
    }
    return Status::Ok();
  }

  void Close() override {
    held_.reset();
    object_.reset();
  }

 private:
  bool Holds(uint64_t offset) const {
    return held_ != nullptr && offset >= held_offset_ &&
           offset < held_offset_ + static_cast<uint64_t>(held_->size());
  }

  Status Fetch(uint64_t offset, size_t count) {
    if (object_ == nullptr) {
      auto opened = files_->OpenInputFile(info_);
      if (!opened.ok()) return FromArrow(opened.status(), fmt::format("read {}", name()));
      object_ = *opened;
    }
    const uint64_t held_end = held_ == nullptr ? 0 : held_offset_ + held_->size();
    const bool is_next = offset == held_end;
    const size_t wanted =
        is_next ? limits::kObjectReadBytes : std::min(count, limits::kObjectReadBytes);
    const uint64_t expected = std::min<uint64_t>(wanted, size() - offset);
    auto read = object_->ReadAt(static_cast<int64_t>(offset), static_cast<int64_t>(expected));
    if (!read.ok()) return FromArrow(read.status(), fmt::format("read {}", name()));
    FRESHET_RETURN_IF_ERROR(CheckUnchanged());
    held_ = *read;
    held_offset_ = offset;
    return Status::Ok();
  }

  // Arrow gives out as many bytes as it is asked for, zeros where the store had fewer.
  Status CheckUnchanged() const {
    const auto now = files_->GetFileInfo(info_.path());
    if (!now.ok()) return FromArrow(now.status(), fmt::format("read {}", name()));
    if (now->IsFile() && now->size() == info_.size() && now->mtime() == info_.mtime())
      return Status::Ok();
    return Status::IoError(fmt::format("{} was changed while it was read; load it again", name()));
  }

  const std::shared_ptr<arrow::fs::S3FileSystem> files_;
  const arrow::fs::FileInfo info_;
  std::shared_ptr<arrow::io::RandomAccessFile> object_;
  std::shared_ptr<arrow::Buffer> held_;
  uint64_t held_offset_ = 0;
};

std::vector<std::string> PartsOf(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// What is asked for, part by part.
struct Wish {
  std::vector<std::string> parts;
  bool is_pattern = false;
};

// Whether the object is what is asked for, or is not hidden in a folder that is.
bool Matches(const Wish& wish, const std::string& path) {
  const std::vector<std::string> parts = PartsOf(path);
  if (parts.size() < wish.parts.size()) return false;
  for (size_t i = 0; i < wish.parts.size(); ++i) {
    const std::string& wanted = wish.parts[i];
    const bool matches = wish.is_pattern
                             ? fnmatch(wanted.c_str(), parts[i].c_str(), FNM_PERIOD) == 0
                             : wanted == parts[i];
    if (!matches) return false;
  }
  return std::none_of(parts.begin() + static_cast<ptrdiff_t>(wish.parts.size()), parts.end(),
                      [](const std::string& part) { return IsHidden(part); });
}

// The folder to look in: what stands before the first part that is a pattern.
std::string FolderOf(const Wish& wish) {
  std::string folder;
  for (const std::string& part : wish.parts) {
    if (wish.is_pattern && IsPattern(part)) break;
    if (!folder.empty()) folder += '/';
    folder += part;
  }
  return folder;
}

// One listing of a folder, page by page, with what matches in it.
class Listing {
 public:
  Listing(std::shared_ptr<arrow::fs::S3FileSystem> files, FileList* list)
      : files_(std::move(files)), list_(list) {}

  Status Add(const arrow::fs::FileInfo& info) {
    return AddListed(std::make_unique<S3File>(files_, info), list_);
  }

  Status AddAll(const Wish& wish) {
    arrow::fs::FileSelector selector;
    selector.base_dir = FolderOf(wish);
    selector.recursive = true;
    const auto infos = files_->GetFileInfo(selector);
    if (!infos.ok())
      return FromArrow(infos.status(), fmt::format("list {}{}", kScheme, selector.base_dir));
    for (const arrow::fs::FileInfo& info : *infos) {
      if (info.IsFile() && Matches(wish, info.path())) FRESHET_RETURN_IF_ERROR(Add(info));
    }
    return Status::Ok();
  }

 private:
  const std::shared_ptr<arrow::fs::S3FileSystem> files_;
  FileList* const list_;
};

// Of a bucket that there is not, the message is about the bucket.
Status Missing(arrow::fs::S3FileSystem& files, const std::string& bucket, const std::string& url) {
  const auto info = files.GetFileInfo(bucket);
  if (!info.ok()) return FromArrow(info.status(), fmt::format("read {}", url));
  return Status::InvalidArgument(
      info->IsDirectory()
          ? fmt::format("there is no object and no folder {}", url)
          : fmt::format("there is no bucket {}; look at its name and at --s3-endpoint "
                        "(AWS_ENDPOINT_URL)",
                        bucket));
}

}  // namespace

bool IsS3Url(std::string_view path) {
  return path.starts_with(kScheme);
}

Status ListS3(const std::string& url, const std::string& endpoint, FileList* list) {
  std::string path = url.substr(kScheme.size());
  while (path.ends_with('/')) path.pop_back();
  Wish wish = {PartsOf(path), false};
  if (wish.parts.empty() || IsPattern(wish.parts[0]) ||
      std::find(wish.parts.begin(), wish.parts.end(), "") != wish.parts.end()) {
    return Status::InvalidArgument(
        fmt::format("{} does not name a bucket and what is in it; write s3://bucket/folder, "
                    "s3://bucket/key or s3://bucket/folder/*.parquet",
                    url));
  }
  FRESHET_ASSIGN_OR_RETURN(const auto files, Connect(wish.parts[0], endpoint));
  Listing listing(files, list);
  const auto info = files->GetFileInfo(path);
  if (!info.ok()) return FromArrow(info.status(), fmt::format("read {}", url));
  if (info->IsFile()) return listing.Add(*info);
  wish.is_pattern = !info->IsDirectory() && IsPattern(path);
  if (!info->IsDirectory() && !wish.is_pattern) return Missing(*files, wish.parts[0], url);
  FRESHET_RETURN_IF_ERROR(listing.AddAll(wish));
  if (!list->files.empty()) return Status::Ok();
  return Status::InvalidArgument(wish.is_pattern ? fmt::format("nothing matches {}", url)
                                                 : fmt::format("there are no files in {}", url));
}

void CloseS3() {
  if (!arrow::fs::IsS3Initialized()) return;
  if (const arrow::Status status = arrow::fs::EnsureS3Finalized(); !status.ok())
    LogWarning("S3 does not end well: {}", status.message());
}

}  // namespace freshet::load
