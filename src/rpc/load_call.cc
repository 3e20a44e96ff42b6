#include "rpc/load_call.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/steady_time.h"
#include "rpc/convert.h"

namespace freshet::rpc {
namespace {

constexpr int64_t kProgressIntervalMs = 200;
constexpr auto kIdle = std::chrono::milliseconds(limits::kLoadIdleMsMax);

Status CheckFiles(const v1::LoadHeader& header) {
  if (static_cast<size_t>(header.files_size()) > limits::kLoadFilesMax) {
    return Status::InvalidArgument(fmt::format("{} files; at most {} are allowed in one load",
                                               header.files_size(), limits::kLoadFilesMax));
  }
  for (const v1::LoadFile& file : header.files()) {
    if (file.path_values_size() > static_cast<int>(limits::kPathValuesMax)) {
      return Status::InvalidArgument(
          fmt::format("{}: {} columns are fixed by its path; at most {} can be", file.name(),
                      file.path_values_size(), limits::kPathValuesMax));
    }
    if (file.bytes() > INT64_MAX)
      return Status::InvalidArgument(fmt::format("{}: no file is that long", file.name()));
  }
  return {};
}

LoadFile::PathValues PathValuesOf(const v1::LoadFile& file) {
  return {file.path_values().begin(), file.path_values().end()};
}

}  // namespace

class LoadCall::ClientFile final : public LoadFile {
 public:
  ClientFile(LoadCall& call, uint32_t index)
      : ClientFile(call, index, call.header_.files(static_cast<int>(index))) {}

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    return call_.FetchRange(index_, offset, count, bytes);
  }

 private:
  ClientFile(LoadCall& call, uint32_t index, const v1::LoadFile& wire)
      : LoadFile(wire.name(), wire.bytes(), PathValuesOf(wire), wire.modified_at_ns()),
        call_(call),
        index_(index) {}

  LoadCall& call_;
  const uint32_t index_;
};

LoadCall::LoadCall(Engine& engine, grpc::CallbackServerContext* context, std::atomic<size_t>& loads)
    : engine_(engine), context_(context), loads_(loads) {}

void LoadCall::Run() {
  auto session = ReadHeader();
  Status status = session.status();
  if (session.ok()) {
    // From here on the client knows how to resume it.
    WriteNowAndThen((*session)->Progress());
    status = ReadRows(**session);
    if (status.ok()) status = FinishSession(**session);
    LoadProgress last = (*session)->Progress();
    last.phase = LoadProgress::Phase::kDone;
    Write(last, status);
    // What a dropped load leaves is cleaned up before the caller hears that it is over.
    session->reset();
  }
  End(status);
}

void LoadCall::End(const Status& status) {
  loads_.fetch_sub(1);
  Finish(ToGrpc(status, context_));
}

Result<std::unique_ptr<LoadSession>> LoadCall::ReadHeader() {
  FRESHET_RETURN_IF_ERROR(Read());
  if (!part_.has_header())
    return Status::InvalidArgument("the first message of a load must be its header");
  header_ = std::move(*part_.mutable_header());
  FRESHET_RETURN_IF_ERROR(CheckFiles(header_));
  LoadRequest request;
  request.view = header_.view();
  request.format = header_.format();
  request.bad_rows_share_max = header_.bad_rows_share_max();
  request.bad_rows_max = header_.bad_rows_max();
  if (header_.wants_bad_rows())
    request.on_bad_row = [this](const BadRowReport& bad) { TakeBadRow(bad); };
  request.dry_run = header_.dry_run();
  request.upsert = header_.upsert();
  request.delete_column = header_.delete_column();
  request.resume = header_.resume();
  request.origin = {header_.path(), header_.s3_endpoint()};
  for (const v1::LoadFile& file : header_.files())
    request.files.push_back({file.name(), file.bytes(), file.modified_at_ns()});
  request.adopt_folder = header_.adopt_folder();
  return engine_.Load(request);
}

Status LoadCall::ReadRows(LoadSession& session) {
  if (header_.files_size() > 0) return ReadFiles(session);
  return header_.adopt_folder().empty() ? FeedAll(session) : Status();
}

Status LoadCall::ReadFiles(LoadSession& session) {
  for (int i = 0; i < header_.files_size(); ++i) {
    ClientFile file(*this, static_cast<uint32_t>(i));
    FRESHET_RETURN_IF_ERROR(session.ReadFile(
        file, [this](const LoadProgress& progress) { WriteNowAndThen(progress); }));
  }
  return {};
}

Status LoadCall::FetchRange(uint32_t file, uint64_t offset, size_t count, char* bytes) {
  WriteBadRows();
  report_.Clear();
  report_.mutable_wanted()->set_file(file);
  report_.mutable_wanted()->set_offset(offset);
  report_.mutable_wanted()->set_bytes(count);
  WriteReport();
  while (count > 0) {
    FRESHET_RETURN_IF_ERROR(Read());
    const std::string& chunk = part_.chunk();
    if (!part_.has_chunk() || chunk.empty() || chunk.size() > count) {
      return Status::InvalidArgument(
          "a range of a file is answered by chunks of its bytes, no more than were asked for: "
          "nothing was changed");
    }
    chunk.copy(bytes, chunk.size());
    bytes += chunk.size();
    count -= chunk.size();
    bytes_fed_ += chunk.size();
  }
  return {};
}

Status LoadCall::FeedAll(LoadSession& session) {
  while (true) {
    FRESHET_RETURN_IF_ERROR(Read());
    switch (part_.part_case()) {
      case v1::LoadRequest::kChunk:
        FRESHET_RETURN_IF_ERROR(FeedChunk(session, part_.chunk()));
        WriteNowAndThen(session.Progress());
        break;
      case v1::LoadRequest::kEnd:
        if (part_.end().bytes() == bytes_fed_) return {};
        return Status::InvalidArgument(
            fmt::format("the end says that the file has {} bytes, but {} came: nothing was changed",
                        part_.end().bytes(), bytes_fed_));
      default:
        return Status::InvalidArgument(
            "after the header a load has chunks and one end, nothing else: nothing was changed");
    }
  }
}

Status LoadCall::FeedChunk(LoadSession& session, std::string_view chunk) {
  bytes_fed_ += chunk.size();
  while (!chunk.empty()) {
    const std::string_view piece = chunk.substr(0, limits::kLoadChunkBytesMax);
    FRESHET_RETURN_IF_ERROR(session.Feed(piece));
    chunk.remove_prefix(piece.size());
  }
  return {};
}

Status LoadCall::FinishSession(LoadSession& session) {
  if (cancelled()) return Status::Cancelled("the client cancelled the load: nothing was changed");
  auto phase = LoadProgress::Phase::kRead;
  return session.Finish([&](const LoadProgress& progress) {
    if (progress.phase != phase) next_report_ms_ = 0;
    phase = progress.phase;
    WriteNowAndThen(progress);
    if (cancelled()) session.Cancel();
  });
}

Status LoadCall::Read() {
  std::unique_lock lock(mutex_);
  read_ = Step::kUnderWay;
  lock.unlock();
  StartRead(&part_);
  lock.lock();
  if (!changed_.wait_for(lock, kIdle, [this] { return read_ != Step::kUnderWay; }))
    return Status::DeadlineExceeded(
        fmt::format("no message of the load came for {} s: nothing was changed",
                    limits::kLoadIdleMsMax / 1'000));
  if (read_ == Step::kOk) return {};
  return Status::Cancelled(fmt::format(
      "the load broke off after {} bytes, before its end: nothing was changed", bytes_fed_));
}

void LoadCall::TakeBadRow(const BadRowReport& bad) {
  ToWire(bad, bad_rows_.add_more_bad_rows());
  bad_rows_bytes_ += bad.reason.size() + bad.file.size();
  if (bad_rows_bytes_ >= limits::kBadRowsBytesMax) WriteBadRows();
}

void LoadCall::WriteBadRows() {
  if (bad_rows_.more_bad_rows_size() == 0) return;
  report_.Clear();
  report_.Swap(&bad_rows_);
  bad_rows_bytes_ = 0;
  WriteReport();
}

void LoadCall::Write(const LoadProgress& progress, const Status& status) {
  WriteBadRows();
  report_.Clear();
  ToWire(progress, &report_);
  if (!status.ok()) {
    report_.set_phase(v1::LoadProgress::FAILED);
    report_.set_error(std::string(status.message()));
  } else if (progress.phase != LoadProgress::Phase::kDone) {
    report_.clear_bad_rows();
    report_.clear_bad_rows_by_cause();
  }
  WriteReport();
}

void LoadCall::WriteReport() {
  std::unique_lock lock(mutex_);
  if (cancelled_ || write_ == Step::kFailed) return;
  write_ = Step::kUnderWay;
  lock.unlock();
  StartWrite(&report_);
  lock.lock();
  const auto done = [this] { return write_ != Step::kUnderWay; };
  if (changed_.wait_for(lock, kIdle, done)) return;
  lock.unlock();
  // The client does not read. Without this the write, and with it the call, would never end.
  context_->TryCancel();
  lock.lock();
  changed_.wait(lock, done);
}

void LoadCall::WriteNowAndThen(const LoadProgress& progress) {
  const int64_t now_ms = SteadyMs();
  if (now_ms < next_report_ms_) return;
  next_report_ms_ = now_ms + kProgressIntervalMs;
  Write(progress, Status::Ok());
}

bool LoadCall::cancelled() {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

void LoadCall::OnReadDone(bool ok) {
  std::lock_guard lock(mutex_);
  read_ = ok ? Step::kOk : Step::kFailed;
  changed_.notify_all();
}

void LoadCall::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  write_ = ok ? Step::kOk : Step::kFailed;
  changed_.notify_all();
}

void LoadCall::OnCancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
}

void LoadCall::OnDone() {
  delete this;
}

}  // namespace freshet::rpc
