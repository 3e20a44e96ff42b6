#include "client/load_stream.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "client/convert.h"

namespace freshet::client {
namespace {

constexpr auto kCancelInterval = std::chrono::milliseconds(50);

using Stream = grpc::ClientReaderWriter<v1::LoadRequest, v1::LoadProgress>;

v1::LoadRequest HeaderOf(const LoadRequest& request) {
  v1::LoadRequest message;
  message.mutable_header()->set_view(request.view);
  message.mutable_header()->set_format(request.format);
  message.mutable_header()->set_bad_rows_share_max(request.bad_rows_share_max);
  message.mutable_header()->set_upsert(request.upsert);
  message.mutable_header()->set_delete_column(request.delete_column);
  message.mutable_header()->set_adopt_folder(request.adopt_folder);
  message.mutable_header()->set_dry_run(request.dry_run);
  message.mutable_header()->set_bad_rows_max(request.bad_rows_max);
  message.mutable_header()->set_wants_bad_rows(request.on_bad_row != nullptr);
  return message;
}

v1::LoadRequest HeaderOf(const LoadRequest& request, const std::vector<LoadFile*>& files) {
  v1::LoadRequest message = HeaderOf(request);
  message.mutable_header()->set_resume(request.resume);
  message.mutable_header()->set_path(request.origin.path);
  message.mutable_header()->set_s3_endpoint(request.origin.s3_endpoint);
  for (const LoadFile* file : files) {
    v1::LoadFile* wire = message.mutable_header()->add_files();
    wire->set_name(file->name());
    wire->set_bytes(file->size());
    wire->set_modified_at_ns(file->modified_at_ns());
    for (const auto& [column, value] : file->path_values())
      (*wire->mutable_path_values())[column] = value;
  }
  return message;
}

// False when the message is about something else.
bool TellBadRows(const v1::LoadProgress& message, const LoadRequest& request) {
  if (message.more_bad_rows_size() == 0) return false;
  for (const v1::BadRow& bad : message.more_bad_rows())
    if (request.on_bad_row != nullptr) request.on_bad_row(FromWire(bad));
  return true;
}

bool WriteChunk(Stream& stream, std::string_view bytes) {
  v1::LoadRequest message;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, limits::kLoadChunkBytesMax);
    message.set_chunk(piece.data(), piece.size());
    if (!stream.Write(message)) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

// The file and its end. A write that fails is no error here: the server has ended the call, and its
// status says why.
Status WriteFile(Stream& stream, const std::function<Result<std::string>()>& next_chunk) {
  v1::LoadRequest end;
  uint64_t bytes = 0;
  while (true) {
    FRESHET_ASSIGN_OR_RETURN(const std::string chunk, next_chunk());
    if (chunk.empty()) break;
    if (!WriteChunk(stream, chunk)) return {};
    bytes += chunk.size();
  }
  end.mutable_end()->set_bytes(bytes);
  if (stream.Write(end)) stream.WritesDone();
  return {};
}

// Cancels a call once it is told to, until the server publishes: that cannot be taken back.
class LoadCanceller {
 public:
  LoadCanceller(grpc::ClientContext& context, const std::function<bool()>& cancelled)
      : thread_([this, &context, &cancelled] {
          std::unique_lock lock(mutex_);
          while (!done_) {
            if (!is_publishing_ && cancelled && cancelled()) return context.TryCancel();
            changed_.wait_for(lock, kCancelInterval);
          }
        }) {}
  // What the server reports.
  void See(const LoadProgress& progress) {
    is_publishing_ = progress.phase == LoadProgress::Phase::kPublish;
  }
  ~LoadCanceller() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  LoadCanceller(const LoadCanceller&) = delete;
  LoadCanceller& operator=(const LoadCanceller&) = delete;

 private:
  std::atomic<bool> is_publishing_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

// Answers what the server asks for. A write that fails is no error here: see WriteFile.
class FileSender {
 public:
  FileSender(Stream& stream, const std::vector<LoadFile*>& files)
      : stream_(stream), files_(files) {}

  Status Send(const v1::LoadRange& wanted) {
    if (wanted.file() >= files_.size())
      return Status::Internal("the server asks for a file that was not offered");
    LoadFile& file = *files_[wanted.file()];
    if (open_ != &file && open_ != nullptr) open_->Close();
    open_ = &file;
    uint64_t offset = wanted.offset();
    if (offset > file.size() || wanted.bytes() > file.size() - offset)
      return Status::Internal(fmt::format("the server asks for more than {} has", file.name()));
    const uint64_t end = offset + wanted.bytes();
    while (offset < end) {
      std::string* chunk = message_.mutable_chunk();
      chunk->resize(std::min<uint64_t>(limits::kLoadChunkBytesMax, end - offset));
      FRESHET_RETURN_IF_ERROR(file.ReadAt(offset, chunk->size(), chunk->data()));
      offset += chunk->size();
      if (!stream_.Write(message_)) return {};
    }
    return {};
  }

 private:
  Stream& stream_;
  const std::vector<LoadFile*>& files_;
  LoadFile* open_ = nullptr;
  v1::LoadRequest message_;
};

}  // namespace

Status StreamFiles(v1::Admin::Stub& stub, const std::string& address, const LoadRequest& request,
                   const std::vector<LoadFile*>& files,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome) {
  *outcome = LoadProgress{};
  if (files.empty() && request.adopt_folder.empty())
    return Status::InvalidArgument("a load needs a file");
  const v1::LoadRequest header = HeaderOf(request, files);
  if (header.ByteSizeLong() > limits::kMessageBytesMax) {
    return Status::InvalidArgument(
        fmt::format("the names of {} files take {} bytes, and those of one load may take {}; load "
                    "them in parts",
                    files.size(), header.ByteSizeLong(), limits::kMessageBytesMax));
  }
  grpc::ClientContext context;
  std::unique_ptr<Stream> stream = stub.Load(&context);
  LoadCanceller canceller(context, cancelled);
  Status sent;
  if (stream->Write(header)) {
    FileSender sender(*stream, files);
    v1::LoadProgress message;
    while (sent.ok() && stream->Read(&message)) {
      if (message.has_wanted()) {
        sent = sender.Send(message.wanted());
      } else if (!TellBadRows(message, request)) {
        *outcome = FromWire(message);
        canceller.See(*outcome);
        progress(*outcome);
      }
    }
  }
  if (!sent.ok()) context.TryCancel();
  const Status status = FromGrpc(stream->Finish(), context, address);
  return sent.ok() ? status : sent;
}

Status StreamLoad(v1::Admin::Stub& stub, const std::string& address, const LoadRequest& request,
                  const std::function<Result<std::string>()>& next_chunk,
                  const std::function<void(const LoadProgress&)>& progress,
                  const std::function<bool()>& cancelled, LoadProgress* outcome) {
  grpc::ClientContext context;
  std::unique_ptr<Stream> stream = stub.Load(&context);
  *outcome = LoadProgress{};
  LoadCanceller canceller(context, cancelled);
  std::thread reader([&] {
    v1::LoadProgress message;
    while (stream->Read(&message)) {
      if (TellBadRows(message, request)) continue;
      *outcome = FromWire(message);
      canceller.See(*outcome);
      progress(*outcome);
    }
  });
  Status written;
  if (stream->Write(HeaderOf(request))) written = WriteFile(*stream, next_chunk);
  if (!written.ok()) context.TryCancel();
  reader.join();
  const Status status = FromGrpc(stream->Finish(), context, address);
  return written.ok() ? status : written;
}

}  // namespace freshet::client
