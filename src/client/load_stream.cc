#include "client/load_stream.h"

#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "base/limits.h"
#include "client/convert.h"

namespace freshet::client {
namespace {

using Stream = grpc::ClientReaderWriter<v1::LoadRequest, v1::LoadProgress>;

bool WriteHeader(Stream& stream, const LoadRequest& request) {
  v1::LoadRequest message;
  message.mutable_header()->set_view(request.view);
  message.mutable_header()->set_format(request.format);
  message.mutable_header()->set_bad_rows_share_max(request.bad_rows_share_max);
  return stream.Write(message);
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

}  // namespace

Status StreamLoad(v1::Admin::Stub& stub, const std::string& address, const LoadRequest& request,
                  const std::function<Result<std::string>()>& next_chunk,
                  const std::function<void(const LoadProgress&)>& progress, LoadProgress* outcome) {
  grpc::ClientContext context;
  std::unique_ptr<Stream> stream = stub.Load(&context);
  *outcome = LoadProgress{};
  std::thread reader([&] {
    v1::LoadProgress message;
    while (stream->Read(&message)) {
      *outcome = FromWire(message);
      progress(*outcome);
    }
  });
  Status written;
  if (WriteHeader(*stream, request)) written = WriteFile(*stream, next_chunk);
  if (!written.ok()) context.TryCancel();
  reader.join();
  const Status status = FromGrpc(stream->Finish(), context, address);
  return written.ok() ? status : written;
}

}  // namespace freshet::client
